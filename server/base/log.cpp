#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/json_writer.h"

namespace simpleim::base::log {
namespace {

std::atomic<Format> g_format{Format::kText};

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("simpleim", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %-5l %v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string as_text(std::string_view event, std::initializer_list<Field> fields) {
  std::string line(event);
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_json_string(line, field.value);
  }
  return line;
}

/// The part of a JSON line after the time and level, which the pattern writes.
std::string as_json(std::string_view event, std::initializer_list<Field> fields) {
  std::string line = "\"message\":";
  append_json_string(line, event);
  for (const auto& field : fields) {
    line += ',';
    append_json_string(line, field.key);
    line += ':';
    append_json_string(line, field.value);
  }
  return line;
}

}  // namespace

void set_level(Level level) { logger().set_level(to_spdlog(level)); }

void set_format(Format format) {
  g_format = format;
  if (format == Format::kJson) logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})");
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  logger().log(to_spdlog(level), "{}", g_format == Format::kJson ? as_json(event, fields) : as_text(event, fields));
}

}  // namespace simpleim::base::log
