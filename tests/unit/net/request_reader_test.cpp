#include "net/request_reader.h"

#include <gtest/gtest.h>

namespace simpleim::net {
namespace {

using State = RequestReader::State;
using BodyState = RequestReader::BodyState;

constexpr RequestReader::Limits kLimits{1024, 4096, 1 << 20};

const Route kUploadRoute{"POST", "/upload", Lane::kFiles, {}, {}};

RequestReader make_reader() {
  return {kLimits, [](Request& head) { return head.path == "/upload" ? &kUploadRoute : nullptr; }};
}

std::string chunked(const std::string& path) {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
}

/// The state after `piece` was given again and again, and how much was given.
std::pair<State, std::size_t> feed(RequestReader& reader, const std::string& piece, std::size_t at_most = 1 << 20) {
  std::size_t given = 0;
  auto state = reader.advance();
  while (given < at_most && state == State::kNeedsMore) {
    reader.receive(piece);
    given += piece.size();
    state = reader.advance();
  }
  return {state, given};
}

}  // namespace

TEST(RequestReader, ReadsWhatComesByteByByte) {
  auto reader = make_reader();
  const std::string text =
      "PUT /a%20b?x=1 HTTP/1.1\r\nHost: x\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(reader.advance(), State::kNeedsMore);
    EXPECT_EQ(reader.has_begun(), i > 0);
    reader.receive(text.substr(i, 1));
  }
  ASSERT_EQ(reader.advance(), State::kRequest);
  const auto request = reader.take();
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.param("x"), "1");
  EXPECT_EQ(request.header("x-two"), "a, b");
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(reader.keep_alive());
}

TEST(RequestReader, CutsThePathThatTheServerIsSeenUnder) {
  for (const auto& [target, path] : {std::pair("/chat/api/x", "/api/x"),
                                     {"/api/x", "/api/x"},
                                     {"/chat", "/"},
                                     {"/chat/", "/"},
                                     {"/chat?a=1", "/"},
                                     {"/chatter/x", "/chatter/x"},
                                     {"/chat/chat/x", "/chat/x"},
                                     {"/", "/"}}) {
    RequestReader reader(
        kLimits, [](Request&) { return nullptr; }, "/chat");
    reader.receive("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_EQ(reader.advance(), State::kRequest) << target;
    EXPECT_EQ(reader.take().path, path) << target;
  }
}

TEST(RequestReader, ReadsRequestsBehindEachOther) {
  auto reader = make_reader();
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost:\r\n\r\n";
  reader.receive(text + "GET /last HT");
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(reader.advance(), State::kRequest);
    ASSERT_EQ(reader.take().path, "/" + std::to_string(i));
    reader.next();
  }
  EXPECT_EQ(reader.advance(), State::kNeedsMore);
  EXPECT_TRUE(reader.has_begun());
  reader.receive("TP/1.1\r\nHost:\r\n\r\n");
  ASSERT_EQ(reader.advance(), State::kRequest);
  EXPECT_EQ(reader.take().path, "/last");
}

TEST(RequestReader, WhatIsBehindTheLastRequestStays) {
  auto reader = make_reader();
  reader.receive("GET /ws HTTP/1.1\r\nHost: x\r\n\r\nframes");
  ASSERT_EQ(reader.advance(), State::kRequest);
  EXPECT_EQ(reader.unread(), "frames");
}

