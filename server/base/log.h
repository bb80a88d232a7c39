#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// Logging to standard error, as text or JSON lines. Field values are escaped, so nothing a user
/// sends can forge a line; callers never pass tokens, passwords or message content. Thread-safe.
namespace simpleim::base::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, std::int64_t number) : key(name), value(std::to_string(number)) {}
  Field(std::string_view name, int number) : key(name), value(std::to_string(number)) {}
  Field(std::string_view name, std::size_t number) : key(name), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

void set_level(Level level);
void set_format(Format format);

void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kWarn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::kError, event, fields);
}

}  // namespace simpleim::base::log
