#pragma once

#include "store/records.h"

namespace simpleim::store {

/// Messages without the rest: what a store of accounts and conversations keeps its messages in when they do not lie in
/// its own database. It assigns the seqs and knows how far each conversation is committed (`last_seq`); what lies here
/// beyond that is left over from a batch that failed, and was never acknowledged.
/// `conversation_key` is the number that store has for a conversation; the conversation of what is returned is not set.
/// Any thread, blocking. A failing backend throws StoreError; then what was to be written may be there or not.
class MessageArchive {
 public:
  struct Entry {
    std::int64_t conversation_key = 0;
    Message message;
  };

  virtual ~MessageArchive() = default;

  /// Durable when it returns. Returns the entries that are not there because another message has their id, or their
  /// place in their conversation.
  virtual std::vector<Entry> insert(const std::vector<Entry>& entries) = 0;
  /// Those of these ids that exist.
  virtual std::vector<Entry> find(const std::vector<MessageId>& ids) = 0;
  virtual std::optional<Entry> at(std::int64_t conversation_key, std::int64_t seq) = 0;
  /// Those with first <= seq <= last, at most `limit`: the newest or the oldest of them, ascending.
  virtual std::vector<Message> between(std::int64_t conversation_key, std::int64_t first, std::int64_t last,
                                       std::size_t limit, bool newest) = 0;
  /// The last one that is shown, up to `last`.
  virtual std::optional<Message> last_shown(std::int64_t conversation_key, std::int64_t last) = 0;
  /// Those that count as unread (message_store.h) with first <= seq <= last.
  virtual std::int64_t count_unread(std::int64_t conversation_key, UserId reader, std::int64_t first,
                                    std::int64_t last) = 0;
  /// Replaces content and amendment of the message at its place. Durable when it returns.
  virtual void amend(std::int64_t conversation_key, const Message& message) = 0;
  virtual void remove(const std::vector<MessageId>& ids) = 0;
  /// "" when it answers, else what is wrong.
  virtual std::string health() = 0;
};

}  // namespace simpleim::store
