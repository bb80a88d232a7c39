#pragma once

#include <string>

#include "base/clock.h"
#include "base/config.h"
#include "base/ids.h"
#include "base/random.h"
#include "service/accounts/passwords.h"
#include "store/store.h"

/// The subcommands beside `serve`. Each prints what it did, or what is wrong and what would be
/// right, and returns the exit code.
namespace simpleim::admin {

/// What the user commands work on. They may run beside a server: it notices ended sessions within
/// a second for requests, and at the next ping for sockets.
struct UserContext {
  store::Store& store;
  const service::Passwords& passwords;
  base::IdMaker& ids;
  const base::Clock& clock;
  const base::Config& config;
};

/// `password` "-" or empty: read from standard input.
int add_user(UserContext& context, const std::string& username, const std::string& nickname, std::string password);
int set_password(UserContext& context, const std::string& username, std::string password);
int set_disabled(UserContext& context, const std::string& username, bool disabled);
int list_users(UserContext& context);

/// The messages that people reported, oldest report first. Also beside a server.
int list_reports(store::Store& store);
/// Forgets a report and its copy of the message.
int close_report(store::Store& store, const std::string& id);

/// Prints every key with its environment form and help.
int print_config_keys();

}  // namespace simpleim::admin
