#include "base/service_url.h"

#include <gtest/gtest.h>

namespace simpleim::base {

TEST(ServiceUrl, HasOneHostOrSeveral) {
  const auto one = ServiceUrl::parse("mysql://u:p%40ss@db:3306/chat").value();
  EXPECT_EQ(one.user + " " + one.password + " " + one.path, "u p@ss chat");
  ASSERT_EQ(one.hosts.size(), 1u);
  EXPECT_EQ(one.hosts[0].text(), "db:3306");
  const auto several = ServiceUrl::parse("redis+sentinel://:secret@s1,[::1]:7,10.0.0.3:26379/main").value();
  ASSERT_EQ(several.hosts.size(), 3u);
  EXPECT_EQ(several.hosts[0].text(), "s1:0");
  EXPECT_EQ(several.hosts[1].text(), "::1:7");
  EXPECT_EQ(several.hosts[2].text(), "10.0.0.3:26379");
  EXPECT_EQ(several.password + " " + several.path, "secret main");
}

TEST(ServiceUrl, IsNothingWhenItIsNone) {
  for (const char* text : {"", "db", "://db", "mysql://", "mysql://a,", "mysql://a,,b", "mysql://a,b:70000",
                           "mysql://a b", "mysql:///path", "mysql://a:notaport/x"})
    EXPECT_FALSE(ServiceUrl::parse(text)) << text;
}

}  // namespace simpleim::base
