#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>

#include "protocol/frame_parser.h"
#include "protocol/frame_writer.h"
#include "protocol/protobuf_decoder.h"
#include "protocol/protobuf_encoder.h"

namespace simpleim::protocol {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

/// Frames of proto/vectors, whose binary form Google's library has written.
struct Vector {
  std::string name, json, binary;
};
std::vector<Vector> vectors(const std::string& file) {
  simdjson::dom::parser parser;
  std::vector<Vector> all;
  for (simdjson::dom::element entry :
       parser.load(std::string(SIMPLEIM_SOURCE_DIR) + "/proto/vectors/" + file).get_array().value())
    all.push_back({std::string(entry["name"].get_string().value()), simdjson::minify(entry["json"].value()),
                   from_hex(entry["binary"].get_string().value())});
  return all;
}

std::string encoded(std::string_view json) {
  ProtobufEncoder encoder;
  std::string out;
  encoder.encode(out, json);
  return out;
}

const FrameLimits kLimits{.content_bytes = 64 << 10, .text_code_points = 20000, .mentions = 3};

ClientFrame parse(std::string_view bytes) {
  FrameParser parser(kLimits);
  return parser.parse_protobuf(bytes);
}

RefusedFrame refusal(std::string_view bytes) {
  auto frame = parse(bytes);
  EXPECT_TRUE(std::holds_alternative<RefusedFrame>(frame));
  return std::holds_alternative<RefusedFrame>(frame) ? std::get<RefusedFrame>(frame) : RefusedFrame{};
}

SendFrame message(std::string_view bytes) {
  auto frame = parse(bytes);
  if (auto* refused = std::get_if<RefusedFrame>(&frame)) ADD_FAILURE() << refused->error.text;
  auto* send = std::get_if<SendFrame>(&frame);
  return send != nullptr ? *send : SendFrame{};
}

/// What a frame says, of both forms alike: what is not there is empty.
std::string said(std::string json) {
  simdjson::dom::parser parser;
  const auto frame = parser.parse(simdjson::padded_string(json)).value();
  std::string out;
  for (const auto* key : {"type", "message_id", "to", "group_id", "content"}) {
    simdjson::dom::element value;
    const bool is_there = frame[key].get(value) == simdjson::SUCCESS && !value.is_null();
    out += "|" + (is_there ? std::string(simdjson::minify(value)) : std::string(R"("")"));
  }
  return out;
}

TEST(Protobuf, WritesTheServersFramesAsGooglesLibraryDoes) {
  const auto all = vectors("server.json");
  ASSERT_GT(all.size(), 30u);
  for (const auto& vector : all) EXPECT_EQ(encoded(vector.json), vector.binary) << vector.name;
}

/// The same of the message itself.
TEST(Protobuf, WritesMessagesAndAcksAsItWritesTheirJson) {
  const auto pair = ConversationId::between(UserId{11}, UserId{22});
  const auto group = ConversationId::of(GroupId{33});
  const auto id = *MessageId::parse("m-1");
  const Amendment edited{1000, 0, {}, 9}, recalled{1000, 2000, UserId{22}, 10};
  for (const auto& message : std::vector<Message>{
           {id, pair, UserId{11}, FrameType::kText, 1, 5, R"({"text":"hello"})"},
           {id, pair, UserId{22}, FrameType::kPrivate, 1, 5, R"({"text":"a \"quote\" and \\ and \u0001"})"},
           {id, pair, UserId{22}, FrameType::kPrivate, 1, 5, R"({"text":"a","x":""})"},
           {id, group, UserId{11}, FrameType::kGroup, 1, 5, R"({"text":"@x","at_user_ids":["*"],"reply_to":"m-0"})"},
           {id, group, UserId{11}, FrameType::kGroup, 1, 5, R"({"text":"edited"})", edited},
           {id, group, UserId{11}, FrameType::kGroup, 1, 5, R"({"recalled":true})", recalled},
           {id, group, {}, FrameType::kEvent, 1, 5, R"({"event":"joined"})"},
           {id, pair, {}, FrameType::kEvent, 1, 5, R"({"event":"call"})"},
           {id, pair, UserId{11}, FrameType::kImage, 1, 5, R"({"file_id":"file_0000000000001"})"},
           {id, pair, UserId{11}, FrameType::kReaction, 4294967295, 5, R"({"message_id":"m-0","emoji":"👍"})"}}) {
    std::string json, binary;
    write_message(json, message);
    ProtobufEncoder().encode(binary, message);
    EXPECT_EQ(binary, encoded(json)) << json;
  }
  std::string json, binary;
  write_ack(json, "m-1", UserId{11}, group, 7, 5);
  ProtobufEncoder().encode_ack(binary, "m-1", UserId{11}, group, 7, 5);
  EXPECT_EQ(binary, encoded(json));
}

