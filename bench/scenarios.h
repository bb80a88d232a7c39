#pragma once

#include <map>
#include <string>
#include <vector>

namespace simpleim::bench {

struct Options {
  std::string binary = "build/release/simpleim";
  std::string data_root = "/var/tmp";
  std::vector<std::string> settings;
  double seconds = 10;
  std::size_t pairs = 100;
  std::size_t window = 16;
  std::size_t members = 1000;
  std::size_t senders = 10;
  std::size_t fanout_window = 16;
  std::size_t connections = 10'000;
  std::size_t messages = 1'000'000;
  /// Messages a second for the latency part of `pairs`.
  double rate = 5000;
  /// The same across two nodes.
  double cluster_rate = 2000;
  /// A photo, for `pictures`.
  std::string picture;
  /// The centrifugo binary, for `peers`.
  std::string centrifugo;
};

/// A figure and, where targets.md has one, its target.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  /// "≥ 150000" or "".
  std::string target;
  bool met = true;
};

struct Report {
  std::string scenario;
  std::vector<Figure> figures;

  /// Adds a figure that should be at least (or at most) `target`.
  void at_least(const std::string& name, double value, const std::string& unit, double target);
  void at_most(const std::string& name, double value, const std::string& unit, double target);
  void plain(const std::string& name, double value, const std::string& unit);
};

/// One-to-one, as fast as a window of unacknowledged messages allows, then at a fixed rate.
Report run_pairs(const Options& options);
/// One group, all members online.
Report run_fanout(const Options& options);
/// Memory of connections that do nothing, and the time of a cold start.
Report run_idle(const Options& options);
/// All clients reconnect at once while others chat.
Report run_storm(const Options& options);
/// Pages of history from a large store.
Report run_history(const Options& options);

/// One group over two nodes beside the same on one, and messages from one node to another; on MySQL and Redis.
Report run_cluster(const Options& options);
/// One-to-one and one group, here and on Centrifugo with its memory engine, by the same client.
Report run_peers(const Options& options);
/// Others chat while photos are uploaded and made smaller.
Report run_pictures(const Options& options);
/// Searches of one user whose hundred conversations hold all messages, Chinese and Latin.
Report run_search(const Options& options);

}  // namespace simpleim::bench
