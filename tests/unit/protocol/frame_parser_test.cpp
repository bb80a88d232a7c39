#include "protocol/frame_parser.h"

#include <gtest/gtest.h>

#include "protocol/frame_writer.h"

namespace simpleim::protocol {
namespace {

/// As the settings have them.
FrameLimits usual_limits() {
  FrameLimits limits;
  limits.content_bytes = 64 << 10;
  limits.text_code_points = 20000;
  return limits;
}

ClientFrame parse(std::string text, FrameLimits limits = usual_limits()) {
  FrameParser parser(limits);
  const auto size = text.size();
  text.append(kFramePadding, ' ');
  return parser.parse({text.data(), size});
}

RefusedFrame refused(const std::string& text, FrameLimits limits = usual_limits()) {
  auto frame = parse(text, limits);
  EXPECT_TRUE(std::holds_alternative<RefusedFrame>(frame)) << text;
  return std::holds_alternative<RefusedFrame>(frame) ? std::get<RefusedFrame>(frame) : RefusedFrame{};
}

const std::string kTo = R"("to":"user_0000000000001")";

}  // namespace

TEST(FrameParser, ReadsATextAndKeepsFieldsItDoesNotKnow) {
  const auto frame = parse(R"({"message_id":"m1","type":1,)" + kTo +
                           R"(,"future":true,"content":{ "text" : "hi \u4f60" , "mood": 1 }})");
  ASSERT_TRUE(std::holds_alternative<SendFrame>(frame));
  const auto& send = std::get<SendFrame>(frame);
  EXPECT_EQ(send.message_id.view(), "m1");
  EXPECT_EQ(send.to, UserId{1});
  EXPECT_EQ(send.content, R"({"text":"hi 你","mood":1})");
}

TEST(FrameParser, GroupIdWinsOverToForType0AndToStandsInForType2) {
  const auto group = std::string(R"("group_id":"group_0000000000002")");
  auto frame = parse(R"({"type":0,)" + kTo + "," + group + R"(,"content":{"text":"x"}})");
  EXPECT_EQ(std::get<SendFrame>(frame).group, GroupId{2});
  frame = parse(R"({"type":2,"to":"group_0000000000002","content":{"text":"x"}})");
  EXPECT_EQ(std::get<SendFrame>(frame).group, GroupId{2});
  frame = parse(R"({"type":1,)" + kTo + "," + group + R"(,"content":{"text":"x"}})");
  EXPECT_EQ(std::get<SendFrame>(frame).to, UserId{1});
}

TEST(FrameParser, ReadsMentions) {
  const auto frame = parse(
      R"({"type":2,"group_id":"group_0000000000002","content":{"text":"x","at_user_ids":["user_0000000000001","*"]}})");
  const auto& send = std::get<SendFrame>(frame);
  EXPECT_EQ(send.mentions, std::vector<UserId>{UserId{1}});
  EXPECT_TRUE(send.mention_all);
}

TEST(FrameParser, RefusesWithTheFieldThatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"type":1,"content":{"text":"x"}})", "to"},
      {R"({"type":1,"to":5,"content":{"text":"x"}})", "to"},
      {R"({"type":1,"to":{"$ne":null},"content":{"text":"x"}})", "to"},
      {R"({"type":2,"content":{"text":"x"}})", "group_id"},
      {R"({"type":2,"group_id":"group_x","content":{"text":"x"}})", "group_id"},
      {R"({"type":1,)" + kTo + R"(,"message_id":"a b","content":{"text":"x"}})", "message_id"},
      {R"({"type":1,)" + kTo + R"(,"message_id":7,"content":{"text":"x"}})", "message_id"},
      {R"({"type":1,)" + kTo + "}", "content"},
      {R"({"type":1,)" + kTo + R"(,"content":"x"})", "content"},
      {R"({"type":1,)" + kTo + R"(,"content":{}})", "content.text"},
      {R"({"type":1,)" + kTo + R"(,"content":{"text":""}})", "content.text"},
      {R"({"type":1,)" + kTo + R"(,"content":{"text":null}})", "content.text"},
      {R"({"type":1,)" + kTo + R"(,"content":{"text":"x","at_user_ids":"*"}})", "content.at_user_ids"},
      {R"({"type":1,)" + kTo + R"(,"content":{"text":"x","at_user_ids":[1]}})", "content.at_user_ids"},
      {R"({"type":1,)" + kTo + R"(,"content":{"text":"x","reply_to":[]}})", "content.reply_to"},
      {R"({"type":31,"content":{"conversation_id":"x","seq":1}})", "content.conversation_id"},
      {R"({"type":31,"content":{"conversation_id":"group:group_0000000000002","seq":0}})", "content.seq"},
      {R"({"type":31,"content":{"conversation_id":"group:group_0000000000002","seq":1.5}})", "content.seq"},
      {R"({"type":50,"content":{"user_ids":"x"}})", "content.user_ids"},
      {R"({"type":3,"content":{}})", "type"},
      {R"({"type":30,"content":{}})", "type"},
      {R"({"type":77,"content":{}})", "type"},
      {R"({"type":-1,"content":{}})", "type"},
      {R"({"type":"1","content":{}})", "type"},
      {R"({"content":{}})", "type"},
  };
  for (const auto& [text, field] : cases) {
    const auto frame = refused(text);
    EXPECT_EQ(frame.error.field, field) << text;
    EXPECT_FALSE(frame.error.text.empty());
  }
}

