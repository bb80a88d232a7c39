#include "base/config.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/service_url.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace simpleim::base {
namespace {

using Integer = std::int64_t;

struct Option {
  std::string_view name;
  std::string_view help;
  std::function<std::string(Config&, std::string_view)> set;
  std::function<std::string(Config&)> get;
};

Option text(std::string_view name, std::string_view help, const std::function<std::string&(Config&)>& at) {
  return {name, help,
          [at](Config& c, std::string_view v) {
            at(c) = v;
            return std::string();
          },
          [at](Config& c) { return at(c); }};
}

Option number(std::string_view name, std::string_view help, Integer low, Integer high,
              const std::function<Integer&(Config&)>& at) {
  return {name, help,
          [=](Config& c, std::string_view v) {
            Integer parsed = 0;
            const auto [end, ec] = std::from_chars(v.data(), v.data() + v.size(), parsed);
            if (ec != std::errc() || end != v.data() + v.size() || parsed < low || parsed > high)
              return std::string(name) + ": \"" + std::string(v) + "\" is not a whole number from " +
                     std::to_string(low) + " to " + std::to_string(high);
            at(c) = parsed;
            return std::string();
          },
          [at](Config& c) { return std::to_string(at(c)); }};
}

Option flag(std::string_view name, std::string_view help, const std::function<bool&(Config&)>& at) {
  return {name, help,
          [=](Config& c, std::string_view v) {
            if (v != "true" && v != "false")
              return std::string(name) + ": \"" + std::string(v) + "\" is neither true nor false";
            at(c) = v == "true";
            return std::string();
          },
          [at](Config& c) { return std::string(at(c) ? "true" : "false"); }};
}

Option list(std::string_view name, std::string_view help, const std::function<std::vector<std::string>&(Config&)>& at) {
  return {name, help,
          [at](Config& c, std::string_view v) {
            auto& out = at(c);
            out.clear();
            while (!v.empty()) {
              const auto comma = std::min(v.find(','), v.size());
              if (comma > 0) out.emplace_back(v.substr(0, comma));
              v.remove_prefix(std::min(comma + 1, v.size()));
            }
            return std::string();
          },
          [](Config&) { return std::string(); }};
}

constexpr Integer kMax = std::numeric_limits<std::int32_t>::max();
constexpr Integer kHuge = Integer{1} << 50;

const std::vector<Option>& options() {
  static const std::vector<Option> all{
      text("server.listen", "address and port for clients", [](Config& c) -> auto& { return c.server.listen; }),
      text("server.admin_listen", "address and port for /metrics; empty: off",
           [](Config& c) -> auto& { return c.server.admin_listen; }),
      text("server.data_dir", "folder of the database and the keys",
           [](Config& c) -> auto& { return c.server.data_dir; }),
      text("server.node_id", "name of this node in /health and in the cluster",
           [](Config& c) -> auto& { return c.server.node_id; }),
      number("server.threads", "I/O threads; 0: one a processor core", 0, 256,
             [](Config& c) -> auto& { return c.server.threads; }),
      number("server.drain_seconds", "over how many seconds SIGTERM asks the clients to leave", 0, 300,
             [](Config& c) -> auto& { return c.server.drain_seconds; }),
      flag("server.allow_plain", "serve without TLS on an address that is not loopback (behind a proxy that adds it)",
           [](Config& c) -> auto& { return c.server.allow_plain; }),
      list("server.trusted_proxies",
           "addresses and networks (10.0.0.0/8) of proxies that say in X-Forwarded-For who the client is",
           [](Config& c) -> auto& { return c.server.trusted_proxies; }),
      text("log.level", "debug, info, warn or error", [](Config& c) -> auto& { return c.log.level; }),
      text("log.format", "text or json", [](Config& c) -> auto& { return c.log.format; }),
      text("tls.cert_file", "PEM certificate chain; with tls.key_file turns TLS on",
           [](Config& c) -> auto& { return c.tls.cert_file; }),
      text("tls.key_file", "PEM private key", [](Config& c) -> auto& { return c.tls.key_file; }),
      number("auth.argon2_memory_kib", "memory of one password hash, KiB", 8, 4 << 20,
             [](Config& c) -> auto& { return c.auth.argon2_memory_kib; }),
      number("auth.argon2_iterations", "passes of one password hash", 1, 100,
             [](Config& c) -> auto& { return c.auth.argon2_iterations; }),
      number("auth.hashing_threads", "password hashes at the same time", 1, 64,
             [](Config& c) -> auto& { return c.auth.hashing_threads; }),
      number("auth.access_token_s", "life of an access token, seconds", 1, kMax,
             [](Config& c) -> auto& { return c.auth.access_token_s; }),
      number("auth.refresh_token_s", "life of a refresh token, seconds", 1, kMax,
             [](Config& c) -> auto& { return c.auth.refresh_token_s; }),
      number("auth.password_min_length", "least code points of a new password", 6, 128,
             [](Config& c) -> auto& { return c.auth.password_min_length; }),
      text("session.policy", "multi: several devices a user; single: a new one closes the old",
           [](Config& c) -> auto& { return c.session.policy; }),
      number("session.max_devices", "connected devices a user", 1, 64,
             [](Config& c) -> auto& { return c.session.max_devices; }),
      list("security.allowed_origins", "origins of web pages that may connect, besides the server's own",
           [](Config& c) -> auto& { return c.security.allowed_origins; }),
      number("limits.messages_per_second", "messages a second and user", 0, kMax,
             [](Config& c) -> auto& { return c.limits.messages_per_second; }),
      number("limits.message_burst", "messages a user may send at once", 1, kMax,
             [](Config& c) -> auto& { return c.limits.message_burst; }),
      number("limits.logins_per_minute", "sign-ins a minute and address", 0, kMax,
             [](Config& c) -> auto& { return c.limits.logins_per_minute; }),
      number("limits.registrations_per_minute", "registrations a minute and address", 0, kMax,
             [](Config& c) -> auto& { return c.limits.registrations_per_minute; }),
      number("limits.outbound_queue_bytes", "unsent bytes a socket before 4009", 0, kMax,
             [](Config& c) -> auto& { return c.limits.outbound_queue_bytes; }),
      number("limits.frame_bytes", "bytes of one WebSocket message", 1024, 64 << 20,
             [](Config& c) -> auto& { return c.limits.frame_bytes; }),
      number("limits.content_bytes", "bytes of a message's content", 256, 1 << 20,
             [](Config& c) -> auto& { return c.limits.content_bytes; }),
      number("limits.text_code_points", "code points of a text message", 1, 1 << 20,
             [](Config& c) -> auto& { return c.limits.text_code_points; }),
      number("limits.group_members", "members of one group", 2, 1 << 20,
             [](Config& c) -> auto& { return c.limits.group_members; }),
      number("limits.groups_per_user", "groups one user may own", 0, kMax,
             [](Config& c) -> auto& { return c.limits.groups_per_user; }),
      number("limits.commit_queue", "messages that may wait for the disk before 50301", 1, kMax,
             [](Config& c) -> auto& { return c.limits.commit_queue; }),
      number("message.recall_window_s", "how long a sender may recall a message, seconds; 0: without end", 0, kMax,
             [](Config& c) -> auto& { return c.message.recall_window_s; }),
      number("message.edit_window_s", "how long a sender may edit a message, seconds; 0: without end", 0, kMax,
             [](Config& c) -> auto& { return c.message.edit_window_s; }),
      number("message.sync_push_limit", "messages a conversation pushed to a client that comes back", 1, 100000,
             [](Config& c) -> auto& { return c.message.sync_push_limit; }),
      number("files.max_bytes", "size of one file; 0: no limit", 0, kHuge,
             [](Config& c) -> auto& { return c.files.max_bytes; }),
      number("files.quota_bytes", "bytes of all files of one user; 0: no limit", 0, kHuge,
             [](Config& c) -> auto& { return c.files.quota_bytes; }),
      number("files.quota_files", "files of one user; 0: no limit", 0, kMax,
             [](Config& c) -> auto& { return c.files.quota_files; }),
      number("files.keep_free_bytes", "uploads leave this much room on the disk to messages", 0, kHuge,
             [](Config& c) -> auto& { return c.files.keep_free_bytes; }),
      number("files.uploads_per_minute", "uploads a user may begin in a minute; 0: no limit", 0, kMax,
             [](Config& c) -> auto& { return c.files.uploads_per_minute; }),
      number("files.unsent_hours", "hours that files never sent and uploads never ended are kept", 1, 24 * 365,
             [](Config& c) -> auto& { return c.files.unsent_hours; }),
      number("files.threads", "threads that read and write files", 1, 64,
             [](Config& c) -> auto& { return c.files.threads; }),
      text("files.s3",
           "S3 bucket for all nodes' files: https://access_key:secret_key@host/bucket; empty: server.data_dir/files",
           [](Config& c) -> auto& { return c.files.s3; }),
      text("files.s3_public",
           "the S3 server as browsers reach it: https://files.example.org; then they get files from there, by links "
           "that hold for an hour; empty: through the nodes",
           [](Config& c) -> auto& { return c.files.s3_public; }),
      text("files.s3_region", "region of the bucket, as signatures need it",
           [](Config& c) -> auto& { return c.files.s3_region; }),
      number("files.s3_deadline_ms", "how long the server waits for S3 when nothing comes, milliseconds", 100, 60000,
             [](Config& c) -> auto& { return c.files.s3_deadline_ms; }),
      list("rtc.stun_urls", "STUN servers for calls: stun:host:port, …",
           [](Config& c) -> auto& { return c.rtc.stun_urls; }),
      list("rtc.turn_urls", "TURN servers for calls: turn:host:port?transport=udp, …",
           [](Config& c) -> auto& { return c.rtc.turn_urls; }),
      text("rtc.turn_secret", "the TURN servers' shared secret (coturn: static-auth-secret)",
           [](Config& c) -> auto& { return c.rtc.turn_secret; }),
      number("rtc.turn_ttl_s", "life of TURN credentials, seconds", 60, 7 * 86400,
             [](Config& c) -> auto& { return c.rtc.turn_ttl_s; }),
      number("rtc.ring_s", "how long a call rings, seconds", 1, 600, [](Config& c) -> auto& { return c.rtc.ring_s; }),
      number("rtc.silent_s", "a call of which the server hears nothing for so long is over, seconds", 60, 7 * 86400,
             [](Config& c) -> auto& { return c.rtc.silent_s; }),
      number("heartbeat.ping_s", "seconds between two pings", 1, 3600,
             [](Config& c) -> auto& { return c.heartbeat.ping_s; }),
      number("heartbeat.silence_s", "seconds of silence after which a socket is closed", 2, 7200,
             [](Config& c) -> auto& { return c.heartbeat.silence_s; }),
      number("store.commit_delay_us", "how long a busy writer waits for more before a commit, microseconds", 0, 100000,
             [](Config& c) -> auto& { return c.store.commit_delay_us; }),
      number("store.readers", "read connections to the database, and worker threads", 1, 64,
             [](Config& c) -> auto& { return c.store.readers; }),
      text("store.mysql",
           "MySQL or MariaDB that all nodes share: mysql://user:password@host:3306/database; of several hosts "
           "(host1,host2) the one that is writable; empty: SQLite in server.data_dir",
           [](Config& c) -> auto& { return c.store.mysql; }),
      text("store.mysql_ca",
           "PEM file of who vouches for MySQL's certificate; then connections to it use TLS and check its name",
           [](Config& c) -> auto& { return c.store.mysql_ca; }),
      text("store.mongo",
           "MongoDB for the messages, beside store.mysql for the rest: mongodb://user:password@host:27017/database; "
           "empty: messages go into MySQL, too",
           [](Config& c) -> auto& { return c.store.mongo; }),
      number("store.deadline_ms", "how long the server waits for MySQL (in whole seconds) and MongoDB, milliseconds",
             100, 60000, [](Config& c) -> auto& { return c.store.deadline_ms; }),
      text("cluster.redis",
           "Redis that brings nodes together: redis://user:password@host:6379, through Sentinels "
           "redis+sentinel://user:password@host1:26379,host2:26379/master-name, a Redis Cluster "
           "redis+cluster://user:password@host1:6379,host2:6379; empty: this node is alone",
           [](Config& c) -> auto& { return c.cluster.redis; }),
      text("cluster.prefix", "in front of all keys and channels in Redis",
           [](Config& c) -> auto& { return c.cluster.prefix; }),
      number("cluster.deadline_ms", "how long the server waits for Redis, milliseconds", 100, 60000,
             [](Config& c) -> auto& { return c.cluster.deadline_ms; }),
  };
  return all;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto up = row[j];
      row[j] = std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = up;
    }
  }
  return row[b.size()];
}

