#include "protocol/edit_entry.h"

#include <gtest/gtest.h>

namespace simpleim::protocol {
namespace {

Message entry(FrameType type, const std::string& content) {
  Message message;
  message.type = type;
  message.content = content;
  return message;
}

TEST(EditEntry, SaysWhichMessageItShows) {
  EXPECT_EQ(edited_seq(entry(FrameType::kEdit, R"({"message_id":"a","seq":12,"content":{"text":"x"}})")), 12);
  EXPECT_FALSE(edited_seq(entry(FrameType::kEdit, R"({"message_id":"a","seq":12})"))) << "recalled since";
  EXPECT_FALSE(edited_seq(entry(FrameType::kText, R"({"text":"\"seq\":12,\"content\":"})")));
  EXPECT_FALSE(edited_seq(entry(FrameType::kEdit, "{}")));
}

TEST(EditEntry, HidesTheTextOfOlderMessages) {
  std::vector<Message> messages{
      entry(FrameType::kEdit, R"({"message_id":"a","seq":4,"content":{"text":"old ,\"content\": old"}})"),
      entry(FrameType::kEdit, R"({"message_id":"b","seq":5,"content":{"text":"new"}})"),
      entry(FrameType::kText, R"({"text":"as it is"})")};
  hide_older_texts(messages, 5);
  EXPECT_EQ(messages[0].content, R"({"message_id":"a","seq":4})");
  EXPECT_EQ(messages[1].content, R"({"message_id":"b","seq":5,"content":{"text":"new"}})");
  EXPECT_EQ(messages[2].content, R"({"text":"as it is"})");
}

}  // namespace
}  // namespace simpleim::protocol