TEST(Protobuf, ReadsTheClientsFramesAsIfTheyWereJson) {
  const auto all = vectors("client.json");
  ASSERT_GT(all.size(), 15u);
  for (const auto& vector : all) {
    FrameParser parser(kLimits);
    const auto padded = vector.json + std::string(kFramePadding, ' ');
    const auto of_json = parser.parse({padded.data(), vector.json.size()});
    const auto of_binary = parser.parse_protobuf(vector.binary);
    ASSERT_EQ(of_binary.index(), of_json.index()) << vector.name;
    EXPECT_FALSE(std::holds_alternative<RefusedFrame>(of_binary)) << vector.name;
    if (const auto* send = std::get_if<SendFrame>(&of_json)) EXPECT_EQ(*send, std::get<SendFrame>(of_binary));
    std::string json;
    if (read_protobuf(json, vector.binary, kLimits)) continue;  // a text, compared above
    const bool is_ignored = vector.name == "heartbeat";         // its content, hence it is not read
    EXPECT_EQ(said(json), is_ignored ? R"(|99|""|""|""|"")" : said(vector.json)) << vector.name;
  }
}

TEST(Protobuf, TextsAreRefusedAsInJson) {
  const auto user = std::string("\x22\x12user_0dyks98y8zcf0");
  const auto text = [](const std::string& content) {
    return "\x5a" + std::string(1, static_cast<char>(content.size())) + content;
  };
  const auto id = std::string("\x12\x02m1");
  const auto mention = std::string("\x12\x01*");
  for (const auto& [bytes, field] : std::vector<std::pair<std::string, std::string>>{
           {"\x08\x01" + id + text("\x0a\x01x"), "to"},
           {"\x08\x02" + id + text("\x0a\x01x"), "group_id"},
           {"\x08\x01" + id + user + text(""), "content.text"},
           {"\x08\x01" + id + user + text("\x0a\x01 "), "content.text"},
           {"\x08\x01" + id + user + text("\x0a\x01x\x1a\x02# "), "content.reply_to"},
           {"\x08\x01" + id + user + text("\x0a\x01x\x12\x01y"), "content.at_user_ids"},
           {"\x08\x01" + id + user + text("\x0a\x01x" + mention + mention + mention + mention),
            "content.at_user_ids"}}) {
    const auto refused = refusal(bytes);
    EXPECT_EQ(refused.error.field, field);
    EXPECT_EQ(refused.error.code, ErrorCode::kValidation);
    EXPECT_EQ(refused.message_id, "m1");
    EXPECT_TRUE(refused.wants_ack);
  }
  EXPECT_EQ(refusal("\x08\x01\x12\x02# " + user + text("\x0a\x01x")).error.field, "message_id");
}

TEST(Protobuf, WhatIsNoFrameIsRefusedWithAReason) {
  for (const auto& bytes :
       {std::string("\x0a"), std::string("\x12\x7f"), std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        std::string("\x0f"), std::string("\x5a\x02\x0a\x7f")}) {
    const auto refused = refusal(bytes);
    EXPECT_EQ(refused.error.code, ErrorCode::kMalformedJson);
    EXPECT_NE(refused.error.text.find("proto/simpleim.proto"), std::string::npos) << refused.error.text;
  }
  EXPECT_EQ(refusal("").error.field, "content") << "an empty message is a text without a content";
}

TEST(Protobuf, TextThatIsNotUtf8IsRefused) {
  EXPECT_NE(refusal(std::string("\x12\x02\xc3\x28")).error.text.find("UTF-8"), std::string::npos);
  EXPECT_NE(refusal(std::string("\x5a\x04\x0a\x02\xed\xa0")).error.text.find("UTF-8"), std::string::npos);
  EXPECT_NE(refusal(std::string("\x52\x02\xff\xfe")).error.text.find("UTF-8"), std::string::npos);
}

TEST(Protobuf, FieldsOfAnotherTypeOrALaterReleaseAreSkipped) {
  auto bytes = vectors("client.json").front().binary;
  bytes += std::string("\xa2\x06\x03new", 6);  // field 100
  bytes += std::string("\x10\x05", 2);         // message_id as a number
  EXPECT_EQ(message(bytes).content, R"({"text":"hello"})");
}

TEST(Protobuf, BytesThatShouldBeJsonBringNoKeyOfTheFrame) {
  const auto with_json = [](std::string_view json) {
    std::string bytes("\x08\x01\x1a\x00\x22\x12user_0dyks98y8zcf0", 24);
    bytes += "\x52";
    bytes += static_cast<char>(json.size());
    return bytes + std::string(json);
  };
  EXPECT_EQ(message(with_json(R"({"text":"x"})")).content, R"({"text":"x"})");
  for (const auto* json : {R"({"text":"x"},"group_id":"group_0000000000002")", R"({"text":"x"},"message_id":"m")",
                           R"({"text":"x"},"type":99)", R"({"text":"x"},"content":{})"})
    EXPECT_NE(refusal(with_json(json)).error.text.find("stands twice"), std::string::npos) << json;
  EXPECT_EQ(refusal(with_json(R"({"text":"x"}})")).error.code, ErrorCode::kMalformedJson);
  EXPECT_EQ(refusal(with_json("7")).error.field, "content");
}

TEST(Protobuf, LaterFieldsReplaceEarlierOnes) {
  auto bytes = vectors("client.json").front().binary;
  bytes += std::string("\x5a\x04\x0a\x02hi", 6);
  EXPECT_EQ(message(bytes).content, R"({"text":"hi"})");
}

}  // namespace
}  // namespace simpleim::protocol
