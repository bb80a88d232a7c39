#pragma once

#include "api/routes.h"
#include "service/files/files.h"

/// How files are described and sent.
namespace simpleim::api {

/// A file's name has characters that turn it around: "exe.gpj" would be read as "jpg.exe".
inline Error treacherous_name(std::string field) {
  return protocol::invalid_field(std::move(field), "its name has characters that turn text around (U+202A)");
}

/// The members of an uploaded file; its URLs are signed for `me`.
void write_file(JsonWriter& w, const service::Files& files, const store::File& file, UserId me);

/// The content of the file, or of its thumbnail: whole, the range asked for (RFC 9110 section 14), 304, or a
/// redirection (302) to where it lies. `shared_s`: any cache may keep it so long and give it to whoever has the link;
/// 0: it is for this user alone.
net::Response send_file(service::Files& files, const store::File& file, bool thumbnail, const net::Request& request,
                        std::int64_t shared_s = 0);

}  // namespace simpleim::api
