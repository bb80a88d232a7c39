#include "service/events/changes.h"

#include <gtest/gtest.h>

#include "base/byte_codec.h"
#include "support.h"

namespace simpleim::service {
namespace {

std::string changes() {
  const auto pair = ConversationId::between(UserId{11}, UserId{22});
  std::vector<Event> events;
  for (std::int64_t seq : {7, 8})
    events.emplace_back(MessageStored{
        {test::message_id("m" + std::to_string(seq)), pair, UserId{11}, protocol::FrameType::kText, seq, 1000, "{}"},
        {}});
  events.emplace_back(MembershipChanged{GroupId{5}, UserId{22}, false});
  events.emplace_back(SessionEnded{UserId{11}, SessionId{9}});
  return encode_changes(events);
}

void expect_whole(const Changes& read) {
  ASSERT_EQ(read.messages.size(), 1u);
  EXPECT_EQ(read.messages.front().first_seq, 7);
  EXPECT_EQ(read.messages.front().last_seq, 8);
  ASSERT_EQ(read.memberships.size(), 1u);
  EXPECT_FALSE(read.memberships.front().member);
  ASSERT_EQ(read.ended.size(), 1u);
  EXPECT_EQ(read.ended.front().session, SessionId{9});
}

TEST(Changes, AreReadAsTheyWereWritten) { expect_whole(decode_changes(changes())); }

TEST(Changes, OfANewerNodeAreSkippedAndTheRestIsRead) {
  std::string text;
  base::EntryWriter(text, 200).text("what this release knows nothing of");
  text += changes();
  base::EntryWriter(text, 201).number(std::int64_t{1});
  expect_whole(decode_changes(text));
}

TEST(Changes, ThatAreCutAreReadAsFarAsTheyGo) {
  const auto text = changes();
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = decode_changes(std::string_view(text).substr(0, size));
    EXPECT_LT(read.messages.size() + read.memberships.size() + read.ended.size(), 3u) << size;
  }
}

}  // namespace
}  // namespace simpleim::service
