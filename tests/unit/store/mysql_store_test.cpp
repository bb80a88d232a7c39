#include "store/mysql/mysql_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "servers/mariadb_server.h"
#include "support.h"

/// What several nodes on one database mean, and what becomes of a batch when the database fails.
namespace simpleim::test {
namespace {

using base::ConversationId;
using base::GroupId;
using base::UserId;
using store::AppendStatus;
using store::StoreError;
using store::mysql::MysqlStore;

class MysqlNodes : public testing::Test {
 protected:
  std::unique_ptr<MysqlStore> node(MariaDbServer& server) {
    if (options_.database == "simpleim") options_ = server.options();
    return std::make_unique<MysqlStore>(options_, clock_, random_);
  }
  static store::Message message(const std::string& id, ConversationId conversation) {
    return {message_id(id), conversation, kAlice, protocol::FrameType::kText, 0, 1000, R"({"text":"x"})"};
  }
  /// As the commit loop does it: the same again when another node was in the way.
  static std::vector<store::Appended> append(MysqlStore& store, const std::vector<store::Message>& messages) {
    for (int attempt = 0;; ++attempt) {
      try {
        store.begin();
        try {
          MysqlStore::Claim claim;
          for (const auto& m : messages) {
            claim.conversations.push_back(m.conversation);
            claim.messages.push_back(m.id);
          }
          (void)store.claim(claim);
          std::vector<store::Appended> all;
          for (const auto& m : messages) all.push_back(store.messages().append(m, {}));
          store.commit();
          return all;
        } catch (...) {
          store.rollback();
          throw;
        }
      } catch (const StoreError& e) {
        if (!e.is_conflict() || attempt == 20) throw;
      }
    }
  }
  /// Its number, or 0 when it was refused.
  static std::int64_t append_or_nothing(MysqlStore& store, const std::string& id, ConversationId conversation) {
    try {
      return append(store, {message(id, conversation)}).front().seq;
    } catch (const StoreError&) {
      return 0;
    }
  }
  static std::vector<std::int64_t> seqs(MysqlStore& store, ConversationId conversation) {
    std::vector<std::int64_t> found;
    for (std::int64_t after = 0;;) {
      const auto page = store.messages().history({conversation, 1, 0, after, 200});
      for (const auto& m : page.messages) found.push_back(after = m.seq);
      if (!page.has_more) return found;
    }
  }

