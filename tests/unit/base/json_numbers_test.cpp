#include "base/json_numbers.h"

#include <gtest/gtest.h>

namespace simpleim::base {

TEST(JsonNumbers, WhatNoNumberHoldsIsSetAside) {
  for (const auto& [json, expected] : {
           std::pair(R"({"a":12345678901234567890123})", R"({"a":{}                     })"),
           {R"([1e400,-1e999])", R"([{}   ,{}    ])"},
           {R"({"a":-99999999999999999999})", R"({"a":{}                   })"},
       })
    EXPECT_EQ(without_huge_numbers(json), expected);
}

TEST(JsonNumbers, EverythingElseStays) {
  for (const char* json : {R"({"a":18446744073709551615,"b":-9223372036854775808,"c":1.7976931348623155e+308})",
                           R"({"12345678901234567890123":"99999999999999999999999","x":"\"1e400"})", R"(["\\",5])",
                           R"(0123456789012345678901)", R"([--99999999999999999999999])", R"([1e400e400])", R"("1e400)",
                           R"("\)", "", "[1e", "-"})
    EXPECT_EQ(without_huge_numbers(json), json);
}

}  // namespace simpleim::base
