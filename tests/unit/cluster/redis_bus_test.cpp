#include "cluster/redis/bus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "cluster/redis/partitions.h"
#include "cluster/redis/presence_directory.h"
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
  EXPECT_GT(first_metrics.bus().dropped->Value(), 0);
  server.thaw();
  EXPECT_TRUE(wait_until([&] { return both_are(true) && second_interrupted > 0; }));
}

TEST_F(RedisBusTest, TellsTheOthersWhenOnlyItsOwnConnectionsWereCut) {
  const auto before = first_metrics.bus().connects->Value();
  first.publish("t", "arrives");
  ASSERT_TRUE(wait_until([&] { return heard == 1; }));
  // Redis forgets who is slow in the same way (client-output-buffer-limit).
  server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  ASSERT_TRUE(wait_until([&] { return first_metrics.bus().connects->Value() > before && first.health().empty(); }));
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
  EXPECT_EQ(first_metrics.bus().dropped->Value(), 0);
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
  const auto connects = second_metrics.bus().connects->Value();
  server.command({"PUBLISH", options.prefix + "topic:t", "?"});
  first.publish("t", "1");
  EXPECT_TRUE(wait_until([&] { return heard == 1; }));
  EXPECT_EQ(second_metrics.bus().connects->Value(), connects);
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
  base::Metrics metrics;
  auto options = server.options();
  RedisBus without(options, clock, random, metrics.bus());
  without.listen([](auto, auto) {}, [] {});
  EXPECT_TRUE(wait_until([&] { return without.health().find("NOAUTH") != std::string::npos; })) << without.health();
  options.password = "secret";
  RedisBus with(options, clock, random, metrics.bus());
  with.listen([](auto, auto) {}, [] {});
  EXPECT_TRUE(wait_until([&] { return with.health().empty(); })) << with.health();
}

/// Two nodes that go where the master is.
struct Pair {
  explicit Pair(const RedisOptions& options)
      : first(options, clock, random, metrics.bus()), second(options, clock, random, metrics.bus()) {
    first.listen([](auto, auto) {}, [] {});
    second.listen([this](auto, auto) { ++heard; }, [this] { ++interrupted; });
    second.subscribe("t");
  }
  bool are_well() { return first.health().empty() && second.health().empty(); }
  /// Until what is said arrives.
  bool hears() {
    return wait_until([&] {
      const auto before = heard.load();
      std::promise<void> settled;
      second.settle([&] { settled.set_value(); });
      settled.get_future().wait();
      first.publish("t", "1");
      return wait_until([&] { return heard > before; }, std::chrono::seconds(1));
    });
  }
  base::SystemClock clock;
  base::SecureRandom random;
  base::Metrics metrics;
  std::atomic<int> heard{0};
  std::atomic<int> interrupted{0};
  RedisBus first;
  RedisBus second;
};

TEST(RedisFailover, IsFollowedByTheBusAndByPresence) {
  test::RedisFailover redis;
  Pair nodes(redis.options());
  ASSERT_TRUE(nodes.hears());
  const auto options = redis.options();
  RedisPresenceDirectory writer(options, nodes.clock, nodes.random, 3000);
  RedisPresenceDirectory reader(options, nodes.clock, nodes.random, 3000);
  const auto seen = [&] { return reader.lookup({base::UserId{7}}).front().online; };
  writer.set_online(base::UserId{7});
  ASSERT_TRUE(wait_until(seen));
  redis.master().kill();
  ASSERT_TRUE(wait_until([&] { return !nodes.are_well(); }));
  EXPECT_TRUE(wait_until([&] { return nodes.are_well() && nodes.interrupted > 0; }));
  EXPECT_TRUE(nodes.hears());
  EXPECT_TRUE(wait_until(seen)) << "who is online is told to the new master, too";
}

TEST(RedisFailover, IsRefusedWithTheNameOfAMasterThatNobodyKnows) {
  test::RedisFailover redis;
  auto options = redis.options();
  options.master = "other";
  try {
    Connection connection(options);
    ADD_FAILURE();
  } catch (const RedisError& error) {
    EXPECT_NE(std::string(error.what()).find("no master of the name other"), std::string::npos) << error.what();
  }
}

TEST(RedisCluster, IsFollowedWhenAMasterGivesItsKeysAway) {
  test::RedisCluster redis;
  // One part on each of the masters that give theirs away in turn.
  const auto base = redis.options();
  std::vector<std::unique_ptr<Pair>> parts;
  for (std::size_t i = 0; i < kPartitions; ++i) parts.push_back(std::make_unique<Pair>(partition_options(base, i)));
  for (auto& part : parts) ASSERT_TRUE(part->hears());
  redis.move_slots(0);
  EXPECT_TRUE(wait_until(
      [&] { return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part->interrupted > 0; }); }));
  for (auto& part : parts) EXPECT_TRUE(part->hears());
}

}  // namespace simpleim::cluster::redis
