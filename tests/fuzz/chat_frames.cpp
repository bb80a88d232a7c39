/// Frames, as JSON and as Protobuf: whatever a client sends is read or refused with a reason, and what is read can be
/// written into a frame that is JSON again; of that and of the message itself the same binary frame is made.

#include <simdjson.h>

#include <cstdlib>
#include <string>

#include "protocol/frame_parser.h"
#include "protocol/frame_writer.h"
#include "protocol/protobuf_encoder.h"

namespace {

using namespace simpleim;

void must_be_json(const std::string& text) {
  static simdjson::dom::parser parser;
  if (parser.parse(simdjson::padded_string(text)).error() != simdjson::SUCCESS) std::abort();
}

void check(const protocol::RefusedFrame& frame) {
  if (frame.error.text.empty()) std::abort();
  std::string out;
  protocol::write_error(out, {}, frame.error, frame.error.field, 1);
  must_be_json(out);
}

void check(const protocol::SendFrame& frame) {
  if (frame.content.empty() || (!frame.to && !frame.group)) std::abort();
  must_be_json(frame.content);
  const protocol::Message message{
      frame.message_id, base::ConversationId::between(base::UserId{1}, frame.to), base::UserId{1}, frame.type, 1, 1,
      frame.content};
  std::string out;
  protocol::write_message(out, message);
  must_be_json(out);
  static protocol::ProtobufEncoder encoder;
  std::string of_json, of_message;
  encoder.encode(of_json, out);
  encoder.encode(of_message, message);
  if (of_json != of_message) std::abort();
}

void check(const auto&) {}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static protocol::FrameParser parser{protocol::FrameLimits{.content_bytes = 64 << 10, .text_code_points = 20000}};
  std::string text(reinterpret_cast<const char*>(data), size);
  text.append(protocol::kFramePadding, '\0');
  std::visit([](const auto& frame) { check(frame); }, parser.parse({text.data(), size}));
  std::visit([](const auto& frame) { check(frame); }, parser.parse_protobuf({text.data(), size}));
  return 0;
}
