#include "cluster/redis/partitions.h"

#include <atomic>
#include <unordered_map>

namespace simpleim::cluster::redis {

RedisOptions partition_options(RedisOptions options, std::size_t number) {
  options.prefix += "{" + std::to_string(number) + "}:";
  return options;
}

/// FNV-1a: every node, whatever it was built with, must come to the same.
Bus& PartitionedBus::part_of(std::string_view topic) const {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : topic) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return *parts_[hash % parts_.size()];
}

void PartitionedBus::listen(Receive receive, Interrupted interrupted) {
  for (const auto& part : parts_) part->listen(receive, interrupted);
}

void PartitionedBus::settle(std::function<void()> done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(parts_.size());
  for (const auto& part : parts_)
    part->settle([left, done] {
      if (--*left == 0) done();
    });
}

std::string PartitionedBus::health() const {
  for (const auto& part : parts_)
    if (auto problem = part->health(); !problem.empty()) return problem;
  return "";
}

std::vector<Presence> PartitionedPresenceDirectory::lookup(const std::vector<base::UserId>& users) const {
  std::vector<std::vector<base::UserId>> asked(parts_.size());
  for (const auto user : users) asked[user.value % parts_.size()].push_back(user);
  std::unordered_map<base::UserId, Presence, base::IdHash> known;
  for (std::size_t i = 0; i < parts_.size(); ++i)
    if (!asked[i].empty())
      for (const auto& presence : parts_[i]->lookup(asked[i])) known.insert_or_assign(presence.user, presence);
  std::vector<Presence> found;
  found.reserve(users.size());
  for (const auto user : users) found.push_back(known.at(user));
  return found;
}

}  // namespace simpleim::cluster::redis
