#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cluster/bus.h"

namespace simpleim::cluster::in_process {

class InProcessBus;

/// Joins the buses of nodes that live in one process (one node in production, several in tests).
class BusHub {
 public:
  std::size_t nodes() const;

 private:
  friend class InProcessBus;
  mutable std::mutex mutex_;
  std::vector<InProcessBus*> nodes_;
};

/// Messages are handed over on the publisher's thread.
class InProcessBus final : public Bus {
 public:
  explicit InProcessBus(std::shared_ptr<BusHub> hub);
  ~InProcessBus() override;

  void listen(Receive receive, Interrupted interrupted) override;
  void subscribe(std::string_view topic) override;
  void unsubscribe(std::string_view topic) override;
  void settle(std::function<void()> done) override { done(); }
  void publish(std::string_view topic, std::string_view payload) override;
  bool alone() const override { return hub_->nodes() == 1; }
  std::string health() const override { return ""; }

 private:
  const std::shared_ptr<BusHub> hub_;
  std::map<std::string, int, std::less<>> topics_;
  Receive receive_;
};

}  // namespace simpleim::cluster::in_process
