#pragma once

#include <functional>
#include <string_view>

#include "base/json_writer.h"
#include "net/http.h"
#include "protocol/error.h"

/// The envelope of every REST answer (protocol.md section 2).
namespace simpleim::api {

using base::JsonWriter;
using protocol::Error;
using protocol::ErrorCode;
using protocol::Result;

/// `{"code":0,"message":"success","data":{…}}`; `data` writes the members of the object.
net::Response ok(const std::function<void(JsonWriter&)>& data = {});
/// The fitting status, the code, the text twice (`error`, `message`), and details.
net::Response failure(const Error& error);
/// For what has no Error: a status and a text.
net::Response failure(int status, std::string_view text);

}  // namespace simpleim::api
