#include "base/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace simpleim::base {

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(code_points(""), 0u);
  EXPECT_EQ(code_points("abc"), 3u);
  EXPECT_EQ(code_points("你好"), 2u);
  EXPECT_EQ(code_points("a😀b"), 3u);
}

TEST(Utf8Validator, RefusesAtTheFirstWrongByte) {
  for (const std::string bad : {"\x80", "\xc0\xaf", "\xc1\x81", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                "\xf4\x90\x80\x80", "\xf5", "\xff"}) {
    Utf8Validator validator;
    EXPECT_FALSE(validator.feed(bad)) << testing::PrintToString(bad);
  }
}

TEST(Utf8Validator, TakesCharactersInPieces) {
  Utf8Validator validator;
  for (const char c : std::string("κόσμε 你好 😀")) ASSERT_TRUE(validator.feed({&c, 1}));
  EXPECT_TRUE(validator.complete());
  EXPECT_TRUE(validator.feed("\xf0\x9f"));
  EXPECT_FALSE(validator.complete());
}

TEST(Utf8Validator, AgreesWithTheWholeTextCheckOnRandomBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 8, '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? 0x80 + random() % 0x40 : 0xc0 + random() % 0x40);
    Utf8Validator validator;
    EXPECT_EQ(validator.feed(text) && validator.complete(), is_utf8(text)) << testing::PrintToString(text);
  }
}

}  // namespace simpleim::base
