#pragma once

#include "store/sql/sql_message_store.h"
#include "store/sqlite/archived_ids.h"
#include "store/sqlite/conversation_index.h"
#include "store/sqlite/recent_messages.h"

namespace simpleim::store::sqlite {

/// Messages in two steps (docs/decisions/0001-journal.md): a batch becomes one row of the journal,
/// which makes it durable; later, in slices, it moves to the tables `message` and `message_key`.
/// Until then RecentMessages answers for it.
class SqliteMessageStore final : public sql::SqlMessageStore {
 public:
  SqliteMessageStore(Database& db, RecentMessages& recent, ConversationIndex& index);

  Appended append(const Message& message, const std::vector<UserId>& mentions) override;
  std::optional<Appended> find_earlier(const MessageId& id, UserId from) override;

  void amend(const Message& target) override;

  HistoryPage history(const HistoryQuery& query) override;
  std::optional<Message> find(const MessageId& id) override;
  std::vector<ConversationEnd> conversation_ends(std::uint64_t position, std::size_t limit) override;
  ConversationTail tail(ConversationId conversation) override;
  std::optional<Message> last_message(ConversationId conversation) override;
  std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) override;

  // --- called by SqliteStore on the batch's thread ---
  /// Brings back what the journal holds; inside a batch, once, before anything else.
  void load_journal();
  /// First in every batch: freezes the growing generation when it is full (or not empty, `freeze_all`).
  void begin(bool freeze_all);
  /// Writes the batch's journal row, then archives a slice in proportion to it.
  void before_commit();
  void after_commit();
  void rollback();
  /// Archives a slice of the frozen generation. False when nothing is left.
  bool archive_slice(std::size_t operations);

 private:
  /// How far the frozen generation is archived.
  struct Progress {
    std::size_t conversation = 0;
    std::size_t row = 0;
    std::size_t key = 0;
    std::size_t tail = 0;
    bool done = false;
  };

  void start_archive();
  bool archive_rows(std::size_t& operations);
  void archive_amendment(std::int64_t key, const protocol::Amendment& amendment);
  bool archive_keys(std::size_t& operations);
  bool archive_tails(std::size_t& operations);

  Database& db_;
  RecentMessages& recent_;
  ConversationIndex& index_;

  std::string journal_;
  std::size_t batch_size_ = 0;
  std::int64_t journal_row_ = 0;
  std::int64_t committed_journal_row_ = 0;
  ArchivedIds archived_;
  /// Of the newest message.
  std::int64_t now_ms_ = 0;

  std::vector<std::pair<std::int64_t, const std::vector<std::uint32_t>*>> order_;
  Progress progress_;
  Progress committed_progress_;
};

}  // namespace simpleim::store::sqlite
