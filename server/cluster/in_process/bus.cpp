#include "cluster/in_process/bus.h"

#include <algorithm>

namespace simpleim::cluster::in_process {

std::size_t BusHub::nodes() const {
  const std::lock_guard lock(mutex_);
  return nodes_.size();
}

InProcessBus::InProcessBus(std::shared_ptr<BusHub> hub) : hub_(std::move(hub)) {
  const std::lock_guard lock(hub_->mutex_);
  hub_->nodes_.push_back(this);
}

InProcessBus::~InProcessBus() {
  const std::lock_guard lock(hub_->mutex_);
  std::erase(hub_->nodes_, this);
}

void InProcessBus::listen(Receive receive, Interrupted) {
  const std::lock_guard lock(hub_->mutex_);
  receive_ = std::move(receive);
}

void InProcessBus::subscribe(std::string_view topic) {
  const std::lock_guard lock(hub_->mutex_);
  ++topics_[std::string(topic)];
}

void InProcessBus::unsubscribe(std::string_view topic) {
  const std::lock_guard lock(hub_->mutex_);
  const auto found = topics_.find(topic);
  if (found != topics_.end() && --found->second == 0) topics_.erase(found);
}

void InProcessBus::publish(std::string_view topic, std::string_view payload) {
  // Held while the others receive: that keeps the order of each topic, and receivers do not block.
  const std::lock_guard lock(hub_->mutex_);
  for (auto* node : hub_->nodes_)
    if (node != this && node->receive_ && node->topics_.find(topic) != node->topics_.end())
      node->receive_(topic, payload);
}

}  // namespace simpleim::cluster::in_process
