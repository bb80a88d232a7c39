#include "service/messages/message_reader.h"

#include <algorithm>

#include "protocol/edit_entry.h"

namespace simpleim::service {

std::optional<std::int64_t> MessageReader::visible_from(ConversationId conversation) {
  if (!conversation.is_group()) {
    if (!conversation.has(me_)) return std::nullopt;
    return 1;
  }
  const auto member = store_.groups().member(conversation.group(), me_);
  if (!member) return std::nullopt;
  return std::max<std::int64_t>(1, member->joined_seq);
}

Result<MessageReader::Page> MessageReader::history(ConversationId conversation, std::int64_t before, std::int64_t after,
                                                   std::size_t limit) {
  const auto from = visible_from(conversation);
  if (!from) return protocol::not_found();
  if (!conversation.is_group() && !store_.accounts().user(conversation.peer_of(me_))) return protocol::not_found();
  Page page;
  page.as_of = store_.messages().tail(conversation).last_seq;
  auto read = store_.messages().history({conversation, *from, before, after, limit});
  page.messages = std::move(read.messages);
  protocol::hide_older_texts(page.messages, *from);
  page.has_more = read.has_more;
  if (after >= 0 && before > 0) {
    std::erase_if(page.messages, [before](const Message& message) { return message.seq >= before; });
    page.has_more = page.has_more && !page.messages.empty() && page.messages.back().seq + 1 < before;
  }
  if (!page.messages.empty())
    page.reactions =
        store_.messages().reactions(conversation, page.messages.front().seq, page.messages.back().seq, me_);
  return page;
}

std::optional<Message> MessageReader::find(const MessageId& id) {
  auto message = store_.messages().find(id);
  if (!message) return std::nullopt;
  const auto from = visible_from(message->conversation);
  if (!from || message->seq < *from) return std::nullopt;
  return message;
}

Result<MessageReader::Page> MessageReader::one(const MessageId& id) {
  auto found = find(id);
  if (!found) return protocol::not_found();
  Page page;
  page.as_of = store_.messages().tail(found->conversation).last_seq;
  // Read again: what is shown is at least as new as as_of.
  found = store_.messages().find(id);
  page.reactions = store_.messages().reactions(found->conversation, found->seq, found->seq, me_);
  page.messages.push_back(std::move(*found));
  protocol::hide_older_texts(page.messages, visible_from(page.messages.front().conversation).value_or(1));
  return page;
}

Result<MessageReader::Pins> MessageReader::pins(ConversationId conversation) {
  const auto from = visible_from(conversation);
  if (!from) return protocol::not_found();
  Pins found;
  found.page.as_of = store_.messages().tail(conversation).last_seq;
  for (const auto& pin : store_.messages().pins(conversation)) {
    if (pin.seq < *from) continue;
    auto one = store_.messages().history({conversation, *from, 0, pin.seq - 1, 1}).messages;
    if (one.empty() || one.front().seq != pin.seq) continue;
    found.pins.push_back(pin);
    found.page.messages.push_back(std::move(one.front()));
  }
  return found;
}

Result<std::vector<store::MessageVersion>> MessageReader::versions(const MessageId& id) {
  const auto message = find(id);
  if (!message) return protocol::not_found();
  return store_.messages().versions(*message);
}

Result<MessageReader::Users> MessageReader::reacting(const MessageId& id, std::string_view emoji, UserId after,
                                                     std::size_t limit) {
  const auto message = find(id);
  if (!message) return protocol::not_found();
  Users page;
  auto ids = store_.messages().reacting(*message, emoji, after, limit + 1);
  if (ids.size() > limit) {
    ids.pop_back();
    page.next = ids.back();
  }
  page.users = store_.accounts().users(ids);
  std::sort(page.users.begin(), page.users.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return page;
}

}  // namespace simpleim::service
