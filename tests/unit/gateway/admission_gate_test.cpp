#include "gateway/admission_gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace simpleim::gateway {

TEST(AdmissionGate, GivesTurnsInTheOrderOfTheLine) {
  AdmissionGate gate(1, 10);
  std::vector<int> order;
  AdmissionGate::Turn held;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(gate.enter([&, i](AdmissionGate::Turn turn) {
      order.push_back(i);
      held = std::move(turn);
    }));
  EXPECT_EQ(order, (std::vector{0}));
  EXPECT_TRUE(gate.is_contended());
  held.reset();
  EXPECT_EQ(order, (std::vector{0, 1}));
  held.reset();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  EXPECT_FALSE(gate.is_contended());
}

TEST(AdmissionGate, RefusesWhoComesToAFullLineAndTakesBackWhoIsIn) {
  AdmissionGate gate(1, 2);
  AdmissionGate::Turn held;
  int started = 0;
  const auto start = [&](AdmissionGate::Turn turn) {
    ++started;
    held = std::move(turn);
  };
  EXPECT_TRUE(gate.enter(start));
  EXPECT_TRUE(gate.enter(start));
  EXPECT_TRUE(gate.enter(start));
  EXPECT_FALSE(gate.enter(start));
  gate.reenter(start);
  for (int i = 0; i < 3; ++i) held.reset();
  EXPECT_EQ(started, 4);
}

/// Each that has gone gives its turn back while the one before it does: a loop, not a stack of them.
TEST(AdmissionGate, ALongLineOfThoseWhoHaveGoneCostsNoStack) {
  constexpr int kGone = 200'000;
  AdmissionGate gate(1, kGone);
  AdmissionGate::Turn held;
  int passed = 0;
  ASSERT_TRUE(gate.enter([&](AdmissionGate::Turn turn) { held = std::move(turn); }));
  for (int i = 0; i < kGone; ++i) ASSERT_TRUE(gate.enter([&](const AdmissionGate::Turn&) { ++passed; }));
  held.reset();
  EXPECT_EQ(passed, kGone);
}

TEST(AdmissionGate, ATurnMayOutliveTheGate) {
  AdmissionGate::Turn held;
  {
    AdmissionGate gate(1, 1);
    ASSERT_TRUE(gate.enter([&](AdmissionGate::Turn turn) { held = std::move(turn); }));
  }
  held.reset();
}

}  // namespace simpleim::gateway
