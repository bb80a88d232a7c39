/// Run under ThreadSanitizer: many threads send, write and read while one commits.

#include "unit/service/commit/chat_fixture.h"

#include "service/accounts/sessions.h"
#include "service/conversations/conversations.h"

namespace simpleim::test {

using namespace service;

using CommitLoopUnderThreads = ChatTest;

TEST_F(CommitLoopUnderThreads, EveryMessageHasItsOwnSeqAndReadersSeeNoGap) {
  constexpr int kThreads = 4;
  constexpr int kEach = 300;
  const auto pair = base::ConversationId::between(alice_, bob_);
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      Conversations conversations(store_);
      while (!done) {
        std::int64_t expected = 1;
        for (const auto& message : store_.messages().history({pair, 1, 0, 0, 10'000}).messages)
          ASSERT_EQ(message.seq, expected++);
        (void)conversations.summary(bob_);
      }
    });
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t)
    senders.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        send(text("t" + std::to_string(t) + "-" + std::to_string(i), t % 2 == 0 ? alice_ : bob_,
                  t % 2 == 0 ? bob_ : alice_));
        if (i % 20 == 0)
          (void)commits_.run<bool>([&](Batch& batch) -> Result<bool> {
            batch.store().accounts().set_last_seen(alice_, i);
            return true;
          });
        if (i % 10 == 0) (void)commits_.mark({{protocol::FrameType::kRead, pair, i}, bob_, {}});
      }
    });
  for (auto& thread : senders) thread.join();
  ASSERT_TRUE(
      wait_until([&] { return sink_.all<MessageStored>().size() == kThreads * kEach; }, std::chrono::seconds(60)));
  done = true;
  for (auto& thread : readers) thread.join();
  std::int64_t expected = 1;
  for (const auto& stored : sink_.all<MessageStored>()) EXPECT_EQ(stored.message.seq, expected++);
}

TEST_F(CommitLoopUnderThreads, StoppingAnswersEveryoneWhoWaits) {
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        (void)commits_.run<bool>([](Batch&) -> Result<bool> { return true; });
        ++answered;
      }
    });
  ASSERT_TRUE(wait_until([&] { return answered > 20; }));
  commits_.stop();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
}

TEST_F(CommitLoopUnderThreads, AllWhoRefreshAtOnceGetOneAnswer) {
  const Tokens tokens(std::string(32, 'k'), clock_);
  Sessions sessions(store_, commits_, tokens, ids_, clock_, {3600, 7200, 60});
  store::Session device;
  device.user = alice_;
  const auto opened = sessions.open(device, store_.accounts().user(alice_)->password_hash);
  ASSERT_TRUE(opened);
  std::array<std::string, 8> answers;
  std::vector<std::thread> threads;
  for (auto& answer : answers)
    threads.emplace_back([&] { answer = sessions.refresh(opened.value().second.refresh, "").value().second.refresh; });
  for (auto& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  EXPECT_TRUE(sessions.refresh(answers[0], "").ok());
  EXPECT_FALSE(sessions.refresh(opened.value().second.refresh, "").ok()) << "what it was spent for has been used";
  EXPECT_FALSE(sessions.authenticate(opened.value().second.access)) << "and the session is over";
}

}  // namespace simpleim::test
