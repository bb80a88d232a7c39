#include "protocol/frame_parser.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "base/utf8.h"

namespace simpleim::protocol {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kMaxDepth = 32;

/// The fields of a frame before their meaning is known.
struct Fields {
  std::optional<element> message_id, type, to, group_id, content;
};

RefusedFrame refuse(ErrorCode code, std::string text, std::string field = {}) {
  return {{code, std::move(text), std::move(field)}, {}, false};
}

std::string_view as_string(const element& e) { return e.get_string().value_unsafe(); }
bool is_string(const element& e) { return e.type() == element_type::STRING; }

/// A text that stands for "nothing" in frames of the original contract.
bool blank(const std::optional<element>& e) { return !e || e->is_null() || (is_string(*e) && as_string(*e).empty()); }

/// The first key that stands twice in `object`, or nothing. Quadratic, so bounded to small objects;
/// larger ones are checked through sorting by the caller's limits on size.
std::optional<std::string> duplicate_key(simdjson::dom::object object) {
  std::vector<std::string_view> keys;
  for (auto field : object) keys.push_back(field.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end()) return std::nullopt;
  return std::string(*twice);
}

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

std::optional<RefusedFrame> read_mentions(simdjson::dom::object content, const FrameLimits& limits, SendFrame& out) {
  element value;
  if (content["at_user_ids"].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  constexpr auto kField = "content.at_user_ids";
  if (value.type() != element_type::ARRAY)
    return refuse(ErrorCode::kValidation, "content.at_user_ids: an array of user ids is needed", kField);
  const auto ids = value.get_array().value_unsafe();
  if (ids.size() > limits.mentions)
    return refuse(ErrorCode::kValidation, "content.at_user_ids: at most " + std::to_string(limits.mentions) + " users",
                  kField);
  for (const element id : ids) {
    if (is_string(id) && as_string(id) == "*") {
      out.mention_all = true;
      continue;
    }
    const auto user = is_string(id) ? UserId::parse(as_string(id)) : std::nullopt;
    if (!user) return refuse(ErrorCode::kValidation, "content.at_user_ids: each must be a user id or \"*\"", kField);
    out.mentions.push_back(*user);
  }
  return std::nullopt;
}

std::optional<RefusedFrame> read_text(simdjson::dom::object content, const FrameLimits& limits, SendFrame& out) {
  constexpr auto kField = "content.text";
  const auto text = content["text"].get_string();
  if (text.error()) return refuse(ErrorCode::kValidation, "content.text: a string is needed", kField);
  if (text.value_unsafe().empty()) return refuse(ErrorCode::kValidation, "content.text: must not be empty", kField);
  if (text.value_unsafe().size() > limits.text_code_points &&
      base::code_points(text.value_unsafe()) > limits.text_code_points)
    return refuse(ErrorCode::kValidation,
                  "content.text: at most " + std::to_string(limits.text_code_points) + " code points", kField);
  element reply;
  if (content["reply_to"].get(reply) == simdjson::SUCCESS && !reply.is_null() &&
      (!is_string(reply) || !MessageId::parse(as_string(reply))))
    return refuse(ErrorCode::kValidation, "content.reply_to: a message id is needed", "content.reply_to");
  return read_mentions(content, limits, out);
}

/// What the server knows of a file itself; a client's word for it is dropped.
constexpr std::array<std::string_view, 10> kServerOwned{"file_id", "url",   "thumbnail_url", "file_name", "file_size",
                                                        "mime",    "width", "height",        "sha256",    "recalled"};
constexpr std::size_t kMaxWaveform = 256;
constexpr double kMaxDurationS = 86'400;

std::optional<RefusedFrame> read_recording(simdjson::dom::object content) {
  element value;
  double seconds = 0;
  if (content["duration"].get(value) == simdjson::SUCCESS &&
      (value.get(seconds) != simdjson::SUCCESS || seconds < 0 || seconds > kMaxDurationS))
    return refuse(ErrorCode::kValidation, "content.duration: seconds, from 0 to 86400, are needed", "content.duration");
  if (content["waveform"].get(value) != simdjson::SUCCESS) return std::nullopt;
  simdjson::dom::array levels;
  const auto is_level = [](const element& level) {
    std::int64_t number = 0;
    return level.get(number) == simdjson::SUCCESS && number >= 0 && number <= 255;
  };
  if (value.get(levels) != simdjson::SUCCESS || levels.size() > kMaxWaveform ||
      !std::all_of(levels.begin(), levels.end(), is_level))
    return refuse(ErrorCode::kValidation, "content.waveform: at most 256 whole numbers from 0 to 255 are needed",
                  "content.waveform");
  return std::nullopt;
}

/// Types 4 to 7. A text beside the file is its caption.
std::optional<RefusedFrame> read_file(simdjson::dom::object content, const FrameLimits& limits, SendFrame& out) {
  const auto text = content["file_id"].get_string();
  const auto id = text.error() ? std::nullopt : FileId::parse(text.value_unsafe());
  if (!id)
    return refuse(ErrorCode::kValidation, "content.file_id: the id of an uploaded file (file_…) is needed",
                  "content.file_id");
  out.file = *id;
  if (auto error = read_recording(content)) return error;
  element caption;
  if (content["text"].get(caption) == simdjson::SUCCESS && !(is_string(caption) && as_string(caption).empty())) {
    if (auto error = read_text(content, limits, out)) return error;
  } else if (auto error = read_mentions(content, limits, out)) {
    return error;
  }
  out.content = "{";
  for (auto [key, value] : content) {
    if (std::find(kServerOwned.begin(), kServerOwned.end(), key) != kServerOwned.end()) continue;
    if (out.content.size() > 1) out.content += ',';
    base::append_json_string(out.content, key);
    out.content += ':' + std::string(simdjson::minify(value));
  }
  out.content += '}';
  return std::nullopt;
}

bool carries_file(FrameType type) { return type >= FrameType::kImage && type <= FrameType::kFile; }

std::optional<RefusedFrame> read_recipient(const Fields& fields, FrameType type, SendFrame& out) {
  const auto group_text = [&]() -> std::optional<element> {
    if (!blank(fields.group_id)) return fields.group_id;
    if (type == FrameType::kGroup) return fields.to;
    return std::nullopt;
  }();
  if (group_text && type != FrameType::kPrivate) {
    const auto group = is_string(*group_text) ? GroupId::parse(as_string(*group_text)) : std::nullopt;
    if (!group) return refuse(ErrorCode::kValidation, "group_id: a group id (group_…) is needed", "group_id");
    out.group = *group;
    return std::nullopt;
  }
  if (type == FrameType::kGroup) return refuse(ErrorCode::kValidation, "group_id: missing; name the group", "group_id");
  if (blank(fields.to))
    return refuse(ErrorCode::kValidation, "to: missing; name a user (to) or a group (group_id)", "to");
  const auto user = is_string(*fields.to) ? UserId::parse(as_string(*fields.to)) : std::nullopt;
  if (!user) return refuse(ErrorCode::kValidation, "to: a user id (user_…) is needed", "to");
  out.to = *user;
  return std::nullopt;
}

ClientFrame read_send(const Fields& fields, FrameType type, simdjson::dom::object content, const FrameLimits& limits) {
  SendFrame out;
  out.type = type;
  std::string echo;
  const auto failed = [&](RefusedFrame refused) {
    refused.message_id = echo;
    refused.wants_ack = true;
    return refused;
  };
  if (!blank(fields.message_id)) {
    const auto id = is_string(*fields.message_id) ? MessageId::parse(as_string(*fields.message_id)) : std::nullopt;
    if (!id)
      return failed(
          refuse(ErrorCode::kValidation, "message_id: 1 to 64 characters of A-Z a-z 0-9 _ - are needed", "message_id"));
    out.message_id = *id;
    echo = id->view();
  }
  if (auto error = read_recipient(fields, type, out)) return failed(std::move(*error));
  if (const auto twice = duplicate_key(content))
    return failed(refuse(ErrorCode::kMalformedJson, "the key \"" + *twice + "\" stands twice in the content"));
  if (carries_file(type)) {
    if (auto error = read_file(content, limits, out)) return failed(std::move(*error));
  } else {
    if (auto error = read_text(content, limits, out)) return failed(std::move(*error));
    out.content = simdjson::minify(content);
  }
  if (out.content.size() > limits.content_bytes)
    return failed(refuse(ErrorCode::kTooLarge,
                         "content: at most " + std::to_string(limits.content_bytes) + " bytes of JSON", "content"));
  return out;
}

constexpr std::size_t kMaxEmojiCodePoints = 16;

std::optional<RefusedFrame> read_emoji(simdjson::dom::object content, OperationFrame& out) {
  constexpr auto kField = "content.emoji";
  const auto emoji = content["emoji"].get_string();
  if (emoji.error() || emoji.value_unsafe().empty() || base::code_points(emoji.value_unsafe()) > kMaxEmojiCodePoints ||
      std::any_of(emoji.value_unsafe().begin(), emoji.value_unsafe().end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
    return refuse(ErrorCode::kValidation,
                  "content.emoji: one emoji is needed, at most " + std::to_string(kMaxEmojiCodePoints) +
                      " code points without spaces",
                  kField);
  out.emoji = emoji.value_unsafe();
  return std::nullopt;
}

/// `name` as true or false; true when it is missing.
std::optional<RefusedFrame> read_switch(simdjson::dom::object content, std::string_view name, bool& out) {
  element value;
  out = true;
  if (content[name].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  if (value.get(out) == simdjson::SUCCESS) return std::nullopt;
  const auto field = "content." + std::string(name);
  return refuse(ErrorCode::kValidation, field + ": true or false is needed", field);
}

std::optional<RefusedFrame> read_edit(simdjson::dom::object content, const FrameLimits& limits, OperationFrame& out) {
  simdjson::dom::object fresh;
  if (content["content"].get(fresh) != simdjson::SUCCESS)
    return refuse(ErrorCode::kValidation, "content.content: the new content, an object, is needed", "content.content");
  if (const auto twice = duplicate_key(fresh))
    return refuse(ErrorCode::kMalformedJson, "the key \"" + *twice + "\" stands twice in the content");
  SendFrame read;
  if (auto error = read_text(fresh, limits, read)) return error;
  out.content = simdjson::minify(fresh);
  if (out.content.size() > limits.content_bytes)
    return refuse(ErrorCode::kTooLarge, "content: at most " + std::to_string(limits.content_bytes) + " bytes of JSON",
                  "content.content");
  out.mentions = std::move(read.mentions);
  out.mention_all = read.mention_all;
  return std::nullopt;
}

std::optional<RefusedFrame> read_operation_content(simdjson::dom::object content, const FrameLimits& limits,
                                                   OperationFrame& out) {
  const auto target = content["message_id"].get_string();
  const auto id = target.error() ? std::nullopt : MessageId::parse(target.value_unsafe());
  if (!id)
    return refuse(ErrorCode::kValidation, "content.message_id: the id of the message is needed", "content.message_id");
  out.target = *id;
  switch (out.type) {
    case FrameType::kEdit:
      return read_edit(content, limits, out);
    case FrameType::kReaction:
      if (auto error = read_emoji(content, out)) return error;
      return read_switch(content, "add", out.on);
    case FrameType::kPin:
      return read_switch(content, "pin", out.on);
    default:
      return std::nullopt;
  }
}

ClientFrame read_operation(const Fields& fields, FrameType type, simdjson::dom::object content,
                           const FrameLimits& limits) {
  OperationFrame out;
  out.type = type;
  if (!blank(fields.message_id)) {
    const auto id = is_string(*fields.message_id) ? MessageId::parse(as_string(*fields.message_id)) : std::nullopt;
    if (!id)
      return refuse(ErrorCode::kValidation, "message_id: 1 to 64 characters of A-Z a-z 0-9 _ - are needed",
                    "message_id");
    out.message_id = *id;
  }
  if (auto error = read_operation_content(content, limits, out)) {
    error->message_id = out.message_id.view();
    error->wants_ack = true;
    return std::move(*error);
  }
  // Some clients name the message they mean twice; the operation gets an id of its own then.
  if (out.message_id == out.target) out.message_id = {};
  return out;
}

/// Session descriptions are a few kilobytes.
constexpr std::size_t kMaxSignal = 32 << 10;

ClientFrame read_call(const Fields& fields, FrameType type, simdjson::dom::object content) {
  CallFrame out;
  out.type = type;
  const auto id = content["call_id"].get_string();
  const auto call = id.error() ? std::nullopt : MessageId::parse(id.value_unsafe());
  if (!call)
    return refuse(ErrorCode::kValidation, "content.call_id: 1 to 64 characters of A-Z a-z 0-9 _ - are needed",
                  "content.call_id");
  out.call = *call;
  if (!blank(fields.to)) {
    const auto user = is_string(*fields.to) ? UserId::parse(as_string(*fields.to)) : std::nullopt;
    if (!user) return refuse(ErrorCode::kValidation, "to: a user id (user_…) is needed", "to");
    out.to = *user;
  }
  if (type == FrameType::kCallInvite) {
    const auto kind = content["kind"].get_string();
    if (kind.error() || (kind.value_unsafe() != "audio" && kind.value_unsafe() != "video"))
      return refuse(ErrorCode::kValidation, "content.kind: \"audio\" or \"video\" is needed", "content.kind");
    out.video = kind.value_unsafe() == "video";
    if (!out.to) return refuse(ErrorCode::kValidation, "to: missing; name whom to call", "to");
  }
  if (const auto twice = duplicate_key(content))
    return refuse(ErrorCode::kMalformedJson, "the key \"" + *twice + "\" stands twice in the content");
  out.content = simdjson::minify(content);
  if (out.content.size() > kMaxSignal)
    return refuse(ErrorCode::kTooLarge, "content: at most " + std::to_string(kMaxSignal) + " bytes of JSON", "content");
  return out;
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
