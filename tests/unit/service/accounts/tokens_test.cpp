#include "service/accounts/tokens.h"

#include <gtest/gtest.h>
#include <jwt.h>
#include <sys/stat.h>

#include "support.h"

namespace simpleim::service {
namespace {

class TokensTest : public testing::Test {
 protected:
  std::string good() {
    return tokens_.issue({base::UserId{1}, base::SessionId{2}, clock_.now_ms() / 1000 + 100, 0, clock_.now_ms() / 1000,
                          "alice", "web", "d1"});
  }
  TokenProblem problem_of(const std::string& token) {
    TokenProblem problem{};
    const auto claims = tokens_.verify(token, problem);
    EXPECT_EQ(claims.has_value(), problem == TokenProblem::kNone);
    return problem;
  }
  /// A token with any header and claims, signed with `alg` and `key`.
  std::string forge(jwt_alg_t alg, const std::string& key, const std::string& claims_json) {
    jwt_t* made = nullptr;
    jwt_new(&made);
    jwt_add_grants_json(made, claims_json.c_str());
    jwt_set_alg(made, alg, alg == JWT_ALG_NONE ? nullptr : reinterpret_cast<const unsigned char*>(key.data()),
                alg == JWT_ALG_NONE ? 0 : static_cast<int>(key.size()));
    char* text = jwt_encode_str(made);
    std::string out = text == nullptr ? "" : text;
    std::free(text);
    jwt_free(made);
    return out;
  }
  std::string claims(const std::string& changed = "", const std::string& exp = "1700000100") {
    return R"({"iss":"simpleim","aud":"simpleim","token_use":"access","sub":"user_0000000000001","sid":"session_0000000000002","iat":1700000000,"exp":)" +
           exp + changed + "}";
  }

  test::ManualClock clock_;
  const std::string key_ = std::string(32, 'k');
  Tokens tokens_{key_, clock_};
};

}  // namespace

TEST_F(TokensTest, RoundTrip) {
  TokenProblem problem{};
  const auto claims = tokens_.verify(good(), problem);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->user, base::UserId{1});
  EXPECT_EQ(claims->session, base::SessionId{2});
}

TEST_F(TokensTest, AForgeryWithTheRightKeyIsTheReference) {
  EXPECT_EQ(problem_of(forge(JWT_ALG_HS256, key_, claims())), TokenProblem::kNone);
}