  base::SystemClock clock_;
  base::SecureRandom random_;
  store::mysql::MysqlOptions options_;
};

TEST_F(MysqlNodes, WriteOneConversationInOneOrderWithoutGaps) {
  constexpr int kNodes = 3;
  constexpr int kBatches = 40;
  const std::vector<ConversationId> conversations{ConversationId::of(GroupId{1}), ConversationId::of(GroupId{2}),
                                                  ConversationId::between(kAlice, kBob)};
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int n = 0; n < kNodes; ++n)
    threads.emplace_back([&, n, store = std::shared_ptr(node(MariaDbServer::shared()))] {
      for (int b = 0; b < kBatches; ++b) {
        std::vector<store::Message> batch;
        // Each node in an order of its own: the order of their locks must not be theirs to choose.
        for (std::size_t i = 0; i < conversations.size(); ++i)
          batch.push_back(message("n" + std::to_string(n) + "b" + std::to_string(b) + "c" + std::to_string(i),
                                  conversations[(i + static_cast<std::size_t>(n)) % conversations.size()]));
        try {
          for (const auto& appended : append(*store, batch)) failures += appended.status != AppendStatus::kStored;
        } catch (const StoreError& e) {
          ADD_FAILURE() << e.what();
          ++failures;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  auto store = node(MariaDbServer::shared());
  for (const auto conversation : conversations) {
    const auto found = seqs(*store, conversation);
    ASSERT_EQ(found.size(), kNodes * kBatches);
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(store->messages().tail(conversation).last_seq, kNodes * kBatches);
  }
}

TEST_F(MysqlNodes, SentAgainThroughAnotherNodeIsOneMessage) {
  auto a = node(MariaDbServer::shared());
  auto b = node(MariaDbServer::shared());
  const auto pair = ConversationId::between(kAlice, kBob);
  const auto first = append(*a, {message("once", pair)}).front();
  const auto again = append(*b, {message("once", pair)}).front();
  EXPECT_EQ(again.status, AppendStatus::kDuplicate);
  EXPECT_EQ(again.seq, first.seq);
  // At the same time, and to different conversations: who loses learns that the id is taken.
  for (int round = 0; round < 20; ++round) {
    const auto id = "race" + std::to_string(round);
    store::Appended there;
    std::thread other([&] { there = append(*b, {message(id, ConversationId::of(GroupId{7}))}).front(); });
    const auto here = append(*a, {message(id, pair)}).front();
    other.join();
    EXPECT_EQ((here.status == AppendStatus::kStored) + (there.status == AppendStatus::kStored), 1);
    EXPECT_EQ(here.seq, there.seq);
    EXPECT_EQ(here.conversation, there.conversation);
  }
}

TEST_F(MysqlNodes, LearnOfChangedRulesBeforeTheyRelyOnThem) {
  auto a = node(MariaDbServer::shared());
  auto b = node(MariaDbServer::shared());
  const GroupId group{5};
  const auto conversation = ConversationId::of(group);
  const auto claim = [&](MysqlStore& store) {
    store.begin();
    const auto changed = store.claim({{conversation}, {}});
    store.commit();
    return changed;
  };
  append(*a, {message("first", conversation)});
  EXPECT_TRUE(claim(*a).empty());
  EXPECT_TRUE(claim(*b).empty());
  b->begin();
  (void)b->claim({{conversation}, {}});
  b->groups().remove_member(group, kAlice);
  b->commit();
  EXPECT_EQ(claim(*a), std::vector{conversation});
  EXPECT_TRUE(claim(*a).empty());
  a->begin();
  EXPECT_TRUE(a->claim({{ConversationId::between(kAlice, kBob)}, {}}).empty()) << "they have not talked yet";
  a->commit();
  b->begin();
  b->accounts().set_blocked(kBob, kAlice, true, 1);
  b->commit();
  a->begin();
  EXPECT_EQ(a->claim({{ConversationId::between(kAlice, kBob)}, {}}).size(), 1u);
  a->rollback();
}

TEST_F(MysqlNodes, TellEachOtherThroughTheLog) {
  auto a = node(MariaDbServer::shared());
  auto b = node(MariaDbServer::shared());
  const auto start = b->commit_log()->newest();
  a->begin();
  (void)a->messages().append(message("m1", ConversationId::of(GroupId{3})), {});
  a->commit_log()->append(std::string("what\0changed", 12));
  EXPECT_TRUE(b->commit_log()->since(start, 10).empty()) << "not before the commit";
  a->commit();
  const auto found = b->commit_log()->since(start, 10);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().changes, std::string("what\0changed", 12));
  EXPECT_EQ(found.front().node, "node1");
  const auto position = found.front().position;
  EXPECT_EQ(b->commit_log()->positions(start, position), std::vector{position});
  EXPECT_TRUE(b->commit_log()->positions(position, position + 10).empty());
  EXPECT_EQ(b->commit_log()->at(position)->changes, found.front().changes);
  EXPECT_FALSE(b->commit_log()->at(position + 1));
  EXPECT_EQ(b->commit_log()->newest(), found.front().position);
  a->begin();
  EXPECT_FALSE(a->accounts().user(kAlice));
  a->commit();
  EXPECT_EQ(b->commit_log()->newest(), found.front().position) << "who only reads leaves no row";
}

TEST_F(MysqlNodes, ForgetOldCommitsAndLeaveTheNewOnesAlone) {
  auto& server = MariaDbServer::shared();
  auto store = node(server);
  const auto log = options_.database + ".commit_log";
  const auto rows = [&](const std::string& at, const std::string& numbers) {
    server.execute("INSERT INTO " + log + "(token, node, at, changes) SELECT concat('t', seq), 'node2', " + at +
                   ", '' FROM " + options_.database + "." + numbers);
  };
  server.execute("DELETE FROM " + log);
  rows("1000", "seq_1_to_2500");
  rows(std::to_string(clock_.now_ms()), "seq_2501_to_22500");
  while (store->tidy()) {
  }
  EXPECT_EQ(server.execute("SELECT count(*) FROM " + log + " WHERE at = 1000"), "0 ");
  EXPECT_EQ(server.execute("SELECT count(*) FROM " + log + " WHERE node = 'node2'"), "20000 ");
  // This runs every second beside the sends: it must not read the whole log each time.
  const auto read = [&] {
    const auto sum = server.execute(
        "SELECT sum(variable_value) FROM information_schema.global_status WHERE variable_name IN "
        "('HANDLER_READ_NEXT', 'HANDLER_READ_RND_NEXT')");
    return std::stod(sum);
  };
  const auto before = read();
  EXPECT_FALSE(store->tidy());
  EXPECT_LT(read() - before, 10'000);
}

TEST_F(MysqlNodes, AgreeOnASetting) {
  auto a = node(MariaDbServer::shared());
  auto b = node(MariaDbServer::shared());
  EXPECT_EQ(a->setting("key", std::string("\x00\xff'\\", 4)), std::string("\x00\xff'\\", 4));
  EXPECT_EQ(b->setting("key", "another"), std::string("\x00\xff'\\", 4));
}

TEST_F(MysqlNodes, RefuseQuicklyWithoutTheServerAndGoOnWithIt) {
  MariaDbServer server;
  auto store = node(server);
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*store, {message("before", pair)});
  EXPECT_EQ(store->health(), "");
  server.kill();
  EXPECT_THROW(append(*store, {message("while", pair)}), StoreError);
  EXPECT_THROW((void)store->messages().history({pair}), StoreError);
  EXPECT_NE(store->health(), "");
  server.start();
  EXPECT_TRUE(wait_until([&] {
    try {
      return append(*store, {message("after", pair)}).front().seq == 2;
    } catch (const StoreError&) {
      return false;
    }
  }));
  EXPECT_TRUE(wait_until([&] { return store->health().empty(); }));
  EXPECT_EQ(seqs(*store, pair), (std::vector<std::int64_t>{1, 2}));
}

/// A server that hangs may still commit what it was sent: nobody knows until it answers again.
TEST_F(MysqlNodes, FindOutWhatBecameOfACommitThatWasNotConfirmed) {
  MariaDbServer server;
  auto store = node(server);
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*store, {message("first", pair)});
  store->begin();
  (void)store->claim({{pair}, {message_id("doubtful")}});
  (void)store->messages().append(message("doubtful", pair), {});
  server.freeze();
  EXPECT_THROW(store->commit(), StoreError);
  server.thaw();
  store::Appended again;
  EXPECT_TRUE(wait_until([&] {
    try {
      again = append(*store, {message("doubtful", pair)}).front();
      return true;
    } catch (const StoreError&) {
      return false;
    }
  }));
  EXPECT_EQ(again.seq, 2);
  EXPECT_EQ(seqs(*store, pair), (std::vector<std::int64_t>{1, 2}));
}

/// The same when the server never got it: another node must not wait for its locks, and its place is taken.
TEST_F(MysqlNodes, ANodeThatHangsInABatchHoldsNobodyUp) {
  MariaDbServer server;
  auto hanging = node(server);
  auto other = node(server);
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*other, {message("first", pair)});
  hanging->begin();
  (void)hanging->claim({{pair}, {}});
  (void)hanging->messages().append(message("late", pair), {});
  EXPECT_TRUE(wait_until([&] {
    try {
      return append(*other, {message("second", pair)}).front().seq == 2;
    } catch (const StoreError&) {
      return false;
    }
  }));
  // It comes to itself, and finds that the batch is gone.
  EXPECT_THROW(hanging->commit(), StoreError);
  EXPECT_EQ(append(*hanging, {message("late", pair)}).front().seq, 3);
}

TEST_F(MysqlNodes, GoOnWithTheReplicaWhenItIsThePrimary) {
  ReplicatedMariaDb servers;
  options_ = servers.options();
  auto store = node(servers.primary());
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*store, {message("first", pair)});
  append(*store, {message("second", pair)});
  servers.primary().kill();
  EXPECT_THROW(append(*store, {message("third", pair)}), StoreError);
  EXPECT_NE(store->health().find("read-only"), std::string::npos) << store->health();
  servers.promote();
  EXPECT_TRUE(wait_until([&] { return append_or_nothing(*store, "third", pair) == 3; }));
  EXPECT_EQ(seqs(*store, pair), (std::vector<std::int64_t>{1, 2, 3})) << "what was confirmed is on the replica";
}

/// A replica that had not got everything is not what the cluster is promised; that it loses the rest with it is not.
TEST_F(MysqlNodes, TakeTheNewPrimaryAsItIs) {
  MariaDbServer before;
  MariaDbServer after;
  options_ = before.options();
  after.execute("CREATE DATABASE " + options_.database);
  options_.hosts.push_back({"127.0.0.1", after.port()});
  auto copy = options_;
  copy.hosts = {options_.hosts.back()};
  const MysqlStore schema(copy, clock_, random_);
  auto store = node(before);
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*store, {message("1", pair), message("2", ConversationId::of(GroupId{9}))});
  before.kill();
  EXPECT_TRUE(wait_until([&] { return append_or_nothing(*store, "3", ConversationId::of(GroupId{9})) == 1; }));
  EXPECT_EQ(append(*store, {message("4", pair)}).front().seq, 1);
  EXPECT_EQ(seqs(*store, pair).size(), 1u);
}

