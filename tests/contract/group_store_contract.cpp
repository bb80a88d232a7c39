#include "contract/store_fixture.h"

namespace simpleim::test {

using base::GroupId;
using store::GroupMember;
using store::Role;

class GroupStoreContract : public StoreContract {
 protected:
  void make(GroupId id, std::vector<base::UserId> members) {
    batch([&] {
      store::Group g;
      g.id = id;
      g.name = "g";
      g.owner = members.front();
      store_->groups().create_group(g);
      for (const auto m : members)
        store_->groups().put_member({id, m, m == g.owner ? Role::kOwner : Role::kMember, "", 1, 1, 0});
    });
  }
};

TEST_P(GroupStoreContract, CountsItsMembers) {
  make(GroupId{5}, {kAlice, kBob});
  EXPECT_EQ(store_->groups().group(GroupId{5})->member_count, 2);
  batch([&] {
    store_->groups().put_member({GroupId{5}, kBob, Role::kAdmin, "b", 1, 1, 9});
    store_->groups().remove_member(GroupId{5}, kAlice);
    store_->groups().remove_member(GroupId{5}, kAlice);
  });
  reopen();
  EXPECT_EQ(store_->groups().group(GroupId{5})->member_count, 1);
  const auto bob = store_->groups().member(GroupId{5}, kBob);
  EXPECT_EQ(bob->role, Role::kAdmin);
  EXPECT_EQ(bob->muted_until, 9);
  EXPECT_FALSE(store_->groups().member(GroupId{5}, kAlice));
}

TEST_P(GroupStoreContract, PagesMembersInOrder) {
  std::vector<base::UserId> members;
  for (std::uint64_t i = 1; i <= 25; ++i) members.push_back(base::UserId{i});
  make(GroupId{5}, members);
  std::vector<base::UserId> seen;
  for (base::UserId after;;) {
    const auto page = store_->groups().members(GroupId{5}, after, 10);
    for (const auto& m : page) seen.push_back(m.user);
    if (page.size() < 10) break;
    after = page.back().user;
  }
  EXPECT_EQ(seen, members);
}

TEST_P(GroupStoreContract, KnowsAUsersGroups) {
  make(GroupId{5}, {kAlice, kBob});
  make(GroupId{6}, {kBob});
  ASSERT_EQ(store_->groups().memberships_of(kAlice).size(), 1u);
  EXPECT_EQ(store_->groups().memberships_of(kAlice)[0].group, GroupId{5});
  EXPECT_EQ(store_->groups().groups_of(kBob).size(), 2u);
  EXPECT_EQ(store_->groups().owned_by(kBob), 1u);
  batch([&] { store_->groups().dissolve_group(GroupId{5}); });
  EXPECT_FALSE(store_->groups().group(GroupId{5}));
  EXPECT_TRUE(store_->groups().memberships_of(kAlice).empty());
}

TEST_P(GroupStoreContract, KeepsWhatIsHeldAgainstSomebodyUntilTheGroupEnds) {
  make(GroupId{5}, {kAlice});
  EXPECT_EQ(store_->groups().restriction(GroupId{5}, kBob), store::Restriction{});
  batch([&] { store_->groups().set_restriction(GroupId{5}, kBob, {77, true}); });
  EXPECT_EQ(store_->groups().restriction(GroupId{5}, kBob), (store::Restriction{77, true}));
  batch([&] { store_->groups().set_restriction(GroupId{5}, kBob, {78, false}); });
  EXPECT_EQ(store_->groups().restriction(GroupId{5}, kBob), (store::Restriction{78, false}));
  batch([&] { store_->groups().set_restriction(GroupId{5}, kBob, {}); });
  EXPECT_EQ(store_->groups().restriction(GroupId{5}, kBob), store::Restriction{});
  batch([&] {
    store_->groups().set_restriction(GroupId{5}, kBob, {77, true});
    store_->groups().dissolve_group(GroupId{5});
  });
  EXPECT_EQ(store_->groups().restriction(GroupId{5}, kBob), store::Restriction{});
}

TEST_P(GroupStoreContract, KeepsJoinRequests) {
  make(GroupId{5}, {kAlice});
  batch([&] {
    store_->groups().set_join_request(GroupId{5}, kBob, true, 1);
    store_->groups().set_join_request(GroupId{5}, kBob, true, 2);
  });
  EXPECT_EQ(store_->groups().join_requests(GroupId{5}, 10), std::vector<base::UserId>{kBob});
  EXPECT_TRUE(store_->groups().has_join_request(GroupId{5}, kBob));
  EXPECT_FALSE(store_->groups().has_join_request(GroupId{5}, kAlice));
  batch([&] { store_->groups().set_join_request(GroupId{5}, kBob, false, 0); });
  EXPECT_TRUE(store_->groups().join_requests(GroupId{5}, 10).empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, GroupStoreContract, testing::ValuesIn(store_backends()), backend_name);

class ConversationStoreContract : public StoreContract {};

TEST_P(ConversationStoreContract, MarksOnlyMoveForward) {
  batch([&] { store_->conversations().open(kAlice, pair_, 0); });
  batch([&] {
    auto& c = store_->conversations();
    EXPECT_TRUE(c.advance_read(kAlice, pair_, 5));
    EXPECT_FALSE(c.advance_read(kAlice, pair_, 5));
    EXPECT_FALSE(c.advance_read(kAlice, pair_, 4));
    EXPECT_FALSE(c.advance_delivered(kAlice, pair_, 5)) << "what is read is delivered";
    EXPECT_TRUE(c.advance_delivered(kAlice, pair_, 6));
    EXPECT_FALSE(c.advance_read(kBob, pair_, 5)) << "not in his list";
  });
  reopen();
  const auto state = store_->conversations().state(kAlice, pair_);
  EXPECT_EQ(state->read_seq, 5);
  EXPECT_EQ(state->delivered_seq, 6);
  EXPECT_FALSE(store_->conversations().state(kBob, pair_));
}

TEST_P(ConversationStoreContract, OpeningAgainChangesNothingAndSettingsStay) {
  batch([&] {
    store_->conversations().open(kAlice, pair_, 3);
    store_->conversations().open(kAlice, pair_, 9);
    store_->conversations().update(kAlice, {pair_, 0, 0, true, true, false, "draft 草稿"});
  });
  const auto state = store_->conversations().state(kAlice, pair_);
  EXPECT_EQ(state->read_seq, 3);
  EXPECT_TRUE(state->pinned && state->muted && !state->archived);
  EXPECT_EQ(state->draft, "draft 草稿");
  EXPECT_EQ(store_->conversations().states_of(kAlice).size(), 1u);
  batch([&] { store_->conversations().remove(kAlice, pair_); });
  EXPECT_TRUE(store_->conversations().states_of(kAlice).empty());
}

TEST_P(ConversationStoreContract, ListsWhatAUserMayReadWithWhereItEnds) {
  const auto joined = base::ConversationId::of(GroupId{5});
  const auto left = base::ConversationId::of(GroupId{6});
  const auto empty = base::ConversationId::between(kAlice, base::UserId{33});
  batch([&] {
    for (const auto id : {GroupId{5}, GroupId{6}}) {
      store::Group g;
      g.id = id;
      g.name = "g";
      g.owner = kBob;
      store_->groups().create_group(g);
      store_->groups().put_member({id, kBob, Role::kOwner, "", 1, 1, 0});
    }
    for (const auto conversation : {joined, left, pair_, empty})
      store_->conversations().open(kAlice, conversation, conversation == pair_ ? 1 : 0);
    store_->conversations().open(kBob, left, 0);
    store_->groups().put_member({GroupId{5}, kAlice, Role::kMember, "", 1, 3, 0});
  });
  for (const auto* id : {"g1", "g2", "g3"}) append(message(id, joined, kBob));
  for (const auto* id : {"p1", "p2"}) append(message(id, pair_, kBob));
  append(message("l1", left, kBob));
  reopen();
  auto listed = store_->listed(kAlice);
  std::sort(listed.begin(), listed.end(),
            [](const auto& a, const auto& b) { return a.state.conversation < b.state.conversation; });
  ASSERT_EQ(listed.size(), 3u) << "not the group that Alice is no member of";
  EXPECT_EQ(listed[0].state.conversation, joined);
  EXPECT_EQ(listed[0].visible_from, 3);
  EXPECT_EQ(listed[0].tail.last_seq, 3);
  EXPECT_EQ(listed[0].tail.last_timestamp, store_->messages().tail(joined).last_timestamp);
  EXPECT_EQ(listed[1].state.conversation, pair_);
  EXPECT_EQ(listed[1].state.read_seq, 1);
  EXPECT_EQ(listed[1].visible_from, 1);
  EXPECT_EQ(listed[1].tail.last_seq, 2);
  EXPECT_EQ(listed[2].state.conversation, empty);
  EXPECT_EQ(listed[2].tail.last_seq, 0);
}

TEST_P(ConversationStoreContract, GivesTheReadMarksOfAGroupsMembersOnly) {
  const GroupId group{5};
  const auto conversation = base::ConversationId::of(group);
  const base::UserId former{33};
  batch([&] {
    store::Group g;
    g.id = group;
    g.name = "g";
    g.owner = kAlice;
    store_->groups().create_group(g);
    store_->groups().put_member({group, kAlice, Role::kOwner, "", 1, 1, 0});
    store_->groups().put_member({group, kBob, Role::kMember, "", 1, 4, 0});
    for (const auto user : {kAlice, kBob, former}) store_->conversations().open(user, conversation, 0);
    store_->conversations().advance_read(kBob, conversation, 7);
  });
  reopen();
  auto marks = store_->conversations().read_marks(group);
  std::sort(marks.begin(), marks.end(), [](const auto& a, const auto& b) { return a.user < b.user; });
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(marks[0].user, kAlice);
  EXPECT_EQ(marks[0].visible_from, 1);
  EXPECT_EQ(marks[0].read_seq, 0);
  EXPECT_EQ(marks[1].user, kBob);
  EXPECT_EQ(marks[1].visible_from, 4);
  EXPECT_EQ(marks[1].read_seq, 7);
  EXPECT_TRUE(store_->conversations().read_marks(GroupId{6}).empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, ConversationStoreContract, testing::ValuesIn(store_backends()), backend_name);

}  // namespace simpleim::test
