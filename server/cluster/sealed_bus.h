#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "cluster/bus.h"

namespace simpleim::cluster {

/// Only what a node of this cluster has published is heard: each message carries the time and a code (BLAKE2b) over
/// both and the topic, made with the key that the nodes share through their store. Whoever reaches Redis without it
/// cannot write into anybody's socket, subscribe anybody, nor end sessions; what he recorded is refused when it is
/// older than kFreshMs. It hides nothing. What is refused is dropped, and said once a minute in the log.
class SealedBus final : public Bus {
 public:
  /// The nodes' clocks may differ by this much, less what a message is on its way.
  static constexpr std::int64_t kFreshMs = 5 * 60 * 1000;

  /// `key`: any secret of 16 to 64 bytes.
  SealedBus(std::unique_ptr<Bus> bus, std::string_view key, const base::Clock& clock);

  void listen(Receive receive, Interrupted interrupted) override;
  void subscribe(std::string_view topic) override { bus_->subscribe(topic); }
  void unsubscribe(std::string_view topic) override { bus_->unsubscribe(topic); }
  void settle(std::function<void()> done) override { bus_->settle(std::move(done)); }
  void publish(std::string_view topic, std::string_view payload) override;
  bool alone() const override { return bus_->alone(); }
  std::string health() const override { return bus_->health(); }

 private:
  std::string code(std::string_view topic, std::string_view payload_and_time) const;
  /// The payload; nothing when it was not published by a node of this cluster, or too long ago.
  std::optional<std::string_view> open(std::string_view topic, std::string_view sealed) const;
  void refuse(std::string_view topic);

  const std::string key_;
  const base::Clock& clock_;
  std::atomic<std::int64_t> told_at_{0};
  /// The last: its callbacks use the others.
  const std::unique_ptr<Bus> bus_;
};

}  // namespace simpleim::cluster
