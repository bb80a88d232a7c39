#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "store/mysql/conversation_index.h"
#include "store/sql/sql_message_store.h"

namespace simpleim::store::mysql {

/// Messages in the table `message`, whose rows of one conversation lie together. A conversation's row is locked while a
/// batch appends to it: whichever node commits next goes on from there.
class MysqlMessageStore final : public sql::SqlMessageStore {
 public:
  MysqlMessageStore(Database& db, ConversationIndex& index) : SqlMessageStore(db, index), db_(db), index_(index) {}

  Appended append(const Message& message, const std::vector<UserId>& mentions) override;
  std::optional<Appended> find_earlier(const MessageId& id, UserId from) override;
  void amend(const Message& target) override;

  HistoryPage history(const HistoryQuery& query) override;
  std::optional<Message> find(const MessageId& id) override;
  std::vector<ConversationEnd> conversation_ends(std::uint64_t position, std::size_t limit) override;
  ConversationTail tail(ConversationId conversation) override;
  std::optional<Message> last_message(ConversationId conversation) override;
  std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) override;

  // --- called by MysqlStore on the batch's thread ---
  /// Asks for all of them at once what find_earlier() will ask.
  void look_up(const std::vector<MessageId>& ids);
  /// Where these messages are, as far as they exist.
  std::vector<ConversationId> conversations_of(const std::vector<MessageId>& ids);
  /// The batch is over, one way or the other.
  void end_batch() { known_.clear(); }

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
