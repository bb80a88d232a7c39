#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "net/http.h"
#include "protocol/error.h"

namespace simpleim::api {

/// The JSON object of a request body, read strictly: exact types, no key twice, depth at most 32.
/// The first thing that is wrong is kept as error(); reading goes on with empty values, so that a
/// handler reads all its fields and then looks once. Unknown fields are ignored.
class Body {
 public:
  explicit Body(const net::Request& request);
  ~Body();

  std::string text(std::string_view field);
  std::optional<std::string> optional_text(std::string_view field);
  std::optional<bool> optional_flag(std::string_view field);
  std::optional<std::int64_t> optional_integer(std::string_view field);
  /// `required`: a missing list is an error, else it is empty.
  std::vector<base::UserId> users(std::string_view field, bool required);
  /// 1 to `most` strings.
  std::vector<std::string> texts(std::string_view field, std::size_t most);
  base::UserId user(std::string_view field);
  bool has(std::string_view field) const;

  void fail(protocol::Error error);
  const std::optional<protocol::Error>& error() const { return error_; }

 private:
  struct Parsed;
  static std::optional<protocol::Error> parse(const net::Request& request, Parsed& out);

  std::unique_ptr<Parsed> parsed_;
  std::optional<protocol::Error> error_;
};

/// The whole number that `text` is, from 0 on; nothing when it is anything else, also "+1" and " 1".
std::optional<std::int64_t> whole_number(std::string_view text);

/// A whole number in the query: `fallback` when missing, an error when it is not from `low` to `high`.
protocol::Result<std::int64_t> query_integer(const net::Request& request, std::string_view name, std::int64_t fallback,
                                             std::int64_t low, std::int64_t high);

/// How many the query asks for, at least 1; what is above `most` is cut to it (base contract).
protocol::Result<std::size_t> query_limit(const net::Request& request, std::size_t fallback, std::size_t most);

}  // namespace simpleim::api
