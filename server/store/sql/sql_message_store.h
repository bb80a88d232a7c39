#pragma once

#include "store/message_store.h"
#include "store/sql/row_key.h"

namespace simpleim::store::sql {

/// What belongs to stored messages (docs/decisions/0008), the same in every database: former versions, mentions,
/// reactions, pins. The messages themselves are kept by who derives from it.
class SqlMessageStore : public MessageStore {
 public:
  SqlMessageStore(Database& db, ConversationKeys& keys) : db_(db), keys_(keys) {}

  void keep_version(const Message& target, const MessageVersion& version) override;
  std::vector<MessageVersion> versions(const Message& target) override;
  void add_mentions(const Message& target, const std::vector<UserId>& mentions) override;
  void forget_traces(const Message& target) override;
  std::int64_t react(const Message& target, UserId user, std::string_view emoji, bool on) override;
  std::size_t emoji_count(const Message& target) override;
  void pin(const Message& target, UserId by, std::int64_t at, bool on) override;
  std::vector<Reaction> reactions(ConversationId conversation, std::int64_t from, std::int64_t to,
                                  UserId reader) override;
  std::vector<UserId> reacting(const Message& target, std::string_view emoji, UserId after, std::size_t limit) override;
  std::vector<PinnedMessage> pins(ConversationId conversation) override;
  std::int64_t first_mention(ConversationId conversation, UserId reader, std::int64_t read_seq) override;

 private:
  Database& db_;
  ConversationKeys& keys_;
};

}  // namespace simpleim::store::sql
