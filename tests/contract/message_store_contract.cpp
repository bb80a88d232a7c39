#include <numeric>

#include "contract/store_fixture.h"

namespace simpleim::test {

using store::AppendStatus;

class MessageStoreContract : public StoreContract {};

TEST_P(MessageStoreContract, SeqIsDensePerConversation) {
  const auto group = base::ConversationId::of(base::GroupId{5});
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(append(message("p" + std::to_string(i), pair_, kAlice)).seq, i);
    EXPECT_EQ(append(message("g" + std::to_string(i), group, kAlice)).seq, i);
  }
  reopen();
  EXPECT_EQ(append(message("p6", pair_, kBob)).seq, 6);
  tidy_all();
  reopen();
  EXPECT_EQ(append(message("p7", pair_, kBob)).seq, 7);
}

TEST_P(MessageStoreContract, AnIdIsUniqueForeverAndTheFirstAnswerIsRepeated) {
  const auto uuid = "0192f8a0-1111-7abc-8def-0123456789ab";
  for (const std::string id : {std::string("short"), std::string(uuid)}) {
    auto first = message(id, pair_, kAlice);
    first.timestamp = 123;
    const auto stored = append(first);
    EXPECT_EQ(stored.status, AppendStatus::kStored);
    const auto check = [&](const char* when) {
      const auto again = append(message(id, base::ConversationId::of(base::GroupId{9}), kAlice));
      EXPECT_EQ(again.status, AppendStatus::kDuplicate) << when;
      EXPECT_EQ(again.seq, stored.seq) << when;
      EXPECT_EQ(again.timestamp, 123) << when;
      EXPECT_EQ(again.conversation, pair_) << when;
      EXPECT_EQ(append(message(id, pair_, kBob)).status, AppendStatus::kIdInUse) << when;
    };
    check("at once");
    reopen();
    check("after a restart");
    tidy_all();
    check("after tidying");
    reopen();
    check("after tidying and a restart");
  }
  EXPECT_EQ(store_->messages().tail(pair_).last_seq, 2);
  EXPECT_EQ(store_->messages().tail(base::ConversationId::of(base::GroupId{9})).last_seq, 0);
}

TEST_P(MessageStoreContract, TwiceInOneBatchIsOnce) {
  batch([&] {
    EXPECT_EQ(store_->messages().append(message("x", pair_, kAlice), {}).status, AppendStatus::kStored);
    EXPECT_EQ(store_->messages().append(message("x", pair_, kAlice), {}).status, AppendStatus::kDuplicate);
  });
  EXPECT_EQ(seqs({pair_}), std::vector<std::int64_t>{1});
}

TEST_P(MessageStoreContract, ARolledBackBatchLeavesNothing) {
  append(message("a", pair_, kAlice));
  store_->begin();
  EXPECT_EQ(store_->messages().append(message("b", pair_, kAlice), {kBob}).seq, 2);
  store_->rollback();
  EXPECT_EQ(store_->messages().find(message_id("b")), std::nullopt);
  EXPECT_EQ(store_->messages().first_mention(pair_, kBob, 0), 0);
  const auto again = append(message("b", pair_, kAlice));
  EXPECT_EQ(again.status, AppendStatus::kStored);
  EXPECT_EQ(again.seq, 2);
}

TEST_P(MessageStoreContract, NobodySeesABatchBeforeItsCommit) {
  store_->begin();
  (void)store_->messages().append(message("a", pair_, kAlice), {});
  std::thread([&] {
    EXPECT_TRUE(store_->messages().history({pair_}).messages.empty());
    EXPECT_EQ(store_->messages().find(message_id("a")), std::nullopt);
    EXPECT_EQ(store_->messages().tail(pair_).last_seq, 0);
  }).join();
  store_->commit();
  EXPECT_EQ(store_->messages().tail(pair_).last_seq, 1);
}

