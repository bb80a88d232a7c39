#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "base/visible_text.h"
#include "protocol/frame_fields.h"

/// Messages: types 0 to 2 and 4 to 7.
namespace simpleim::protocol {
namespace {

std::optional<RefusedFrame> read_mentions(simdjson::dom::object content, const FrameLimits& limits, SendFrame& out) {
  element value;
  if (content["at_user_ids"].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  constexpr auto kField = "content.at_user_ids";
  if (value.type() != element_type::ARRAY)
    return refuse(ErrorCode::kValidation, "content.at_user_ids: an array of user ids is needed", kField);
  const auto ids = value.get_array().value_unsafe();
  if (auto error = check_mentions(ids.size(), limits)) return error;
  for (const element id : ids)
    if (auto error = read_mention(is_string(id) ? as_string(id) : "?", out)) return error;
  return std::nullopt;
}

/// The object but for some of its keys.
template <class Keys>
std::string without(simdjson::dom::object content, const Keys& keys) {
  std::string json = "{";
  for (auto [key, value] : content) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    if (json.size() > 1) json += ',';
    base::append_json_string(json, key);
    json += ':' + std::string(simdjson::minify(value));
  }
  return json + '}';
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
  out.content = without(content, kServerOwned);
  return std::nullopt;
}

/// A merged forward: the server writes the text and the messages.
std::optional<RefusedFrame> read_merged(simdjson::dom::object content, const element& merged, const FrameLimits& limits,
                                        SendFrame& out) {
  constexpr auto kField = "content.merged.message_ids";
  simdjson::dom::array ids;
  if (merged["message_ids"].get(ids) != simdjson::SUCCESS || ids.size() == 0 || ids.size() > limits.merged)
    return refuse(
        ErrorCode::kValidation,
        std::string(kField) + ": an array of 1 to " + std::to_string(limits.merged) + " message ids is needed", kField);
  for (const element one : ids) {
    const auto id = is_string(one) ? MessageId::parse(as_string(one)) : std::nullopt;
    if (!id) return refuse(ErrorCode::kValidation, std::string(kField) + ": each must be a message id", kField);
    out.merged.push_back(*id);
  }
  out.content = without(content, std::array<std::string_view, 2>{"merged", "text"});
  return read_mentions(content, limits, out);
}

}  // namespace

std::optional<std::string> duplicate_key(simdjson::dom::object object) {
  std::vector<std::string_view> keys;
  for (auto field : object) keys.push_back(field.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end()) return std::nullopt;
  return std::string(*twice);
}

std::optional<RefusedFrame> check_text(std::string_view text, const FrameLimits& limits) {
  constexpr auto kField = "content.text";
  if (text.empty()) return refuse(ErrorCode::kValidation, "content.text: must not be empty", kField);
  if (!base::is_visible(text))
    return refuse(ErrorCode::kValidation, "content.text: must have something to see", kField);
  if (text.size() > limits.text_code_points && base::code_points(text) > limits.text_code_points)
    return refuse(ErrorCode::kValidation,
                  "content.text: at most " + std::to_string(limits.text_code_points) + " code points", kField);
  return std::nullopt;
}

std::optional<RefusedFrame> check_reply(std::string_view message_id) {
  if (MessageId::parse(message_id)) return std::nullopt;
  return refuse(ErrorCode::kValidation, "content.reply_to: a message id is needed", "content.reply_to");
}

std::optional<RefusedFrame> check_mentions(std::size_t count, const FrameLimits& limits) {
  if (count <= limits.mentions) return std::nullopt;
  return refuse(ErrorCode::kValidation, "content.at_user_ids: at most " + std::to_string(limits.mentions) + " users",
                "content.at_user_ids");
}

std::optional<RefusedFrame> read_mention(std::string_view id, SendFrame& out) {
  if (id == "*") {
    out.mention_all = true;
    return std::nullopt;
  }
  const auto user = UserId::parse(id);
  if (!user)
    return refuse(ErrorCode::kValidation, "content.at_user_ids: each must be a user id or \"*\"",
                  "content.at_user_ids");
  out.mentions.push_back(*user);
  return std::nullopt;
}

std::optional<RefusedFrame> check_size(const SendFrame& frame, const FrameLimits& limits) {
  if (frame.content.size() <= limits.content_bytes) return std::nullopt;
  return refuse(ErrorCode::kTooLarge, "content: at most " + std::to_string(limits.content_bytes) + " bytes of JSON",
                "content");
}

std::optional<RefusedFrame> read_message_id(std::string_view text, MessageId& out) {
  if (text.empty()) return std::nullopt;
  const auto id = MessageId::parse(text);
  if (!id)
    return refuse(ErrorCode::kValidation, "message_id: 1 to 64 characters of A-Z a-z 0-9 _ - are needed", "message_id");
  out = *id;
  return std::nullopt;
}

std::optional<RefusedFrame> read_text(simdjson::dom::object content, const FrameLimits& limits, SendFrame& out) {
  const auto text = content["text"].get_string();
  if (text.error()) return refuse(ErrorCode::kValidation, "content.text: a string is needed", "content.text");
  if (auto error = check_text(text.value_unsafe(), limits)) return error;
  element reply;
  if (content["reply_to"].get(reply) == simdjson::SUCCESS && !reply.is_null())
    if (auto error = check_reply(is_string(reply) ? as_string(reply) : "")) return error;
  return read_mentions(content, limits, out);
}

std::optional<RefusedFrame> read_recipient(std::string_view to, std::string_view group_id, FrameType type,
                                           SendFrame& out) {
  const auto group_text = [&]() -> std::optional<std::string_view> {
    if (!group_id.empty()) return group_id;
    // The base contract lets a text without a kind of its own name a group in `to`.
    if (type == FrameType::kGroup || (type == FrameType::kText && GroupId::parse(to))) return to;
    return std::nullopt;
  }();
  if (group_text && !group_text->empty() && type != FrameType::kPrivate) {
    const auto group = GroupId::parse(*group_text);
    if (!group) return refuse(ErrorCode::kValidation, "group_id: a group id (group_…) is needed", "group_id");
    out.group = *group;
    return std::nullopt;
  }
  if (type == FrameType::kGroup) return refuse(ErrorCode::kValidation, "group_id: missing; name the group", "group_id");
  if (to.empty()) return refuse(ErrorCode::kValidation, "to: missing; name a user (to) or a group (group_id)", "to");
  const auto user = UserId::parse(to);
  if (!user) return refuse(ErrorCode::kValidation, "to: a user id (user_…) is needed", "to");
  out.to = *user;
  return std::nullopt;
}

ClientFrame read_send(const Fields& fields, FrameType type, simdjson::dom::object content, const FrameLimits& limits) {
  SendFrame out;
  out.type = type;
  const auto failed = [&](RefusedFrame refused) {
    refused.message_id = out.message_id.view();
    refused.wants_ack = true;
    return refused;
  };
  if (auto error = read_message_id(id_text(fields.message_id), out.message_id)) return failed(std::move(*error));
  if (auto error = read_recipient(id_text(fields.to), id_text(fields.group_id), type, out))
    return failed(std::move(*error));
  if (const auto twice = duplicate_key(content))
    return failed(refuse(ErrorCode::kMalformedJson, "the key \"" + *twice + "\" stands twice in the content"));
  element merged;
  if (carries_file(type)) {
    if (auto error = read_file(content, limits, out)) return failed(std::move(*error));
  } else if (content["merged"].get(merged) == simdjson::SUCCESS && !merged.is_null()) {
    if (auto error = read_merged(content, merged, limits, out)) return failed(std::move(*error));
  } else {
    if (auto error = read_text(content, limits, out)) return failed(std::move(*error));
    out.content = simdjson::minify(content);
  }
  if (auto error = check_size(out, limits)) return failed(std::move(*error));
  return out;
}

}  // namespace simpleim::protocol