TEST_F(TokensTest, ExpireOnTime) {
  const auto token = good();
  clock_.advance(99'000);
  EXPECT_EQ(problem_of(token), TokenProblem::kNone);
  clock_.advance(1'000);
  EXPECT_EQ(problem_of(token), TokenProblem::kExpired);
}

TEST_F(TokensTest, RefuseOtherAlgorithmsAndKeys) {
  EXPECT_EQ(problem_of(forge(JWT_ALG_NONE, "", claims())), TokenProblem::kInvalid);
  EXPECT_EQ(problem_of(forge(JWT_ALG_HS384, key_, claims())), TokenProblem::kInvalid);
  EXPECT_EQ(problem_of(forge(JWT_ALG_HS512, key_, claims())), TokenProblem::kInvalid);
  EXPECT_EQ(problem_of(forge(JWT_ALG_HS256, std::string(32, 'x'), claims())), TokenProblem::kInvalid);
  EXPECT_EQ(problem_of(forge(JWT_ALG_HS256, std::string(1, '\0'), claims())), TokenProblem::kInvalid);
}

TEST_F(TokensTest, RefuseWrongClaims) {
  const std::string bad[] = {
      R"({"aud":"simpleim","token_use":"access","sub":"user_0000000000001","sid":"session_0000000000002","iat":1700000000,"exp":1700000100})",
      R"({"iss":"evil","aud":"simpleim","token_use":"access","sub":"user_0000000000001","sid":"session_0000000000002","iat":1700000000,"exp":1700000100})",
      R"({"iss":"simpleim","aud":"x","token_use":"access","sub":"user_0000000000001","sid":"session_0000000000002","iat":1700000000,"exp":1700000100})",
      R"({"iss":"simpleim","aud":"simpleim","token_use":"refresh","sub":"user_0000000000001","sid":"session_0000000000002","iat":1700000000,"exp":1700000100})",
      R"({"iss":"simpleim","aud":"simpleim","token_use":"access","sub":"admin","sid":"session_0000000000002","iat":1700000000,"exp":1700000100})",
      R"({"iss":"simpleim","aud":"simpleim","token_use":"access","sub":"user_0000000000001","iat":1700000000,"exp":1700000100})",
      R"({"iss":"simpleim","aud":"simpleim","token_use":"access","sub":"user_0000000000001","sid":"session_0000000000002","iat":1700000000})",
      claims("", "\"1700000100\""),
      claims("", "1700000100.5"),
      claims("", "null"),
      claims("", "-1"),
      claims(",\"nbf\":1700099999"),
  };
  for (const auto& json : bad) {
    const auto problem = problem_of(forge(JWT_ALG_HS256, key_, json));
    EXPECT_NE(problem, TokenProblem::kNone) << json;
  }
}

TEST_F(TokensTest, AreGoodAfterTheClockWasSetBack) {
  const auto token = good();
  clock_.set_wall(clock_.now_ms() - 3'600'000);
  EXPECT_EQ(problem_of(token), TokenProblem::kNone);
}

TEST_F(TokensTest, ARefreshTokenSaysWhoseAndWhichItIs) {
  const auto token = tokens_.issue_refresh({base::SessionId{7}, 41});
  const auto claims = tokens_.verify_refresh(token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->session, base::SessionId{7});
  EXPECT_EQ(claims->generation, 41);
  EXPECT_EQ(token, tokens_.issue_refresh(*claims)) << "the same answer can be given again";
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == '1' ? '2' : '1';
    if (changed != token) EXPECT_FALSE(tokens_.verify_refresh(changed)) << changed;
  }
  EXPECT_FALSE(Tokens(std::string(32, 'x'), clock_).verify_refresh(token));
  for (const std::string bad : {"", ".", "..", "a.b.c", "session_0000000000007.41", "session_0000000000007.-1.",
                                "session_0000000000007.99999999999999999999.ab"})
    EXPECT_FALSE(tokens_.verify_refresh(bad)) << bad;
}

TEST_F(TokensTest, AFilePassIsForItsSessionAndForNothingElse) {
  const auto text = tokens_.issue_file_pass({base::UserId{3}, base::SessionId{7}});
  const auto pass = tokens_.verify_file_pass(text);
  ASSERT_TRUE(pass);
  EXPECT_EQ(pass->user, base::UserId{3});
  EXPECT_EQ(pass->session, base::SessionId{7});
  EXPECT_FALSE(tokens_.verify_refresh(text));
  EXPECT_FALSE(tokens_.verify_file_pass(tokens_.issue_refresh({base::SessionId{7}, 41})));
  EXPECT_FALSE(Tokens(std::string(32, 'x'), clock_).verify_file_pass(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == '1' ? '2' : '1';
    if (changed != text) EXPECT_FALSE(tokens_.verify_file_pass(changed)) << changed;
  }
}

TEST_F(TokensTest, EveryChangedCharacterIsNoticed) {
  const auto token = good();
  for (std::size_t i = 0; i + 1 < token.size(); ++i) {  // the last character has bits that base64 ignores
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed != token) EXPECT_NE(problem_of(changed), TokenProblem::kNone) << i;
  }
}

TEST_F(TokensTest, RefuseGarbage) {
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a.b.c"), std::string("a.b.c.d"),
        std::string(5000, 'a'), std::string("\0.\0.\0", 5), good() + ".", "." + good(), good().substr(0, 40)})
    EXPECT_EQ(problem_of(text), TokenProblem::kInvalid);
}

TEST(Key, IsMadeOnceWithMode0600) {
  test::TempDir dir;
  const auto path = dir.file("jwt.key");
  const auto key = load_or_make_key(path);
  EXPECT_EQ(key.size(), Tokens::kKeyBytes);
  EXPECT_EQ(load_or_make_key(path), key);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

}  // namespace simpleim::service
