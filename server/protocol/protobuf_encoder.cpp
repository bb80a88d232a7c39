#include "protocol/protobuf_encoder.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "protocol/frame_type.h"
#include "protocol/protobuf_fields.h"

namespace simpleim::protocol {
namespace {

namespace ondemand = simdjson::ondemand;
using Writer = protozero::pbf_builder<proto::Frame>;

/// A frame's JSON, taken apart.
struct JsonFrame {
  std::int64_t type = -1;
  std::string_view message_id, from, to, group_id, conversation_id, recalled_by;
  std::int64_t seq = 0, timestamp = 0, version = 0, edited_at = 0, recalled_at = 0;
  /// The content's JSON; empty: none.
  std::string_view content;
};

/// What contents that have a message of their own are made of. Each key stands for itself.
struct JsonContent {
  std::optional<std::string_view> text, reply_to, message_id, conversation_id, error, ref, user_id;
  std::optional<std::int64_t> seq, timestamp, code, retry_after_ms, last_seen;
  std::optional<bool> online;
  std::vector<std::string_view> at_user_ids;
  /// How many of them are there.
  int keys = 0;
};

template <class T>
bool read(ondemand::value value, T& out) {
  return value.get(out) == simdjson::SUCCESS;
}
template <class T>
bool read(ondemand::value value, std::optional<T>& out) {
  return read(value, out.emplace());
}
bool read(ondemand::value value, std::vector<std::string_view>& out) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return false;
  for (auto item : array) {
    std::string_view text;
    if (item.get_string().get(text) != simdjson::SUCCESS) return false;
    out.push_back(text);
  }
  return !out.empty();
}

/// False when the frame has something that a Frame has no place for.
bool read_field(std::string_view key, ondemand::value value, JsonFrame& out) {
  if (key == "type") return read(value, out.type);
  if (key == "message_id") return read(value, out.message_id);
  if (key == "from") return read(value, out.from);
  if (key == "to") return read(value, out.to);
  if (key == "group_id") return read(value, out.group_id);
  if (key == "conversation_id") return read(value, out.conversation_id);
  if (key == "seq") return read(value, out.seq);
  if (key == "timestamp") return read(value, out.timestamp);
  if (key == "version") return read(value, out.version);
  if (key == "edited_at") return read(value, out.edited_at);
  if (key == "recalled_at") return read(value, out.recalled_at);
  if (key == "recalled_by") return read(value, out.recalled_by);
  if (key != "content") return false;
  ondemand::object object;
  return value.get_object().get(object) == simdjson::SUCCESS && object.raw_json().get(out.content) == simdjson::SUCCESS;
}

/// False: the content is one that has no message of its own.
bool read_field(std::string_view key, ondemand::value value, JsonContent& out) {
  ++out.keys;
  if (key == "text") return read(value, out.text);
  if (key == "at_user_ids") return read(value, out.at_user_ids);
  if (key == "reply_to") return read(value, out.reply_to) && !out.reply_to->empty();
  if (key == "message_id") return read(value, out.message_id);
  if (key == "conversation_id") return read(value, out.conversation_id);
  if (key == "seq") return read(value, out.seq);
  if (key == "timestamp") return read(value, out.timestamp);
  if (key == "code") return read(value, out.code);
  if (key == "error") return read(value, out.error);
  if (key == "retry_after_ms") return read(value, out.retry_after_ms);
  if (key == "ref") return read(value, out.ref) && !out.ref->empty();
  if (key == "user_id") return read(value, out.user_id);
  if (key == "online") return read(value, out.online);
  if (key == "last_seen") return read(value, out.last_seen);
  return false;
}

template <class T>
bool read_object(ondemand::parser& parser, std::string_view json, std::size_t readable, T& out) {
  ondemand::document document;
  ondemand::object object;
  if (parser.iterate(json, readable).get(document) != simdjson::SUCCESS) return false;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (field.value().get(value) != simdjson::SUCCESS || !read_field(key, value, out)) return false;
  }
  return true;
}

template <class Builder, class Field>
void add(Builder& out, Field field, std::string_view text) {
  if (!text.empty()) out.add_string(field, text);
}
template <class Builder, class Field>
void add_u32(Builder& out, Field field, std::int64_t number) {
  if (number != 0) out.add_uint32(field, static_cast<std::uint32_t>(number));
}
template <class Builder, class Field>
void add_i64(Builder& out, Field field, std::int64_t number) {
  if (number != 0) out.add_int64(field, number);
}

