#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace simpleim::base {

/// Everything that can be configured, with its defaults. Keys are `section.name`; docs are generated
/// from `config_keys()`. 0 in a limit means "no limit".
struct Config {
  struct Server {
    std::string listen = "127.0.0.1:8080";
    std::string admin_listen = "127.0.0.1:8081";
    std::string data_dir = "./data";
    std::string node_id = "node1";
    std::int64_t threads = 0;
    std::int64_t drain_seconds = 5;
    bool allow_plain = false;
    std::vector<std::string> trusted_proxies;
  } server;
  struct Log {
    std::string level = "info";
    std::string format = "text";
  } log;
  struct Tls {
    std::string cert_file;
    std::string key_file;
  } tls;
  struct Auth {
    std::int64_t argon2_memory_kib = 65536;
    std::int64_t argon2_iterations = 3;
    std::int64_t hashing_threads = 1;
    std::int64_t access_token_s = 7 * 24 * 3600;
    std::int64_t refresh_token_s = 30 * 24 * 3600;
    std::int64_t password_min_length = 6;
  } auth;
  struct Session {
    std::string policy = "multi";
    std::int64_t max_devices = 8;
  } session;
  struct Security {
    std::vector<std::string> allowed_origins;
  } security;
  struct Limits {
    std::int64_t messages_per_second = 50;
    std::int64_t message_burst = 200;
    std::int64_t logins_per_minute = 30;
    std::int64_t registrations_per_minute = 10;
    std::int64_t outbound_queue_bytes = 1 << 20;
    std::int64_t frame_bytes = 1 << 20;
    std::int64_t content_bytes = 64 << 10;
    std::int64_t text_code_points = 20000;
    std::int64_t group_members = 50000;
    std::int64_t groups_per_user = 1000;
    std::int64_t commit_queue = 65536;
  } limits;
  struct Message {
    std::int64_t recall_window_s = 120;
    std::int64_t edit_window_s = 24 * 3600;
    std::int64_t sync_push_limit = 1000;
  } message;
  struct Files {
    std::int64_t max_bytes = std::int64_t{2} << 30;
    std::int64_t quota_bytes = std::int64_t{20} << 30;
    std::int64_t quota_files = 100'000;
    std::int64_t keep_free_bytes = std::int64_t{256} << 20;
    std::int64_t uploads_per_minute = 120;
    std::int64_t unsent_hours = 24;
    std::int64_t threads = 4;
    std::string s3;
    std::string s3_public;
    std::string s3_region = "us-east-1";
    std::int64_t s3_deadline_ms = 1000;
  } files;
  struct Rtc {
    std::vector<std::string> stun_urls;
    std::vector<std::string> turn_urls;
    std::string turn_secret;
    std::int64_t turn_ttl_s = 12 * 3600;
    std::int64_t ring_s = 45;
    std::int64_t silent_s = 6 * 3600;
  } rtc;
  struct Heartbeat {
    std::int64_t ping_s = 30;
    std::int64_t silence_s = 60;
  } heartbeat;
  struct Store {
    std::int64_t commit_delay_us = 2000;
    std::int64_t readers = 4;
    std::string mysql;
    std::string mysql_ca;
    std::string mongo;
    std::int64_t deadline_ms = 1000;
  } store;
  struct Cluster {
    std::string redis;
    std::string prefix = "simpleim:";
    std::int64_t deadline_ms = 1000;
  } cluster;

  /// "" when every value makes sense, else what is wrong with which key and what would be right.
  std::string problem() const;
};

/// A key, its environment form is SIMPLEIM_SECTION_NAME.
struct ConfigKey {
  std::string_view name;
  std::string_view help;
  std::string default_value;
};

std::vector<ConfigKey> config_keys();
std::string environment_name(std::string_view key);

/// Sets one key from text. "" when done, else the error, which names the key and, for an unknown
/// one, the nearest that exists.
std::string set_config(Config& config, std::string_view key, std::string_view value);
/// Reads a TOML file over `config`; returns as set_config does.
std::string load_config_file(Config& config, const std::string& path);
/// Reads SIMPLEIM_* over `config`; an unknown name is an error too.
std::string load_config_environment(Config& config, char** environment);

}  // namespace simpleim::base
