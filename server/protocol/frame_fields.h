#pragma once

#include <simdjson.h>

#include "protocol/frame_parser.h"

/// What the parsers of single frame types share. Inside protocol only.
namespace simpleim::protocol {

using simdjson::dom::element;
using simdjson::dom::element_type;

/// The fields of a frame before their meaning is known.
struct Fields {
  std::optional<element> message_id, type, to, group_id, content;
};

inline RefusedFrame refuse(ErrorCode code, std::string text, std::string field = {}) {
  return {{code, std::move(text), std::move(field)}, {}, false};
}

inline std::string_view as_string(const element& e) { return e.get_string().value_unsafe(); }
inline bool is_string(const element& e) { return e.type() == element_type::STRING; }

/// A text that stands for "nothing" in frames of the original contract.
inline bool blank(const std::optional<element>& e) {
  return !e || e->is_null() || (is_string(*e) && as_string(*e).empty());
}

/// The first key that stands twice in `object`, or nothing.
std::optional<std::string> duplicate_key(simdjson::dom::object object);

/// What stands where an id belongs: nothing ("") when it is blank, and what no id is when it is no text.
inline std::string_view id_text(const std::optional<element>& e) {
  if (blank(e)) return {};
  return is_string(*e) ? as_string(*e) : "?";
}

/// To whom: group or user; kValidation.
std::optional<RefusedFrame> read_recipient(std::string_view to, std::string_view group_id, FrameType type,
                                           SendFrame& out);
/// The message's own id, which may be missing.
std::optional<RefusedFrame> read_message_id(std::string_view text, MessageId& out);
/// The parts of a text: what it says, what it answers, whom it mentions ("*": all).
std::optional<RefusedFrame> check_text(std::string_view text, const FrameLimits& limits);
std::optional<RefusedFrame> check_reply(std::string_view message_id);
std::optional<RefusedFrame> check_mentions(std::size_t count, const FrameLimits& limits);
std::optional<RefusedFrame> read_mention(std::string_view id, SendFrame& out);
std::optional<RefusedFrame> check_size(const SendFrame& frame, const FrameLimits& limits);
/// `text`, `reply_to` and `at_user_ids` of a content.
std::optional<RefusedFrame> read_text(simdjson::dom::object content, const FrameLimits& limits, SendFrame& out);

ClientFrame read_send(const Fields& fields, FrameType type, simdjson::dom::object content, const FrameLimits& limits);
ClientFrame read_operation(const Fields& fields, FrameType type, simdjson::dom::object content,
                           const FrameLimits& limits);
ClientFrame read_call(const Fields& fields, FrameType type, simdjson::dom::object content);

}  // namespace simpleim::protocol