/// The frame's conversation is what follows from the rest of it.
bool is_implied(const JsonFrame& frame) {
  auto text = frame.conversation_id;
  const auto take = [&](std::string_view part) {
    const bool is_next = text.starts_with(part);
    text.remove_prefix(is_next ? part.size() : 0);
    return is_next;
  };
  if (!frame.group_id.empty()) return take("group:") && text == frame.group_id;
  return take("private:") && take(std::min(frame.from, frame.to)) && take(":") &&
         text == std::max(frame.from, frame.to);
}

/// The messages that contents have. Each returns false, and has written nothing, when the content is not just that.
class Contents {
 public:
  Contents(Writer& out, const JsonFrame& frame, const JsonContent& content)
      : out_(out), frame_(frame), content_(content) {}

  bool write() {
    switch (static_cast<FrameType>(frame_.type)) {
      case FrameType::kText:
      case FrameType::kPrivate:
      case FrameType::kGroup:
        return write_text();
      case FrameType::kAck:
        return content_.code ? write_refusal() : write_ack();
      case FrameType::kError:
        return write_refusal();
      case FrameType::kRead:
      case FrameType::kDelivered:
        return write_mark();
      case FrameType::kTyping:
        return write_typing();
      case FrameType::kPresence:
        return write_presence();
      case FrameType::kHeartbeat:
        return write_heartbeat();
      default:
        return false;
    }
  }

 private:
  bool write_text() {
    const auto& c = content_;
    if (!c.text || c.keys != 1 + (c.reply_to ? 1 : 0) + (c.at_user_ids.empty() ? 0 : 1)) return false;
    protozero::pbf_builder<proto::Text> text(out_, proto::Frame::kText);
    add(text, proto::Text::kText, *c.text);
    for (const auto user : c.at_user_ids) text.add_string(proto::Text::kAtUserIds, user);
    add(text, proto::Text::kReplyTo, c.reply_to.value_or(""));
    return true;
  }
  bool write_ack() {
    const auto& c = content_;
    if (c.keys != 4 || c.message_id != frame_.message_id || c.timestamp != frame_.timestamp) return false;
    return write_place(proto::Frame::kAck);
  }
  bool write_mark() { return content_.keys == 2 && write_place(proto::Frame::kMark); }
  bool write_place(proto::Frame field) {
    if (!content_.conversation_id || !content_.seq) return false;
    protozero::pbf_builder<proto::Place> place(out_, field);
    add(place, proto::Place::kConversationId, *content_.conversation_id);
    add_u32(place, proto::Place::kSeq, *content_.seq);
    return true;
  }
  bool write_refusal() {
    const auto& c = content_;
    const bool is_ack = frame_.type == static_cast<int>(FrameType::kAck);
    if (!c.code || !c.error || (is_ack && c.message_id != frame_.message_id)) return false;
    if (c.keys != 2 + (is_ack ? 1 : 0) + (c.retry_after_ms ? 1 : 0) + (c.ref ? 1 : 0)) return false;
    protozero::pbf_builder<proto::Refusal> refusal(out_, proto::Frame::kRefusal);
    add_u32(refusal, proto::Refusal::kCode, *c.code);
    add(refusal, proto::Refusal::kError, *c.error);
    add_u32(refusal, proto::Refusal::kRetryAfterMs, c.retry_after_ms.value_or(0));
    add(refusal, proto::Refusal::kRef, c.ref.value_or(""));
    return true;
  }
  bool write_typing() {
    if (!content_.conversation_id || content_.keys != 1) return false;
    protozero::pbf_builder<proto::Typing> typing(out_, proto::Frame::kTyping);
    add(typing, proto::Typing::kConversationId, *content_.conversation_id);
    return true;
  }
  bool write_presence() {
    const auto& c = content_;
    if (!c.user_id || !c.online || !c.last_seen || c.keys != 3) return false;
    protozero::pbf_builder<proto::Presence> presence(out_, proto::Frame::kPresence);
    add(presence, proto::Presence::kUserId, *c.user_id);
    if (*c.online) presence.add_bool(proto::Presence::kOnline, true);
    add_i64(presence, proto::Presence::kLastSeen, *c.last_seen);
    return true;
  }
  bool write_heartbeat() {
    if (!content_.timestamp || content_.keys != 1) return false;
    protozero::pbf_builder<proto::Heartbeat> heartbeat(out_, proto::Frame::kHeartbeat);
    add_i64(heartbeat, proto::Heartbeat::kTimestamp, *content_.timestamp);
    return true;
  }