std::string unknown_key(std::string_view key) {
  const auto& all = options();
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const Option& a, const Option& b) {
    return edit_distance(key, a.name) < edit_distance(key, b.name);
  });
  return "unknown key \"" + std::string(key) + "\"; the nearest is \"" + std::string(nearest->name) + "\"";
}

std::string value_text(const toml::node& node) {
  if (const auto* s = node.as_string()) return s->get();
  if (const auto* i = node.as_integer()) return std::to_string(i->get());
  if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
  std::string joined;
  if (const auto* a = node.as_array())
    for (const auto& item : *a) joined += (joined.empty() ? "" : ",") + value_text(item);
  return joined;
}

std::string redis_problem(const std::string& text) {
  if (text.empty()) return "";
  const auto url = ServiceUrl::parse(text);
  if (!url || (url->scheme != "redis" && url->scheme != "redis+sentinel" && url->scheme != "redis+cluster"))
    return "not a URL of the form redis://user:password@host:port";
  if (url->scheme == "redis" && url->hosts.size() > 1)
    return "several hosts are Sentinels (redis+sentinel://…/master-name) or nodes of a cluster (redis+cluster://…)";
  if (url->scheme == "redis+sentinel" && url->path.empty())
    return "the name that the Sentinels have for the master is missing: redis+sentinel://host:26379/master-name";
  return "";
}

}  // namespace

