#include "base/config.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <variant>

#include "base/service_url.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace simpleim::base {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kHuge = std::int64_t{1} << 50;

template <class T>
using At = T& (*)(Config&);

struct Number {
  At<std::int64_t> at;
  std::int64_t least;
  std::int64_t most;
};

struct Setting {
  std::string_view name;
  std::string_view help;
  std::variant<At<std::string>, Number, At<bool>, At<std::vector<std::string>>> value;
};

// NOLINTBEGIN(bugprone-macro-parentheses)
constexpr Setting kSettings[] = {
#define SECTION(type, section)
#define AT(type, section, name) +[](Config& c) -> type& { return c.section.name; }
#define TEXT(section, name, value, help) {#section "." #name, help, AT(std::string, section, name)},
#define NUMBER(section, name, value, least, most, help) \
  {#section "." #name, help, Number{AT(std::int64_t, section, name), least, most}},
#define FLAG(section, name, value, help) {#section "." #name, help, AT(bool, section, name)},
#define LIST(section, name, help) {#section "." #name, help, AT(std::vector<std::string>, section, name)},
#define END_SECTION(section)
#include "base/settings.def"
#undef AT
};
// NOLINTEND(bugprone-macro-parentheses)

/// Reads a text into a setting; "" or what is wrong with it.
struct Reader {
  Config& config;
  std::string_view text;

  std::string operator()(At<std::string> at) const {
    at(config) = text;
    return "";
  }
  std::string operator()(const Number& number) const {
    std::int64_t parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error != std::errc() || end != text.data() + text.size() || parsed < number.least || parsed > number.most)
      return "not a whole number from " + std::to_string(number.least) + " to " + std::to_string(number.most);
    number.at(config) = parsed;
    return "";
  }
  std::string operator()(At<bool> at) const {
    if (text != "true" && text != "false") return "neither true nor false";
    at(config) = text == "true";
    return "";
  }
  std::string operator()(At<std::vector<std::string>> at) const {
    auto& items = at(config);
    items.clear();
    for (auto rest = text; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (comma > 0) items.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return "";
  }
};

struct Writer {
  Config& config;

  std::string operator()(At<std::string> at) const { return at(config); }
  std::string operator()(const Number& number) const { return std::to_string(number.at(config)); }
  std::string operator()(At<bool> at) const { return at(config) ? "true" : "false"; }
  std::string operator()(At<std::vector<std::string>> at) const {
    std::string joined;
    for (const auto& item : at(config)) joined += (joined.empty() ? "" : ",") + item;
    return joined;
  }
};

/// As set_config().
std::string assign(const Setting& setting, Config& config, std::string_view text) {
  const auto wrong = std::visit(Reader{config, text}, setting.value);
  if (wrong.empty()) return "";
  return std::string(setting.name) + ": \"" + std::string(text) + "\" is " + wrong;
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

/// The setting whose name, as `written` writes it, is nearest to `name`.
template <class Written>
const Setting& nearest(std::string_view name, const Written& written) {
  return *std::min_element(std::begin(kSettings), std::end(kSettings), [&](const Setting& a, const Setting& b) {
    return edit_distance(name, written(a.name)) < edit_distance(name, written(b.name));
  });
}

std::string unknown_key(std::string_view key) {
  const auto& near = nearest(key, [](std::string_view name) { return name; });
  return "unknown key \"" + std::string(key) + "\"; the nearest is \"" + std::string(near.name) + "\"";
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

std::string search_problem(const std::string& text) {
  if (text.empty()) return "";
  const auto url = ServiceUrl::parse(text);
  if (!url || (url->scheme != "http" && url->scheme != "https"))
    return "not a URL of the form https://user:password@host:9200/index";
  // What OpenSearch takes as the name of an index.
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (!std::all_of(url->path.begin(), url->path.end(), is_allowed) || url->path.find_first_of("-_.") == 0)
    return "the name of the index, behind the last /, takes a-z, 0-9 and, but for its beginning, - _ .";
  return "";
}

/// Of RFC 3986 section 2.3, and what parts a path: nothing that a page or a cookie would need escaped.
constexpr std::string_view kPathMarks = "-._~/";

}  // namespace

std::string Config::public_path() const {
  const auto& url = server.public_url;
  const auto host = url.find("://");
  const auto begin = host == std::string::npos ? host : url.find('/', host + 3);
  auto path = begin == std::string::npos ? "" : url.substr(begin);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

std::string Config::problem() const {
  if (log.level != "debug" && log.level != "info" && log.level != "warn" && log.level != "error")
    return "log.level: \"" + log.level + "\" is none of debug, info, warn, error";
  if (log.format != "text" && log.format != "json")
    return "log.format: \"" + log.format + "\" is neither text nor json";
  if (auth.registration != "open" && auth.registration != "closed")
    return "auth.registration: \"" + auth.registration + "\" is neither open nor closed";
  if (!server.public_url.empty() && !server.public_url.starts_with("https://") &&
      !server.public_url.starts_with("http://"))
    return "server.public_url: \"" + server.public_url + "\" begins with neither https:// nor http://";
  if (const auto path = public_path(); !std::all_of(path.begin(), path.end(), [](unsigned char c) {
        return std::isalnum(c) || kPathMarks.find(static_cast<char>(c)) != std::string_view::npos;
      }))
    return "server.public_url: the path \"" + path + "\" may have letters, digits and -._~/ only";
  if (groups.history != "since_joined" && groups.history != "all")
    return "groups.history: \"" + groups.history + "\" is neither since_joined nor all";
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
  if (auto wrong = search_problem(search.url); !wrong.empty()) return "search.url: " + wrong;
  const auto outside = ServiceUrl::parse(files.s3_public);
  if (!files.s3_public.empty() && (!outside || (outside->scheme != "http" && outside->scheme != "https") ||
                                   !outside->path.empty() || !outside->user.empty()))
    return "files.s3_public: not a URL of the form https://host";
  if (!files.s3_public.empty() && files.s3.empty()) return "files.s3_public needs files.s3";
  const auto cdn = ServiceUrl::parse(files.public_url);
  if (!files.public_url.empty() && (!cdn || (cdn->scheme != "http" && cdn->scheme != "https") || !cdn->user.empty()))
    return "files.public_url: not a URL of the form https://cdn.example.org";
  if (!files.public_url.empty() && !files.s3_public.empty())
    return "files.public_url and files.s3_public are two places for browsers to get files from; name one";
  if (!cluster.redis.empty() && store.mysql.empty())
    return "cluster.redis needs store.mysql: nodes that hear of each other's messages must have them in common";
  if (server.data_dir.empty()) return "server.data_dir is empty; it must name a folder";
  return "";
}

std::vector<ConfigKey> config_keys() {
  std::vector<ConfigKey> keys;
  Config defaults;
  for (const auto& setting : kSettings)
    keys.push_back({setting.name, setting.help, std::visit(Writer{defaults}, setting.value)});
  return keys;
}

std::string environment_name(std::string_view key) {
  std::string name = "SIMPLEIM_";
  for (const char c : key) name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string set_config(Config& config, std::string_view key, std::string_view value) {
  for (const auto& setting : kSettings)
    if (setting.name == key) return assign(setting, config, value);
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

namespace {

constexpr std::string_view kPrefix = "SIMPLEIM_";

const Setting* setting_of(std::string_view environment_entry) {
  const auto name = environment_entry.substr(0, environment_entry.find('='));
  const auto found = std::find_if(std::begin(kSettings), std::end(kSettings),
                                  [&](const Setting& s) { return environment_name(s.name) == name; });
  return found == std::end(kSettings) ? nullptr : found;
}

}  // namespace

std::string load_config_environment(Config& config, char** environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const auto* setting = entry.starts_with(kPrefix) ? setting_of(entry) : nullptr;
    if (setting == nullptr) continue;
    const auto equals = entry.find('=');
    if (const auto error = assign(*setting, config, entry.substr(equals + 1)); !error.empty())
      return std::string(entry.substr(0, equals)) + ": " + error;
  }
  return "";
}

std::vector<UnknownVariable> unknown_environment(char** environment) {
  std::vector<UnknownVariable> unknown;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (!entry.starts_with(kPrefix) || setting_of(entry) != nullptr) continue;
    const auto name = entry.substr(0, entry.find('='));
    unknown.push_back({std::string(name), environment_name(nearest(name, environment_name).name)});
  }
  return unknown;
}

}  // namespace simpleim::base
