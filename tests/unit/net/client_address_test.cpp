#include "net/client_address.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace simpleim::net {
namespace {

TEST(TrustedProxies, BelievesNobodyByDefault) { EXPECT_EQ(TrustedProxies().client("10.0.0.1", "1.2.3.4"), "10.0.0.1"); }

TEST(TrustedProxies, TakesTheLastAddressThatIsNoProxy) {
  const TrustedProxies proxies({"127.0.0.1", "10.0.0.0/8", "fd00::/8"});
  EXPECT_EQ(proxies.client("127.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(proxies.client("127.0.0.1", "9.9.9.9, 1.2.3.4"), "1.2.3.4") << "the client wrote the first itself";
  EXPECT_EQ(proxies.client("10.200.3.4", "9.9.9.9, 1.2.3.4, 10.1.1.1"), "1.2.3.4");
  EXPECT_EQ(proxies.client("fd12::1", "2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(proxies.client("::ffff:10.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(proxies.client("127.0.0.1", ""), "127.0.0.1");
  EXPECT_EQ(proxies.client("127.0.0.1", "10.1.1.1"), "10.1.1.1");
  EXPECT_EQ(proxies.client("127.0.0.1", "1.2.3.4, nonsense"), "127.0.0.1");
  EXPECT_EQ(proxies.client("11.0.0.1", "1.2.3.4"), "11.0.0.1") << "no proxy of ours";
}

TEST(TrustedProxies, NamesAnEntryThatIsNoAddress) {
  for (const std::string bad : {"proxy.example", "10.0.0.0/33", "10.0.0.0/x", "::1/129", ""}) {
    try {
      TrustedProxies({bad});
      ADD_FAILURE() << bad;
    } catch (const std::runtime_error& e) {
      EXPECT_NE(std::string(e.what()).find("\"" + bad + "\""), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace simpleim::net