std::string Config::problem() const {
  if (log.level != "debug" && log.level != "info" && log.level != "warn" && log.level != "error")
    return "log.level: \"" + log.level + "\" is none of debug, info, warn, error";
  if (log.format != "text" && log.format != "json")
    return "log.format: \"" + log.format + "\" is neither text nor json";
  if (session.policy != "multi" && session.policy != "single")
    return "session.policy: \"" + session.policy + "\" is neither multi nor single";
  if (tls.cert_file.empty() != tls.key_file.empty())
    return "tls.cert_file and tls.key_file go together; one of them is missing";
  if (heartbeat.silence_s <= heartbeat.ping_s) return "heartbeat.silence_s must be larger than heartbeat.ping_s";
  const auto mysql = ServiceUrl::parse(store.mysql);
  if (!store.mysql.empty() && (!mysql || mysql->scheme != "mysql"))
    return "store.mysql: not a URL of the form mysql://user:password@host:port/database";
  if (auto wrong = redis_problem(cluster.redis); !wrong.empty()) return "cluster.redis: " + wrong;
  if (!store.mongo.empty() && store.mysql.empty())
    return "store.mongo needs store.mysql: accounts, groups and the order of messages are kept there";
  if (!store.mongo.empty() && !store.mongo.starts_with("mongodb://") && !store.mongo.starts_with("mongodb+srv://"))
    return "store.mongo: not a URL of the form mongodb://user:password@host:27017/database";
  const auto s3 = ServiceUrl::parse(files.s3);
  if (!files.s3.empty() && (!s3 || (s3->scheme != "http" && s3->scheme != "https") || s3->path.empty() ||
                            s3->user.empty() || s3->password.empty() || s3->path.find('/') != std::string::npos))
    return "files.s3: not a URL of the form https://access_key:secret_key@host/bucket";
  const auto outside = ServiceUrl::parse(files.s3_public);
  if (!files.s3_public.empty() && (!outside || (outside->scheme != "http" && outside->scheme != "https") ||
                                   !outside->path.empty() || !outside->user.empty()))
    return "files.s3_public: not a URL of the form https://host";
  if (!files.s3_public.empty() && files.s3.empty()) return "files.s3_public needs files.s3";
  if (!cluster.redis.empty() && store.mysql.empty())
    return "cluster.redis needs store.mysql: nodes that hear of each other's messages must have them in common";
  if (server.data_dir.empty()) return "server.data_dir is empty; it must name a folder";
  return "";
}

