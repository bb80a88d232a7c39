#include "base/config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support.h"

namespace simpleim::base {
namespace {

std::string load(const std::string& toml, Config& config) {
  test::TempDir dir;
  const auto path = dir.file("c.toml");
  std::ofstream(path) << toml;
  auto error = load_config_file(config, path);
  if (const auto at = error.find(path); at != std::string::npos) error.erase(at, path.size());
  return error;
}

}  // namespace

TEST(Config, ReadsAFile) {
  Config config;
  EXPECT_EQ(load("[limits]\nmessages_per_second = 0\n[security]\nallowed_origins = [\"https://a\", "
                 "\"https://b\"]\n[server]\nallow_plain = true\n",
                 config),
            "");
  EXPECT_EQ(config.limits.messages_per_second, 0);
  EXPECT_EQ(config.security.allowed_origins, (std::vector<std::string>{"https://a", "https://b"}));
  EXPECT_TRUE(config.server.allow_plain);
}

TEST(Config, NamesAnUnknownKeyAndTheNearest) {
  Config config;
  EXPECT_EQ(load("[limits]\nmesages_per_second = 1\n", config),
            ": unknown key \"limits.mesages_per_second\"; the nearest is \"limits.messages_per_second\"");
}

TEST(Config, NamesAKeyWithABadValue) {
  Config config;
  EXPECT_NE(set_config(config, "limits.message_burst", "many").find("limits.message_burst"), std::string::npos);
  EXPECT_NE(set_config(config, "auth.argon2_iterations", "0"), "");
  EXPECT_NE(load("[limits\n", config).find(":1: "), std::string::npos) << "a syntax error names its line";
}

TEST(Config, ReadsTheEnvironment) {
  Config config;
  std::string good = "SIMPLEIM_LIMITS_MESSAGES_PER_SECOND=7";
  std::string other = "PATH=/bin";
  char* environment[] = {good.data(), other.data(), nullptr};
  EXPECT_EQ(load_config_environment(config, environment), "");
  EXPECT_EQ(config.limits.messages_per_second, 7);
  std::string bad = "SIMPLEIM_LIMITS_MESSAGE_PER_SECOND=7";
  char* wrong[] = {bad.data(), nullptr};
  EXPECT_EQ(load_config_environment(config, wrong), "") << "it may be meant for others";
  const auto unknown = unknown_environment(wrong);
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].name, "SIMPLEIM_LIMITS_MESSAGE_PER_SECOND");
  EXPECT_EQ(unknown[0].nearest, "SIMPLEIM_LIMITS_MESSAGES_PER_SECOND");
  EXPECT_TRUE(unknown_environment(environment).empty());
  std::string no_number = "SIMPLEIM_LIMITS_MESSAGES_PER_SECOND=tcp://10.0.0.1:80";
  char* bad_value[] = {no_number.data(), nullptr};
  EXPECT_NE(load_config_environment(config, bad_value).find("SIMPLEIM_LIMITS_MESSAGES_PER_SECOND"), std::string::npos);
}

TEST(Config, KnowsWhatDoesNotFitTogether) {
  Config config;
  EXPECT_EQ(config.problem(), "");
  config.tls.cert_file = "x";
  EXPECT_NE(config.problem().find("tls.key_file"), std::string::npos);
}

TEST(Config, NamesWhatIsWrongWithAnAddressOfABackend) {
  const auto problem = [](const std::string& mysql, const std::string& redis) {
    Config config;
    config.store.mysql = mysql;
    config.cluster.redis = redis;
    return config.problem();
  };
  const std::string mysql = "mysql://u:p%40ss@db1,db2:3307/chat";
  EXPECT_EQ(problem(mysql, "redis://r"), "");
  EXPECT_EQ(problem(mysql, "redis+sentinel://u:p@s1:26379,s2:26380/main"), "");
  EXPECT_EQ(problem(mysql, "redis+cluster://r1,r2,r3"), "");
  EXPECT_NE(problem("postgres://db/chat", ""), "");
  EXPECT_NE(problem(mysql, "redis://r1,r2").find("redis+sentinel"), std::string::npos);
  EXPECT_NE(problem(mysql, "redis+sentinel://s1").find("master-name"), std::string::npos);
  EXPECT_NE(problem(mysql, "redis+cluster://r1,,r2"), "");
}

TEST(Config, EveryKeyHasHelpAndAName) {
  for (const auto& key : config_keys()) {
    EXPECT_FALSE(key.help.empty()) << key.name;
    EXPECT_TRUE(environment_name(key.name).starts_with("SIMPLEIM_"));
  }
}

}  // namespace simpleim::base
