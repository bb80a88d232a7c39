#include "net/base64.h"

#include <gtest/gtest.h>

namespace simpleim::net {

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648 section 10.
  for (const auto& [plain, encoded] : {std::pair("", ""),
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(encode_base64(plain), encoded);
    EXPECT_EQ(decode_base64(encoded), plain);
  }
  EXPECT_EQ(decode_base64("Zm9vYg"), "foob") << "padding may be missing";
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  for (const char* bad : {"Zm9v!", "Z", "Zm 9v", "-_-_", "Zm9=v", "Zh=="}) EXPECT_FALSE(decode_base64(bad)) << bad;
}

}  // namespace simpleim::net