TEST_P(MessageStoreContract, HistoryGoesBothWaysWhereverTheMessagesLie) {
  const auto fill = [&](int from, int to) {
    batch([&] {
      for (int i = from; i <= to; ++i)
        (void)store_->messages().append(message("m" + std::to_string(i), pair_, kAlice), {});
    });
  };
  fill(1, 30);
  tidy_all();    // 1..30 in their final place
  fill(31, 60);  // the rest not yet
  const auto range = [](int from, int to) {
    std::vector<std::int64_t> out(static_cast<std::size_t>(to - from + 1));
    std::iota(out.begin(), out.end(), from);
    return out;
  };
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(seqs({pair_, 1, 0, -1, 10}), range(51, 60));
    EXPECT_EQ(seqs({pair_, 1, 36, -1, 10}), range(26, 35));
    EXPECT_EQ(seqs({pair_, 1, 31, -1, 10}), range(21, 30));
    EXPECT_EQ(seqs({pair_, 1, 5, -1, 10}), range(1, 4));
    EXPECT_EQ(seqs({pair_, 1, 0, 0, 10}), range(1, 10));
    EXPECT_EQ(seqs({pair_, 1, 0, 25, 10}), range(26, 35));
    EXPECT_EQ(seqs({pair_, 1, 0, 30, 10}), range(31, 40));
    EXPECT_EQ(seqs({pair_, 1, 0, 55, 10}), range(56, 60));
    EXPECT_EQ(seqs({pair_, 1, 0, 60, 10}), std::vector<std::int64_t>());
    EXPECT_EQ(seqs({pair_, 28, 35, -1, 200}), range(28, 34)) << "nothing before visible_from";
    EXPECT_EQ(seqs({pair_, 50, 0, 0, 200}), range(50, 60));
    EXPECT_FALSE(store_->messages().history({pair_, 1, 0, -1, 60}).has_more);
    EXPECT_TRUE(store_->messages().history({pair_, 1, 0, -1, 59}).has_more);
    EXPECT_FALSE(store_->messages().history({pair_, 1, 0, 0, 60}).has_more);
    EXPECT_TRUE(store_->messages().history({pair_, 1, 0, 0, 59}).has_more);
    if (round == 0) reopen();
    if (round == 1) tidy_all();
  }
}

TEST_P(MessageStoreContract, AMessageComesBackAsItWas) {
  auto m = message("whole", pair_, kBob, 0);
  m.content = R"({"text":"\"quotes\" \\ 你好 😀"})";
  m.timestamp = 1'700'000'000'123;
  append(m);
  for (int round = 0; round < 3; ++round) {
    const auto found = store_->messages().find(message_id("whole"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->content, m.content);
    EXPECT_EQ(found->timestamp, m.timestamp);
    EXPECT_EQ(found->from, kBob);
    EXPECT_EQ(found->type, protocol::FrameType::kText);
    EXPECT_EQ(found->conversation, pair_);
    EXPECT_EQ(store_->messages().last_message(pair_)->id, m.id);
    if (round == 0) reopen();
    if (round == 1) tidy_all();
  }
}

TEST_P(MessageStoreContract, UnreadCountsOthersMessagesButNoEvents) {
  batch([&] {
    auto& messages = store_->messages();
    (void)messages.append(message("1", pair_, kAlice), {});
    (void)messages.append(message("2", pair_, kBob), {});
    (void)messages.append(message("3", pair_, kAlice), {});
    (void)messages.append(message("4", pair_, base::UserId{}, 3), {});
  });
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store_->messages().unread(pair_, kBob, 0), 2);
    EXPECT_EQ(store_->messages().unread(pair_, kBob, 1), 1);
    EXPECT_EQ(store_->messages().unread(pair_, kBob, 4), 0);
    EXPECT_EQ(store_->messages().unread(pair_, kAlice, 0), 1);
    tidy_all();
    append(message("later" + std::to_string(round), base::ConversationId::of(base::GroupId{1}), kAlice));
  }
  append(message("5", pair_, kAlice));
  EXPECT_EQ(store_->messages().unread(pair_, kBob, 1), 2) << "archived and recent together";
}

TEST_P(MessageStoreContract, FirstMentionIsTheFirstUnreadOne) {
  append(message("1", pair_, kAlice), {kBob});
  append(message("2", pair_, kAlice), {base::UserId{0}});
  append(message("3", pair_, kBob), {kBob});
  EXPECT_EQ(store_->messages().first_mention(pair_, kBob, 0), 1);
  EXPECT_EQ(store_->messages().first_mention(pair_, kBob, 1), 2);
  EXPECT_EQ(store_->messages().first_mention(pair_, kBob, 2), 0) << "one's own mention does not count";
  EXPECT_EQ(store_->messages().first_mention(pair_, kAlice, 0), 3 * 0);
}

