#include "cluster/redis/bus.h"

#include <gtest/gtest.h>

#include <future>

#include "servers/redis_server.h"

namespace simpleim::cluster::redis {

using test::wait_until;

/// Two nodes on a Redis of their own, which a test may do anything to.
class RedisBusTest : public testing::Test {
 protected:
  void SetUp() override {
    first.listen([](auto, auto) {}, [this] { ++first_interrupted; });
    second.listen([this](auto, auto) { ++heard; }, [this] { ++second_interrupted; });
    second.subscribe("t");
    settle(first);
    settle(second);
  }
  static void settle(Bus& bus) {
    std::promise<void> settled;
    bus.settle([&] { settled.set_value(); });
    ASSERT_EQ(settled.get_future().wait_for(std::chrono::seconds(15)), std::future_status::ready);
  }
  bool both_are(bool well) { return first.health().empty() == well && second.health().empty() == well; }

  test::RedisServer server;
  base::SystemClock clock;
  base::SecureRandom random;
  std::atomic<int> first_interrupted{0};
  std::atomic<int> second_interrupted{0};
  std::atomic<int> heard{0};
  RedisOptions options = server.options();
  base::Metrics first_metrics;
  base::Metrics second_metrics;
  base::Metrics third_metrics;
  RedisBus first{options, clock, random, first_metrics.bus()};
  RedisBus second{options, clock, random, second_metrics.bus()};
};

TEST_F(RedisBusTest, GoesOnWithARedisThatWasRestartedAndSaysThatSomethingIsMissing) {
  EXPECT_EQ(first_interrupted, 0) << "a first connection is no interruption";
  server.kill();
  ASSERT_TRUE(wait_until([&] { return both_are(false); }));
  EXPECT_NE(first.health().find("Redis 127.0.0.1:"), std::string::npos) << first.health();
  first.publish("t", "dropped");
  server.start();
  ASSERT_TRUE(wait_until([&] { return both_are(true); }));
  ASSERT_TRUE(wait_until([&] { return first_interrupted > 0 && second_interrupted > 0; }));
  settle(second);
  first.publish("t", "1");
  ASSERT_TRUE(wait_until([&] { return heard == 1; })) << "its topics are subscribed again";
}

TEST_F(RedisBusTest, NoticesARedisThatNoLongerAnswersWithoutMakingAnybodyWait) {
  server.freeze();
  std::uint64_t published = 0;
  // Callers go on at once the whole time; were one held, the deadline of wait_until would pass before health changed.
  EXPECT_TRUE(wait_until([&] {
    first.publish("t", std::string(1000, 'x'));
    ++published;
    return both_are(false);
  }));
  EXPECT_NE(first.health().find("no answer in time"), std::string::npos) << first.health();
  EXPECT_GT(first_metrics.bus().dropped.Value(), 0);
  server.thaw();
  EXPECT_TRUE(wait_until([&] { return both_are(true) && second_interrupted > 0; }));
}

TEST_F(RedisBusTest, TellsTheOthersWhenOnlyItsOwnConnectionsWereCut) {
  const auto before = first_metrics.bus().connects.Value();
  first.publish("t", "arrives");
  ASSERT_TRUE(wait_until([&] { return heard == 1; }));
  // Redis forgets who is slow in the same way (client-output-buffer-limit).
  server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  ASSERT_TRUE(wait_until([&] { return first_metrics.bus().connects.Value() > before && first.health().empty(); }));
  EXPECT_TRUE(wait_until([&] { return first_interrupted > 0 && second_interrupted > 0; }));
}

TEST_F(RedisBusTest, WaitsWithASettleUntilRedisIsBack) {
  server.kill();
  ASSERT_TRUE(wait_until([&] { return both_are(false); }));
  second.subscribe("late");
  std::promise<void> settled;
  auto done = settled.get_future();
  second.settle([&] { settled.set_value(); });
  EXPECT_EQ(done.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  server.start();
  ASSERT_EQ(done.wait_for(std::chrono::seconds(15)), std::future_status::ready);
  ASSERT_TRUE(wait_until([&] { return first.health().empty(); }));
  first.publish("late", "1");
  EXPECT_TRUE(wait_until([&] { return heard == 1; }));
}

TEST_F(RedisBusTest, BringsManyInOrderWhileTopicsComeAndGo) {
  for (int i = 0; i < 2000; ++i) second.subscribe("group:" + std::to_string(i));
  settle(second);
  for (int i = 0; i < 2000; ++i) first.publish("group:" + std::to_string(i), std::string(5000, 'x'));
  EXPECT_TRUE(wait_until([&] { return heard == 2000; }));
  EXPECT_EQ(first_metrics.bus().dropped.Value(), 0);
}

TEST_F(RedisBusTest, SendsWhatIsQueuedBeforeItEnds) {
  {
    RedisBus third(options, clock, random, third_metrics.bus());
    third.listen([](auto, auto) {}, [] {});
    settle(third);
    for (int i = 0; i < 3000; ++i) third.publish("t", std::string(1000, 'x'));
  }
  EXPECT_TRUE(wait_until([&] { return heard == 3000; }));
}

TEST_F(RedisBusTest, IgnoresWhatNoNodeSaid) {
  const auto connects = second_metrics.bus().connects.Value();
  server.command({"PUBLISH", options.prefix + "topic:t", "?"});
  first.publish("t", "1");
  EXPECT_TRUE(wait_until([&] { return heard == 1; }));
  EXPECT_EQ(second_metrics.bus().connects.Value(), connects);
}

TEST_F(RedisBusTest, EndsThoughRedisDoesNotAnswer) {
  auto third = std::make_unique<RedisBus>(options, clock, random, third_metrics.bus());
  third->listen([](auto, auto) {}, [] {});
  settle(*third);
  server.freeze();
  third->publish("t", "never");
  third.reset();  // would hang
  server.thaw();
}

TEST(RedisBus, NeedsTheRightPassword) {
  test::RedisServer server;
  server.command({"CONFIG", "SET", "requirepass", "secret"});
  base::SystemClock clock;
  base::SecureRandom random;
  auto options = server.options();
  RedisBus without(options, clock, random);
  without.listen([](auto, auto) {}, [] {});
  EXPECT_TRUE(wait_until([&] { return without.health().find("NOAUTH") != std::string::npos; })) << without.health();
  options.password = "secret";
  RedisBus with(options, clock, random);
  with.listen([](auto, auto) {}, [] {});
  EXPECT_TRUE(wait_until([&] { return with.health().empty(); })) << with.health();
}

}  // namespace simpleim::cluster::redis
