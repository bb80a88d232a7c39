#include "contract/store_fixture.h"

namespace simpleim::test {
namespace {

store::User user(std::uint64_t id, const std::string& name, const std::string& nickname = "") {
  store::User u;
  u.id = base::UserId{id};
  u.username = name;
  u.nickname = nickname.empty() ? name : nickname;
  u.password_hash = "hash";
  u.created_at = 5;
  return u;
}

store::Session session(std::uint64_t id, std::uint64_t owner, const std::string& hash) {
  store::Session s;
  s.id = base::SessionId{id};
  s.user = base::UserId{owner};
  s.device_id = "d";
  s.refresh_hash = hash;
  s.expires_at = 100;
  s.last_active = static_cast<std::int64_t>(id);
  return s;
}

std::vector<std::string> names(const std::vector<store::User>& users) {
  std::vector<std::string> out;
  for (const auto& u : users) out.push_back(u.username);
  return out;
}

}  // namespace

class AccountStoreContract : public StoreContract {};

TEST_P(AccountStoreContract, UsernamesAreUniqueWithoutCase) {
  batch([&] {
    EXPECT_TRUE(store_->accounts().create_user(user(1, "Alice")));
    EXPECT_FALSE(store_->accounts().create_user(user(2, "aLICE")));
  });
  reopen();
  EXPECT_EQ(store_->accounts().user_by_name("ALICE")->id, base::UserId{1});
  EXPECT_EQ(store_->accounts().user(base::UserId{1})->username, "Alice");
  EXPECT_EQ(store_->accounts().user(base::UserId{2}), std::nullopt);
}

TEST_P(AccountStoreContract, SearchFindsPrefixesOfBothNamesAndNothingIsAWildcard) {
  batch([&] {
    (void)store_->accounts().create_user(user(1, "anna", "Zoe"));
    (void)store_->accounts().create_user(user(2, "andy", "小明"));
    (void)store_->accounts().create_user(user(3, "bert", "Anton"));
    (void)store_->accounts().create_user(user(4, "gone", "Antje"));
    store_->accounts().set_disabled(base::UserId{4}, true);
  });
  auto& accounts = store_->accounts();
  EXPECT_EQ(names(accounts.find_users("AN", 10)), (std::vector<std::string>{"andy", "anna", "bert"}));
  EXPECT_EQ(names(accounts.find_users("小", 10)), std::vector<std::string>{"andy"});
  EXPECT_EQ(names(accounts.find_users("an", 1)), std::vector<std::string>{"andy"});
  for (const char* none : {"%", "_", "a%", "a_", "*", "' OR 1=1 --"})
    EXPECT_TRUE(accounts.find_users(none, 10).empty()) << none;
}

TEST_P(AccountStoreContract, ProfilesPasswordsAndLastSeenChange) {
  auto u = user(1, "alice");
  batch([&] { (void)store_->accounts().create_user(u); });
  u.nickname = "Al";
  u.bio = "hi";
  batch([&] {
    store_->accounts().update_profile(u);
    store_->accounts().set_password(u.id, "new");
    store_->accounts().set_last_seen(u.id, 50);
    store_->accounts().set_last_seen(u.id, 40);
  });
  const auto found = store_->accounts().user(u.id);
  EXPECT_EQ(found->nickname, "Al");
  EXPECT_EQ(found->bio, "hi");
  EXPECT_EQ(found->password_hash, "new");
  EXPECT_EQ(found->last_seen, 50);
}

TEST_P(AccountStoreContract, ARefreshTokenIsSpentOnce) {
  batch([&] {
    (void)store_->accounts().create_user(user(1, "alice"));
    store_->accounts().create_session(session(7, 1, "first"));
  });
  batch([&] {
    EXPECT_TRUE(store_->accounts().session(base::SessionId{7})->confirmed);
    auto renewed = session(7, 1, "first");
    renewed.generation = 1;
    renewed.rotated_at = 50;
    EXPECT_TRUE(store_->accounts().rotate_session(base::SessionId{7}, 0, renewed));
    EXPECT_FALSE(store_->accounts().rotate_session(base::SessionId{7}, 0, renewed));
    EXPECT_FALSE(store_->accounts().rotate_session(base::SessionId{8}, 0, renewed));
  });
  const auto found = store_->accounts().session(base::SessionId{7});
  EXPECT_EQ(found->generation, 1);
  EXPECT_EQ(found->rotated_at, 50);
  EXPECT_EQ(found->refresh_hash, "first");
  EXPECT_FALSE(found->confirmed);
  batch([&] { store_->accounts().confirm_session(base::SessionId{7}, 0); });
  EXPECT_FALSE(store_->accounts().session(base::SessionId{7})->confirmed) << "of a generation that is over";
  batch([&] { store_->accounts().confirm_session(base::SessionId{7}, 1); });
  EXPECT_TRUE(store_->accounts().session(base::SessionId{7})->confirmed);
}

TEST_P(AccountStoreContract, SessionsAreListedByActivityAndDeletedOnce) {
  batch([&] {
    (void)store_->accounts().create_user(user(1, "alice"));
    store_->accounts().create_session(session(7, 1, "a"));
    store_->accounts().create_session(session(9, 1, "b"));
  });
  EXPECT_EQ(store_->accounts().sessions_of(base::UserId{1}).front().id, base::SessionId{9});
  batch([&] {
    EXPECT_TRUE(store_->accounts().delete_session(base::SessionId{9}));
    EXPECT_FALSE(store_->accounts().delete_session(base::SessionId{9}));
  });
  EXPECT_EQ(store_->accounts().sessions_of(base::UserId{1}).size(), 1u);
}

TEST_P(AccountStoreContract, BlocksAreOneWay) {
  batch([&] { store_->accounts().set_blocked(kAlice, kBob, true, 1); });
  EXPECT_TRUE(store_->accounts().has_blocked(kAlice, kBob));
  EXPECT_FALSE(store_->accounts().has_blocked(kBob, kAlice));
  EXPECT_EQ(store_->accounts().blocked_by(kAlice), std::vector<base::UserId>{kBob});
  batch([&] { store_->accounts().set_blocked(kAlice, kBob, false, 2); });
  EXPECT_FALSE(store_->accounts().has_blocked(kAlice, kBob));
}

TEST_P(AccountStoreContract, UndoToMarkTakesBackOnlyWhatCameAfterIt) {
  batch([&] {
    (void)store_->accounts().create_user(user(1, "kept"));
    store_->mark();
    (void)store_->accounts().create_user(user(2, "undone"));
    store_->undo_to_mark();
  });
  EXPECT_TRUE(store_->accounts().user_by_name("kept"));
  EXPECT_FALSE(store_->accounts().user_by_name("undone"));
}

TEST_P(AccountStoreContract, ABatchSeesItsOwnWrites) {
  store_->begin();
  (void)store_->accounts().create_user(user(1, "alice"));
  EXPECT_TRUE(store_->accounts().user_by_name("alice"));
  store_->rollback();
  EXPECT_FALSE(store_->accounts().user_by_name("alice"));
}

INSTANTIATE_TEST_SUITE_P(Backends, AccountStoreContract, testing::ValuesIn(store_backends()), backend_name);

}  // namespace simpleim::test