  Writer& out_;
  const JsonFrame& frame_;
  const JsonContent& content_;
};

bool write_sync_conversation(protozero::pbf_builder<proto::Sync>& sync, ondemand::object conversation) {
  using Field = proto::SyncConversation;
  protozero::pbf_builder<Field> out(sync, proto::Sync::kConversations);
  for (auto field : conversation) {
    std::string_view key, text;
    std::int64_t number = 0;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (key == "conversation_id") {
      if (field.value().get(text) != simdjson::SUCCESS) return false;
      add(out, Field::kConversationId, text);
      continue;
    }
    if (field.value().get(number) != simdjson::SUCCESS) return false;
    if (key == "last_seq") add_u32(out, Field::kLastSeq, number);
    else if (key == "read_seq") add_u32(out, Field::kReadSeq, number);
    else if (key == "unread") add_u32(out, Field::kUnread, number);
    else if (key == "mentioned_seq") add_u32(out, Field::kMentionedSeq, number);
    else return false;
  }
  return true;
}

/// False: the content is not just that; then what was written is of no use.
bool write_sync(ondemand::parser& parser, std::string_view json, std::size_t readable, std::string& out) {
  protozero::pbf_builder<proto::Sync> sync(out);
  ondemand::document document;
  ondemand::object content;
  if (parser.iterate(json, readable).get(document) != simdjson::SUCCESS) return false;
  if (document.get_object().get(content) != simdjson::SUCCESS) return false;
  for (auto field : content) {
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (key == "conversations") {
      ondemand::array conversations;
      if (field.value().get_array().get(conversations) != simdjson::SUCCESS) return false;
      for (auto item : conversations) {
        ondemand::object conversation;
        if (item.get_object().get(conversation) != simdjson::SUCCESS) return false;
        if (!write_sync_conversation(sync, conversation)) return false;
      }
    } else if (bool has_more = false; key == "has_more" && field.value().get(has_more) == simdjson::SUCCESS) {
      if (has_more) sync.add_bool(proto::Sync::kHasMore, true);
    } else {
      return false;
    }
  }
  return true;
}

void write_amendment(Writer& w, std::int64_t version, std::int64_t edited_at, std::int64_t recalled_at,
                     std::string_view recalled_by) {
  if (version == 0) return;
  protozero::pbf_builder<proto::Amendment> amendment(w, proto::Frame::kAmendment);
  add_u32(amendment, proto::Amendment::kVersion, version);
  add_i64(amendment, proto::Amendment::kEditedAt, edited_at);
  add_i64(amendment, proto::Amendment::kRecalledAt, recalled_at);
  add(amendment, proto::Amendment::kRecalledBy, recalled_by);
}

/// What a content says that is a text alone, without a character that JSON writes in another way.
std::optional<std::string_view> plain_text(std::string_view json) {
  constexpr std::string_view kStart = R"({"text":")";
  constexpr std::string_view kEnd = R"("})";
  if (json.size() <= kStart.size() + kEnd.size() || !json.starts_with(kStart) || !json.ends_with(kEnd))
    return std::nullopt;
  const auto text = json.substr(kStart.size(), json.size() - kStart.size() - kEnd.size());
  if (text.find_first_of("\"\\") != std::string_view::npos) return std::nullopt;
  return text;
}

}  // namespace

struct ProtobufEncoder::Buffers {
  ondemand::parser frames, contents;
  std::string padded, sync, id;

  /// The JSON with what the parser wants behind it.
  std::string_view pad(std::string_view json) {
    padded.assign(json);
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    return {padded.data(), json.size()};
  }
};

ProtobufEncoder::ProtobufEncoder() : buffers_(std::make_unique<Buffers>()) {}
ProtobufEncoder::~ProtobufEncoder() = default;

