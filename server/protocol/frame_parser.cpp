#include "protocol/frame_parser.h"

#include "protocol/frame_fields.h"

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
  if (auto error = read_recipient(fields, FrameType::kText, target)) return std::move(*error);
  if (target.group) out.conversation = ConversationId::of(target.group);
  else out.to = target.to;
  return out;
}

template <class T>
ClientFrame widen(std::variant<RefusedFrame, T> narrow) {
  if (auto* refused = std::get_if<RefusedFrame>(&narrow)) return std::move(*refused);
  return std::get<T>(std::move(narrow));
}

bool is_known_type(std::int64_t type) {
  return (type >= 0 && type <= 7) || (type >= 30 && type <= 39) || (type >= 40 && type <= 45) || type == 50 ||
         type == 60 || type == 99;
}

RefusedFrame refuse_type(std::int64_t type) {
  const auto number = std::to_string(type);
  if (type == 3 || type == 30 || type == 34 || type == 38)
    return refuse(ErrorCode::kValidation, "type: " + number + " is sent by the server only", "type");
  if (is_known_type(type))
    return refuse(ErrorCode::kValidation, "type: " + number + " is not offered by this server yet", "type");
  return refuse(ErrorCode::kValidation, "type: " + number + " is not known", "type");
}

}  // namespace

struct FrameParser::Buffers {
  simdjson::dom::parser parser;
};

FrameParser::FrameParser(FrameLimits limits) : limits_(limits), buffers_(std::make_unique<Buffers>()) {
  if (buffers_->parser.allocate(4096, kMaxDepth) != simdjson::SUCCESS) throw std::bad_alloc();
}

FrameParser::~FrameParser() = default;

ClientFrame FrameParser::parse(std::string_view text) {
  static_assert(kFramePadding >= simdjson::SIMDJSON_PADDING);
  element root;
  if (const auto error = buffers_->parser.parse(text.data(), text.size(), false).get(root); error != simdjson::SUCCESS)
    return refuse(ErrorCode::kMalformedJson,
                  std::string("the frame is not valid JSON: ") + simdjson::error_message(error));
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return refuse(ErrorCode::kMalformedJson, "a frame is one JSON object");

  Fields fields;
  if (auto error = collect(object, fields)) return std::move(*error);
  std::int64_t type = -1;
  if (!fields.type || fields.type->get(type) != simdjson::SUCCESS)
    return refuse(ErrorCode::kValidation, "type: a whole number is needed", "type");
  if (type == 99) return HeartbeatFrame{};
  if (type == 60) return SyncFrame{};

  const bool sends = type >= 0 && type <= 7 && type != 3;
  const bool operates = type == 32 || type == 35 || type == 36 || type == 39;
  const bool calls = type >= 40 && type <= 45;
  const bool offered = sends || operates || calls || type == 31 || type == 33 || type == 37 || type == 50;
  simdjson::dom::object content;
  const bool has_content = fields.content && fields.content->get(content) == simdjson::SUCCESS;
  if (offered && !has_content && type != 33) {
    auto refused = refuse(ErrorCode::kValidation, "content: an object is needed", "content");
    refused.wants_ack = sends || operates;
    if (fields.message_id && is_string(*fields.message_id) && MessageId::parse(as_string(*fields.message_id)))
      refused.message_id = as_string(*fields.message_id);
    return refused;
  }
  switch (type) {
    case 0:
    case 1:
    case 2:
    case 4:
    case 5:
    case 6:
    case 7:
      return read_send(fields, static_cast<FrameType>(type), content, limits_);
    case 31:
    case 37:
      return widen(read_mark(static_cast<FrameType>(type), content));
    case 32:
    case 35:
    case 36:
    case 39:
      return read_operation(fields, static_cast<FrameType>(type), content, limits_);
    case 40:
    case 41:
    case 42:
    case 43:
    case 44:
    case 45:
      return read_call(fields, static_cast<FrameType>(type), content);
    case 33:
      return read_typing(fields, has_content ? content : object);
    case 50:
      return widen(read_presence(content, limits_));
    default:
      return refuse_type(type);
  }
}

}  // namespace simpleim::protocol
