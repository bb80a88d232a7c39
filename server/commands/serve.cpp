#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "commands/actions.h"
#include "commands/workplace.h"
#include "composition/server.h"

namespace simpleim::commands {
namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

int serve(const Options& options) {
  const auto config = configured(options);
  base::log::set_format(config.log.format == "json" ? base::log::Format::kJson : base::log::Format::kText);
  // Blocked before any thread starts, so that only sigwait() below sees them.
  const auto signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  for (const auto& variable : base::unknown_environment(environ))
    base::log::warn("unknown environment variable; it changes nothing",
                    {{"name", variable.name}, {"nearest", variable.nearest}});

  Server server(config);
  server.reload(config);
  server.start();
  const std::string scheme = config.tls.cert_file.empty() ? "http" : "https";
  const auto host = config.server.listen.substr(0, config.server.listen.rfind(':'));
  base::log::info("SimpleIM is ready", {{"url", scheme + "://" + host + ":" + std::to_string(server.port())},
                                        {"data_dir", config.server.data_dir}});
  for (;;) {
    int received = 0;
    sigwait(&signals, &received);
    if (received != SIGHUP) break;
    base::Config fresh;
    if (auto error = load_config(options, fresh); !error.empty()) base::log::error("not reloaded", {{"what", error}});
    else server.reload(fresh);
  }
  server.drain();
  return 0;
}

}  // namespace simpleim::commands
