#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/metrics.h"
#include "service/events/events.h"
#include "store/search_index.h"
#include "store/store.h"

namespace simpleim::service {

/// Brings messages into the search index behind everybody's back: a thread that only gets the processor time that
/// nobody else wants, and a twentieth of it while very many messages come, reads what is new in conversations that
/// moved. The index itself knows how far it is, so nothing is
/// lost when the server ends.
class SearchIndexer final : public EventSink {
 public:
  /// Events go on to `next`.
  SearchIndexer(store::Store& store, store::SearchIndex& index, EventSink& next);
  ~SearchIndexer() override;

  void deliver(std::vector<Event>&& events, std::int64_t oldest_ms) override;

  /// `tell`: how the node that writes to a shared index hears where this one has stored messages; a hint, which spares
  /// it the wait for the commit log. Before start().
  void share(std::function<void(const std::vector<ConversationId>&)> tell) { tell_ = std::move(tell); }
  /// Other nodes have stored messages there.
  void note_moved(const std::vector<ConversationId>& conversations);

  /// Looks at every conversation for what is missing, then waits for events.
  void start();
  void stop();
  /// Brings everything in; for `simpleim reindex`. `progress`: messages so far.
  void index_all(const std::function<void(std::int64_t)>& progress);
  /// Nothing waits.
  bool is_idle() const { return idle_; }

 private:
  /// Under mutex_: wakes the thread when something has moved.
  void wake(bool was_empty);
  void work();
  /// While another node writes to the index: tells it what has moved here, and looks again in a moment.
  void follow();
  void scan();
  /// While nothing new comes.
  void tidy();
  /// A conversation with messages that are not in the index: after `indexed_to`, said at `timestamp` or later.
  struct Behind {
    std::int64_t timestamp = 0;
    ConversationId conversation;
    std::int64_t indexed_to = 0;
  };
  /// Brings all of them in, by turns, what was said first before the rest: a search goes back in time (decision 0010).
  void index(std::vector<Behind> conversations);
  /// The next messages of these conversations, at most kInTurn of each.
  std::vector<store::HistoryPage> read(const std::vector<Behind>& conversations);
  /// Adds a page to what is written; what remains when there are more.
  static std::optional<Behind> add(const Behind& behind, const store::HistoryPage& page, store::SearchUpdate& update);

  /// After `worked`: while the server has much to do, sleeps long enough for sends not to feel the index.
  void rest(std::chrono::steady_clock::duration worked);
  bool is_busy();

  /// Messages in one write to the index.
  static constexpr std::size_t kAtOnce = 2000;
  /// Messages of one conversation before it is another's turn.
  static constexpr std::size_t kInTurn = 100;
  /// Conversations read at once that are equally old.
  static constexpr std::size_t kTogether = kAtOnce / kInTurn;
  /// Conversations known to have moved; beyond it all are looked at again.
  static constexpr std::size_t kMaxMoved = 200'000;

  store::Store& store_;
  store::SearchIndex& index_;
  EventSink& next_;
  std::mutex mutex_;
  std::condition_variable ready_;
  boost::unordered_flat_set<ConversationId, base::IdHash> moved_;
  /// Moved here, while another node writes.
  boost::unordered_flat_set<ConversationId, base::IdHash> told_;
  std::function<void(const std::vector<ConversationId>&)> tell_;
  bool leads_ = true;
  bool scan_ = true;
  std::atomic<std::int64_t> stored_{0};
  std::int64_t stored_before_ = 0;
  std::chrono::steady_clock::time_point looked_{};
  bool busy_ = false;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> idle_{false};
  std::int64_t indexed_ = 0;
  std::function<void(std::int64_t)> progress_;
  std::thread thread_;
};

}  // namespace simpleim::service
