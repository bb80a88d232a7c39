#include "protocol/frame_writer.h"

#include "base/json_writer.h"

namespace simpleim::protocol {
namespace {

using base::append_int;

void open(std::string& out, std::string_view message_id, FrameType type, std::string_view from) {
  out += R"({"message_id":")";
  out += message_id;
  out += R"(","type":)";
  append_int(out, static_cast<int>(type));
  out += R"(,"from":")";
  out += from;
  out += '"';
}

void close(std::string& out, std::int64_t timestamp) {
  out += R"(,"timestamp":)";
  append_int(out, timestamp);
  out += '}';
}

void field(std::string& out, std::string_view name, auto id) {
  out += ",\"";
  out += name;
  out += "\":\"";
  id.append_to(out);
  out += '"';
}

/// Whom a frame of a conversation is for, as of a message: the group, or the other user.
void field_to(std::string& out, ConversationId conversation, UserId from) {
  if (conversation.is_group()) field(out, "to", conversation.group());
  else field(out, "to", conversation.peer_of(from));
}

void write_amendment(std::string& out, const Amendment& amendment) {
  out += R"(,"version":)";
  append_int(out, amendment.version);
  if (amendment.edited_at != 0) {
    out += R"(,"edited_at":)";
    append_int(out, amendment.edited_at);
  }
  if (amendment.recalled_at != 0) {
    out += R"(,"recalled_at":)";
    append_int(out, amendment.recalled_at);
    field(out, "recalled_by", amendment.recalled_by);
  }
}

/// The code, the text and, where there is one, when to try again.
void error_fields(std::string& out, const Error& error) {
  out += R"("code":)";
  append_int(out, static_cast<int>(error.code));
  out += R"(,"error":)";
  base::append_json_string(out, error.text);
  if (error.retry_after_ms > 0) {
    out += R"(,"retry_after_ms":)";
    append_int(out, error.retry_after_ms);
  }
}

}  // namespace

void write_message(std::string& out, const Message& message) {
  out += R"({"message_id":")";
  out += message.id.view();
  out += R"(","type":)";
  append_int(out, static_cast<int>(message.type));
  out += R"(,"from":")";
  if (message.from) message.from.append_to(out);
  else out += "system";
  out += '"';
  if (message.conversation.is_group()) {
    field(out, "to", message.conversation.group());
    field(out, "group_id", message.conversation.group());
  } else {
    field(out, "to", message.conversation.peer_of(message.from));
  }
  out += R"(,"content":)";
  out += message.content;
  field(out, "conversation_id", message.conversation);
  out += R"(,"seq":)";
  append_int(out, message.seq);
  if (message.amendment.version != 0) write_amendment(out, message.amendment);
  close(out, message.timestamp);
}

void write_ack(std::string& out, std::string_view message_id, UserId to, ConversationId conversation, std::int64_t seq,
               std::int64_t timestamp) {
  open(out, message_id, FrameType::kAck, "system");
  field(out, "to", to);
  out += R"(,"content":{"message_id":")";
  out += message_id;
  out += '"';
  field(out, "conversation_id", conversation);
  out += R"(,"seq":)";
  append_int(out, seq);
  close(out, timestamp);
  close(out, timestamp);
}

void write_refusal(std::string& out, std::string_view message_id, UserId to, const Error& error,
                   std::int64_t timestamp) {
  open(out, message_id, FrameType::kAck, "system");
  field(out, "to", to);
  out += R"(,"content":{"message_id":")";
  out += message_id;
  out += "\",";
  error_fields(out, error);
  out += '}';
  close(out, timestamp);
}

void write_error(std::string& out, UserId to, const Error& error, std::string_view ref, std::int64_t timestamp) {
  open(out, "", FrameType::kError, "system");
  field(out, "to", to);
  out += R"(,"content":{)";
  error_fields(out, error);
  if (!ref.empty()) {
    out += R"(,"ref":)";
    base::append_json_string(out, ref);
  }
  out += '}';
  close(out, timestamp);
}

void write_mark(std::string& out, const MarkFrame& mark, UserId from, std::int64_t timestamp) {
  open(out, "", mark.type, from.str());
  field_to(out, mark.conversation, from);
  out += R"(,"content":{"conversation_id":")";
  mark.conversation.append_to(out);
  out += R"(","seq":)";
  append_int(out, mark.seq);
  out += '}';
  field(out, "conversation_id", mark.conversation);
  close(out, timestamp);
}

void write_conversation(std::string& out, const ConversationSettings& settings, UserId user, std::int64_t timestamp) {
  open(out, "", FrameType::kConversation, user.str());
  field(out, "to", user);
  std::string content;
  base::JsonWriter w(content);
  w.begin_object()
      .field("conversation_id", settings.conversation.str())
      .field("session_id", settings.session.str())
      .field("pinned", settings.pinned)
      .field("muted", settings.muted)
      .field("archived", settings.archived)
      .field("draft", settings.draft)
      .end_object();
  out += R"(,"content":)" + content;
  field(out, "conversation_id", settings.conversation);
  close(out, timestamp);
}

void write_call(std::string& out, FrameType type, std::string_view content, UserId from, UserId to,
                std::int64_t timestamp) {
  open(out, "", type, from.str());
  field(out, "to", to);
  out += R"(,"content":)";
  out += content;
  close(out, timestamp);
}

void write_typing(std::string& out, ConversationId conversation, UserId from, std::int64_t timestamp) {
  open(out, "", FrameType::kTyping, from.str());
  field_to(out, conversation, from);
  out += R"(,"content":{"conversation_id":")";
  conversation.append_to(out);
  out += "\"}";
  field(out, "conversation_id", conversation);
  close(out, timestamp);
}

void write_presence(std::string& out, UserId to, UserId user, bool online, std::int64_t last_seen,
                    std::int64_t timestamp) {
  open(out, "", FrameType::kPresence, user.str());
  field(out, "to", to);
  out += R"(,"content":{"user_id":")";
  user.append_to(out);
  out += R"(","online":)";
  out += online ? "true" : "false";
  out += R"(,"last_seen":)";
  append_int(out, last_seen);
  out += '}';
  close(out, timestamp);
}

void write_query_answer(std::string& out, UserId to, std::string_view ref, int status, std::string_view body,
                        std::int64_t timestamp) {
  open(out, "", FrameType::kQuery, "system");
  field(out, "to", to);
  out += R"(,"content":{"ref":)";
  base::append_json_string(out, ref);
  out += R"(,"status":)";
  append_int(out, status);
  out += R"(,"body":)";
  out += body;
  out += '}';
  close(out, timestamp);
}

void write_heartbeat(std::string& out, UserId to, std::int64_t timestamp) {
  open(out, "", FrameType::kHeartbeat, "system");
  field(out, "to", to);
  out += R"(,"content":{"timestamp":)";
  append_int(out, timestamp);
  out += '}';
  close(out, timestamp);
}

}  // namespace simpleim::protocol