void ProtobufEncoder::encode(std::string& out, std::string_view json) {
  const auto whole = buffers_->pad(json);
  const auto& padded = buffers_->padded;
  JsonFrame frame;
  if (!read_object(buffers_->frames, whole, padded.size(), frame) || frame.type < 0)
    throw std::invalid_argument("a frame that Protobuf has no place for: " + std::string(json.substr(0, 200)));

  Writer w(out);
  add_u32(w, proto::Frame::kType, frame.type);
  add(w, proto::Frame::kMessageId, frame.message_id);
  if (frame.from != "system") add(w, proto::Frame::kFrom, frame.from);
  if (frame.to != frame.group_id) add(w, proto::Frame::kTo, frame.to);
  add(w, proto::Frame::kGroupId, frame.group_id);
  add_u32(w, proto::Frame::kSeq, frame.seq);
  add_i64(w, proto::Frame::kTimestamp, frame.timestamp);

  const auto readable =
      frame.content.empty() ? 0 : padded.size() - static_cast<std::size_t>(frame.content.data() - padded.data());
  JsonContent content;
  const bool is_plain = !frame.content.empty() && read_object(buffers_->contents, frame.content, readable, content);
  const bool names_conversation = kind_of(frame.type) == FrameKind::Mark || kind_of(frame.type) == FrameKind::Typing;
  const bool is_implied_conversation =
      frame.seq != 0 ? is_implied(frame)
                     : is_plain && names_conversation && content.conversation_id == frame.conversation_id;
  if (!is_implied_conversation) add(w, proto::Frame::kConversationId, frame.conversation_id);
  write_amendment(w, frame.version, frame.edited_at, frame.recalled_at, frame.recalled_by);
  if (frame.content.empty() || (is_plain && Contents(w, frame, content).write())) return;
  auto& sync = buffers_->sync;
  sync.clear();
  if (frame.type == static_cast<int>(FrameType::kSync) && write_sync(buffers_->contents, frame.content, readable, sync))
    w.add_message(proto::Frame::kSync, sync);
  else w.add_bytes(proto::Frame::kJson, frame.content);
}

void ProtobufEncoder::encode(std::string& out, const Message& message) {
  Writer w(out);
  auto& id = buffers_->id;
  const auto add_id = [&](proto::Frame field, auto value) {
    id.clear();
    value.append_to(id);
    w.add_string(field, id);
  };
  const bool is_group = message.conversation.is_group();
  add_u32(w, proto::Frame::kType, static_cast<int>(message.type));
  add(w, proto::Frame::kMessageId, message.id.view());
  if (message.from) add_id(proto::Frame::kFrom, message.from);
  if (is_group) add_id(proto::Frame::kGroupId, message.conversation.group());
  else add_id(proto::Frame::kTo, message.conversation.peer_of(message.from));
  add_u32(w, proto::Frame::kSeq, message.seq);
  add_i64(w, proto::Frame::kTimestamp, message.timestamp);
  if (!is_group && !message.from) add_id(proto::Frame::kConversationId, message.conversation);
  const auto& amendment = message.amendment;
  write_amendment(w, amendment.version, amendment.edited_at, amendment.recalled_at,
                  amendment.recalled_at != 0 ? amendment.recalled_by.str() : "");
  if (kind_of(message.type) == FrameKind::Text) {
    if (const auto plain = plain_text(message.content)) {
      protozero::pbf_builder<proto::Text> text(w, proto::Frame::kText);
      text.add_string(proto::Text::kText, *plain);
      return;
    }
    JsonContent content;
    JsonFrame frame;
    frame.type = static_cast<int>(message.type);
    const auto json = buffers_->pad(message.content);
    if (read_object(buffers_->contents, json, buffers_->padded.size(), content) && Contents(w, frame, content).write())
      return;
  }
  w.add_bytes(proto::Frame::kJson, message.content);
}

void ProtobufEncoder::encode_ack(std::string& out, std::string_view message_id, UserId to, ConversationId conversation,
                                 std::int64_t seq, std::int64_t timestamp) {
  Writer w(out);
  auto& id = buffers_->id;
  add_u32(w, proto::Frame::kType, static_cast<int>(FrameType::kAck));
  add(w, proto::Frame::kMessageId, message_id);
  id.clear();
  to.append_to(id);
  w.add_string(proto::Frame::kTo, id);
  add_i64(w, proto::Frame::kTimestamp, timestamp);
  id.clear();
  conversation.append_to(id);
  protozero::pbf_builder<proto::Place> place(w, proto::Frame::kAck);
  add(place, proto::Place::kConversationId, id);
  add_u32(place, proto::Place::kSeq, seq);
}

}  // namespace simpleim::protocol
