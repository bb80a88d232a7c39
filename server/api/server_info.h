#pragma once

#include <cstdint>
#include <string>

/// What GET /api/server tells everybody: a client asks once and needs no constants of its own.
namespace simpleim::api {

struct ServerInfo {
  std::string name;
  std::string version;
  /// As the world reaches it, without a slash at its end; empty: each request says it.
  std::string public_url;
  /// Its path: "/chat", or "" at the root.
  std::string public_path;
  /// How long a session lasts that is not used, seconds.
  std::int64_t session_s = 0;
  bool registration_open = true;
  /// auth.reserved_usernames.
  std::string reserved_usernames;
  /// Code points.
  std::int64_t password_min_length = 0;
  /// Seconds; 0: without end.
  std::int64_t recall_window_s = 0;
  std::int64_t edit_window_s = 0;
  /// Bytes; 0: no limit.
  std::int64_t file_bytes = 0;
  std::int64_t content_bytes = 0;
  std::int64_t text_code_points = 0;
  std::int64_t group_members = 0;
  std::int64_t messages_per_second = 0;
};

}  // namespace simpleim::api
