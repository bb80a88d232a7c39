#include "service/limits/rate_limit.h"

#include <gtest/gtest.h>

namespace simpleim::service {

TEST(RateLimit, AllowsABurstAndThenTheRate) {
  RateLimit limit;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(limit.take(1000, 50, 200), 0) << i;
  EXPECT_GT(limit.take(1000, 50, 200), 0);
  EXPECT_EQ(limit.take(1020, 50, 200), 0) << "one fiftieth of a second later there is one more";
  EXPECT_GT(limit.take(1020, 50, 200), 0);
}

TEST(RateLimit, ZeroMeansNoLimit) {
  RateLimit limit;
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(limit.take(1000, 0, 1), 0);
}

TEST(KeyedRateLimit, CountsEachAddressOnItsOwn) {
  KeyedRateLimit limit(2);
  EXPECT_EQ(limit.take("a", 0), 0);
  EXPECT_EQ(limit.take("a", 0), 0);
  EXPECT_GT(limit.take("a", 0), 0);
  EXPECT_EQ(limit.take("b", 0), 0);
  EXPECT_EQ(limit.take("a", 30'000), 0);
}

}  // namespace simpleim::service
