#pragma once

#include <memory>
#include <vector>

#include "cluster/bus.h"
#include "cluster/presence_directory.h"
#include "cluster/redis/connection.h"

namespace simpleim::cluster::redis {

/// A Redis Cluster is used in parts, each of which lies on one master (a hash tag in its prefix says so): what is on
/// one server elsewhere, pipelines and order included, holds within a part, and the parts spread over the masters. All
/// nodes must count them alike; see docs/decisions/0018.
constexpr std::size_t kPartitions = 8;

/// Those of part `number`.
RedisOptions partition_options(RedisOptions options, std::size_t number);

/// What `make` makes of each part's options.
template <class Port, class Make>
std::vector<std::unique_ptr<Port>> make_parts(const RedisOptions& options, Make make) {
  std::vector<std::unique_ptr<Port>> parts;
  for (std::size_t i = 0; i < kPartitions; ++i) parts.push_back(make(partition_options(options, i)));
  return parts;
}

/// One bus a part; a topic is always on the same.
class PartitionedBus final : public Bus {
 public:
  explicit PartitionedBus(std::vector<std::unique_ptr<Bus>> parts) : parts_(std::move(parts)) {}

  void listen(Receive receive, Interrupted interrupted) override;
  void subscribe(std::string_view topic) override { part_of(topic).subscribe(topic); }
  void unsubscribe(std::string_view topic) override { part_of(topic).unsubscribe(topic); }
  /// When all parts have.
  void settle(std::function<void()> done) override;
  void publish(std::string_view topic, std::string_view payload) override { part_of(topic).publish(topic, payload); }
  bool alone() const override { return false; }
  std::string health() const override;

 private:
  Bus& part_of(std::string_view topic) const;

  const std::vector<std::unique_ptr<Bus>> parts_;
};

/// One directory a part; a user is always in the same.
class PartitionedPresenceDirectory final : public PresenceDirectory {
 public:
  explicit PartitionedPresenceDirectory(std::vector<std::unique_ptr<PresenceDirectory>> parts)
      : parts_(std::move(parts)) {}

  void set_online(base::UserId user) override { part_of(user).set_online(user); }
  void set_offline(base::UserId user) override { part_of(user).set_offline(user); }
  std::vector<Presence> lookup(const std::vector<base::UserId>& users) const override;

 private:
  PresenceDirectory& part_of(base::UserId user) const { return *parts_[user.value % parts_.size()]; }

  const std::vector<std::unique_ptr<PresenceDirectory>> parts_;
};

}  // namespace simpleim::cluster::redis
