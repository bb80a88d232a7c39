#include "api/reply.h"

#include "protocol/error_body.h"

namespace simpleim::api {

net::Response ok(const std::function<void(JsonWriter&)>& data) {
  net::Response response;
  JsonWriter w(response.body);
  w.begin_object().field("code", 0).field("message", "success").key("data").begin_object();
  if (data) data(w);
  w.end_object().end_object();
  return response;
}

net::Response failure(const Error& error) {
  net::Response response;
  response.status = protocol::http_status(error.code);
  response.body = protocol::error_body(error);
  if (error.retry_after_ms > 0)
    response.headers.emplace_back("Retry-After", std::to_string((error.retry_after_ms + 999) / 1000));
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

net::Response failure(int status, std::string_view text) {
  auto code = static_cast<ErrorCode>(status * 100 + 1);
  net::Response response = failure(Error{code, std::string(text)});
  response.status = status;
  return response;
}

}  // namespace simpleim::api