/// One that was the primary and is no longer, while everybody is still connected to it.
TEST_F(MysqlNodes, LeaveAPrimaryThatBecomesReadOnly) {
  ReplicatedMariaDb servers;
  options_ = servers.options();
  auto store = node(servers.primary());
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*store, {message("first", pair)});
  EXPECT_EQ(seqs(*store, pair).size(), 1u);
  servers.primary().execute("SET GLOBAL read_only=1");
  EXPECT_THROW(append(*store, {message("second", pair)}), StoreError);
  servers.promote();
  EXPECT_TRUE(wait_until([&] { return append_or_nothing(*store, "second", pair) == 2; }));
  EXPECT_EQ(seqs(*store, pair).size(), 2u) << "those who read went along";
}

TEST_F(MysqlNodes, SayThatNothingCanBeStoredWithoutHavingTried) {
  MariaDbServer server;
  auto idle = node(server);
  EXPECT_EQ(idle->health(), "");
  server.execute("SET GLOBAL read_only=1");
  EXPECT_NE(idle->health().find("read-only"), std::string::npos) << idle->health();
  server.execute("SET GLOBAL read_only=0");
  EXPECT_EQ(idle->health(), "");
}

TEST_F(MysqlNodes, RefuseWhileTheServerTakesNoMoreConnections) {
  MariaDbServer server({"--max-connections=12"});
  auto store = node(server);
  const auto pair = ConversationId::between(kAlice, kBob);
  append(*store, {message("first", pair)});
  std::vector<std::unique_ptr<store::mysql::Connection>> others;
  EXPECT_THROW(for (int i = 0; i < 20; ++i) others.push_back(
                   std::make_unique<store::mysql::Connection>(options_, 0, store::mysql::Connection::Use::kRead)),
               StoreError);
  EXPECT_EQ(append(*store, {message("second", pair)}).front().seq, 2) << "who is connected goes on";
  try {
    (void)store->messages().history({pair});
    ADD_FAILURE();
  } catch (const StoreError& e) {
    EXPECT_EQ(e.code(), store::ErrorCode::kUnavailable);
    EXPECT_NE(std::string(e.what()).find("Too many connections"), std::string::npos) << e.what();
  }
  others.clear();
  EXPECT_TRUE(wait_until([&] { return store->health().empty(); }));
  EXPECT_EQ(seqs(*store, pair), (std::vector<std::int64_t>{1, 2}));
}

