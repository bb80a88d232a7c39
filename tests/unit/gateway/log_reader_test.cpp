#include "gateway/log_reader.h"

#include <gtest/gtest.h>

#include "store/store.h"

namespace simpleim::gateway {
namespace {

/// A log whose rows appear when the test says so, as those of transactions do that take longer than others.
class Log final : public store::CommitLog {
 public:
  void append(std::string_view) override {}
  std::vector<store::LoggedCommit> since(std::int64_t position, std::size_t limit) override {
    std::vector<store::LoggedCommit> found;
    for (auto row = rows.upper_bound(position); row != rows.end() && found.size() < limit; ++row)
      found.push_back(row->second), ++read_rows;
    return found;
  }
  std::vector<std::int64_t> positions(std::int64_t after, std::int64_t to) override {
    std::vector<std::int64_t> found;
    for (auto row = rows.upper_bound(after); row != rows.end() && row->first <= to; ++row) found.push_back(row->first);
    return found;
  }
  std::optional<store::LoggedCommit> at(std::int64_t position) override {
    ++read_rows;
    const auto row = rows.find(position);
    return row == rows.end() ? std::nullopt : std::optional(row->second);
  }
  std::int64_t newest() override { return rows.empty() ? 0 : rows.rbegin()->first; }

  void appears(std::int64_t position) { rows[position] = {position, "node2", std::to_string(position)}; }

  std::map<std::int64_t, store::LoggedCommit> rows;
  int read_rows = 0;
};

class LogReaderTest : public testing::Test {
 protected:
  std::vector<std::int64_t> read_at(std::int64_t now_ms) {
    std::vector<std::int64_t> handed;
    reader_.read(now_ms, [&](const store::LoggedCommit& commit) { handed.push_back(commit.position); });
    return handed;
  }

  using Positions = std::vector<std::int64_t>;
  Log log_;
  LogReader reader_{log_};
};

TEST_F(LogReaderTest, HandsEachCommitOnOnceWhenItIsOldEnough) {
  log_.appears(1);
  EXPECT_EQ(read_at(0), Positions{}) << "what was there before is old";
  log_.appears(2);
  log_.appears(3);
  EXPECT_EQ(read_at(1000), Positions{}) << "the bus has its time";
  log_.appears(4);
  EXPECT_EQ(read_at(2000), (Positions{2, 3}));
  EXPECT_EQ(read_at(3000), Positions{4});
  for (std::int64_t now = 4000; now < 12'000; now += 1000) EXPECT_EQ(read_at(now), Positions{});
  EXPECT_EQ(log_.read_rows, 3) << "each row is read once";
}

TEST_F(LogReaderTest, FindsWhatAppearsBehindOthers) {
  (void)read_at(0);
  log_.appears(5);
  log_.appears(7);
  EXPECT_EQ(read_at(1000), Positions{});
  log_.appears(6);
  log_.appears(4);
  EXPECT_EQ(read_at(2000), (Positions{5, 7}));
  EXPECT_EQ(read_at(3000), (Positions{4, 6}));
  EXPECT_EQ(read_at(9000), Positions{});
  log_.appears(8);
  (void)read_at(10'000);
  EXPECT_EQ(read_at(11'000), Positions{8});
}

TEST_F(LogReaderTest, HandsOnAgainWhatCouldNotBeApplied) {
  (void)read_at(0);
  log_.appears(1);
  log_.appears(2);
  (void)read_at(1000);
  Positions applied;
  const auto refuse_first = [&](const store::LoggedCommit& commit) {
    if (commit.position == 1) throw store::StoreError(protocol::ErrorCode::kUnavailable, "away");
    applied.push_back(commit.position);
  };
  EXPECT_THROW(reader_.read(2000, refuse_first), store::StoreError);
  EXPECT_EQ(applied, Positions{2}) << "nobody waits for what cannot be applied";
  EXPECT_EQ(read_at(3000), Positions{1});
}

TEST_F(LogReaderTest, HoldsOnlySoMuch) {
  (void)read_at(0);
  for (std::int64_t i = 1; i <= 50'000; ++i) log_.appears(i);
  (void)read_at(1000);
  EXPECT_LE(log_.read_rows, static_cast<int>(LogReader::kMaxHeld) + 2000);
  std::size_t handed = 0;
  for (std::int64_t now = 2000; now < 40'000; now += 1000) handed += read_at(now).size();
  EXPECT_EQ(handed, 50'000u);
}

}  // namespace
}  // namespace simpleim::gateway
