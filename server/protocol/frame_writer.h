#pragma once

#include <string>
#include <string_view>

#include "protocol/frame.h"

namespace simpleim::protocol {

/// Writers of the server's JSON frames (protocol.md section 3). Each appends one whole frame to
/// `out`; texts are well-formed UTF-8 and `content` is JSON already.

/// A stored message; with the same text in history and on the socket.
void write_message(std::string& out, const Message& message);
void write_ack(std::string& out, std::string_view message_id, UserId to, ConversationId conversation, std::int64_t seq,
               std::int64_t timestamp);
void write_refusal(std::string& out, std::string_view message_id, UserId to, const Error& error,
                   std::int64_t timestamp);
void write_error(std::string& out, UserId to, const Error& error, std::string_view ref, std::int64_t timestamp);
/// Types 31 and 37.
void write_mark(std::string& out, const MarkFrame& mark, UserId from, std::int64_t timestamp);
/// What a user set for a conversation in `session`, for all his devices (type 38).
struct ConversationSettings {
  ConversationId conversation;
  base::SessionId session;
  bool pinned = false;
  bool muted = false;
  bool archived = false;
  std::string draft;
};
void write_conversation(std::string& out, const ConversationSettings& settings, UserId user, std::int64_t timestamp);
/// Types 40 to 45.
void write_call(std::string& out, FrameType type, std::string_view content, UserId from, UserId to,
                std::int64_t timestamp);
void write_typing(std::string& out, ConversationId conversation, UserId from, std::int64_t timestamp);
/// last_seen in ms since the epoch, 0 when never seen.
void write_presence(std::string& out, UserId to, UserId user, bool online, std::int64_t last_seen,
                    std::int64_t timestamp);
/// `body`: JSON.
void write_query_answer(std::string& out, UserId to, std::string_view ref, int status, std::string_view body,
                        std::int64_t timestamp);
void write_heartbeat(std::string& out, UserId to, std::int64_t timestamp);

}  // namespace simpleim::protocol