std::vector<ConfigKey> config_keys() {
  std::vector<ConfigKey> keys;
  Config defaults;
  for (const auto& option : options()) keys.push_back({option.name, option.help, option.get(defaults)});
  return keys;
}

std::string environment_name(std::string_view key) {
  std::string name = "SIMPLEIM_";
  for (const char c : key) name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string set_config(Config& config, std::string_view key, std::string_view value) {
  for (const auto& option : options())
    if (option.name == key) return option.set(config, value);
  return unknown_key(key);
}

std::string load_config_file(Config& config, const std::string& path) {
  const auto parsed = toml::parse_file(path);
  if (!parsed) {
    const auto& e = parsed.error();
    return path + ":" + std::to_string(e.source().begin.line) + ": " + std::string(e.description());
  }
  for (const auto& [section, node] : parsed.table()) {
    const auto* table = node.as_table();
    if (table == nullptr) return path + ": " + unknown_key(section.str());
    for (const auto& [name, value] : *table) {
      const auto key = std::string(section.str()) + "." + std::string(name.str());
      if (const auto error = set_config(config, key, value_text(value)); !error.empty()) return path + ": " + error;
    }
  }
  return "";
}

std::string load_config_environment(Config& config, char** environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (!entry.starts_with("SIMPLEIM_")) continue;
    const auto equals = entry.find('=');
    const auto name = entry.substr(0, equals);
    const auto& all = options();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Option& o) { return environment_name(o.name) == name; });
    if (found == all.end()) {
      const auto nearest = std::min_element(all.begin(), all.end(), [&](const Option& a, const Option& b) {
        return edit_distance(name, environment_name(a.name)) < edit_distance(name, environment_name(b.name));
      });
      return "unknown environment variable " + std::string(name) + "; the nearest is " +
             environment_name(nearest->name);
    }
    if (const auto error = found->set(config, entry.substr(equals + 1)); !error.empty())
      return std::string(name) + ": " + error;
  }
  return "";
}

}  // namespace simpleim::base
