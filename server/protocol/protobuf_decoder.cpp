#include "protocol/protobuf_decoder.h"

#include <vector>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "protocol/frame_fields.h"
#include "protocol/protobuf_fields.h"

namespace simpleim::protocol {
namespace {

using base::append_int;
using base::append_json_string;
using protozero::pbf_wire_type;

/// What is in a Frame of a client; the last one of each counts (Protobuf's rule).
struct BinaryFrame {
  std::uint32_t type = 0;
  std::string_view message_id, to, group_id;
  proto::Frame content_kind{};
  std::string_view content;
};

struct NotUtf8 {};

std::string_view as_text(std::string_view bytes) {
  if (!base::is_utf8(bytes)) throw NotUtf8{};
  return bytes;
}

template <class Field>
constexpr std::uint32_t number(Field field) {
  return protozero::tag_and_type(field, pbf_wire_type::varint);
}
template <class Field>
constexpr std::uint32_t text(Field field) {
  return protozero::tag_and_type(field, pbf_wire_type::length_delimited);
}

BinaryFrame read_frame(std::string_view bytes) {
  using F = proto::Frame;
  BinaryFrame frame;
  protozero::pbf_message<F> in(bytes);
  while (in.next()) {
    switch (in.tag_and_type()) {
      case number(F::kType):
        frame.type = in.get_uint32();
        break;
      case text(F::kMessageId):
        frame.message_id = as_text(in.get_view());
        break;
      case text(F::kTo):
        frame.to = as_text(in.get_view());
        break;
      case text(F::kGroupId):
        frame.group_id = as_text(in.get_view());
        break;
      case text(F::kJson):
      case text(F::kText):
      case text(F::kMark):
      case text(F::kTyping):
      case text(F::kHeartbeat):
        frame.content_kind = in.tag();
        frame.content = in.get_view();
        break;
      default:
        in.skip();
    }
  }
  return frame;
}

struct BinaryText {
  std::string_view text, reply_to;
  std::vector<std::string_view> at_user_ids;
};

BinaryText read_text(std::string_view bytes) {
  using T = proto::Text;
  BinaryText out;
  protozero::pbf_message<T> in(bytes);
  while (in.next()) {
    switch (in.tag_and_type()) {
      case text(T::kText):
        out.text = as_text(in.get_view());
        break;
      case text(T::kReplyTo):
        out.reply_to = as_text(in.get_view());
        break;
      case text(T::kAtUserIds):
        out.at_user_ids.push_back(as_text(in.get_view()));
        break;
      default:
        in.skip();
    }
  }
  return out;
}

void write_text(std::string& json, const BinaryText& content) {
  json += R"({"text":)";
  append_json_string(json, content.text);
  const char* separator = R"(,"at_user_ids":[)";
  for (const auto user : content.at_user_ids) {
    json += separator;
    append_json_string(json, user);
    separator = ",";
  }
  if (!content.at_user_ids.empty()) json += ']';
  if (!content.reply_to.empty()) {
    json += R"(,"reply_to":)";
    append_json_string(json, content.reply_to);
  }
  json += '}';
}

/// As send_parser.cpp reads one in JSON.
ClientFrame read_send(const BinaryFrame& frame, const FrameLimits& limits) {
  SendFrame out;
  out.type = static_cast<FrameType>(frame.type);
  const auto content = read_text(frame.content);
  const auto fault = [&]() -> std::optional<RefusedFrame> {
    if (auto error = read_message_id(frame.message_id, out.message_id)) return error;
    if (auto error = read_recipient(frame.to, frame.group_id, out.type, out)) return error;
    if (auto error = check_text(content.text, limits)) return error;
    if (!content.reply_to.empty())
      if (auto error = check_reply(content.reply_to)) return error;
    if (auto error = check_mentions(content.at_user_ids.size(), limits)) return error;
    for (const auto user : content.at_user_ids)
      if (auto error = read_mention(user, out)) return error;
    write_text(out.content, content);
    return check_size(out, limits);
  }();
  if (!fault) return out;
  return RefusedFrame{fault->error, std::string(out.message_id.view()), true};
}

void write_place(std::string& json, std::string_view bytes, bool has_seq) {
  using P = proto::Place;
  std::string_view conversation;
  std::uint32_t seq = 0;
  protozero::pbf_message<P> in(bytes);
  while (in.next()) {
    switch (in.tag_and_type()) {
      case text(P::kConversationId):
        conversation = as_text(in.get_view());
        break;
      case number(P::kSeq):
        seq = in.get_uint32();
        break;
      default:
        in.skip();
    }
  }
  json += '{';
  if (!conversation.empty()) {
    json += R"("conversation_id":)";
    append_json_string(json, conversation);
  }
  if (has_seq) {
    json += conversation.empty() ? R"("seq":)" : R"(,"seq":)";
    append_int(json, seq);
  }
  json += '}';
}

void write_content(std::string& json, const BinaryFrame& frame) {
  switch (frame.content_kind) {
    case proto::Frame::kJson:
      json += as_text(frame.content);
      break;
    case proto::Frame::kText:
      write_text(json, read_text(frame.content));
      break;
    case proto::Frame::kMark:
      write_place(json, frame.content, true);
      break;
    case proto::Frame::kTyping:
      write_place(json, frame.content, false);
      break;
    default:
      json += "null";
  }
}

void write(std::string& json, const BinaryFrame& frame) {
  // All keys, with or without a value: what claims to be JSON further down cannot bring one of them.
  json += R"({"type":)";
  append_int(json, frame.type);
  json += R"(,"message_id":)";
  append_json_string(json, frame.message_id);
  json += R"(,"to":)";
  append_json_string(json, frame.to);
  json += R"(,"group_id":)";
  append_json_string(json, frame.group_id);
  json += R"(,"content":)";
  write_content(json, frame);
  json += '}';
}

}  // namespace

std::optional<ClientFrame> read_protobuf(std::string& json, std::string_view bytes, const FrameLimits& limits) {
  const auto refused = [](const char* why) {
    return refuse(ErrorCode::kMalformedJson, std::string("the message is not a Frame of proto/simpleim.proto: ") + why);
  };
  try {
    const auto frame = read_frame(bytes);
    if (kind_of(frame.type) == FrameKind::Text && frame.content_kind == proto::Frame::kText)
      return read_send(frame, limits);
    write(json, frame);
    return std::nullopt;
  } catch (const protozero::exception& e) {
    return refused(e.what());
  } catch (const NotUtf8&) {
    return refused("a text in it is not UTF-8");
  }
}

}  // namespace simpleim::protocol
