#include "base/circuit_breaker.h"

#include <gtest/gtest.h>

#include "support.h"

namespace simpleim::base {

using State = CircuitBreaker::State;

class CircuitBreakerTest : public testing::Test {
 protected:
  test::ManualClock clock;
  CircuitBreaker breaker{clock, 100, 400};
};

TEST_F(CircuitBreakerTest, LetsEverybodyThroughUntilAFailure) {
  EXPECT_TRUE(breaker.allow());
  EXPECT_TRUE(breaker.allow());
  breaker.succeeded();
  EXPECT_EQ(breaker.state(), State::kClosed);
  breaker.failed();
  EXPECT_FALSE(breaker.allow());
}

TEST_F(CircuitBreakerTest, LetsOneThroughAfterThePause) {
  breaker.failed();
  clock.advance(99);
  EXPECT_FALSE(breaker.allow());
  clock.advance(1);
  EXPECT_TRUE(breaker.allow());
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_FALSE(breaker.allow()) << "one probe at a time";
  breaker.succeeded();
  EXPECT_TRUE(breaker.allow());
  EXPECT_TRUE(breaker.allow());
}

TEST_F(CircuitBreakerTest, WaitsLongerAfterEachFailedProbeButNotForever) {
  breaker.failed();
  for (const std::int64_t pause : {100, 200, 400, 400}) {
    clock.advance(pause - 1);
    EXPECT_FALSE(breaker.allow()) << pause;
    clock.advance(1);
    EXPECT_TRUE(breaker.allow()) << pause;
    breaker.failed();
  }
  clock.advance(400);
  EXPECT_TRUE(breaker.allow());
  breaker.succeeded();
  breaker.failed();
  clock.advance(100);
  EXPECT_TRUE(breaker.allow()) << "a success makes the pause short again";
}

TEST_F(CircuitBreakerTest, CountsThoseWhoFailTogetherOnce) {
  breaker.failed();
  breaker.failed();
  breaker.failed();
  clock.advance(100);
  EXPECT_TRUE(breaker.allow());
}

TEST_F(CircuitBreakerTest, GivesUpAProbeThatNeverAnswers) {
  breaker.failed();
  clock.advance(100);
  EXPECT_TRUE(breaker.allow());
  clock.advance(399);
  EXPECT_FALSE(breaker.allow());
  clock.advance(1);
  EXPECT_TRUE(breaker.allow());
}

}  // namespace simpleim::base
