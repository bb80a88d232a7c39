#include "net/client_address.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace simpleim::net {
namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

Arrival arrival(const TrustedProxies& proxies, const std::string& peer, Headers headers) {
  Request request;
  request.headers = std::move(headers);
  return proxies.arrival(peer, false, request);
}

std::string client(const TrustedProxies& proxies, const std::string& peer, const std::string& forwarded_for) {
  return arrival(proxies, peer, {{"x-forwarded-for", forwarded_for}}).client;
}

TEST(TrustedProxies, BelievesNobodyByDefault) {
  EXPECT_EQ(client(TrustedProxies(), "10.0.0.1", "1.2.3.4"), "10.0.0.1");
  const auto bare =
      arrival(TrustedProxies(), "10.0.0.1", {{"host", "a"}, {"x-forwarded-proto", "https"}, {"x-forwarded-host", "b"}});
  EXPECT_FALSE(bare.https);
  EXPECT_EQ(bare.host, "a");
}

TEST(TrustedProxies, BelievesTheNearestHopAndGoesOnBehindKnownProxies) {
  const TrustedProxies proxies({"127.0.0.1", "10.9.9.9", "10.0.0.0/8", "fd00::/8"});
  EXPECT_EQ(client(proxies, "127.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(client(proxies, "127.0.0.1", "9.9.9.9, 1.2.3.4"), "1.2.3.4") << "the client wrote the first itself";
  EXPECT_EQ(client(proxies, "10.200.3.4", "9.9.9.9, 1.2.3.4, 10.9.9.9"), "1.2.3.4") << "a proxy behind a proxy";
  EXPECT_EQ(client(proxies, "10.200.3.4", "9.9.9.9, 10.1.1.1"), "10.1.1.1") << "a client in the trusted network";
  EXPECT_EQ(client(proxies, "fd12::1", "2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(client(proxies, "::ffff:10.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(client(proxies, "127.0.0.1", ""), "127.0.0.1");
  EXPECT_EQ(client(proxies, "127.0.0.1", "1.2.3.4, nonsense"), "127.0.0.1");
  EXPECT_EQ(client(proxies, "127.0.0.1", "1.2.3.4, 10.9.9.9, unknown"), "127.0.0.1");
  EXPECT_EQ(client(proxies, "11.0.0.1", "1.2.3.4"), "11.0.0.1") << "no proxy of ours";
}

TEST(TrustedProxies, ReadsPortsAndBrackets) {
  const TrustedProxies proxies({"127.0.0.1"});
  EXPECT_EQ(client(proxies, "127.0.0.1", "203.0.113.7:51234"), "203.0.113.7");
  EXPECT_EQ(client(proxies, "127.0.0.1", "[2001:db8::1]:443"), "2001:db8::1");
  EXPECT_EQ(client(proxies, "127.0.0.1", "[2001:db8::1]"), "2001:db8::1");
}

TEST(TrustedProxies, KnowsTheSchemeAndTheHost) {
  const TrustedProxies proxies({"127.0.0.1", "10.9.9.9"});
  auto seen = arrival(proxies, "127.0.0.1",
                      {{"host", "node:8080"},
                       {"x-forwarded-for", "1.2.3.4"},
                       {"x-forwarded-proto", "HTTPS"},
                       {"x-forwarded-host", "chat.example.org"}});
  EXPECT_TRUE(seen.https);
  EXPECT_EQ(seen.host, "chat.example.org");
  seen = arrival(proxies, "127.0.0.1",
                 {{"host", "h"}, {"x-forwarded-for", "1.2.3.4, 10.9.9.9"}, {"x-forwarded-proto", "https, http"}});
  EXPECT_TRUE(seen.https) << "as the first of the believed proxies says";
  seen = arrival(proxies, "127.0.0.1",
                 {{"host", "h"}, {"x-forwarded-for", "1.2.3.4"}, {"x-forwarded-proto", "https, http"}});
  EXPECT_FALSE(seen.https) << "the client wrote the first";
}

TEST(TrustedProxies, ReadsForwarded) {
  const TrustedProxies proxies({"127.0.0.1"});
  auto seen = arrival(
      proxies, "127.0.0.1",
      {{"host", "h"}, {"forwarded", "for=9.9.9.9, For=\"[2001:db8::1]:4711\";proto=https;host=\"chat.example.org\""}});
  EXPECT_EQ(seen.client, "2001:db8::1");
  EXPECT_TRUE(seen.https);
  EXPECT_EQ(seen.host, "chat.example.org");
  EXPECT_EQ(arrival(proxies, "127.0.0.1", {{"forwarded", "for=_hidden"}}).client, "127.0.0.1");
  EXPECT_EQ(arrival(proxies, "127.0.0.1", {{"forwarded", "for=9.9.9.9"}, {"x-forwarded-for", "1.2.3.4"}}).client,
            "1.2.3.4");
}

TEST(ClientKey, IsOneForASixtyFour) {
  EXPECT_EQ(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:3::1"));
  EXPECT_NE(client_key("192.0.2.1"), client_key("192.0.2.2"));
  EXPECT_EQ(client_key("::ffff:192.0.2.1"), client_key("192.0.2.1"));
}

TEST(PlainHost, HasNoDefaultPort) {
  EXPECT_EQ(plain_host("Chat.Example.org:443", true), "chat.example.org");
  EXPECT_EQ(plain_host("chat.example.org:443", false), "chat.example.org:443");
  EXPECT_EQ(plain_host("chat.example.org:80", false), "chat.example.org");
  EXPECT_EQ(plain_host("[::1]:8080", false), "[::1]:8080");
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
