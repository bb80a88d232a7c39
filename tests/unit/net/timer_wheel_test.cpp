#include "net/timer_wheel.h"

#include <gtest/gtest.h>

namespace simpleim::net {
namespace {

struct Counting final : Timer {
  int fired = 0;
  void expired() override { ++fired; }
};

void pass(TimerWheel& wheel, std::int64_t ms) {
  for (std::int64_t t = 0; t < ms; t += TimerWheel::kTickMs) wheel.advance();
}

}  // namespace

TEST(TimerWheel, FiresOnceAndNeverEarly) {
  TimerWheel wheel;
  Counting timer;
  wheel.schedule(timer, 1000);
  pass(wheel, 1000);
  EXPECT_EQ(timer.fired, 0);
  pass(wheel, 200);
  EXPECT_EQ(timer.fired, 1);
  pass(wheel, 500000);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, KeepsTimersLongerThanATurn) {
  TimerWheel wheel;
  Counting timer;
  wheel.schedule(timer, 300'000);
  pass(wheel, 299'000);
  EXPECT_EQ(timer.fired, 0);
  pass(wheel, 2000);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, ForgetsTheDestroyedAndTheMoved) {
  TimerWheel wheel;
  Counting moved;
  {
    Counting gone;
    wheel.schedule(gone, 100);
  }
  wheel.schedule(moved, 100);
  wheel.schedule(moved, 1000);
  pass(wheel, 500);
  EXPECT_EQ(moved.fired, 0);
  pass(wheel, 800);
  EXPECT_EQ(moved.fired, 1);
}

}  // namespace simpleim::net