/// Two who lock in opposite orders; the server ends the one that has done less.
TEST_F(MysqlNodes, TryAgainAfterADeadlock) {
  auto store = node(MariaDbServer::shared());
  const std::vector<ConversationId> both{ConversationId::of(GroupId{1}), ConversationId::of(GroupId{2})};
  append(*store, {message("a1", both[0]), message("b1", both[1])});
  auto limits = options_;
  limits.deadline_ms = 20'000;
  store::mysql::Connection other(limits, 0, store::mysql::Connection::Use::kWrite);
  const auto run = [&](const std::string& sql) {
    other.defer(sql);
    other.flush();
  };
  run("CREATE TABLE weight (n BIGINT)");
  run("START TRANSACTION");
  for (int i = 0; i < 200; ++i) other.defer("INSERT INTO weight VALUES (1), (2), (3), (4), (5), (6), (7), (8)");
  run("SELECT last_seq FROM conversation ORDER BY id DESC LIMIT 1 FOR UPDATE");
  const auto deadlocks = [&] {
    auto query = other.text_query(
        "SELECT variable_value FROM information_schema.global_status WHERE variable_name='Innodb_deadlocks'");
    return query.step() ? query.integer() : -1;
  };
  const auto before = deadlocks();
  std::vector<store::Appended> appended;
  std::thread writer([&] { appended = append(*store, {message("a2", both[0]), message("b2", both[1])}); });
  EXPECT_TRUE(wait_until([&] {
    auto waiting = other.text_query(
        "SELECT variable_value FROM information_schema.global_status WHERE "
        "variable_name='Innodb_row_lock_current_waits'");
    return waiting.step() && waiting.integer() > 0;
  }));
  run("SELECT last_seq FROM conversation ORDER BY id LIMIT 1 FOR UPDATE");
  EXPECT_GT(deadlocks(), before);
  run("COMMIT");
  writer.join();
  ASSERT_EQ(appended.size(), 2u);
  EXPECT_EQ(appended[0].seq, 2);
  EXPECT_EQ(appended[1].seq, 2);
}

}  // namespace
}  // namespace simpleim::test
