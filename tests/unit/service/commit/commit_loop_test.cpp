#include "unit/service/commit/chat_fixture.h"

namespace simpleim::test {

using namespace service;

using CommitLoopTest = ChatTest;

TEST_F(CommitLoopTest, WhatIsToldIsStored) {
  send(text("m1", alice_, bob_));
  ASSERT_TRUE(wait_until([&] { return sink_.all<MessageStored>().size() == 1; }));
  const auto told = sink_.all<MessageStored>().front().message;
  EXPECT_EQ(store_.messages().find(told.id)->seq, told.seq);
  EXPECT_EQ(store_.conversations().states_of(bob_).size(), 1u) << "the first message opens the conversation for both";
}

TEST_F(CommitLoopTest, AFailedTaskLeavesNothingAndTellsNothing) {
  const auto result = commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    batch.store().accounts().set_blocked(alice_, bob_, true, 1);
    batch.emit(Typing{});
    return Error{ErrorCode::kValidation, "no"};
  });
  EXPECT_FALSE(result);
  EXPECT_FALSE(store_.accounts().has_blocked(alice_, bob_));
  EXPECT_EQ(sink_.size(), 0u);
}

TEST_F(CommitLoopTest, ABlockTakesEffectAtTheNextMessage) {
  send(text("m1", alice_, bob_));
  ASSERT_TRUE(commits_.run<bool>([&](Batch& batch) -> Result<bool> {
    batch.store().accounts().set_blocked(bob_, alice_, true, 1);
    batch.permissions().forget_private(base::ConversationId::between(alice_, bob_));
    return true;
  }));
  send(text("m2", alice_, bob_));
  ASSERT_TRUE(wait_until([&] { return sink_.all<MessageRefused>().size() == 1; }));
  EXPECT_EQ(sink_.all<MessageRefused>().front().error.code, ErrorCode::kBlocked);
}

TEST_F(CommitLoopTest, AfterStopNothingIsTaken) {
  commits_.stop();
  std::vector<Send> sends;
  sends.push_back(text("m1", alice_, bob_));
  EXPECT_FALSE(commits_.send(std::move(sends)));
  const auto refused = commits_.run<bool>([](Batch&) -> Result<bool> { return true; });
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(CommitLoopTest, AFullQueueRefusesInsteadOfGrowing) {
  CommitLoop small(store_, sink_, clock_, metrics_, {4, 0});
  std::vector<Send> five;
  for (int i = 0; i < 5; ++i) five.push_back(text("q" + std::to_string(i), alice_, bob_));
  EXPECT_FALSE(small.send(std::move(five)));
  small.stop();
}

}  // namespace simpleim::test
