#include <gtest/gtest.h>

#include <mutex>

#include "contract/backends.h"
#include "support.h"

namespace simpleim::test {
namespace {

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

}  // namespace

class BusContract : public testing::TestWithParam<BusBackend> {};

TEST_P(BusContract, BringsATopicsMessagesToOtherSubscribersInOrder) {
  auto nodes = GetParam().make(3);
  std::vector<Ear> ears(3);
  for (std::size_t i = 0; i < 3; ++i) ears[i].attach(*nodes[i]);
  nodes[0]->subscribe("a");
  nodes[1]->subscribe("a");
  nodes[2]->subscribe("b");
  for (int i = 0; i < 100; ++i) nodes[0]->publish("a", std::to_string(i));
  ASSERT_TRUE(wait_until([&] { return ears[1].all().size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ears[1].all()[static_cast<std::size_t>(i)], "a=" + std::to_string(i));
  EXPECT_TRUE(ears[0].all().empty()) << "never to itself";
  EXPECT_TRUE(ears[2].all().empty());
}

TEST_P(BusContract, CountsSubscriptions) {
  auto nodes = GetParam().make(2);
  Ear ear;
  ear.attach(*nodes[1]);
  nodes[1]->subscribe("a");
  nodes[1]->subscribe("a");
  nodes[1]->unsubscribe("a");
  nodes[0]->publish("a", "1");
  ASSERT_TRUE(wait_until([&] { return ear.all().size() == 1; }));
  nodes[1]->unsubscribe("a");
  nodes[1]->subscribe("end");
  nodes[0]->publish("a", "2");
  nodes[0]->publish("end", "3");
  ASSERT_TRUE(wait_until([&] { return ear.all().size() >= 2; }));
  EXPECT_EQ(ear.all().back(), "end=3");
  EXPECT_EQ(ear.all().size(), 2u);
}

TEST_P(BusContract, KnowsWhetherItIsAlone) {
  EXPECT_TRUE(GetParam().make(1).front()->alone());
  EXPECT_FALSE(GetParam().make(2).front()->alone());
  EXPECT_EQ(GetParam().make(1).front()->health(), "");
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
