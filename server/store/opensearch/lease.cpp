#include "store/opensearch/lease.h"

#include <pthread.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "store/store.h"

namespace simpleim::store::opensearch {
namespace {

constexpr std::size_t kSelfBytes = 8;

}  // namespace

Lease::Lease(Client& client, std::string index, const base::Clock& clock, base::Random& random)
    : client_(client),
      path_("/" + std::move(index) + "/_doc/lease"),
      clock_(clock),
      self_(client.options().node + "/" + random.hex(kSelfBytes)) {
  thread_ = std::thread([this] { run(); });
}

Lease::~Lease() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  if (!held_) return;
  try {
    (void)write("");
  } catch (const StoreError&) {
    // The others find it stale in a moment.
  }
}

void Lease::run() {
  pthread_setname_np(pthread_self(), "search-lease");
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    try {
      turn();
    } catch (const StoreError& e) {
      if (held_ && !is_held()) {
        held_ = false;
        base::log::warn("another node may write to the search index from now on", {{"why", e.what()}});
      }
    }
    lock.lock();
  } while (!wake_.wait_for(lock, std::chrono::milliseconds(kRenewMs), [this] { return stopping_; }));
}

void Lease::turn() {
  const auto read = client_.call("GET", path_, {}, kNotFound);
  const auto now = clock_.steady_ms();
  const bool is_there = read.status != kNotFound;
  const auto seq_no = is_there ? number_of(read.document, "_seq_no") : -1;
  const auto primary_term = is_there ? number_of(read.document, "_primary_term") : 0;
  std::string_view holder;
  simdjson::dom::element source;
  if (is_there && read.document["_source"].get(source) == simdjson::SUCCESS) holder = text_of(source, "node");
  if (seq_no != seq_no_ || primary_term != primary_term_) since_ms_ = now;
  seq_no_ = seq_no;
  primary_term_ = primary_term;
  const bool is_mine = holder == self_;
  const bool is_free = holder.empty() || now - since_ms_ >= kStaleMs;
  if (!is_mine && !is_free) {
    held_ = false;
    return;
  }
  const bool written = write(self_);
  if (written) renewed_ms_ = now;
  if (written && !held_) base::log::info("this node writes to the search index", {});
  held_ = written;
}

bool Lease::write(const std::string& holder) {
  const auto condition =
      seq_no_ < 0 ? std::string("?op_type=create")
                  : "?if_seq_no=" + std::to_string(seq_no_) + "&if_primary_term=" + std::to_string(primary_term_);
  std::string json;
  base::JsonWriter(json).begin_object().field("node", holder).end_object();
  const auto answer = client_.call("PUT", path_ + condition, json, kConflict);
  if (answer.status == kConflict) return false;
  seq_no_ = number_of(answer.document, "_seq_no");
  primary_term_ = number_of(answer.document, "_primary_term");
  since_ms_ = clock_.steady_ms();
  return true;
}

}  // namespace simpleim::store::opensearch
