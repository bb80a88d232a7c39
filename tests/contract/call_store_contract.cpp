#include "contract/store_fixture.h"

namespace simpleim::test {

class CallStoreContract : public StoreContract {
 protected:
  store::Call call(const std::string& id, std::int64_t due_ms = 100) {
    return {id, kAlice, kBob, true, 5, 0, due_ms, "offer"};
  }
  void create(const store::Call& call) {
    batch([&] { store_->calls().create(call); });
  }
  std::vector<std::string> due(std::int64_t now_ms) {
    std::vector<std::string> ids;
    for (const auto& found : store_->calls().due(now_ms, 10)) ids.push_back(found.id);
    return ids;
  }
};

TEST_P(CallStoreContract, KeepsACallThroughARestart) {
  create(call("c1"));
  reopen();
  const auto found = store_->calls().call("c1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->caller, kAlice);
  EXPECT_EQ(found->callee, kBob);
  EXPECT_TRUE(found->video);
  EXPECT_EQ(found->began_ms, 5);
  EXPECT_EQ(found->answered_ms, 0);
  EXPECT_EQ(found->due_ms, 100);
  EXPECT_EQ(found->offer, "offer");
  ASSERT_EQ(store_->calls().ringing_for(kBob).size(), 1u);
  EXPECT_EQ(store_->calls().ringing_for(kBob)[0].id, "c1");
  EXPECT_TRUE(store_->calls().ringing_for(kAlice).empty());
  auto answered = *found;
  answered.answered_ms = 7;
  batch([&] { EXPECT_TRUE(store_->calls().answer(answered)); });
  EXPECT_TRUE(store_->calls().ringing_for(kBob).empty()) << "somebody has answered";
  EXPECT_FALSE(store_->calls().call("c2"));
}

TEST_P(CallStoreContract, BothAreInItUntilItIsOver) {
  EXPECT_FALSE(store_->calls().is_in_call(kAlice));
  create(call("c1"));
  EXPECT_TRUE(store_->calls().is_in_call(kAlice));
  EXPECT_TRUE(store_->calls().is_in_call(kBob));
  EXPECT_FALSE(store_->calls().is_in_call(base::UserId{33}));
  batch([&] {
    EXPECT_TRUE(store_->calls().remove("c1"));
    EXPECT_FALSE(store_->calls().remove("c1"));
  });
  EXPECT_FALSE(store_->calls().is_in_call(kBob));
}

TEST_P(CallStoreContract, IsAnsweredOnce) {
  create(call("c1"));
  auto answered = call("c1", 900);
  answered.answered_ms = 50;
  batch([&] {
    EXPECT_TRUE(store_->calls().answer(answered));
    answered.answered_ms = 60;
    EXPECT_FALSE(store_->calls().answer(answered));
  });
  EXPECT_EQ(store_->calls().call("c1")->answered_ms, 50);
  EXPECT_EQ(store_->calls().call("c1")->due_ms, 900);
}

TEST_P(CallStoreContract, FindsWhatIsDueTheOldestFirst) {
  create(call("later", 300));
  create(call("second", 200));
  create(call("first", 100));
  EXPECT_EQ(due(99), std::vector<std::string>{});
  EXPECT_EQ(due(200), (std::vector<std::string>{"first", "second"}));
  batch([&] { store_->calls().set_due("first", 400); });
  EXPECT_EQ(due(300), (std::vector<std::string>{"second", "later"}));
}

INSTANTIATE_TEST_SUITE_P(Backends, CallStoreContract, testing::ValuesIn(store_backends()), backend_name);

}  // namespace simpleim::test