TEST(RequestReader, SaysOnceThatTheClientWaitsForContinue) {
  auto reader = make_reader();
  reader.receive("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(reader.advance(), State::kContinue);
  EXPECT_EQ(reader.advance(), State::kNeedsMore);
  reader.receive("ok");
  EXPECT_EQ(reader.advance(), State::kRequest);
}

TEST(RequestReader, RefusesFramingWithoutEnd) {
  const std::string kilobyte(1000, '0');
  for (const auto& [begin, piece] : std::vector<std::pair<std::string, std::string>>{
           {"1;", kilobyte}, {"0", kilobyte}, {"0\r\nTrailer: ", kilobyte}, {"0\r\n", "A: 1\r\n"}, {"", kilobyte}}) {
    auto reader = make_reader();
    reader.receive(chunked("/x") + begin);
    const auto [state, given] = feed(reader, piece);
    EXPECT_EQ(state, State::kRefused) << begin;
    EXPECT_LE(given, 3 * kLimits.head) << begin;
    EXPECT_EQ(reader.refusal().status, 400) << begin;
    EXPECT_FALSE(reader.keep_alive());
    reader.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(reader.advance(), State::kRefused) << "nothing behind it is a request";
  }
}

TEST(RequestReader, RefusesMuchFramingAroundLittleBody) {
  auto reader = make_reader();
  reader.receive(chunked("/x"));
  const auto [state, given] = feed(reader, "1;" + std::string(100, 'e') + "\r\nx\r\n");
  EXPECT_EQ(state, State::kRefused);
  EXPECT_LE(given, 3 * kLimits.head);
}

TEST(RequestReader, TakesABodyInChunksOfOneByte) {
  auto reader = make_reader();
  reader.receive(chunked("/x"));
  for (int i = 0; i < 4000; ++i) {
    reader.receive("1\r\nx\r\n");
    ASSERT_EQ(reader.advance(), State::kNeedsMore) << i;
  }
  reader.receive("0\r\nX-Sum: 1\r\n\r\n");
  ASSERT_EQ(reader.advance(), State::kRequest);
  const auto request = reader.take();
  EXPECT_EQ(request.body, std::string(4000, 'x'));
  EXPECT_EQ(request.header("x-sum"), "") << "a trailer is not a header";
}

TEST(RequestReader, RefusesBodiesThatAreTooLarge) {
  auto announced = make_reader();
  announced.receive("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n");
  EXPECT_EQ(announced.advance(), State::kRefused);
  EXPECT_EQ(announced.refusal().status, 413);
  auto in_chunks = make_reader();
  in_chunks.receive(chunked("/x"));
  EXPECT_EQ(feed(in_chunks, "100\r\n" + std::string(256, 'x') + "\r\n").first, State::kRefused);
  EXPECT_EQ(in_chunks.refusal().status, 413);
}

TEST(RequestReader, RefusesAHeadWithoutEnd) {
  auto reader = make_reader();
  reader.receive("GET / HTTP/1.1\r\nHost: x\r\n");
  const auto [state, given] = feed(reader, "A: 1\r\n");
  EXPECT_EQ(state, State::kRefused);
  EXPECT_EQ(reader.refusal().status, 431);
  EXPECT_LE(given, 2 * kLimits.head);
}

TEST(RequestReader, RefusesTransferEncodingsOtherThanChunked) {
  for (const auto* value :
       {"xchunked", "identity", "gzip, chunked", "chunked, chunked", "\"chunked\"", "chunked;q=1", ""}) {
    auto reader = make_reader();
    reader.receive("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + std::string(value) +
                   "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(reader.advance(), State::kRefused) << value;
  }
  auto reader = make_reader();
  reader.receive("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:  CHUNKED \r\n\r\n0\r\n\r\n");
  EXPECT_EQ(reader.advance(), State::kRequest);
}

TEST(RequestReader, StreamsTheBodyOfAnUpload) {
  auto reader = make_reader();
  reader.receive(chunked("/upload") + "5\r\nhello\r\n6\r\n");
  ASSERT_EQ(reader.advance(), State::kUpload);
  EXPECT_EQ(&reader.upload_route(), &kUploadRoute);
  std::string body;
  std::array<char, 3> room;
  std::size_t bytes = 0;
  auto state = BodyState::kFull;
  while (state == BodyState::kFull) {
    state = reader.read_body(room, bytes);
    body.append(room.data(), bytes);
  }
  EXPECT_EQ(state, BodyState::kNeedsMore);
  reader.receive(" world\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  do {
    state = reader.read_body(room, bytes);
    body.append(room.data(), bytes);
  } while (state == BodyState::kFull);
  EXPECT_EQ(state, BodyState::kWhole);
  EXPECT_EQ(body, "hello world");
  reader.next();
  ASSERT_EQ(reader.advance(), State::kRequest);
  EXPECT_EQ(reader.take().path, "/next");
}

TEST(RequestReader, RefusesFramingWithoutEndInAnUpload) {
  auto reader = make_reader();
  reader.receive(chunked("/upload") + "5;");
  ASSERT_EQ(reader.advance(), State::kUpload);
  std::array<char, 4096> room;
  std::size_t bytes = 0;
  std::size_t given = 0;
  auto state = BodyState::kNeedsMore;
  for (; given < (1 << 20) && state == BodyState::kNeedsMore; given += 100) {
    reader.receive(std::string(100, 'e'));
    state = reader.read_body(room, bytes);
    EXPECT_EQ(bytes, 0u);
  }
  EXPECT_EQ(state, BodyState::kRefused);
  EXPECT_LE(given, 2 * kLimits.head);
  EXPECT_EQ(reader.refusal().status, 400);
}

}  // namespace simpleim::net
