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

/// Puts what several nodes commit back into order (docs/decisions/0016). A message of a conversation can reach this
/// node in three ways: it was committed here, the bus brought it from another node, or it was read from the store
/// because the bus had lost it. Whichever way it comes, the sockets of this node get each message once, in the order of
/// its seq.
///
/// A run of messages that comes too early, because one before it is still missing, is kept until the missing one has
/// come
/// ("waits"). The feed does not read the store itself: its owner asks gaps() from time to time and passes what he read.
///
/// Only topics that somebody on this node listens to are kept track of. Whoever begins to listen reads what came before
/// from the store, and says with anchor() how far he read.
///
/// Thread-safe. What passes is handed to `post` while the lock is held, so that two threads cannot overtake each other.
class Feed {
 public:
  using Post = std::function<void(std::shared_ptr<const DeliveryBatch>)>;
  /// `post` must not block nor call the feed.
  Feed(std::size_t threads, const base::Clock& clock, Post post)
      : threads_(threads), clock_(clock), post_(std::move(post)) {}

  /// One session more, or one less, of this node listens to the topic. open() is true when it is the first one, close()
  /// when it was the last: then the bus has to be told.
  bool open(const TopicKey& topic);
  bool close(const TopicKey& topic);
  bool is_open(const TopicKey& topic) const;

  /// Hands on what is new and in order, keeps what came too early, and drops what has passed already.
  void pass(std::shared_ptr<DeliveryBatch> batch);

  /// Where a session that has just read the store stands in its conversations.
  struct Place {
    service::ConversationId conversation;
    std::int64_t seq = 0;
  };
  /// A session that subscribed a moment ago has now read all its conversations from the store, up to these places.
  /// Where nothing is known of a conversation yet, what comes next is measured by its place. Returns the conversations
  /// in which the feed has already handed on later messages, before the session could hear them: it has to read those
  /// again.
  std::vector<service::ConversationId> anchor(UserId user, const std::vector<Place>& places);

  /// Messages of a conversation that did not come: the store is to be read from behind seq `after` on.
  struct Gap {
    service::ConversationId conversation;
    std::int64_t after = 0;
  };
  /// The gaps behind which a run has waited for at least `wait_ms`. A run that has waited for `give_up_ms` is handed on
  /// although something before it is missing: clients notice the gap and fetch it.
  std::vector<Gap> gaps(std::int64_t now_ms, std::int64_t wait_ms, std::int64_t give_up_ms);
  bool has_gaps() const;
  /// Another node has stored the messages from `first_seq` to `last_seq`. The part of them that has not passed here
  /// yet; nothing when all of it has, or nobody here listens.
  std::optional<Gap> missing(service::ConversationId conversation, std::int64_t first_seq, std::int64_t last_seq) const;

 private:
  struct Topic {
    std::size_t listeners = 0;
    /// Value of counter_ when the first of them came.
    std::uint64_t opened = 0;
    /// Of a user's topic: anchor() has told the places of all his conversations. One without a place is newer than
    /// that, and begins at seq 1.
    bool is_anchored = false;
  };
  /// The last message of a conversation that was handed on, and the value of counter_ then.
  struct Passed {
    std::int64_t last_seq = 0;
    std::uint64_t at = 0;
  };
  struct Waiting {
    std::shared_ptr<DeliveryBatch> batch;
    std::int64_t since_ms = 0;
  };
  /// The runs of one conversation that wait, by their first seq.
  using Queue = std::map<std::int64_t, Waiting>;

  /// Conversations whose end is remembered; past it the memory starts over (gaps are not noticed once).
  static constexpr std::size_t kMaxPassed = 200'000;
  /// Runs that wait at most; the rest goes out with its gap.
  static constexpr std::size_t kMaxWaiting = 10'000;

  /// Up to which seq the listeners of a conversation have everything. Nothing while none of them has read the store.
  std::optional<std::int64_t> last_passed(service::ConversationId conversation) const;
  void note_passed(service::ConversationId conversation, std::int64_t seq);
  /// Cuts off the run what has passed already. False when nothing of it is to be handed on now: it has passed, or it
  /// waits.
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
