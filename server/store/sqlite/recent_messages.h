#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <span>
#include <vector>

#include "store/message_store.h"

namespace simpleim::store::sqlite {

/// The messages that are committed (in the journal) but not archived yet, in memory and findable:
/// two generations, one that grows and one that is being archived.
/// One thread writes (the batch's); any thread reads and sees only committed messages.
class RecentMessages {
 public:
  /// A message without memory of its own: its content stands in the generation's texts.
  struct Slot {
    MessageId id;
    protocol::FrameType type;
    ConversationId conversation;
    UserId from;
    std::int64_t seq;
    std::int64_t timestamp;
    std::int64_t conversation_key;
    std::string_view content;
    /// Null: never amended.
    const protocol::Amendment* amendment = nullptr;

    Message to_message() const {
      return {id,
              conversation,
              from,
              type,
              seq,
              timestamp,
              std::string(content),
              amendment == nullptr ? protocol::Amendment() : *amendment};
    }
  };
  /// Texts side by side in blocks that never move.
  class Texts {
   public:
    std::string_view add(std::string_view text);

   private:
    static constexpr std::size_t kBlock = 256 << 10;
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t used_ = kBlock;
  };
  struct Generation {
    std::deque<Slot> slots;
    std::deque<protocol::Amendment> amendments;
    Texts texts;
    boost::unordered_flat_map<ConversationId, std::vector<std::uint32_t>, base::IdHash> by_conversation;
    boost::unordered_flat_map<std::string_view, std::uint32_t> by_id;
    std::size_t bytes = 0;
    /// Slots below this are committed.
    std::size_t committed = 0;
    /// The last journal row that belongs to this generation.
    std::int64_t last_journal_row = 0;
  };

  // --- the batch's thread ---
  void add(const Message& message, std::int64_t conversation_key);
  void commit(std::int64_t journal_row);
  void rollback();
  /// Gives the message with this conversation and seq, if it is here, another content and amendment: for the batch's
  /// thread at once, for readers with commit().
  void amend(const Message& message);
  /// The message as the batch in progress sees it; nothing when it is not here.
  std::optional<Message> find_in_batch(std::string_view id) const;
  /// The amendment that waits for the commit, or null.
  const Message* staged(const Slot& slot) const;
  /// Includes messages of the batch in progress. Null when it is not here.
  const Slot* find_pending(std::string_view id) const;
  struct End {
    std::int64_t seq = 0;
    std::int64_t timestamp = 0;
  };
  /// The last message of a conversation, as above; zeros when none is here.
  End end_pending(ConversationId conversation) const;
  const Generation& growing() const { return *growing_; }
  /// Turns the growing generation into the one to archive; only when there is none.
  void freeze();
  /// Null when nothing is frozen.
  const Generation* frozen() const { return frozen_.get(); }
  void drop_frozen();
  /// Messages held, frozen or not.
  std::size_t size() const;

  // --- any thread ---
  /// What was found, and the smallest seq held of the conversation at that moment (0 when none is):
  /// everything from there on is here, everything before it is in the tables.
  template <class T>
  struct Found {
    T value{};
    std::int64_t first_seq = 0;
  };
  /// The committed messages of a conversation with after < seq < before (0 = no bound), ascending.
  /// At most `limit`, from the new end when `newest`, else from the old end.
  Found<std::vector<Message>> range(ConversationId conversation, std::int64_t after, std::int64_t before,
                                    std::size_t limit, bool newest) const;
  std::optional<Message> find(std::string_view id) const;
  /// 0 when no message of the conversation is held.
  std::int64_t last_seq(ConversationId conversation) const;
  /// The newest that is shown (no operation).
  Found<std::optional<Message>> last_shown(ConversationId conversation) const;
  /// Of the messages after `read_seq`, how many `counts` accepts.
  template <class Predicate>
  Found<std::int64_t> count(ConversationId conversation, std::int64_t read_seq, Predicate counts) const;

 private:
  std::int64_t first_seq(ConversationId conversation) const;
  static std::span<const std::uint32_t> wanted(const Generation* generation, ConversationId conversation,
                                               std::int64_t after, std::int64_t before);
  template <class Visit>
  void visit_descending(ConversationId conversation, Visit visit) const;

  mutable std::shared_mutex mutex_;
  std::unique_ptr<Generation> growing_ = std::make_unique<Generation>();
  std::unique_ptr<Generation> frozen_;

  /// Amendments of the batch in progress; touched by its thread alone.
  struct Staged {
    Generation* generation;
    Slot* slot;
    Message message;
  };
  std::vector<Staged> staged_;

  std::pair<Generation*, Slot*> slot_at(ConversationId conversation, std::int64_t seq);
};

/// Newest first over both generations, committed only, until `visit` returns false. Locked by the caller.
template <class Visit>
void RecentMessages::visit_descending(ConversationId conversation, Visit visit) const {
  for (const auto* generation :
       {static_cast<const Generation*>(growing_.get()), static_cast<const Generation*>(frozen_.get())}) {
    if (generation == nullptr) continue;
    const auto found = generation->by_conversation.find(conversation);
    if (found == generation->by_conversation.end()) continue;
    const auto& slots = found->second;
    for (auto i = slots.rbegin(); i != slots.rend(); ++i)
      if (*i < generation->committed && !visit(generation->slots[*i])) return;
  }
}

template <class Predicate>
RecentMessages::Found<std::int64_t> RecentMessages::count(ConversationId conversation, std::int64_t read_seq,
                                                          Predicate counts) const {
  const std::shared_lock lock(mutex_);
  std::int64_t total = 0;
  visit_descending(conversation, [&](const Slot& message) {
    if (message.seq <= read_seq) return false;
    total += counts(message);
    return total < MessageStore::kMostUnread;
  });
  return {total, first_seq(conversation)};
}

}  // namespace simpleim::store::sqlite
