#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "base/utf8.h"
#include "commands/actions.h"
#include "service/limits/text_rules.h"

namespace simpleim::commands {
namespace {

int fail(const std::string& text) {
  std::cerr << "simpleim: " << text << "\n";
  return 1;
}

std::string password_from(std::string given) {
  if (!given.empty() && given != "-") return given;
  std::cerr << "password: ";
  termios shown{};
  const bool hides = ::tcgetattr(STDIN_FILENO, &shown) == 0;  // not when it comes through a pipe
  if (hides) {
    auto hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::getline(std::cin, given);
  if (hides) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::cerr << "\n";
  }
  return given;
}

std::string password_problem(const UserContext& context, const std::string& password) {
  const auto least = static_cast<std::size_t>(context.config.auth.password_min_length);
  const auto length = base::code_points(password);
  if (length >= least && length <= 128) return "";
  return "the password must have " + std::to_string(least) + " to 128 characters";
}

template <class Change>
int change(UserContext& context, const std::string& username, const char* what, Change apply) {
  const auto user = context.store.accounts().user_by_name(username);
  if (!user) return fail("there is no user \"" + username + "\"");
  context.store.begin();
  apply(*user);
  for (const auto& session : context.store.accounts().sessions_of(user->id))
    context.store.accounts().delete_session(session.id);
  context.store.commit();
  std::cout << what << " " << user->username << " (" << user->id.str() << ")\n";
  return 0;
}

}  // namespace

int add_user(UserContext& context, const std::string& username, const std::string& nickname, std::string password) {
  if (const auto error = service::check_username(username)) return fail(error->text);
  password = password_from(std::move(password));
  if (const auto problem = password_problem(context, password); !problem.empty()) return fail(problem);
  store::User user;
  user.id = context.ids.make<base::UserId>();
  user.username = username;
  user.nickname = nickname.empty() ? username : nickname;
  user.created_at = context.clock.now_ms();
  user.password_hash = context.passwords.hash(password);
  if (const auto error = service::check_name("nickname", user.nickname, 1, 64)) return fail(error->text);
  context.store.begin();
  if (!context.store.accounts().create_user(user)) {
    context.store.rollback();
    return fail("the username \"" + username + "\" is taken");
  }
  context.store.commit();
  std::cout << "added " << user.username << " (" << user.id.str() << ")\n";
  return 0;
}

int set_password(UserContext& context, const std::string& username, std::string password) {
  password = password_from(std::move(password));
  if (const auto problem = password_problem(context, password); !problem.empty()) return fail(problem);
  const auto hash = context.passwords.hash(password);
  return change(context, username, "new password for",
                [&](const store::User& user) { context.store.accounts().set_password(user.id, hash); });
}

int set_disabled(UserContext& context, const std::string& username, bool disabled) {
  return change(context, username, disabled ? "disabled" : "enabled",
                [&](const store::User& user) { context.store.accounts().set_disabled(user.id, disabled); });
}

int list_users(UserContext& context) {
  constexpr std::size_t kPage = 1000;
  for (base::UserId after;;) {
    const auto page = context.store.accounts().list_users(after, kPage);
    for (const auto& user : page)
      std::cout << user.id.str() << "  " << user.username << (user.disabled ? "  (disabled)" : "") << "\n";
    if (page.size() < kPage) return 0;
    after = page.back().id;
  }
}

int print_config_keys() {
  for (const auto& key : base::config_keys())
    std::cout << key.name << "  " << base::environment_name(key.name) << "  " << key.default_value << "\n    "
              << key.help << "\n";
  return 0;
}

}  // namespace simpleim::commands
