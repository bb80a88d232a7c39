#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "store/mysql/conversation_index.h"
#include "store/sql/sql_message_store.h"

namespace simpleim::store::mysql {

/// What MysqlStore asks of its messages, wherever they lie. On the batch's thread.
class BatchedMessageStore : public sql::SqlMessageStore {
 public:
  using SqlMessageStore::SqlMessageStore;

  /// Asks for all of them at once what find_earlier() will ask.
  virtual void look_up(const std::vector<MessageId>& ids) = 0;
  /// Where these messages are, as far as they exist.
  virtual std::vector<ConversationId> conversations_of(const std::vector<MessageId>& ids) = 0;
  /// What lies elsewhere becomes durable there.
  virtual void before_commit() {}
  /// The batch is over, one way or the other.
  virtual void end_batch() = 0;
  /// Work that can wait, inside a batch; false when there is none.
  virtual bool tidy() { return false; }
  virtual std::string health() { return ""; }

 protected:
  static std::vector<ConversationEnd> conversation_ends_of(Database& db, std::uint64_t position, std::size_t limit);
};

/// Messages in the table `message`, whose rows of one conversation lie together. A conversation's row is locked while a
/// batch appends to it: whichever node commits next goes on from there.
class MysqlMessageStore final : public BatchedMessageStore {
 public:
  MysqlMessageStore(Database& db, ConversationIndex& index) : BatchedMessageStore(db, index), db_(db), index_(index) {}

  Appended append(const Message& message, const std::vector<UserId>& mentions) override;
  std::optional<Appended> find_earlier(const MessageId& id, UserId from) override;
  void amend(const Message& target) override;

  HistoryPage history(const HistoryQuery& query) override;
  std::optional<Message> find(const MessageId& id) override;
  std::vector<ConversationEnd> conversation_ends(std::uint64_t position, std::size_t limit) override;
  ConversationTail tail(ConversationId conversation) override;
  std::optional<Message> last_message(ConversationId conversation) override;
  std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) override;

  void look_up(const std::vector<MessageId>& ids) override;
  std::vector<ConversationId> conversations_of(const std::vector<MessageId>& ids) override;
  void end_batch() override { known_.clear(); }

 private:
  struct IdHash {
    std::size_t operator()(const MessageId& id) const { return std::hash<std::string_view>()(id.view()); }
  };
  struct Stored {
    UserId from;
    ConversationId conversation;
    std::int64_t seq = 0;
    std::int64_t timestamp = 0;
  };

  Database& db_;
  ConversationIndex& index_;
  /// Ids the batch has asked for or used; nothing: not stored.
  boost::unordered_flat_map<MessageId, std::optional<Stored>, IdHash> known_;
};

}  // namespace simpleim::store::mysql
