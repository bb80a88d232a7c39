#include "contract/store_fixture.h"

namespace simpleim::test {

using store::ReportId;

class ReportStoreContract : public StoreContract {
 protected:
  store::Report report(std::uint64_t id, base::UserId reporter, const std::string& message_id,
                       store::ReportReason reason = store::ReportReason::kSpam) {
    auto reported = message(message_id, pair_, kAlice);
    reported.seq = 7;
    return {ReportId{id}, reporter, reason, "note", 5, reported};
  }
  void put(const store::Report& report) {
    batch([&] { store_->reports().put(report); });
  }
  std::vector<std::uint64_t> ids(std::uint64_t after, std::size_t limit) {
    std::vector<std::uint64_t> out;
    for (const auto& r : store_->reports().list(ReportId{after}, limit)) out.push_back(r.id.value);
    return out;
  }
};

TEST_P(ReportStoreContract, KeepsTheMessageAsItIs) {
  put(report(3, kBob, "m1"));
  reopen();
  const auto found = store_->reports().report(kBob, message_id("m1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, ReportId{3});
  EXPECT_EQ(found->reporter, kBob);
  EXPECT_EQ(found->reason, store::ReportReason::kSpam);
  EXPECT_EQ(found->note, "note");
  EXPECT_EQ(found->created_at, 5);
  EXPECT_EQ(found->message.id, message_id("m1"));
  EXPECT_EQ(found->message.conversation, pair_);
  EXPECT_EQ(found->message.from, kAlice);
  EXPECT_EQ(found->message.seq, 7);
  EXPECT_EQ(found->message.timestamp, 1000);
  EXPECT_EQ(found->message.type, protocol::FrameType::kPrivate);
  EXPECT_EQ(found->message.content, R"({"text":"m1"})");
  EXPECT_FALSE(store_->reports().report(kAlice, message_id("m1")));
  EXPECT_FALSE(store_->reports().report(kBob, message_id("m2")));
}

TEST_P(ReportStoreContract, HasOneReportOfAPersonAndMessage) {
  put(report(3, kBob, "m1"));
  put(report(4, kAlice, "m1"));
  auto again = report(3, kBob, "m1", store::ReportReason::kOther);
  again.note = "";
  again.message.content = "{}";
  put(again);
  EXPECT_EQ(ids(0, 10), (std::vector<std::uint64_t>{3, 4}));
  const auto found = store_->reports().report(kBob, message_id("m1"));
  EXPECT_EQ(found->reason, store::ReportReason::kOther);
  EXPECT_EQ(found->note, "");
  EXPECT_EQ(found->message.content, "{}");
  EXPECT_EQ(store_->reports().count(kBob), 1);
}

TEST_P(ReportStoreContract, PagesByAgeAndForgetsWhatIsClosed) {
  for (const std::uint64_t id : {5, 2, 9, 7}) put(report(id, kBob, "m" + std::to_string(id)));
  EXPECT_EQ(ids(0, 3), (std::vector<std::uint64_t>{2, 5, 7}));
  EXPECT_EQ(ids(7, 3), std::vector<std::uint64_t>{9});
  batch([&] {
    EXPECT_TRUE(store_->reports().close(ReportId{5}));
    EXPECT_FALSE(store_->reports().close(ReportId{5}));
    EXPECT_FALSE(store_->reports().close(ReportId{6}));
  });
  EXPECT_EQ(ids(0, 9), (std::vector<std::uint64_t>{2, 7, 9}));
  EXPECT_EQ(store_->reports().count(kBob), 3);
}

TEST_P(ReportStoreContract, NothingOfABatchThatIsUndoneStays) {
  store_->begin();
  store_->reports().put(report(3, kBob, "m1"));
  EXPECT_EQ(store_->reports().count(kBob), 1) << "a batch sees its own writes";
  store_->rollback();
  EXPECT_EQ(ids(0, 9), std::vector<std::uint64_t>{});
}

INSTANTIATE_TEST_SUITE_P(Backends, ReportStoreContract, testing::ValuesIn(store_backends()), backend_name);

}  // namespace simpleim::test
