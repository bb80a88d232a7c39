#include "store/opensearch/client.h"

#include "store/store.h"

namespace simpleim::store::opensearch {
namespace {

constexpr std::int64_t kFirstPauseMs = 200;
constexpr std::int64_t kLongestPauseMs = 2000;
constexpr std::size_t kMaxAnswer = 64 << 20;

/// What the server says is wrong.
std::string reason_of(const Answer& answer) {
  simdjson::dom::element error;
  if (answer.document["error"].get(error) != simdjson::SUCCESS) return "";
  if (std::string_view reason; error.get(reason) == simdjson::SUCCESS) return std::string(reason);
  return std::string(text_of(error, "type")) + ": " + std::string(text_of(error, "reason"));
}

template <class T>
T value_of(simdjson::dom::element object, std::string_view key) {
  T value{};
  if (object[key].get(value) != simdjson::SUCCESS) return T{};
  return value;
}

}  // namespace

std::int64_t number_of(simdjson::dom::element object, std::string_view key) {
  return value_of<std::int64_t>(object, key);
}
std::string_view text_of(simdjson::dom::element object, std::string_view key) {
  return value_of<std::string_view>(object, key);
}
bool flag_of(simdjson::dom::element object, std::string_view key) { return value_of<bool>(object, key); }

simdjson::dom::array array_of(simdjson::simdjson_result<simdjson::dom::element> value) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS)
    throw StoreError(ErrorCode::kInternal, "the search server answers in a way that is not known");
  return array;
}

Client::Client(OpenSearchOptions options, const base::Clock& clock)
    : options_(std::move(options)),
      http_({options_.deadline_ms, kMaxAnswer, options_.ca_file, options_.user, options_.password}),
      breaker_(clock, kFirstPauseMs, kLongestPauseMs, options_.metrics) {}

Answer Client::call(const char* method, const std::string& path, std::string_view json, long expected) {
  return send(method, path, json, "application/json", expected);
}

Answer Client::call_lines(const std::string& path, std::string_view lines) {
  return send("POST", path, lines, "application/x-ndjson", 0);
}

http::Response Client::send_somewhere(http::Request request, const std::string& path) {
  http::Response response;
  const auto count = options_.endpoints.size();
  const auto first = place_.load();
  for (std::size_t i = 0; i < count; ++i) {
    const auto place = (first + i) % count;
    request.url = options_.endpoints[place] + path;
    response = http_.send(request);
    if (response.status == 0) continue;
    place_ = place;
    break;
  }
  return response;
}

Answer Client::send(const char* method, const std::string& path, std::string_view body, const char* type,
                    long expected) {
  if (!breaker_.allow())
    throw StoreError(ErrorCode::kUnavailable, "the search server has just failed; it will be tried again in a moment");
  const auto content = http::body_of(body);
  const auto response =
      send_somewhere({method, {}, {std::string("Content-Type: ") + type}, body.empty() ? nullptr : &content}, path);
  const bool is_away = response.status == 0 || response.status == 429 || response.status >= 500;
  if (is_away) breaker_.failed();
  else breaker_.succeeded();

  const auto what = "the search server, " + std::string(method) + " " + path + ": ";
  if (response.is_untrusted)
    throw StoreError(ErrorCode::kInternal,
                     what + response.body + "; search.ca names the authority whose certificates are to be trusted");
  if (response.status == 0) throw StoreError(ErrorCode::kUnavailable, what + response.body);
  Answer answer{response.status, std::make_shared<simdjson::dom::parser>(), {}};
  const bool is_json = answer.parser->parse(response.body).get(answer.document) == simdjson::SUCCESS;
  const bool is_fine = response.status / 100 == 2 || response.status == expected;
  if (is_fine && is_json) return answer;
  const auto reason = is_json ? reason_of(answer) : "";
  throw StoreError(
      is_away ? ErrorCode::kUnavailable : ErrorCode::kInternal,
      what + std::to_string(response.status) + " " + (reason.empty() ? response.body.substr(0, 300) : reason));
}

}  // namespace simpleim::store::opensearch
