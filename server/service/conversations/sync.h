#pragma once

#include "service/conversations/conversations.h"

namespace simpleim::service {

/// Brings a client that comes back up to date (protocol.md section 3, "Offline and sync"), chunk by
/// chunk, so that a slow client never makes the server hold all it missed. One instance a
/// connection; each call blocks on the store and may come from another worker thread than the last.
class Sync {
 public:
  struct Options {
    /// Messages a conversation, at most.
    std::size_t per_conversation = 0;
    /// Messages a chunk.
    std::size_t chunk = 0;
  };

  Sync(store::Store& store, UserId me, Options options) : store_(store), me_(me), options_(options) {}

  /// The conversations with something undelivered, to be walked by next().
  void begin();
  /// The next messages, in seq order within a conversation; empty when all is there.
  std::vector<Message> next();
  /// A conversation got something new meanwhile: walk it again from where it was left.
  void revisit(ConversationId conversation);
  /// How far each conversation was brought, for telling old from new.
  struct Reached {
    ConversationId conversation;
    std::int64_t seq = 0;
    /// More is undelivered than one sync brings: the client fetches the rest.
    bool has_more = false;
  };
  const std::vector<Reached>& reached() const { return reached_; }
  /// Up to where each conversation of the user has been brought, or left to the client.
  std::vector<std::pair<ConversationId, std::int64_t>> ends() const;

 private:
  struct Todo {
    std::size_t reached;
    std::int64_t visible_from;
    std::size_t left;
  };

  bool is_member(ConversationId conversation);

  store::Store& store_;
  const UserId me_;
  const Options options_;
  std::vector<Todo> todo_;
  std::vector<Reached> reached_;
  /// Where each conversation of the user ended at begin().
  std::vector<std::pair<ConversationId, std::int64_t>> tails_;
};

}  // namespace simpleim::service
