#include "net/permessage_deflate.h"

#include <gtest/gtest.h>

#include <random>

#include "net/websocket_frame.h"

namespace simpleim::net {
namespace {

constexpr std::string_view kAgreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
constexpr std::size_t kLimit = 1 << 20;

std::string response_to(std::string_view offers) {
  const auto agreed = accept_deflate(offers);
  return agreed ? agreed->response : "";
}

std::string words(std::size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) text += "word" + std::to_string(random() % 50) + " 中文 ";
  text.resize(size);
  return text;
}

std::string inflated(MessageDeflate& deflate, std::string_view compressed) {
  std::string out;
  EXPECT_EQ(deflate.inflate(out, compressed, kLimit), MessageDeflate::Inflated::kWhole);
  return out;
}

}  // namespace

TEST(AcceptDeflate, TakesTheFirstOfferThatItCanKeep) {
  EXPECT_EQ(response_to("permessage-deflate"), kAgreed);
  EXPECT_EQ(response_to("permessage-deflate; client_max_window_bits"), kAgreed);
  EXPECT_EQ(response_to(" x-other ; y=1 , permessage-deflate ; client_max_window_bits=10;server_no_context_takeover"),
            kAgreed);
  EXPECT_EQ(response_to("permessage-deflate; server_max_window_bits=8, permessage-deflate"), kAgreed)
      << "zlib cannot make such a small window";
  EXPECT_EQ(response_to("permessage-deflate; server_max_window_bits=\"10\""),
            std::string(kAgreed) + "; server_max_window_bits=10");
  EXPECT_EQ(accept_deflate("permessage-deflate; server_max_window_bits=9")->server_window_bits, 9);
}

TEST(AcceptDeflate, LeavesWhatIsNoOfferOfItsAsIfItHadNotBeenMade) {
  for (const auto* offer :
       {"", "permessage-bzip2", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=7", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=\"", "permessage-deflatex"})
    EXPECT_EQ(response_to(offer), "") << offer;
}

TEST(MessageDeflate, BringsMessagesBackEachForItself) {
  MessageDeflate deflate;
  std::string compressed;
  for (const int bits : {9, 10, 11, 12, 15})
    for (const std::size_t size : {std::size_t{256}, std::size_t{20'000}, kLimit}) {
      const auto text = words(size);
      ASSERT_TRUE(deflate.deflate(compressed, text, bits)) << bits << " " << size;
      EXPECT_LT(compressed.size(), text.size() / 2);
      MessageDeflate fresh;  // knows nothing of the messages before
      EXPECT_EQ(inflated(fresh, compressed), text);
    }
}

TEST(MessageDeflate, LeavesWhatDoesNotBecomeSmaller) {
  MessageDeflate deflate;
  std::mt19937 random(1);
  std::string noise;
  for (int i = 0; i < 10'000; ++i) noise += static_cast<char>(random());
  std::string compressed;
  EXPECT_FALSE(deflate.deflate(compressed, noise));
  const auto text = words(1000);
  ASSERT_TRUE(deflate.deflate(compressed, text)) << "and goes on";
  EXPECT_EQ(inflated(deflate, compressed), text);
}

TEST(MessageDeflate, StopsABombAtTheLimit) {
  MessageDeflate deflate;
  std::string bomb, out;
  ASSERT_TRUE(deflate.deflate(bomb, std::string(64 << 20, 'x')));
  EXPECT_EQ(deflate.inflate(out, bomb, kLimit), MessageDeflate::Inflated::kTooBig);
  EXPECT_LE(out.size(), kLimit + (64 << 10));
  EXPECT_EQ(deflate.inflate(out, bomb, 64 << 20), MessageDeflate::Inflated::kWhole) << "and just at it";
  EXPECT_EQ(out.size(), std::size_t{64} << 20);
}

TEST(MessageDeflate, RefusesWhatDeflateDoesNotMake) {
  MessageDeflate deflate;
  std::string out;
  for (const auto& bytes : {std::string("\xff\xff\xff\xff"), std::string("\x07garbage"), std::string(100, '\x06')})
    EXPECT_EQ(deflate.inflate(out, bytes, kLimit), MessageDeflate::Inflated::kBroken);
  // RFC 7692 section 7.2.3: "Hello" in one block, with a last block, and in two.
  EXPECT_EQ(inflated(deflate, std::string_view("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)), "Hello");
  EXPECT_EQ(inflated(deflate, std::string_view("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)), "Hello");
  EXPECT_EQ(inflated(deflate, std::string_view("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)), "Hello");
  EXPECT_EQ(inflated(deflate, std::string_view("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11)), "Hello");
  EXPECT_EQ(inflated(deflate, std::string_view("\x00", 1)), "");
}

TEST(FrameHeader, MayBeMarkedAsCompressedWhereThatWasAgreedOn) {
  const auto parse = [](int first, bool deflates) {
    const std::string bytes{static_cast<char>(first), '\x80', 0, 0, 0, 0};
    return parse_frame_header(bytes, deflates);
  };
  EXPECT_TRUE(parse(0xc1, true).header.compressed);
  EXPECT_TRUE(parse(0x42, true).header.compressed);
  EXPECT_EQ(parse(0xc1, false).state, HeaderResult::State::kError);
  EXPECT_EQ(parse(0xc0, true).state, HeaderResult::State::kError) << "a continuation";
  EXPECT_EQ(parse(0xc9, true).state, HeaderResult::State::kError) << "a ping";
  EXPECT_EQ(parse(0xe1, true).state, HeaderResult::State::kError) << "RSV2";
}

}  // namespace simpleim::net
