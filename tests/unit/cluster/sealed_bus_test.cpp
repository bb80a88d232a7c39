#include "cluster/sealed_bus.h"

#include <gtest/gtest.h>

#include "cluster/in_process/bus.h"
#include "support.h"

namespace simpleim::cluster {

/// Two nodes with a key, and somebody who reaches the same bus without it.
class SealedBusTest : public testing::Test {
 protected:
  void SetUp() override {
    second.listen(
        [this](auto topic, auto payload) { heard.push_back(std::string(topic) + "=" + std::string(payload)); }, [] {});
    stranger.listen([this](auto, auto payload) { recorded = payload; }, [] {});
    for (const auto* topic : {"a", "b", "ab"}) second.subscribe(topic);
    stranger.subscribe("a");
  }
  std::unique_ptr<Bus> end() { return std::make_unique<in_process::InProcessBus>(hub); }

  test::ManualClock clock;
  std::shared_ptr<in_process::BusHub> hub = std::make_shared<in_process::BusHub>();
  std::vector<std::string> heard;
  std::string recorded;
  SealedBus first{end(), std::string(32, 'k'), clock};
  SealedBus second{end(), std::string(32, 'k'), clock};
  in_process::InProcessBus stranger{hub};
};

TEST_F(SealedBusTest, NodesHearEachOther) {
  first.publish("a", "payload");
  first.publish("b", "");
  EXPECT_EQ(heard, (std::vector<std::string>{"a=payload", "b="}));
}

TEST_F(SealedBusTest, NobodyElseIsHeard) {
  SealedBus other_key(end(), std::string(32, 'x'), clock);
  other_key.publish("a", "forged");
  for (const std::size_t size : {0, 1, 23, 24, 25, 1000}) stranger.publish("a", std::string(size, '\0'));
  EXPECT_TRUE(heard.empty());
}

TEST_F(SealedBusTest, WhatWasRecordedIsForItsTopicAsItStandsAndForAWhile) {
  first.publish("a", "payload");
  ASSERT_GT(recorded.size(), 7U);
  heard.clear();
  const auto message = recorded;
  stranger.publish("b", message);
  stranger.publish("ab", message);
  for (std::size_t i = 0; i < message.size(); ++i) {
    auto changed = message;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    stranger.publish("a", changed);
    stranger.publish("a", message.substr(0, i));
  }
  EXPECT_TRUE(heard.empty());
  clock.advance(SealedBus::kFreshMs + 1);
  stranger.publish("a", message);
  EXPECT_TRUE(heard.empty());
}

TEST_F(SealedBusTest, ClocksMayDiffer) {
  const auto now = clock.now_ms();
  clock.set_wall(now - 120'000);
  first.publish("a", "early");
  clock.set_wall(now);
  stranger.publish("a", recorded);
  EXPECT_EQ(heard.size(), 2U);
}

}  // namespace simpleim::cluster
