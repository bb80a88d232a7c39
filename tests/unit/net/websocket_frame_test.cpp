#include "net/websocket_frame.h"

#include <gtest/gtest.h>

namespace simpleim::net {
namespace {

using HeaderState = HeaderResult::State;

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out += static_cast<char>(b);
  return out;
}

}  // namespace

TEST(FrameHeader, IsReadInAllThreeLengths) {
  auto result = parse_frame_header(bytes({0x81, 0x85, 1, 2, 3, 4}));
  ASSERT_EQ(result.state, HeaderState::kComplete);
  EXPECT_EQ(result.header.payload_size, 5u);
  EXPECT_EQ(result.header.size, 6u);
  EXPECT_TRUE(result.header.fin);
  result = parse_frame_header(bytes({0x02, 0xfe, 0x01, 0x00, 1, 2, 3, 4}));
  EXPECT_EQ(result.header.payload_size, 256u);
  EXPECT_FALSE(result.header.fin);
  result = parse_frame_header(bytes({0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4}));
  EXPECT_EQ(result.header.payload_size, 65536u);
}

TEST(FrameHeader, WaitsForItsLastByte) {
  const auto whole = bytes({0x81, 0xfe, 0x01, 0x00, 1, 2, 3, 4});
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(parse_frame_header(whole.substr(0, n)).state, HeaderState::kNeedMore) << n;
}

TEST(FrameHeader, RefusesWhatRfc6455Forbids) {
  const std::pair<const char*, std::string> cases[] = {
      {"not masked", bytes({0x81, 0x05})},
      {"RSV1", bytes({0xc1, 0x85, 0, 0, 0, 0})},
      {"RSV3", bytes({0x91, 0x85, 0, 0, 0, 0})},
      {"opcode 3", bytes({0x83, 0x85, 0, 0, 0, 0})},
      {"opcode 11", bytes({0x8b, 0x85, 0, 0, 0, 0})},
      {"fragmented ping", bytes({0x09, 0x85, 0, 0, 0, 0})},
      {"long ping", bytes({0x89, 0xfe, 0, 126, 0, 0, 0, 0})},
      {"2^63", bytes({0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
      {"length not shortest (16)", bytes({0x81, 0xfe, 0, 5, 0, 0, 0, 0})},
      {"length not shortest (64)", bytes({0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0})},
  };
  for (const auto& [what, frame] : cases) EXPECT_EQ(parse_frame_header(frame).state, HeaderState::kError) << what;
}

TEST(Unmask, GivesTheSameInAnyPieces) {
  const std::array<unsigned char, 4> mask{0x11, 0x22, 0x33, 0x44};
  std::string whole(100, 'a');
  auto pieces = whole;
  unmask(whole.data(), whole.size(), mask, 0);
  for (std::size_t at = 0, n = 1; at < pieces.size(); at += n, n = n % 13 + 1) {
    n = std::min(n, pieces.size() - at);
    unmask(pieces.data() + at, n, mask, at & 3);
  }
  EXPECT_EQ(whole, pieces);
}

TEST(ServerHeader, IsReadBackByTheSameRules) {
  for (const std::size_t size : {0u, 125u, 126u, 65535u, 65536u, 1u << 20}) {
    std::string frame;
    append_frame_header(frame, Opcode::kText, size);
    frame[1] = static_cast<char>(frame[1] | 0x80);  // as if a client had masked it
    frame.append(4, '\0');
    const auto result = parse_frame_header(frame);
    ASSERT_EQ(result.state, HeaderState::kComplete);
    EXPECT_EQ(result.header.payload_size, size);
  }
}

TEST(CloseCodes, AreThoseThatMayStandOnTheWire) {
  for (const int good : {1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4009, 4999})
    EXPECT_TRUE(is_valid_close_code(static_cast<std::uint16_t>(good))) << good;
  for (const int bad : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535})
    EXPECT_FALSE(is_valid_close_code(static_cast<std::uint16_t>(bad))) << bad;
}

}  // namespace simpleim::net
