#include "net/http.h"

#include <gtest/gtest.h>

namespace simpleim::net {

TEST(PercentDecode, RefusesBrokenEscapesNulAndBadUtf8) {
  EXPECT_EQ(percent_decode("a%20b+c", false), "a b+c");
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_EQ(percent_decode("%e4%BD%a0", false), "你");
  for (const char* bad : {"%", "%2", "%zz", "%00", "%ff", "%c0%af"}) EXPECT_FALSE(percent_decode(bad, false)) << bad;
}

TEST(ParseTarget, SplitsPathAndQuery) {
  Request request;
  ASSERT_TRUE(parse_target("/api/users?q=a%26b&limit=5&flag", request));
  EXPECT_EQ(request.path, "/api/users");
  EXPECT_EQ(request.param("q"), "a&b");
  EXPECT_EQ(request.param("limit"), "5");
  EXPECT_EQ(request.param("flag"), "");
  EXPECT_EQ(request.param("none"), "");
}

TEST(ParseTarget, RefusesWhatIsAmbiguous) {
  for (const char* bad : {"", "x", "http://host/", "/x?a=%zz", "/x?a=1&a=2"}) {
    Request request;
    EXPECT_FALSE(parse_target(bad, request)) << bad;
  }
}

TEST(Router, APathIsOfThePatternWithTheFewestNames) {
  Router router;
  for (const auto* method : {"GET", "PATCH"})
    router.add(method, "/groups/:id", Lane::kInline, [](const Request&) { return Response(); });
  router.add("GET", "/groups/my", Lane::kInline, [](const Request&) { return Response(); });
  Request request;
  request.method = "PATCH";
  request.path = "/groups/my";
  const auto match = router.find(request);
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET");
  request.method = "GET";
  EXPECT_EQ(router.find(request).route->pattern, "/groups/my");
  EXPECT_TRUE(request.path_values.empty());
  request.path = "/groups/other";
  request.method = "PATCH";
  EXPECT_EQ(router.find(request).route->pattern, "/groups/:id");
  EXPECT_EQ(request.path_values["id"], "other");
}

TEST(Router, FindsRoutesAndTellsWrongMethods) {
  Router router;
  router.add("GET", "/a/:id", Lane::kInline, [](const Request&) { return Response(); });
  router.add("GET", "/a/me", Lane::kInline, [](const Request&) { return Response(); });
  Request request;
  request.method = "GET";
  request.path = "/a/x%2fy";
  ASSERT_NE(router.find(request).route, nullptr);
  EXPECT_EQ(request.path_values["id"], "x/y");
  request.method = "POST";
  EXPECT_EQ(router.find(request).route, nullptr);
  EXPECT_EQ(router.find(request).allow, "GET");
  for (const char* path : {"/a", "/a/", "/a/b/c", "/b/x", "/a/%00", "//a/x"}) {
    request.path = path;
    EXPECT_TRUE(router.find(request).route == nullptr && router.find(request).allow.empty()) << path;
  }
}

}  // namespace simpleim::net
