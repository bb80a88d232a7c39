#include "protocol/error_body.h"

#include "base/json_writer.h"

namespace simpleim::protocol {

std::string error_body(const Error& error) {
  const bool bad_token = error.code == ErrorCode::kInvalidToken || error.code == ErrorCode::kTokenRevoked;
  const std::string text = bad_token ? "invalid token" : error.text;
  std::string body;
  base::JsonWriter w(body);
  w.begin_object().field("code", static_cast<int>(error.code)).field("error", text).field("message", text);
  if (!error.field.empty() || text != error.text) {
    w.key("details").begin_object();
    if (!error.field.empty()) w.field("field", error.field);
    if (text != error.text) w.field("reason", error.text);
    w.end_object();
  }
  w.end_object();
  return body;
}

}  // namespace simpleim::protocol
