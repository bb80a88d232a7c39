#include "base/emoji.h"
#include "base/utf8.h"
#include "protocol/frame_fields.h"

/// What is done to an earlier message: types 32, 35, 36 and 39.
namespace simpleim::protocol {
namespace {

constexpr std::size_t kMaxEmojiCodePoints = 16;

std::optional<RefusedFrame> read_emoji(simdjson::dom::object content, OperationFrame& out) {
  constexpr auto kField = "content.emoji";
  const auto emoji = content["emoji"].get_string();
  const bool fits = !emoji.error() && base::code_points(emoji.value_unsafe()) <= kMaxEmojiCodePoints;
  auto canonical = fits ? base::canonical_emoji(emoji.value_unsafe()) : std::nullopt;
  if (!canonical)
    return refuse(ErrorCode::kValidation,
                  "content.emoji: one emoji is needed, at most " + std::to_string(kMaxEmojiCodePoints) + " code points",
                  kField);
  out.emoji = std::move(*canonical);
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
  element merged;
  if (fresh["merged"].get(merged) == simdjson::SUCCESS)
    return refuse(ErrorCode::kValidation, "content.content.merged: what was said by others cannot be edited",
                  "content.content.merged");
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

}  // namespace

ClientFrame read_operation(const Fields& fields, FrameType type, simdjson::dom::object content,
                           const FrameLimits& limits) {
  OperationFrame out;
  out.type = type;
  if (auto error = read_message_id(id_text(fields.message_id), out.message_id)) return std::move(*error);
  if (auto error = read_operation_content(content, limits, out)) {
    error->message_id = out.message_id.view();
    error->wants_ack = true;
    return std::move(*error);
  }
  // Some clients name the message they mean twice; the operation gets an id of its own then.
  if (out.message_id == out.target) out.message_id = {};
  return out;
}

}  // namespace simpleim::protocol