TEST_P(MessageStoreContract, ManyMessagesOfManyConversationsSurviveArchivingInSlices) {
  constexpr int kConversations = 50;
  constexpr int kEach = 200;
  std::mt19937 random(3);
  std::vector<int> next(kConversations, 0);
  int made = 0;
  while (made < kConversations * kEach) {
    batch([&] {
      for (int i = 0; i < 37; ++i) {
        const auto c = random() % kConversations;
        if (next[c] == kEach) continue;
        const auto conversation = base::ConversationId::between(base::UserId{1}, base::UserId{100 + c});
        const auto appended = store_->messages().append(
            message("c" + std::to_string(c) + "-" + std::to_string(next[c]), conversation, base::UserId{1}), {});
        ASSERT_EQ(appended.seq, ++next[c]);
        ++made;
      }
    });
    if (random() % 5 == 0) (void)store_->tidy();
    if (random() % 50 == 0) reopen();
  }
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t c = 0; c < kConversations; ++c) {
      const auto all =
          store_->messages()
              .history({base::ConversationId::between(base::UserId{1}, base::UserId{100 + c}), 1, 0, 0, kEach + 10})
              .messages;
      ASSERT_EQ(all.size(), static_cast<std::size_t>(kEach));
      for (int i = 0; i < kEach; ++i)
        ASSERT_EQ(all[static_cast<std::size_t>(i)].id.view(), "c" + std::to_string(c) + "-" + std::to_string(i));
    }
    tidy_all();
    EXPECT_EQ(store_->untidy(), 0u);
  }
}

TEST_P(MessageStoreContract, AnAmendmentIsSeenWithItsCommitAndUndoneWithItsBatch) {
  for (const bool archived : {false, true}) {
    auto m = message(archived ? "old" : "new", pair_, kAlice);
    m.seq = append(m).seq;
    if (archived) tidy_all();
    const auto shown = [&] { return *store_->messages().find(m.id); };
    const auto amend = [&] {
      m.content = R"({"text":"amended"})";
      m.amendment = {2000, 0, {}, m.seq + 1};
      store_->messages().amend(m);
    };
    store_->begin();
    amend();
    EXPECT_EQ(shown().content, m.content) << "the batch sees its own";
    store_->rollback();
    EXPECT_EQ(shown().amendment.version, 0);
    EXPECT_NE(shown().content, m.content);
    batch(amend);
    const auto check = [&](const char* when) {
      EXPECT_EQ(shown().content, m.content) << when;
      EXPECT_EQ(shown().amendment.edited_at, 2000) << when;
      EXPECT_EQ(shown().amendment.version, m.seq + 1) << when;
      const auto page = store_->messages().history({pair_, 1, 0, m.seq - 1, 1}).messages;
      ASSERT_EQ(page.size(), 1u) << when;
      EXPECT_EQ(page.front().content, m.content) << when;
    };
    check("at once");
    reopen();
    check("after a restart");
    tidy_all();
    check("after tidying");
    reopen();
    check("after tidying and a restart");
  }
}

TEST_P(MessageStoreContract, AmendmentsHoldWhileTheirMessagesAreBeingArchived) {
  constexpr int kMessages = 3000;
  std::mt19937 random(7);
  std::vector<std::string> content(kMessages);
  constexpr int kInBatch = 250;
  for (int first = 0; first < kMessages; first += kInBatch)
    batch([&] {
      for (int i = first; i < first + kInBatch; ++i) {
        const auto m = message("m" + std::to_string(i), pair_, kAlice);
        content[static_cast<std::size_t>(i)] = m.content;
        store_->messages().append(m, {});
      }
    });
  for (int round = 0; round < 60; ++round) {
    (void)store_->tidy();
    batch([&] {
      for (int i = 0; i < 20; ++i) {
        const auto n = random() % kMessages;
        auto m = message("m" + std::to_string(n), pair_, kAlice);
        m.seq = static_cast<std::int64_t>(n) + 1;
        m.content = content[n] = R"({"text":"round )" + std::to_string(round) + "\"}";
        m.amendment.version = round + 1;
        store_->messages().amend(m);
      }
    });
    if (round % 20 == 10) reopen();
  }
  for (int pass = 0; pass < 2; ++pass) {
    const auto all = store_->messages().history({pair_, 1, 0, 0, kMessages}).messages;
    ASSERT_EQ(all.size(), static_cast<std::size_t>(kMessages));
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i].content, content[i]) << i;
    tidy_all();
    reopen();
  }
}

