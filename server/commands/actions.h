#pragma once

#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "commands/options.h"
#include "service/accounts/passwords.h"
#include "store/store.h"

/// What each command does. Each prints what it did and returns the exit code; what keeps it from working is thrown as
/// Failure, StoreError or std::exception with a text for people.
namespace simpleim::commands {

/// Runs the server until SIGTERM or SIGINT; SIGHUP reads certificates and log level again.
int serve(const Options& options);

/// Validates the configuration and the database, of a cluster the bus, too.
int check(const Options& options);

/// Writes a consistent copy into a new folder, also of a running server.
int backup(const Options& options, const std::string& dir);
/// Brings a backup back into an empty data folder.
int restore(const Options& options, const std::string& dir);

/// Makes the search index anew; the server of this folder must be down.
int reindex(const Options& options);

/// `simpleim migrate --from sqlite:DIR --to FILE`: brings what a single node has to the backends of a cluster. The
/// server of DIR must be down and no node of the cluster up. Can be broken off and run again; ends with a comparison of
/// everything. Prints progress.
int migrate(const std::string& from, const base::Config& to);

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

}  // namespace simpleim::commands
