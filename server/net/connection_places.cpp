#include "net/connection_places.h"

#include <mutex>
#include <unordered_map>

#include "net/client_address.h"

namespace simpleim::net {

struct ConnectionPlaces::State {
  const Limits limits;
  std::mutex mutex;
  std::size_t all = 0;
  std::unordered_map<std::string, std::size_t> by_client;

  void give_back(const std::string& client) {
    const std::lock_guard lock(mutex);
    --all;
    if (const auto found = by_client.find(client); found != by_client.end() && --found->second == 0)
      by_client.erase(found);
  }
};

ConnectionPlaces::ConnectionPlaces(Limits limits) : state_(std::make_shared<State>(limits)) {}

ConnectionPlaces::Place ConnectionPlaces::take(std::string_view address, bool shared) {
  auto client = shared ? std::string() : client_key(address);
  {
    const std::lock_guard lock(state_->mutex);
    const auto& limits = state_->limits;
    if (limits.all != 0 && state_->all >= limits.all) return nullptr;
    if (!client.empty()) {
      auto& mine = state_->by_client[client];
      if (limits.per_client != 0 && mine >= limits.per_client) return nullptr;
      ++mine;
    }
    ++state_->all;
  }
  // It holds the state alone, which costs no more than the counts.
  return {state_.get(), [state = state_, client = std::move(client)](void*) { state->give_back(client); }};
}

}  // namespace simpleim::net
