#include "api/body.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/json_numbers.h"
#include "net/header_value.h"

namespace simpleim::api {

using protocol::Error;
using protocol::ErrorCode;
using simdjson::dom::element;

struct Body::Parsed {
  simdjson::dom::parser parser;
  simdjson::padded_string text;
  simdjson::dom::object object;
};

namespace {

constexpr std::size_t kMaxDepth = 32;

Error malformed(std::string text) { return {ErrorCode::kMalformedJson, std::move(text)}; }

bool is_json(std::string_view content_type) {
  const auto type = content_type.substr(0, std::min(content_type.find(';'), content_type.size()));
  return net::lower(net::trim(type)) == "application/json";
}

std::optional<element> find(const simdjson::dom::object& object, std::string_view field) {
  element value;
  if (object[field].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

std::optional<std::string_view> as_text(const std::optional<element>& value) {
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return std::nullopt;
  return text;
}

}  // namespace

std::optional<Error> Body::parse(const net::Request& request, Parsed& p) {
  const auto type = request.header("content-type");
  if (!type.empty() && !request.body.empty() && !is_json(type))
    return Error{ErrorCode::kMediaType, "the body must be application/json"};
  p.text = simdjson::padded_string(request.body.empty() ? std::string_view("{}") : std::string_view(request.body));
  if (p.parser.allocate(std::max<std::size_t>(p.text.size(), 64), kMaxDepth) != simdjson::SUCCESS)
    return malformed("the body is too large");
  element root;
  auto error = p.parser.parse(p.text).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    p.text = simdjson::padded_string(base::without_huge_numbers(p.text));
    error = p.parser.parse(p.text).get(root);
  }
  if (error != simdjson::SUCCESS)
    return malformed(std::string("the body is not valid JSON: ") + simdjson::error_message(error));
  if (root.get(p.object) != simdjson::SUCCESS) return malformed("the body must be a JSON object");
  std::vector<std::string_view> keys;
  for (auto field : p.object) keys.push_back(field.key);
  std::sort(keys.begin(), keys.end());
  if (const auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end())
    return malformed("the key \"" + std::string(*twice) + "\" stands twice");
  return std::nullopt;
}

Body::Body(const net::Request& request) : parsed_(std::make_unique<Parsed>()), error_(parse(request, *parsed_)) {}

Body::~Body() = default;

void Body::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

bool Body::has(std::string_view field) const { return !error_ && find(parsed_->object, field).has_value(); }

std::optional<std::string> Body::optional_text(std::string_view field) {
  if (error_) return std::nullopt;
  const auto value = find(parsed_->object, field);
  if (!value) return std::nullopt;
  const auto text = as_text(value);
  if (!text) {
    fail(protocol::invalid_field(std::string(field), "a string is needed"));
    return std::nullopt;
  }
  if (text->find('\0') != std::string_view::npos)
    fail(protocol::invalid_field(std::string(field), "must not hold a NUL character"));
  return std::string(*text);
}

std::string Body::text(std::string_view field) {
  if (!error_ && !has(field)) fail(protocol::invalid_field(std::string(field), "missing; a string is needed"));
  return optional_text(field).value_or("");
}

std::optional<bool> Body::optional_flag(std::string_view field) {
  if (error_) return std::nullopt;
  const auto value = find(parsed_->object, field);
  bool flag = false;
  if (!value) return std::nullopt;
  if (value->get(flag) != simdjson::SUCCESS)
    fail(protocol::invalid_field(std::string(field), "true or false is needed"));
  return flag;
}

std::optional<std::int64_t> Body::optional_integer(std::string_view field) {
  if (error_) return std::nullopt;
  const auto value = find(parsed_->object, field);
  std::int64_t number = 0;
  if (!value) return std::nullopt;
  // 5.0 is a whole number, too (JSON Schema section 4.2.3), as far as a double is exact.
  constexpr double kExact = 9007199254740992.0;
  double other = 0;
  if (value->get(number) == simdjson::SUCCESS) return number;
  if (value->get(other) == simdjson::SUCCESS && std::abs(other) <= kExact && std::trunc(other) == other)
    return static_cast<std::int64_t>(other);
  fail(protocol::invalid_field(std::string(field), "a whole number is needed"));
  return number;
}

std::vector<std::string> Body::texts(std::string_view field, std::size_t most) {
  std::vector<std::string> found;
  if (error_) return found;
  const auto name = std::string(field);
  const auto value = find(parsed_->object, field);
  simdjson::dom::array items;
  const bool is_list = value && value->get(items) == simdjson::SUCCESS && items.size() >= 1 && items.size() <= most;
  bool all_texts = is_list;
  if (is_list)
    for (const element item : items) {
      std::string_view text;
      all_texts = all_texts && item.get(text) == simdjson::SUCCESS;
      found.emplace_back(text);
    }
  if (!all_texts) fail(protocol::invalid_field(name, "a list of 1 to " + std::to_string(most) + " strings is needed"));
  return all_texts ? found : std::vector<std::string>();
}

base::UserId Body::user(std::string_view field) {
  const auto id = base::UserId::parse(text(field));
  if (!id) fail(protocol::invalid_field(std::string(field), "a user id (user_…) is needed"));
  return id.value_or(base::UserId());
}

std::vector<base::UserId> Body::users(std::string_view field, bool required) {
  std::vector<base::UserId> ids;
  if (error_) return ids;
  const auto value = find(parsed_->object, field);
  const auto wrong = [&] { fail(protocol::invalid_field(std::string(field), "a list of user ids is needed")); };
  if (!value) {
    if (required) wrong();
    return ids;
  }
  simdjson::dom::array list;
  if (value->get(list) != simdjson::SUCCESS) return wrong(), ids;
  for (const element item : list) {
    const auto text = as_text(item);
    const auto id = text ? base::UserId::parse(*text) : std::nullopt;
    if (!id) return wrong(), ids;
    ids.push_back(*id);
  }
  return ids;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

protocol::Result<std::int64_t> query_integer(const net::Request& request, std::string_view name, std::int64_t fallback,
                                             std::int64_t low, std::int64_t high) {
  const auto text = request.param(name);
  if (text.empty()) return fallback;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    return protocol::invalid_field(
        std::string(name), "a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " is needed");
  return value;
}

protocol::Result<std::size_t> query_limit(const net::Request& request, std::size_t fallback, std::size_t most) {
  const auto text = request.param("limit");
  // However many are asked for, there is a most; also a number that no integer holds asks for more.
  constexpr std::size_t kDigits = 18;
  if (text.size() > kDigits && text.find_first_not_of("0123456789") == std::string_view::npos) return most;
  const auto wanted =
      query_integer(request, "limit", static_cast<std::int64_t>(fallback), 1, std::numeric_limits<std::int64_t>::max());
  if (!wanted) return wanted.error();
  return std::min(static_cast<std::size_t>(wanted.value()), most);
}

}  // namespace simpleim::api
