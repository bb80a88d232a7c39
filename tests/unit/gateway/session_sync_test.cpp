#include "gateway/session_sync.h"

#include <gtest/gtest.h>

#include <deque>

#include "store/sqlite/sqlite_store.h"
#include "support.h"

/// A sync on a real store, with a session whose tasks run when the test says so.
namespace simpleim::gateway {
namespace {

using base::ConversationId;
using base::GroupId;
using test::kAlice;
using test::kBob;

class FakeSession : public SessionSync::Host {
 public:
  void read(std::function<SessionSync::Next()> work) override {
    tasks_.push_back([this, work = std::move(work)] { work()(*sync); });
  }
  void settle(SessionSync::Next then) override {
    tasks_.push_back([this, then = std::move(then)] { then(*sync); });
  }
  bool is_contended() const override { return contended; }
  void reenter(std::function<void(SessionSync&, AdmissionGate::Turn)> then) override {
    ++reentered;
    tasks_.push_back([this, then = std::move(then)] { then(*sync, std::make_shared<int>()); });
  }
  void subscribe(const store::Membership& membership) override { groups.push_back(membership.group); }
  void apply_membership(const service::MembershipChanged& changed) override {
    memberships.emplace_back(changed.group, changed.member);
  }
  void push(const std::vector<service::Message>& messages) override {
    for (const auto& message : messages) pushed.push_back(message.seq);
  }
  bool has_taken_all() const override { return takes_all; }
  std::vector<ConversationId> ahead_of(const std::vector<std::pair<ConversationId, std::int64_t>>&) override {
    return std::exchange(ahead, {});
  }
  void revoked() override { was_revoked = true; }
  void synced(const std::vector<service::Sync::Reached>& places) override {
    reached = places;
    is_synced = true;
    sync.reset();
  }

  bool step() {
    if (tasks_.empty()) return false;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  /// Steps until `count` messages are pushed; false when it ended before.
  bool run_until_pushed(std::size_t count) {
    while (sync && pushed.size() < count)
      if (!step()) return false;
    return sync != nullptr;
  }
  void run() {
    while (sync && step()) {
    }
  }

  std::unique_ptr<SessionSync> sync;
  bool contended = false;
  bool takes_all = true;
  std::vector<ConversationId> ahead;
  std::vector<GroupId> groups;
  std::vector<std::pair<GroupId, bool>> memberships;
  std::vector<std::int64_t> pushed;
  std::vector<service::Sync::Reached> reached;
  int reentered = 0;
  bool was_revoked = false;
  bool is_synced = false;

 private:
  std::deque<std::function<void()>> tasks_;
};

class SessionSyncs : public testing::Test {
 protected:
  void SetUp() override {
    store_.begin();
    for (const auto id : {kAlice, kBob}) {
      store::User user;
      user.id = id;
      user.username = user.nickname = "user" + std::to_string(id.value);
      ASSERT_TRUE(store_.accounts().create_user(user));
    }
    store::Session session;
    session.id = signed_in_;
    session.user = kBob;
    session.device_id = "phone";
    store_.accounts().create_session(session);
    store_.conversations().open(kBob, pair_, 0);
    store_.commit();
    append(10);
  }
  void append(int count) {
    store_.begin();
    for (int i = 0; i < count; ++i)
      store_.messages().append({test::message_id("m" + std::to_string(++made_)), pair_, kAlice,
                                protocol::FrameType::kPrivate, 0, 1000, R"({"text":"x"})"},
                               {});
    store_.commit();
  }
  /// Pieces of four messages.
  void open(SyncMode mode = SyncMode::kPush) {
    session_.sync = std::make_unique<SessionSync>(
        session_, store_, SessionSync::Who{kBob, signed_in_}, mode,
        std::make_shared<service::Sync>(store_, kBob, service::Sync::Options{1000, 4}), turn_);
    session_.sync->start();
  }
  static std::vector<std::int64_t> up_to(std::int64_t last) {
    std::vector<std::int64_t> all;
    for (std::int64_t seq = 1; seq <= last; ++seq) all.push_back(seq);
    return all;
  }

