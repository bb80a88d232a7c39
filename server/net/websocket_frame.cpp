#include "net/websocket_frame.h"

#include <cstring>

namespace simpleim::net {
namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

constexpr int kFin = 0x80;
constexpr int kRsv1 = 0x40;
constexpr int kOtherReserved = 0x30;

HeaderResult error(const char* problem) { return {HeaderResult::State::kError, {}, problem}; }

}  // namespace

HeaderResult parse_frame_header(std::string_view bytes, bool deflates) {
  if (bytes.size() < 2) return {};
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  FrameHeader header;
  header.fin = (first & kFin) != 0;
  header.compressed = (first & kRsv1) != 0;
  header.opcode = static_cast<Opcode>(first & 0x0f);
  const bool begins_message = header.opcode == Opcode::kText || header.opcode == Opcode::kBinary;
  if ((first & kOtherReserved) != 0 || (header.compressed && !(deflates && begins_message)))
    return error("reserved bits are set");
  const auto code = first & 0x0f;
  if ((code > 2 && code < 8) || code > 10) return error("reserved opcode");
  if ((second & 0x80) == 0) return error("a client's frame is not masked");
  const unsigned short_size = second & 0x7f;
  if (is_control(header.opcode) && (!header.fin || short_size > 125))
    return error("a control frame is fragmented or longer than 125 bytes");

  const std::size_t extended = short_size == 126 ? 2 : short_size == 127 ? 8 : 0;
  header.size = 2 + extended + 4;
  if (bytes.size() < header.size) return {};
  header.payload_size = extended == 0 ? short_size : big_endian(bytes.substr(2, extended));
  if (header.payload_size >> 63 != 0) return error("the length has its highest bit set");
  if ((extended == 2 && header.payload_size < 126) || (extended == 8 && header.payload_size <= 0xffff))
    return error("the length is not in its shortest form");
  std::memcpy(header.mask.data(), bytes.data() + 2 + extended, 4);
  return {HeaderResult::State::kComplete, header, ""};
}

void unmask(char* data, std::size_t size, const std::array<unsigned char, 4>& mask, std::size_t offset) {
  std::array<unsigned char, 8> turned;
  for (std::size_t i = 0; i < 8; ++i) turned[i] = mask[(offset + i) & 3];
  std::uint64_t word = 0;
  std::memcpy(&word, turned.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, data + i, 8);
    block ^= word;
    std::memcpy(data + i, &block, 8);
  }
  for (; i < size; ++i) data[i] = static_cast<char>(data[i] ^ static_cast<char>(turned[i & 7]));
}

std::size_t write_frame_header(char* out, Opcode opcode, std::size_t payload_size, Compressed compressed) {
  out[0] = static_cast<char>(kFin | (compressed == Compressed::kYes ? kRsv1 : 0) | static_cast<int>(opcode));
  if (payload_size < 126) {
    out[1] = static_cast<char>(payload_size);
    return 2;
  }
  const std::size_t bytes = payload_size <= 0xffff ? 2 : 8;
  out[1] = static_cast<char>(bytes == 2 ? 126 : 127);
  for (std::size_t i = 0; i < bytes; ++i) out[2 + i] = static_cast<char>(payload_size >> (8 * (bytes - 1 - i)));
  return 2 + bytes;
}

void append_frame_header(std::string& out, Opcode opcode, std::size_t payload_size, Compressed compressed) {
  std::array<char, kMaxServerHeader> header;
  out.append(header.data(), write_frame_header(header.data(), opcode, payload_size, compressed));
}

std::string_view server_frame_payload(std::string_view frame) {
  const auto short_size = static_cast<unsigned char>(frame[1]);
  return frame.substr(short_size == 126 ? 4 : short_size == 127 ? 10 : 2);
}

bool is_valid_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

}  // namespace simpleim::net
