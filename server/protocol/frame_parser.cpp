#include "protocol/frame_parser.h"

#include "protocol/frame_fields.h"
#include "protocol/protobuf_decoder.h"

namespace simpleim::protocol {
namespace {

constexpr std::size_t kMaxDepth = 32;

std::optional<RefusedFrame> collect(simdjson::dom::object object, Fields& out) {
  for (auto [key, value] : object) {
    std::optional<element>* slot = nullptr;
    if (key == "message_id") slot = &out.message_id;
    else if (key == "type") slot = &out.type;
    else if (key == "to") slot = &out.to;
    else if (key == "group_id") slot = &out.group_id;
    else if (key == "content") slot = &out.content;
    if (slot == nullptr) continue;
    if (*slot)
      return refuse(ErrorCode::kMalformedJson, "the key \"" + std::string(key) + "\" stands twice in the frame");
    *slot = value;
  }
  return std::nullopt;
}

/// Reads `{conversation_id, seq}`.
std::variant<RefusedFrame, MarkFrame> read_mark(FrameType type, simdjson::dom::object content) {
  const auto conversation_text = content["conversation_id"].get_string();
  if (conversation_text.error())
    return refuse(ErrorCode::kValidation, "content.conversation_id: a string is needed", "content.conversation_id");
  const auto conversation = ConversationId::parse(conversation_text.value_unsafe());
  if (!conversation)
    return refuse(ErrorCode::kValidation,
                  "content.conversation_id: private:{user_id}:{user_id} or group:{group_id} is needed",
                  "content.conversation_id");
  const auto seq = content["seq"].get_int64();
  if (seq.error() || seq.value_unsafe() < 1)
    return refuse(ErrorCode::kValidation, "content.seq: a whole number of at least 1 is needed", "content.seq");
  return MarkFrame{type, *conversation, seq.value_unsafe()};
}

std::variant<RefusedFrame, PresenceFrame> read_presence(simdjson::dom::object content, const FrameLimits& limits) {
  const auto ids = content["user_ids"].get_array();
  if (ids.error())
    return refuse(ErrorCode::kValidation, "content.user_ids: an array of user ids is needed", "content.user_ids");
  if (ids.value_unsafe().size() > limits.presence_users)
    return refuse(ErrorCode::kValidation,
                  "content.user_ids: at most " + std::to_string(limits.presence_users) + " users", "content.user_ids");
  PresenceFrame frame;
  for (const element id : ids.value_unsafe()) {
    const auto user = is_string(id) ? UserId::parse(as_string(id)) : std::nullopt;
    if (!user) return refuse(ErrorCode::kValidation, "content.user_ids: each must be a user id", "content.user_ids");
    frame.users.push_back(*user);
  }
  return frame;
}

/// Of a text that is no JSON (half an emoji, a number that is none), so that the message can be told that it is
/// refused: what stands behind the first "message_id", if that may be one. "": nothing.
std::string message_id_in(std::string_view text) {
  constexpr std::string_view kKey = "\"message_id\"";
  constexpr std::string_view kSpace = " \t\r\n";
  const auto key = text.find(kKey);
  if (key == std::string_view::npos) return "";
  text.remove_prefix(key + kKey.size());
  const auto colon = text.find_first_not_of(kSpace);
  if (colon == std::string_view::npos || text[colon] != ':') return "";
  text.remove_prefix(colon + 1);
  const auto quote = text.find_first_not_of(kSpace);
  if (quote == std::string_view::npos || text[quote] != '"') return "";
  text.remove_prefix(quote + 1);
  const auto id = text.substr(0, text.find('"'));
  return MessageId::parse(id) ? std::string(id) : "";
}

ClientFrame read_query(simdjson::dom::object content) {
  constexpr std::size_t kMaxRef = 64;
  constexpr std::size_t kMaxPath = 2048;
  std::string_view ref;
  std::string_view method = "GET";
  std::string_view path;
  if (content["ref"].get(ref) != simdjson::SUCCESS || ref.empty() || ref.size() > kMaxRef)
    return refuse(ErrorCode::kValidation, "content.ref: 1 to 64 bytes of the client's choice are needed",
                  "content.ref");
  const auto given = content["method"];
  if (given.error() != simdjson::NO_SUCH_FIELD && given.get(method) != simdjson::SUCCESS)
    return refuse(ErrorCode::kValidation, "content.method: a string is needed", std::string(ref));
  if (content["path"].get(path) != simdjson::SUCCESS || !path.starts_with('/') || path.size() > kMaxPath)
    return refuse(ErrorCode::kValidation, "content.path: a path of the REST part is needed", std::string(ref));
  QueryFrame frame{std::string(ref), std::string(method), std::string(path), {}};
  simdjson::dom::object body;
  if (content["body"].get(body) == simdjson::SUCCESS) frame.body = simdjson::minify(body);
  return frame;
}

ClientFrame read_typing(const Fields& fields, simdjson::dom::object content) {
  TypingFrame out;
  const auto conversation_text = content["conversation_id"].get_string();
  if (!conversation_text.error()) {
    const auto conversation = ConversationId::parse(conversation_text.value_unsafe());
    if (!conversation)
      return refuse(ErrorCode::kValidation,
                    "content.conversation_id: private:{user_id}:{user_id} or group:{group_id} is needed",
                    "content.conversation_id");
    out.conversation = *conversation;
    return out;
  }
  SendFrame target;
  if (auto error = read_recipient(id_text(fields.to), id_text(fields.group_id), FrameType::kText, target))
    return std::move(*error);
  if (target.group) out.conversation = ConversationId::of(target.group);
  else out.to = target.to;
  return out;
}

template <class T>
ClientFrame widen(std::variant<RefusedFrame, T> narrow) {
  if (auto* refused = std::get_if<RefusedFrame>(&narrow)) return std::move(*refused);
  return std::get<T>(std::move(narrow));
}

RefusedFrame refuse_type(std::int64_t type) {
  const auto number = std::to_string(type);
  if (kind_of(type) == FrameKind::Unknown)
    return refuse(ErrorCode::kValidation, "type: " + number + " is not known", "type");
  return refuse(ErrorCode::kValidation, "type: " + number + " is sent by the server only", "type");
}

/// A frame of this kind needs an object as content.
bool needs_content(FrameKind kind) {
  switch (kind) {
    case FrameKind::Text:
    case FrameKind::File:
    case FrameKind::Operation:
    case FrameKind::Mark:
    case FrameKind::Call:
    case FrameKind::Presence:
    case FrameKind::Query:
      return true;
    default:
      return false;
  }
}

/// The answer to a frame that should have had a content.
RefusedFrame without_content(const Fields& fields, FrameKind kind) {
  auto refused = refuse(ErrorCode::kValidation, "content: an object is needed", "content");
  refused.wants_ack = kind == FrameKind::Text || kind == FrameKind::File || kind == FrameKind::Operation;
  if (fields.message_id && is_string(*fields.message_id) && MessageId::parse(as_string(*fields.message_id)))
    refused.message_id = as_string(*fields.message_id);
  return refused;
}

}  // namespace

struct FrameParser::Buffers {
  simdjson::dom::parser parser;
  std::string json;
};

FrameParser::FrameParser(FrameLimits limits) : limits_(limits), buffers_(std::make_unique<Buffers>()) {
  if (buffers_->parser.allocate(4096, kMaxDepth) != simdjson::SUCCESS) throw std::bad_alloc();
}

FrameParser::~FrameParser() = default;

ClientFrame FrameParser::parse_protobuf(std::string_view bytes) {
  auto& json = buffers_->json;
  json.clear();
  if (auto frame = read_protobuf(json, bytes, limits_)) return std::move(*frame);
  const auto size = json.size();
  json.resize(size + kFramePadding);
  return parse({json.data(), size});
}

ClientFrame FrameParser::parse(std::string_view text) {
  static_assert(kFramePadding >= simdjson::SIMDJSON_PADDING);
  element root;
  if (const auto error = buffers_->parser.parse(text.data(), text.size(), false).get(root);
      error != simdjson::SUCCESS) {
    auto refused = refuse(ErrorCode::kMalformedJson,
                          error == simdjson::NUMBER_ERROR
                              ? std::string("a number in the frame is none, or neither 64 bits nor a double hold it; "
                                            "send such a one as a string")
                              : std::string("the frame is not valid JSON: ") + simdjson::error_message(error));
    refused.message_id = message_id_in(text);
    refused.wants_ack = !refused.message_id.empty();
    return refused;
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return refuse(ErrorCode::kMalformedJson, "a frame is one JSON object");

  Fields fields;
  if (auto error = collect(object, fields)) return std::move(*error);
  std::int64_t type = -1;
  if (!fields.type || fields.type->get(type) != simdjson::SUCCESS)
    return refuse(ErrorCode::kValidation, "type: a whole number is needed", "type");
  const auto kind = kind_of(type);
  simdjson::dom::object content;
  const bool has_content = fields.content && fields.content->get(content) == simdjson::SUCCESS;
  if (needs_content(kind) && !has_content) return without_content(fields, kind);
  const auto known = static_cast<FrameType>(type);
  switch (kind) {
    case FrameKind::Text:
    case FrameKind::File:
      return read_send(fields, known, content, limits_);
    case FrameKind::Operation:
      return read_operation(fields, known, content, limits_);
    case FrameKind::Mark:
      return widen(read_mark(known, content));
    case FrameKind::Call:
      return read_call(fields, known, content);
    case FrameKind::Typing:
      return read_typing(fields, has_content ? content : object);
    case FrameKind::Presence:
      return widen(read_presence(content, limits_));
    case FrameKind::Sync:
      return SyncFrame{};
    case FrameKind::Query:
      return read_query(content);
    case FrameKind::Heartbeat:
      return HeartbeatFrame{};
    default:
      return refuse_type(type);
  }
}

}  // namespace simpleim::protocol
