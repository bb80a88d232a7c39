#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace simpleim::cluster {

/// How nodes tell each other what happened. A hint, never the truth: the store is the truth, and
/// after an interruption whoever listens syncs from it.
/// One instance is one node's end of the bus. Thread-safe; callbacks come on a thread of the bus and
/// must not block nor call the bus's listen().
class Bus {
 public:
  using Receive = std::function<void(std::string_view topic, std::string_view payload)>;
  using Interrupted = std::function<void()>;

  virtual ~Bus() = default;

  /// Where messages of other nodes go; set once, before the first subscribe. `interrupted`: some may be missing.
  virtual void listen(Receive receive, Interrupted interrupted) = 0;
  /// Asks for a topic's messages, counted: as many unsubscribes end it.
  virtual void subscribe(std::string_view topic) = 0;
  virtual void unsubscribe(std::string_view topic) = 0;
  /// Calls `done` once, when every subscribe before it is in force: what is published from then on arrives. Whoever
  /// reads the store then and hears of everything after has missed nothing. While the bus is interrupted it waits.
  virtual void settle(std::function<void()> done) = 0;
  /// Sends to all other nodes that are subscribed; in order per topic and publisher. Never to itself. What cannot be
  /// sent is dropped, and the others are told that they were interrupted as soon as that can be sent.
  virtual void publish(std::string_view topic, std::string_view payload) = 0;
  /// True when no other node can be there, so that publishing may be left out.
  virtual bool alone() const = 0;
  /// "" when it works, else what is wrong.
  virtual std::string health() const = 0;
};

}  // namespace simpleim::cluster
