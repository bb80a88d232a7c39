#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/admission_gate.h"
#include "service/conversations/sync.h"

namespace simpleim::gateway {

enum class SyncMode { kPush, kSummary };

/// How a connection that has just opened is brought up to date (protocol.md section 3, "Offline and sync"): its groups
/// are subscribed to first, then what was missed is read from the store and pushed, piece by piece, as fast as the
/// client takes it. What arrives meanwhile is only noted and read afterwards, so a sync holds no messages however long
/// it takes.
///
/// It holds a turn of the admission gate while the store is read for it, never while the client is waited for. All
/// calls on the session's thread.
class SessionSync {
 public:
  /// Done on the session's thread, unless the session or its sync is gone by then.
  using Next = std::function<void(SessionSync&)>;

  /// The session. It outlives the sync.
  class Host {
   public:
    /// Runs `work` on a worker, where it may block, and then what it returns. A store that does not answer ends the
    /// connection.
    virtual void read(std::function<Next()> work) = 0;
    /// Goes on once the bus brings what the session has subscribed to.
    virtual void settle(Next then) = 0;
    /// Others stand in line for a turn.
    virtual bool is_contended() const = 0;
    /// Stands in line for a turn.
    virtual void reenter(std::function<void(SessionSync&, AdmissionGate::Turn)> then) = 0;

    virtual void subscribe(const store::Membership& membership) = 0;
    virtual void apply_membership(const service::MembershipChanged& changed) = 0;
    /// Messages of one conversation, in order.
    virtual void push(const std::vector<service::Message>& messages) = 0;
    /// The client has taken all that was pushed.
    virtual bool has_taken_all() const = 0;
    /// Conversations of which other nodes have stored more than these ends; what comes from now on is noted.
    virtual std::vector<service::ConversationId> ahead_of(
        const std::vector<std::pair<service::ConversationId, std::int64_t>>& ends) = 0;
    /// The session was ended before it could be found; nothing follows.
    virtual void revoked() = 0;
    /// All is pushed; destroys the sync.
    virtual void synced(const std::vector<service::Sync::Reached>& reached) = 0;

   protected:
    ~Host() = default;
  };

  struct Who {
    service::UserId user;
    service::SessionId session;
  };

  SessionSync(Host& host, store::Store& store, Who who, SyncMode mode, std::shared_ptr<service::Sync> sync,
              AdmissionGate::Turn turn)
      : host_(host), store_(store), who_(who), mode_(mode), sync_(std::move(sync)), turn_(std::move(turn)) {}

  void start();
  /// The client has taken what was pushed.
  void drained();
  /// Something was stored in a conversation while the sync goes on.
  void note(service::ConversationId conversation);
  /// A membership changed. True: it is applied later, once the groups are known.
  bool hold_membership(const service::MembershipChanged& changed);

 private:
  /// Times it looks again for what arrived while it ran; then the client is told to fetch.
  static constexpr int kMaxRounds = 20;

  enum class State {
    /// The groups are being read.
    kStarting,
    /// Subscribed; the bus brings it soon.
    kSettling,
    kReading,
    /// For a turn.
    kInLine,
    /// The client takes what was pushed.
    kSending
  };

  void read_groups();
  void subscribe(const std::vector<store::Membership>& groups);
  void begin();
  /// Reads on, when it is its turn again.
  void next();
  void read();
  void pushed(const std::vector<service::Message>& messages);
  bool has_more();

  Host& host_;
  store::Store& store_;
  const Who who_;
  const SyncMode mode_;
  const std::shared_ptr<service::Sync> sync_;
  AdmissionGate::Turn turn_;
  State state_ = State::kStarting;
  std::vector<service::MembershipChanged> held_;
  std::vector<service::ConversationId> changed_;
  int rounds_ = 0;
};

}  // namespace simpleim::gateway
