#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "chat_client.h"
#include "report.h"

int main(int argc, char** argv) {
  using namespace simpleim::bench;
  CLI::App app{"Measures a SimpleIM server that it starts itself", "simpleim-bench"};
  Options options;
  const std::vector<std::string> kAll{"pairs", "fanout", "idle", "storm", "history", "search", "pictures"};
  std::vector<std::string> scenarios = kAll;
  std::string out;
  app.add_option("scenarios", scenarios,
                 "pairs, fanout, idle, storm, history, search, pictures (all by default), cluster, peers");
  app.add_option("--server", options.binary, "the simpleim binary")->capture_default_str();
  app.add_option("--data-root", options.data_root, "where the servers' folders are made; a real disk")
      ->capture_default_str();
  app.add_option("--set", options.settings, "KEY=VALUE for the server");
  app.add_flag("--protobuf", ChatClient::speaks_protobuf, "clients write and read binary frames");
  app.add_flag("--deflate", ChatClient::deflates, "clients offer permessage-deflate (with --set ws.compression=true)");
  app.add_option("--seconds", options.seconds, "length of a measured stretch")->capture_default_str();
  app.add_option("--pairs", options.pairs)->capture_default_str();
  app.add_option("--window", options.window, "unacknowledged messages a pair")->capture_default_str();
  app.add_option("--rate", options.rate, "messages a second for the latency part of pairs")->capture_default_str();
  app.add_option("--cluster-rate", options.cluster_rate, "messages a second across nodes")->capture_default_str();
  app.add_option("--members", options.members)->capture_default_str();
  app.add_option("--senders", options.senders)->capture_default_str();
  app.add_option("--fanout-window", options.fanout_window)->capture_default_str();
  app.add_option("--connections", options.connections)->capture_default_str();
  app.add_option("--messages", options.messages, "messages in the store for history and search")->capture_default_str();
  app.add_option("--centrifugo", options.centrifugo, "the centrifugo binary, for peers");
  app.add_option("--picture", options.picture, "a photo for pictures");
  app.add_option("--out", out, "writes OUT.json and OUT.svg");
  CLI11_PARSE(app, argc, argv);
  signal(SIGPIPE, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  std::vector<Report> reports;
  try {
    for (const auto& scenario : scenarios) {
      std::cerr << "running " << scenario << "…\n";
      if (scenario == "pairs") reports.push_back(run_pairs(options));
      else if (scenario == "fanout") reports.push_back(run_fanout(options));
      else if (scenario == "idle") reports.push_back(run_idle(options));
      else if (scenario == "storm") reports.push_back(run_storm(options));
      else if (scenario == "history") reports.push_back(run_history(options));
      else if (scenario == "search") reports.push_back(run_search(options));
      else if (scenario == "cluster") reports.push_back(run_cluster(options));
      else if (scenario == "peers") reports.push_back(run_peers(options));
      else if (scenario == "pictures") reports.push_back(run_pictures(options));
      else
        throw std::runtime_error("there is no scenario \"" + scenario +
                                 "\"; there are pairs, fanout, idle, storm, history, search, pictures, cluster, peers");
    }
  } catch (const std::exception& e) {
    std::cerr << "simpleim-bench: " << e.what() << "\n";
    return 1;
  }
  std::cout << to_table(reports);
  if (!out.empty()) {
    std::ofstream(out + ".json") << to_json(reports);
    std::ofstream(out + ".svg") << to_svg(reports);
  }
  return 0;
}
