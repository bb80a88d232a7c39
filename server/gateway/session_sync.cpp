#include "gateway/session_sync.h"

#include <algorithm>

namespace simpleim::gateway {

void SessionSync::start() {
  host_.settle([](SessionSync& self) { self.read_groups(); });
}

void SessionSync::read_groups() {
  host_.read([&store = store_, who = who_]() -> Next {
    // Whoever ends a session closes the connections he finds; this one was not to be found before.
    if (!store.accounts().session(who.session)) return [](SessionSync& self) { self.host_.revoked(); };
    return [groups = store.groups().memberships_of(who.user)](SessionSync& self) { self.subscribe(groups); };
  });
}

void SessionSync::subscribe(const std::vector<store::Membership>& groups) {
  for (const auto& group : groups) host_.subscribe(group);
  state_ = State::kSettling;
  for (const auto& changed : std::exchange(held_, {})) host_.apply_membership(changed);
  // From then on nothing can be missed: what is stored before is found by reading, what comes after it is noted.
  host_.settle([](SessionSync& self) { self.begin(); });
}

bool SessionSync::hold_membership(const service::MembershipChanged& changed) {
  if (state_ != State::kStarting) {
    // What is left of the conversation is not his any more; next() sees to what is being read.
    if (!changed.member) std::erase(changed_, service::ConversationId::of(changed.group));
    return false;
  }
  held_.push_back(changed);
  return true;
}

void SessionSync::note(service::ConversationId conversation) {
  if (std::find(changed_.begin(), changed_.end(), conversation) == changed_.end()) changed_.push_back(conversation);
}

void SessionSync::begin() {
  if (mode_ == SyncMode::kSummary) return host_.synced(sync_->reached());
  state_ = State::kReading;
  host_.read([sync = sync_]() -> Next {
    sync->begin();
    return [messages = sync->next()](SessionSync& self) { self.pushed(messages); };
  });
}

void SessionSync::next() {
  if (turn_ && !host_.is_contended()) return read();
  turn_.reset();
  state_ = State::kInLine;
  host_.reenter([](SessionSync& self, AdmissionGate::Turn turn) {
    self.turn_ = std::move(turn);
    self.read();
  });
}

void SessionSync::read() {
  state_ = State::kReading;
  host_.read([sync = sync_, changed = std::exchange(changed_, {})]() -> Next {
    for (const auto& conversation : changed) sync->revisit(conversation);
    return [messages = sync->next()](SessionSync& self) { self.pushed(messages); };
  });
}

void SessionSync::pushed(const std::vector<service::Message>& messages) {
  if (messages.empty()) {
    if (has_more()) return next();
    return host_.synced(sync_->reached());
  }
  host_.push(messages);
  if (host_.has_taken_all()) return next();
  turn_.reset();  // how long the client takes is up to him; drained() goes on
  state_ = State::kSending;
}

/// Here, or on other nodes whose messages are ahead of what was read.
bool SessionSync::has_more() {
  if (changed_.empty()) changed_ = host_.ahead_of(sync_->ends());
  return !changed_.empty() && ++rounds_ < kMaxRounds;
}

void SessionSync::drained() {
  if (state_ == State::kSending) next();
}

}  // namespace simpleim::gateway
