#pragma once

#include "store/store.h"

namespace simpleim::service {

using base::ConversationId;
using base::MessageId;
using base::UserId;
using protocol::Message;
using protocol::Result;

/// Messages as one user may see them: those of his conversations, in a group from when he joined. What he may not see
/// is kNotFound, like what does not exist. Blocks on the store; thread-safe.
class MessageReader {
 public:
  MessageReader(store::Store& store, UserId me) : store_(store), me_(me) {}

  /// The first seq he may see; nothing when he is not in the conversation.
  std::optional<std::int64_t> visible_from(ConversationId conversation);

  struct Page {
    std::vector<Message> messages;
    bool has_more = false;
    /// Under these messages, by seq.
    std::vector<store::Reaction> reactions;
    /// Where the conversation ended before the page was read: it shows the effect of all operations up to here.
    std::int64_t as_of = 0;
  };
  /// before and after as in HistoryQuery.
  Result<Page> history(ConversationId conversation, std::int64_t before, std::int64_t after, std::size_t limit);
  Result<Page> one(const MessageId& id);
  /// Without what is under it.
  std::optional<Message> find(const MessageId& id);
  /// Newest pin first.
  struct Pins {
    Page page;
    std::vector<store::PinnedMessage> pins;
  };
  Result<Pins> pins(ConversationId conversation);
  /// What it said before each edit, oldest first.
  Result<std::vector<store::MessageVersion>> versions(const MessageId& id);
  struct Users {
    std::vector<store::User> users;
    /// 0 when this was the last page.
    UserId next;
  };
  Result<Users> reacting(const MessageId& id, std::string_view emoji, UserId after, std::size_t limit);

 private:
  store::Store& store_;
  const UserId me_;
};

}  // namespace simpleim::service