TEST(FrameParser, RefusesWhatIsNotOneJsonObject) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  for (const std::string& text :
       {std::string(""), std::string("x"), std::string("[]"), std::string("1"), std::string("{"),
        std::string("{\"type\":99"), std::string("{}{}"), std::string("{\"type\":1,}"), std::string("{\"type\":1e400}"),
        std::string("\xef\xbb\xbf{}"), std::string("{'type':1}"), "{\"type\":99,\"x\":" + deep + "}",
        std::string("{\"type\":1,\"type\":2}"), std::string("{\"type\":NaN}"), std::string("{\"a\":\"\\ud800\"}")})
    EXPECT_EQ(refused(text).error.code == ErrorCode::kMalformedJson || refused(text).error.field == "type", true)
        << text;
  EXPECT_EQ(refused(R"({"type":1,)" + kTo + R"(,"content":{"text":"a","text":"b"}})").error.code,
            ErrorCode::kMalformedJson);
}

TEST(FrameParser, KeepsTheLimits) {
  FrameLimits limits;
  limits.text_code_points = 3;
  limits.content_bytes = 40;
  EXPECT_TRUE(
      std::holds_alternative<SendFrame>(parse(R"({"type":1,)" + kTo + R"(,"content":{"text":"你好吗"}})", limits)));
  EXPECT_EQ(refused(R"({"type":1,)" + kTo + R"(,"content":{"text":"你好吗!"}})", limits).error.field, "content.text");
  EXPECT_EQ(refused(R"({"type":1,)" + kTo + R"(,"content":{"text":"a","x":")" + std::string(50, 'x') + "\"}}", limits)
                .error.code,
            ErrorCode::kTooLarge);
}

TEST(FrameParser, TellsWhichMessageWasRefused) {
  const auto frame = refused(R"({"message_id":"m9","type":1,"content":{"text":"x"}})");
  EXPECT_TRUE(frame.wants_ack);
  EXPECT_EQ(frame.message_id, "m9");
}

TEST(FrameWriter, WritesWhatHistoryAndSocketsShow) {
  std::string out;
  write_message(out, {*MessageId::parse("m1"), ConversationId::between(UserId{1}, UserId{2}), UserId{2},
                      FrameType::kPrivate, 7, 1700000000000, R"({"text":"x"})"});
  EXPECT_EQ(
      out,
      R"({"message_id":"m1","type":1,"from":"user_0000000000002","to":"user_0000000000001","content":{"text":"x"},)"
      R"("conversation_id":"private:user_0000000000001:user_0000000000002","seq":7,"timestamp":1700000000000})");
}

TEST(FrameWriter, EscapesWhatComesFromOutside) {
  std::string out;
  write_error(out, UserId{7}, {ErrorCode::kValidation, "bad \"x\"\n"}, "a\\b", 5);
  EXPECT_EQ(
      out,
      R"({"message_id":"","type":34,"from":"system","to":"user_0000000000007","content":{"code":40002,"error":"bad \"x\"\n","ref":"a\\b"},"timestamp":5})");
}

}  // namespace simpleim::protocol
