#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace simpleim::base {

/// Everything that can be configured, with its defaults: one member a section, one member of that a setting, as
/// settings.def lists them.
// NOLINTBEGIN(bugprone-macro-parentheses): names are not put into parentheses where they are declared.
struct Config {
#define SECTION(type, section) struct type {
#define TEXT(section, name, value, help) std::string name = value;
#define NUMBER(section, name, value, least, most, help) std::int64_t name = value;
#define FLAG(section, name, value, help) bool name = value;
#define LIST(section, name, help) std::vector<std::string> name;
#define END_SECTION(section) \
  }                          \
  section;
#include "base/settings.def"
  // NOLINTEND(bugprone-macro-parentheses)

  /// "" when every value makes sense, else what is wrong with which key and what would be right.
  std::string problem() const;
  /// Where on its host the world sees this server: "/chat" for server.public_url https://example.org/chat/; "" for the
  /// root.
  std::string public_path() const;
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
/// Reads SIMPLEIM_SECTION_NAME over `config`; returns as set_config does. What names no key is not looked at: others
/// give such names, too (Kubernetes sets SIMPLEIM_PORT for a service of that name).
std::string load_config_environment(Config& config, char** environment);
struct UnknownVariable {
  std::string name;
  /// The nearest that exists.
  std::string nearest;
};
/// Variables that begin like ours and name no key: mistyped, or not meant for us.
std::vector<UnknownVariable> unknown_environment(char** environment);

}  // namespace simpleim::base
