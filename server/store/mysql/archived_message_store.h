#pragma once

#include "store/message_archive.h"
#include "store/mysql/message_store.h"

namespace simpleim::store::mysql {

/// Messages that lie in an archive (MongoDB), in the order that MySQL gives them. In a batch, while its conversations
/// are locked, its messages become durable in the archive first, and then, with COMMIT, `conversation.last_seq` says
/// that they are there. Nobody reads beyond last_seq: what a batch that failed left in the archive does not exist, and
/// makes room for whoever needs its place or its id. What operations change stands in the table `amendment`, which is
/// part of the batch, until tidy() has changed it in the archive (docs/decisions/0017).
class ArchivedMessageStore final : public BatchedMessageStore {
 public:
  ArchivedMessageStore(Database& db, ConversationIndex& index, MessageArchive& archive)
      : BatchedMessageStore(db, index), archive_(archive) {}

  std::string look_up_question(const std::vector<MessageId>&) const override { return ""; }
  void amend(const Message& target) override;

  HistoryPage history(const HistoryQuery& query) override;
  std::optional<Message> find(const MessageId& id) override;
  ConversationTail tail(ConversationId conversation) override;
  std::optional<Message> last_message(ConversationId conversation) override;
  std::int64_t unread(ConversationId conversation, UserId reader, std::int64_t read_seq) override;

  void before_commit() override;
  void end_batch() override;
  bool tidy() override;
  std::string health() override { return archive_.health(); }

 private:
  std::vector<Message> stored(const std::vector<MessageId>& ids) override { return committed(archive_.find(ids)); }
  void write(std::int64_t conversation_key, const Message& message) override {
    pending_.push_back({conversation_key, message});
  }

  /// A conversation as it is committed.
  struct Place {
    std::int64_t key = 0;
    std::int64_t last_seq = 0;
    std::int64_t last_timestamp = 0;
  };
  Place place(ConversationId conversation);
  /// Those of these that are committed, with their conversations.
  std::vector<Message> committed(std::vector<MessageArchive::Entry> entries);
  /// What the batch's or the database's amendments make of the messages between two keys.
  class Amendments;
  /// Removes what failed batches left in the way of these.
  void make_room(const std::vector<MessageArchive::Entry>& refused);

  MessageArchive& archive_;
  /// The batch's, in order.
  std::vector<MessageArchive::Entry> pending_;
};

}  // namespace simpleim::store::mysql
