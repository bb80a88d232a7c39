#include <gtest/gtest.h>

#include <set>

#include "support.h"

namespace simpleim::base {

TEST(Ids, HaveAWireFormThatKeepsTheirOrder) {
  const UserId small{1};
  const UserId large{0x7fffffffffffffff};
  EXPECT_EQ(small.str(), "user_0000000000001");
  EXPECT_LT(small.str(), large.str());
  EXPECT_EQ(UserId::parse(small.str()), small);
  EXPECT_EQ(UserId::parse(large.str()), large);
}

TEST(Ids, RefuseWhatIsNotTheirs) {
  for (const char* text :
       {"", "user_", "user_0000000000000", "user_000000000001", "user_00000000000011", "group_0000000000001",
        "user_000000000000I", "user_000000000000o", "USER_0000000000001", "user_z000000000001", " user_0000000000001"})
    EXPECT_FALSE(UserId::parse(text)) << text;
}

TEST(ConversationIds, OfTwoUsersAreTheSameFromBothSides) {
  const UserId a{7};
  const UserId b{9};
  EXPECT_EQ(ConversationId::between(a, b), ConversationId::between(b, a));
  EXPECT_EQ(ConversationId::between(a, b).peer_of(a), b);
  EXPECT_EQ(ConversationId::between(a, b).peer_of(b), a);
  EXPECT_EQ(ConversationId::parse(ConversationId::between(a, b).str()), ConversationId::between(a, b));
  EXPECT_EQ(ConversationId::parse("private:" + b.str() + ":" + a.str()), std::nullopt) << "the smaller id comes first";
}

TEST(ConversationIds, OfGroupsRoundTrip) {
  const auto id = ConversationId::of(GroupId{42});
  EXPECT_TRUE(id.is_group());
  EXPECT_EQ(ConversationId::parse(id.str()), id);
  for (const char* text :
       {"", "group:", "group:x", "private:", "private:user_0000000000001", "group:user_0000000000001", "x:y"})
    EXPECT_FALSE(ConversationId::parse(text)) << text;
}

TEST(MessageIds, TakeWhatTheContractAllows) {
  EXPECT_TRUE(MessageId::parse("a"));
  EXPECT_TRUE(MessageId::parse(std::string(64, 'Z')));
  EXPECT_TRUE(MessageId::parse("AZaz09_-"));
  EXPECT_FALSE(MessageId::parse(""));
  EXPECT_FALSE(MessageId::parse(std::string(65, 'a')));
  EXPECT_FALSE(MessageId::parse("a b"));
  EXPECT_FALSE(MessageId::parse("ä"));
}

TEST(IdMaker, MakesIdsInTheOrderOfTheClock) {
  test::ManualClock clock;
  test::SeededRandom random(1);
  IdMaker ids(clock, random);
  const auto first = ids.make<UserId>();
  clock.advance(1);
  EXPECT_LT(first, ids.make<UserId>());
}

TEST(IdMaker, MakesVersion7Uuids) {
  test::ManualClock clock;
  test::SeededRandom random(1);
  IdMaker ids(clock, random);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id(ids.message_id().view());
    ASSERT_EQ(id.size(), 36u);
    EXPECT_EQ(id[14], '7');
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(id).second);
  }
}

}  // namespace simpleim::base
