#include <gtest/gtest.h>

#include "servers/mariadb_server.h"
#include "servers/mongo_server.h"
#include "store/mongo/message_archive.h"
#include "store/mysql/mysql_store.h"
#include "support.h"

/// What becomes of a batch when the database of the messages fails between its parts.
namespace simpleim::test {
namespace {

using base::ConversationId;
using base::GroupId;
using base::UserId;
using store::AppendStatus;
using store::StoreError;

class ArchivedMessages : public testing::Test {
 protected:
  void open(MongoServer& server) {
    const auto mongo = server.options();
    archive_ = std::make_unique<store::mongo::MongoMessageArchive>(mongo, clock_);
    store_ =
        std::make_unique<store::mysql::MysqlStore>(MariaDbServer::shared().options(), clock_, random_,
                                                   std::make_unique<store::mongo::MongoMessageArchive>(mongo, clock_));
  }
  static store::Message message(const std::string& id, ConversationId conversation, std::int64_t seq = 0) {
    return {message_id(id), conversation, kAlice, protocol::FrameType::kText, seq, 1000, R"({"text":")" + id + "\"}"};
  }
  store::Appended append(const store::Message& m) {
    store_->begin();
    try {
      const auto appended = store_->messages().append(m, {});
      store_->commit();
      return appended;
    } catch (...) {
      store_->rollback();
      throw;
    }
  }
  std::vector<std::string> ids(ConversationId conversation) {
    std::vector<std::string> found;
    for (const auto& m : store_->messages().history({conversation}).messages) found.emplace_back(m.id.view());
    return found;
  }

  const ConversationId pair_ = ConversationId::between(kAlice, kBob);
  base::SystemClock clock_;
  base::SecureRandom random_;
  std::unique_ptr<store::mongo::MongoMessageArchive> archive_;
  std::unique_ptr<store::mysql::MysqlStore> store_;
};

/// The first conversation of a database has the key 1.
TEST_F(ArchivedMessages, WhatAFailedBatchLeftIsNotThereAndMakesRoom) {
  open(MongoServer::shared());
  append(message("first", pair_));
  ASSERT_TRUE(archive_->insert({{1, message("left", pair_, 2)}, {1, message("over", pair_, 3)}}).empty());
  EXPECT_EQ(ids(pair_), std::vector<std::string>{"first"});
  EXPECT_FALSE(store_->messages().find(message_id("left")));
  EXPECT_EQ(store_->messages().unread(pair_, kBob, 0), 1);
  EXPECT_EQ(store_->messages().last_message(pair_)->id, message_id("first"));
  // Its place is taken…
  EXPECT_EQ(append(message("second", pair_)).seq, 2);
  EXPECT_FALSE(store_->messages().find(message_id("left")));
  // …and its id, when the sender tries again, also into another conversation.
  EXPECT_EQ(append(message("over", ConversationId::of(GroupId{9}))).seq, 1);
  EXPECT_EQ(append(message("third", pair_)).seq, 3);
  EXPECT_EQ(ids(pair_), (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_EQ(ids(ConversationId::of(GroupId{9})), std::vector<std::string>{"over"});
}

TEST_F(ArchivedMessages, WhatIsRecalledGoesFromTheArchive) {
  open(MongoServer::shared());
  auto recalled = message("secret", pair_);
  recalled.seq = append(recalled).seq;
  recalled.content = R"({"recalled":true})";
  recalled.amendment = {0, 5, kAlice, 2};
  store_->begin();
  store_->messages().amend(recalled);
  store_->commit();
  EXPECT_EQ(store_->messages().find(recalled.id)->content, recalled.content) << "at once, for whoever reads";
  EXPECT_EQ(store_->messages().unread(pair_, kBob, 0), 0);
  while (store_->tidy()) {
  }
  EXPECT_EQ(archive_->at(1, 1)->message.content, recalled.content) << "and a little later where it lies";
  EXPECT_EQ(store_->messages().find(recalled.id)->amendment.recalled_at, 5);
  EXPECT_EQ(store_->messages().unread(pair_, kBob, 0), 0);
}

TEST_F(ArchivedMessages, RefuseQuicklyWithoutTheServerAndGoOnWithIt) {
  MongoServer server;
  open(server);
  append(message("before", pair_));
  for (const bool frozen : {false, true}) {
    if (frozen) server.freeze();
    else server.kill();
    EXPECT_THROW(append(message("while", pair_)), StoreError);
    EXPECT_THROW((void)store_->messages().history({pair_}), StoreError);
    EXPECT_NE(store_->health(), "");
    EXPECT_EQ(store_->messages().tail(pair_).last_seq, frozen ? 2 : 1) << "what is in MySQL is still to be had";
    if (frozen) server.thaw();
    else server.start();
    EXPECT_TRUE(wait_until(
        [&] {
          try {
            const auto again = append(message("while", pair_));
            return again.seq == 2 && again.status == (frozen ? AppendStatus::kDuplicate : AppendStatus::kStored);
          } catch (const StoreError&) {
            return false;
          }
        },
        std::chrono::seconds(30)));
  }
  EXPECT_EQ(ids(pair_), (std::vector<std::string>{"before", "while"}));
}

}  // namespace
}  // namespace simpleim::test
