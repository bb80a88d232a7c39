#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/random.h"
#include "store/opensearch/client.h"

namespace simpleim::store::opensearch {

/// Which of several nodes writes to the index: a document that its holder writes anew every second, over the version
/// that it knows (if_seq_no), so that two never hold it. When it has not changed for kStaleMs on a node's own clock
/// that node takes it. No clocks are compared. Owns a thread.
class Lease {
 public:
  static constexpr std::int64_t kRenewMs = 1000;
  static constexpr std::int64_t kStaleMs = 3500;
  /// Who could not renew it for so long holds it no more: less than it takes others to find it stale.
  static constexpr std::int64_t kGiveUpMs = 3000;

  Lease(Client& client, std::string index, const base::Clock& clock, base::Random& random);
  /// Gives it back.
  ~Lease();

  bool is_held() const { return held_ && clock_.steady_ms() - renewed_ms_ < kGiveUpMs; }

 private:
  void run();
  void turn();
  /// Writes it over the version that was read; `holder` "": nobody's. False: somebody else was first.
  bool write(const std::string& holder);

  Client& client_;
  const std::string path_;
  const base::Clock& clock_;
  /// Of this process: the node's name, and what tells it from the same one before a restart.
  const std::string self_;
  std::atomic<bool> held_{false};
  std::atomic<std::int64_t> renewed_ms_{0};

  // The thread's own: what was read last, and since when it is so.
  std::int64_t seq_no_ = -1;
  std::int64_t primary_term_ = 0;
  std::int64_t since_ms_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace simpleim::store::opensearch
