#include "cluster/redis/presence_directory.h"

#include <gtest/gtest.h>

#include "servers/redis_server.h"

namespace simpleim::cluster::redis {

using test::wait_until;

class RedisPresenceTest : public testing::Test {
 protected:
  static constexpr std::int64_t kTtlMs = 600;

  std::unique_ptr<RedisPresenceDirectory> node() {
    return std::make_unique<RedisPresenceDirectory>(options, clock, random, kTtlMs);
  }
  bool is(bool online, std::uint64_t user = 7) { return there->lookup({base::UserId{user}}).front().online == online; }

  test::RedisServer server;
  base::SystemClock clock;
  base::SecureRandom random;
  RedisOptions options = server.options();
  std::unique_ptr<RedisPresenceDirectory> here = node();
  std::unique_ptr<RedisPresenceDirectory> there = node();
};

TEST_F(RedisPresenceTest, SeesUsersOfOtherNodesComeAndGo) {
  here->set_online(base::UserId{7});
  EXPECT_TRUE(wait_until([&] { return is(true); }));
  const auto third = node();
  third->set_online(base::UserId{7});
  EXPECT_TRUE(wait_until([&] { return third->lookup({base::UserId{7}}).front().online; }));
  here->set_offline(base::UserId{7});
  third->set_offline(base::UserId{7});
  EXPECT_TRUE(wait_until([&] { return is(false); }));
}

TEST_F(RedisPresenceTest, KeepsWhoStaysOnlineBeyondTheTimeToLive) {
  here->set_online(base::UserId{7});
  ASSERT_TRUE(wait_until([&] { return is(true); }));
  const auto end = clock.steady_ms() + 3 * kTtlMs;
  ASSERT_TRUE(wait_until([&] { return !is(true) || clock.steady_ms() > end; }));
  EXPECT_TRUE(is(true));
}

TEST_F(RedisPresenceTest, LosesTheUsersOfANodeThatEnds) {
  for (std::uint64_t user = 1; user <= 1500; ++user) here->set_online(base::UserId{user});
  ASSERT_TRUE(wait_until([&] { return is(true, 1500) && is(true, 1); }));
  here.reset();
  EXPECT_TRUE(is(false, 1500));
  EXPECT_TRUE(is(false, 1));
}

TEST_F(RedisPresenceTest, LosesTheUsersOfANodeThatWasKilled) {
  server.command({"SADD", options.prefix + "online:7", "dead"});
  server.command({"SET", options.prefix + "node:dead", "", "PX", "600"});
  EXPECT_TRUE(is(true));
  EXPECT_TRUE(wait_until([&] { return is(false); })) << "nobody refreshes its key";
}

TEST_F(RedisPresenceTest, TellsEverythingAgainAfterFlushAll) {
  here->set_online(base::UserId{7});
  ASSERT_TRUE(wait_until([&] { return is(true); }));
  server.command({"FLUSHALL"});
  EXPECT_TRUE(wait_until([&] { return is(true); }));
}

TEST_F(RedisPresenceTest, ConvergesAfterARestartWithoutWhoLeftMeanwhile) {
  here->set_online(base::UserId{7});
  here->set_online(base::UserId{8});
  ASSERT_TRUE(wait_until([&] { return is(true, 7) && is(true, 8); }));
  server.kill();
  here->set_offline(base::UserId{7});
  EXPECT_TRUE(here->lookup({base::UserId{8}}).front().online) << "its own users it knows without Redis";
  EXPECT_TRUE(is(false, 8));
  server.start();
  EXPECT_TRUE(wait_until([&] { return is(true, 8); }));
  EXPECT_TRUE(is(false, 7));
}

TEST_F(RedisPresenceTest, ConvergesAfterARedisThatHungKeepsWhatWasToldHalf) {
  here->set_online(base::UserId{7});
  ASSERT_TRUE(wait_until([&] { return is(true); }));
  server.freeze();
  here->set_offline(base::UserId{7});
  // The frozen Redis keeps the set and the key of the node; only the new name tells them apart from the truth.
  EXPECT_TRUE(is(false));
  server.thaw();
  EXPECT_TRUE(wait_until([&] { return is(false); }));
  here->set_online(base::UserId{7});
  EXPECT_TRUE(wait_until([&] { return is(true); }));
}

}  // namespace simpleim::cluster::redis
