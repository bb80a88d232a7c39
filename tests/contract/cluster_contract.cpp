#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "contract/backends.h"
#include "support.h"

namespace simpleim::test {
namespace {

/// Until what the bus was asked for is in force.
void settle(cluster::Bus& bus) {
  std::promise<void> settled;
  bus.settle([&] { settled.set_value(); });
  ASSERT_EQ(settled.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

/// What one node heard.
struct Ear {
  void attach(cluster::Bus& bus) {
    bus.listen(
        [this](std::string_view topic, std::string_view payload) {
          const std::lock_guard lock(mutex);
          heard.push_back(std::string(topic) + "=" + std::string(payload));
        },
        [] {});
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex);
    return heard;
  }
  std::mutex mutex;
  std::vector<std::string> heard;
};

/// Nodes that all hear; the ears outlive the buses that speak to them.
struct Nodes {
  Nodes(const BusBackend& backend, std::size_t count) : ears(count), buses(backend.make(count)) {
    for (std::size_t i = 0; i < count; ++i) ears[i].attach(*buses[i]);
    settle_all();
  }
  void settle_all() {
    for (auto& bus : buses) settle(*bus);
  }
  cluster::Bus& operator[](std::size_t i) { return *buses[i]; }
  std::vector<Ear> ears;
  std::vector<std::unique_ptr<cluster::Bus>> buses;
};

}  // namespace

class BusContract : public testing::TestWithParam<BusBackend> {};

TEST_P(BusContract, BringsATopicsMessagesToOtherSubscribersInOrder) {
  Nodes nodes(GetParam(), 3);
  nodes[0].subscribe("a");
  nodes[1].subscribe("a");
  nodes[2].subscribe("b");
  nodes.settle_all();
  for (int i = 0; i < 100; ++i) nodes[0].publish("a", std::to_string(i));
  ASSERT_TRUE(wait_until([&] { return nodes.ears[1].all().size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(nodes.ears[1].all()[static_cast<std::size_t>(i)], "a=" + std::to_string(i));
  EXPECT_TRUE(nodes.ears[0].all().empty()) << "never to itself";
  EXPECT_TRUE(nodes.ears[2].all().empty());
}

TEST_P(BusContract, CountsSubscriptions) {
  Nodes nodes(GetParam(), 2);
  auto& ear = nodes.ears[1];
  nodes[1].subscribe("a");
  nodes[1].subscribe("a");
  nodes[1].unsubscribe("a");
  settle(nodes[1]);
  nodes[0].publish("a", "1");
  ASSERT_TRUE(wait_until([&] { return ear.all().size() == 1; }));
  nodes[1].unsubscribe("a");
  nodes[1].subscribe("end");
  settle(nodes[1]);
  nodes[0].publish("a", "2");
  nodes[0].publish("end", "3");
  ASSERT_TRUE(wait_until([&] { return ear.all().size() >= 2; }));
  EXPECT_EQ(ear.all().back(), "end=3");
  EXPECT_EQ(ear.all().size(), 2u);
}

TEST_P(BusContract, TakesAnyBytes) {
  Nodes nodes(GetParam(), 2);
  nodes[1].subscribe("any");
  settle(nodes[1]);
  const std::string bytes("\0\r\n\xff%s$1\r\n", 10);
  nodes[0].publish("any", bytes);
  nodes[0].publish("any", std::string(1 << 20, 'x'));
  ASSERT_TRUE(wait_until([&] { return nodes.ears[1].all().size() == 2; }));
  EXPECT_EQ(nodes.ears[1].all()[0], "any=" + bytes);
  EXPECT_EQ(nodes.ears[1].all()[1].size(), 4u + (1 << 20));
}

TEST_P(BusContract, IsWellAndKnowsThatItIsNotAlone) {
  Nodes nodes(GetParam(), 2);
  EXPECT_FALSE(nodes[0].alone());
  EXPECT_EQ(nodes[0].health(), "");
}

TEST(InProcessBus, KnowsThatOneNodeIsAlone) {
  for (const auto& backend : bus_backends())
    if (backend.name == "in_process") EXPECT_TRUE(backend.make(1).front()->alone());
}

INSTANTIATE_TEST_SUITE_P(Backends, BusContract, testing::ValuesIn(bus_backends()),
                         [](const auto& info) { return info.param.name; });

class PresenceContract : public testing::TestWithParam<PresenceBackend> {};

TEST_P(PresenceContract, TellsWhoIsOnlineInTheOrderAsked) {
  const auto directory = GetParam().make();
  directory->set_online(base::UserId{2});
  const auto found = directory->lookup({base::UserId{1}, base::UserId{2}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_FALSE(found[0].online);
  EXPECT_TRUE(found[1].online);
  directory->set_offline(base::UserId{2});
  directory->set_offline(base::UserId{3});
  EXPECT_FALSE(directory->lookup({base::UserId{2}}).front().online);
}

INSTANTIATE_TEST_SUITE_P(Backends, PresenceContract, testing::ValuesIn(presence_backends()),
                         [](const auto& info) { return info.param.name; });

}  // namespace simpleim::test
