#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "store/mysql/conversation_index.h"
#include "store/sql/sql_message_store.h"

namespace simpleim::store::mysql {

/// What MysqlStore asks of its messages, wherever they lie, and what is the same for all of them: the order and the
/// ids. A conversation's row is locked while a batch appends to it: whichever node commits next goes on from there. On
/// the batch's thread, but for the reads of MessageStore.
class BatchedMessageStore : public sql::SqlMessageStore {
 public:
  BatchedMessageStore(Database& db, ConversationIndex& index) : SqlMessageStore(db, index), db_(db), index_(index) {}

  Appended append(const Message& message, const std::vector<UserId>& mentions) final;
  std::optional<Appended> find_earlier(const MessageId& id, UserId from) final;
  std::vector<ConversationEnd> conversation_ends(std::uint64_t position, std::size_t limit) final;

  /// Asks for all of them at once what find_earlier() will ask.
  void look_up(const std::vector<MessageId>& ids);
  /// What look_up() will ask MySQL; "": nothing.
  virtual std::string look_up_question(const std::vector<MessageId>& ids) const = 0;
  /// Where these messages are, as far as they exist.
  std::vector<ConversationId> conversations_of(const std::vector<MessageId>& ids);
  /// What lies elsewhere becomes durable there.
  virtual void before_commit() {}
  /// The batch is over, one way or the other.
  virtual void end_batch() { known_.clear(); }
  /// Work that can wait, inside a batch; false when there is none.
  virtual bool tidy() { return false; }
  virtual std::string health() { return ""; }

 protected:
  /// Of these ids those that are stored: id, sender, conversation, seq and timestamp; the rest may be missing.
  virtual std::vector<Message> stored(const std::vector<MessageId>& ids) = 0;
  /// Adds the message, which has its seq, to the batch.
  virtual void write(std::int64_t conversation_key, const Message& message) = 0;

  Database& db_;
  ConversationIndex& index_;

 private:
  struct IdHash {
    std::size_t operator()(const MessageId& id) const { return std::hash<std::string_view>()(id.view()); }
  };
  struct Known {
    UserId from;
    ConversationId conversation;
    std::int64_t seq = 0;
    std::int64_t timestamp = 0;
  };

  /// Ids the batch has asked for or used; nothing: not stored.
  boost::unordered_flat_map<MessageId, std::optional<Known>, IdHash> known_;
};

/// Messages in the table `message`, whose rows of one conversation lie together.
class MysqlMessageStore final : public BatchedMessageStore {
 public:
  using BatchedMessageStore::BatchedMessageStore;

  std::string look_up_question(const std::vector<MessageId>& ids) const override;
  void amend(const Message& target) override;
  HistoryPage history(const HistoryQuery& query) override;
  std::vector<HistoryPage> pages(const std::vector<MessagePlace>& places, std::size_t limit) override;
  std::optional<Message> find(const MessageId& id) override;
  ConversationTail tail(ConversationId conversation) override;
  std::optional<Message> last_message(ConversationId conversation) override;
  std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) override;

 private:
  std::vector<Message> stored(const std::vector<MessageId>& ids) override;
  void write(std::int64_t conversation_key, const Message& message) override;
};

}  // namespace simpleim::store::mysql
