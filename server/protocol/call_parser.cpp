#include "protocol/frame_fields.h"

/// Calls: types 40 to 45.
namespace simpleim::protocol {
namespace {

/// Session descriptions are a few kilobytes.
constexpr std::size_t kMaxSignal = 32 << 10;

}  // namespace

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

}  // namespace simpleim::protocol
