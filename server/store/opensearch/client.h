#pragma once

#include <simdjson.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/circuit_breaker.h"
#include "store/http/http_client.h"
#include "store/opensearch/options.h"

namespace simpleim::store::opensearch {

// Answers that a caller may expect.
constexpr long kBadRequest = 400;
constexpr long kNotFound = 404;
constexpr long kConflict = 409;

/// The value of a key; 0, "" or false when it is not there or something else.
std::int64_t number_of(simdjson::dom::element object, std::string_view key);
std::string_view text_of(simdjson::dom::element object, std::string_view key);
bool flag_of(simdjson::dom::element object, std::string_view key);
/// kInternal when it is none.
simdjson::dom::array array_of(simdjson::simdjson_result<simdjson::dom::element> value);

/// An answer, as JSON. `document` is its root and lives with it.
struct Answer {
  long status = 0;
  std::shared_ptr<simdjson::dom::parser> parser;
  simdjson::dom::element document;
};

/// The REST interface of OpenSearch or Elasticsearch. Any thread, blocking; a call ends when nothing has come for
/// options.deadline_ms, and is refused at once for a moment after one has failed so. Throws StoreError: kUnavailable
/// when nobody answers or is able to (0, 429, 5xx), kInternal with the server's reason for any other refusal but those
/// that the caller has named.
class Client {
 public:
  Client(OpenSearchOptions options, const base::Clock& clock);

  /// `expected`: a status beside 2xx that is an answer, too.
  Answer call(const char* method, const std::string& path, std::string_view json = {}, long expected = 0);
  /// A body of several lines of JSON (`_bulk`, `_msearch`).
  Answer call_lines(const std::string& path, std::string_view lines);
  const OpenSearchOptions& options() const { return options_; }

 private:
  Answer send(const char* method, const std::string& path, std::string_view body, const char* type, long expected);
  http::Response send_somewhere(http::Request request, const std::string& path);

  const OpenSearchOptions options_;
  http::HttpClient http_;
  base::CircuitBreaker breaker_;
  /// Which endpoint answered last.
  std::atomic<std::size_t> place_{0};
};

}  // namespace simpleim::store::opensearch
