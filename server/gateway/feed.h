#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "gateway/delivery_batch.h"

namespace simpleim::gateway {

using service::UserId;

/// Where what several nodes commit becomes one stream again: the sockets of this node get the messages of a
/// conversation in the order of their seq and once each, whichever way they come (this node's commits, the bus, the
/// store). A run that is ahead of what is missing waits; whoever owns the feed fetches what is missing.
///
/// It answers only for topics with a subscriber here: what came before somebody subscribed he reads from the store.
/// Thread-safe; what passes is handed on under its lock, so that two threads cannot overtake each other.
class Feed {
 public:
  using Post = std::function<void(std::shared_ptr<const DeliveryBatch>)>;
  /// `post` must not block nor call the feed.
  Feed(std::size_t threads, const base::Clock& clock, Post post)
      : threads_(threads), clock_(clock), post_(std::move(post)) {}

  /// Somebody on this node listens to the topic from now on, or one of them no longer. True when it is the first, or
  /// was the last.
  bool open(const TopicKey& topic);
  bool close(const TopicKey& topic);
  bool is_open(const TopicKey& topic) const;

  void pass(std::shared_ptr<DeliveryBatch> batch);

  /// Where a session that has just read the store stands in its conversations.
  struct Place {
    service::ConversationId conversation;
    std::int64_t seq = 0;
  };
  /// A session has read all its conversations up to these places, and begins to hear: what comes next is measured by
  /// them. Returns those where the feed was ahead already: it has to read them again.
  std::vector<service::ConversationId> anchor(UserId user, const std::vector<Place>& places);

  /// What is missing of a conversation: after which seq the store is to be read.
  struct Gap {
    service::ConversationId conversation;
    std::int64_t after = 0;
  };
  /// Gaps that something has waited behind for `wait_ms`; runs that wait longer than `give_up_ms` go out with
  /// their gap (clients fetch what they lack).
  std::vector<Gap> gaps(std::int64_t now_ms, std::int64_t wait_ms, std::int64_t give_up_ms);
  bool has_gaps() const;
  /// Messages from `first_seq` to `last_seq` were stored: what of it did not pass here yet, if anybody listens.
  std::optional<Gap> missing(service::ConversationId conversation, std::int64_t first_seq, std::int64_t last_seq) const;

 private:
  struct Topic {
    std::size_t listeners = 0;
    std::uint64_t opened = 0;
    /// A user's: all his conversations of that time have a place; one that has none is new.
    bool is_anchored = false;
  };
  struct Passed {
    std::int64_t last_seq = 0;
    std::uint64_t at = 0;
  };
  struct Waiting {
    std::shared_ptr<DeliveryBatch> batch;
    std::int64_t since_ms = 0;
  };
  /// By first seq.
  using Queue = std::map<std::int64_t, Waiting>;

  /// Conversations whose end is remembered; past it the memory starts over (gaps are not noticed once).
  static constexpr std::size_t kMaxPassed = 200'000;
  /// Runs that wait at most; the rest goes out with its gap.
  static constexpr std::size_t kMaxWaiting = 10'000;

  /// Nothing when that is not known to anybody who listens: they have not read the store yet.
  std::optional<std::int64_t> last_passed(service::ConversationId conversation) const;
  void note_passed(service::ConversationId conversation, std::int64_t seq);
  /// The run as far as it is new; false when nothing of it passes now (it is old, or waits).
  bool admit(DeliveryBatch& batch, Run& run);
  void expect(const service::MembershipChanged& changed);
  void put_aside(const DeliveryBatch& batch, const Run& run);
  void release(service::ConversationId conversation);

  const std::size_t threads_;
  const base::Clock& clock_;
  const Post post_;
  mutable std::mutex mutex_;
  std::size_t waiting_runs_ = 0;
  std::uint64_t counter_ = 0;
  boost::unordered_flat_map<TopicKey, Topic, TopicHash> topics_;
  boost::unordered_flat_map<service::ConversationId, Passed, base::IdHash> passed_;
  boost::unordered_flat_map<service::ConversationId, Queue, base::IdHash> waiting_;
};

}  // namespace simpleim::gateway