  const base::SessionId signed_in_{7};
  const ConversationId pair_ = ConversationId::between(kAlice, kBob);
  test::TempDir dir_;
  store::sqlite::SqliteStore store_{dir_.file("db"), 2};
  AdmissionGate::Turn turn_ = std::make_shared<int>();
  FakeSession session_;
  int made_ = 0;
};

}  // namespace

TEST_F(SessionSyncs, PushWhatWasMissedAndSayHowFarItReached) {
  open();
  session_.run();
  EXPECT_EQ(session_.pushed, up_to(10));
  ASSERT_TRUE(session_.is_synced);
  ASSERT_EQ(session_.reached.size(), 1u);
  EXPECT_EQ(session_.reached[0].seq, 10);
}

TEST_F(SessionSyncs, PushNothingWhenOnlyASummaryIsWanted) {
  open(SyncMode::kSummary);
  session_.run();
  EXPECT_TRUE(session_.is_synced && session_.pushed.empty());
}

TEST_F(SessionSyncs, GiveTheTurnBackWhileTheClientTakes) {
  open();
  session_.takes_all = false;
  const std::weak_ptr<void> turn = std::exchange(turn_, nullptr);
  session_.run();
  EXPECT_EQ(session_.pushed, up_to(4)) << "no more is read than the client takes";
  ASSERT_TRUE(session_.sync);
  EXPECT_TRUE(turn.expired());
  session_.takes_all = true;
  session_.sync->drained();
  EXPECT_EQ(session_.reentered, 1) << "it stands in line again";
  session_.sync->drained();
  EXPECT_EQ(session_.reentered, 1) << "once";
  session_.run();
  EXPECT_EQ(session_.pushed, up_to(10));
  EXPECT_TRUE(session_.is_synced);
}

TEST_F(SessionSyncs, TakeTurnsWithThoseWhoWait) {
  open();
  session_.contended = true;
  session_.run();
  EXPECT_EQ(session_.pushed, up_to(10));
  EXPECT_EQ(session_.reentered, 3) << "after each piece";
}

TEST_F(SessionSyncs, ReadWhatArrivedMeanwhile) {
  open();
  ASSERT_TRUE(session_.run_until_pushed(8));
  append(3);
  session_.sync->note(pair_);
  session_.sync->note(pair_);
  session_.run();
  EXPECT_EQ(session_.pushed, up_to(13));
}

TEST_F(SessionSyncs, ReadWhatOtherNodesHaveStored) {
  open();
  ASSERT_TRUE(session_.run_until_pushed(10));
  append(2);
  session_.ahead = {pair_};
  session_.run();
  EXPECT_EQ(session_.pushed, up_to(12));
}

TEST_F(SessionSyncs, EndThoughSomethingArrivesAgainAndAgain) {
  open();
  for (int steps = 0; session_.sync && steps < 1000; ++steps) {
    session_.sync->note(pair_);
    if (!session_.step()) break;
  }
  EXPECT_TRUE(session_.is_synced);
}

TEST_F(SessionSyncs, HoldMembershipsUntilTheGroupsAreKnown) {
  open();
  EXPECT_TRUE(session_.sync->hold_membership({GroupId{5}, {}, true}));
  while (session_.sync && session_.memberships.empty()) ASSERT_TRUE(session_.step());
  EXPECT_EQ(session_.memberships, (std::vector<std::pair<GroupId, bool>>{{GroupId{5}, true}}));
  ASSERT_TRUE(session_.sync);
  EXPECT_FALSE(session_.sync->hold_membership({GroupId{5}, {}, false})) << "from now on at once";
}

TEST_F(SessionSyncs, GoNoFurtherForASessionThatWasEnded) {
  store_.begin();
  store_.accounts().delete_session(signed_in_);
  store_.commit();
  open();
  session_.run();
  EXPECT_TRUE(session_.was_revoked);
  EXPECT_TRUE(session_.pushed.empty() && !session_.is_synced);
}

}  // namespace simpleim::gateway