TEST_P(MessageStoreContract, OperationsAreNeitherUnreadNorLast) {
  append(message("a", pair_, kAlice));
  auto op = message("op", pair_, kAlice, 36);
  append(op);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(store_->messages().unread(pair_, kBob, 0), 1);
    EXPECT_EQ(store_->messages().last_message(pair_)->seq, 1);
    EXPECT_EQ(store_->messages().tail(pair_).last_seq, 2);
    tidy_all();
  }
  append(message("op2", pair_, kAlice, 36));
  EXPECT_EQ(store_->messages().last_message(pair_)->seq, 1) << "the operation is in memory, the message is not";
  auto m = message("a", pair_, kAlice);
  m.seq = 1;
  m.amendment.recalled_at = 5;
  batch([&] { store_->messages().amend(m); });
  EXPECT_EQ(store_->messages().unread(pair_, kBob, 0), 0);
}

TEST_P(MessageStoreContract, ReactionsVersionsAndPinsGoWithTheirMessage) {
  auto m = message("a", pair_, kAlice);
  m.seq = append(m, {kBob}).seq;
  batch([&] {
    auto& messages = store_->messages();
    EXPECT_EQ(messages.react(m, kAlice, "x", true), 1);
    EXPECT_EQ(messages.react(m, kBob, "x", true), 2);
    EXPECT_EQ(messages.react(m, kBob, "x", true), 2);
    EXPECT_EQ(messages.react(m, kBob, "y", true), 1);
    EXPECT_EQ(messages.react(m, kBob, "y", false), 0);
    EXPECT_EQ(messages.emoji_count(m), 1u);
    messages.keep_version(m, {R"({"text":"was"})", 5, 2});
    messages.pin(m, kBob, 9, true);
  });
  reopen();
  const auto reactions = store_->messages().reactions(pair_, 1, 10, kBob);
  ASSERT_EQ(reactions.size(), 1u);
  EXPECT_EQ(reactions[0].count, 2);
  EXPECT_TRUE(reactions[0].mine);
  EXPECT_EQ(store_->messages().reacting(m, "x", kAlice, 10), std::vector{kBob});
  EXPECT_EQ(store_->messages().versions(m).size(), 1u);
  ASSERT_EQ(store_->messages().pins(pair_).size(), 1u);
  EXPECT_EQ(store_->messages().pins(pair_)[0].by, kBob);
  EXPECT_EQ(store_->messages().first_mention(pair_, kBob, 0), 1);
  batch([&] { store_->messages().forget_traces(m); });
  EXPECT_TRUE(store_->messages().reactions(pair_, 1, 10, kBob).empty());
  EXPECT_TRUE(store_->messages().versions(m).empty());
  EXPECT_TRUE(store_->messages().pins(pair_).empty());
  EXPECT_EQ(store_->messages().first_mention(pair_, kBob, 0), 0);
}

TEST_P(MessageStoreContract, ReadsOnInSeveralConversationsAtOnce) {
  const auto group = base::ConversationId::of(base::GroupId{9});
  const auto unknown = base::ConversationId::of(base::GroupId{10});
  for (int i = 1; i <= 5; ++i) append(message("p" + std::to_string(i), pair_, kAlice));
  for (int i = 1; i <= 2; ++i) append(message("g" + std::to_string(i), group, kBob));
  reopen();
  const auto pages = store_->messages().pages({{unknown, 0}, {pair_, 1}, {group, 1}}, 3);
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_TRUE(pages[0].messages.empty());
  EXPECT_FALSE(pages[0].has_more);
  ASSERT_EQ(pages[1].messages.size(), 3u);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pages[1].messages[static_cast<std::size_t>(i)].seq, i + 2);
    EXPECT_EQ(pages[1].messages[static_cast<std::size_t>(i)].conversation, pair_);
  }
  EXPECT_TRUE(pages[1].has_more);
  ASSERT_EQ(pages[2].messages.size(), 1u);
  EXPECT_EQ(pages[2].messages.front().id, message_id("g2"));
  EXPECT_FALSE(pages[2].has_more);
  EXPECT_TRUE(store_->messages().pages({{group, 2}}, 3).front().messages.empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, MessageStoreContract, testing::ValuesIn(store_backends()), backend_name);

}  // namespace simpleim::test
