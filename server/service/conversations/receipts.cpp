#include "service/conversations/receipts.h"

#include <algorithm>

namespace simpleim::service {
namespace {

bool counts_for(const store::ReadMark& mark, UserId sender, std::int64_t seq) {
  return mark.user != sender && mark.visible_from <= seq;
}

Receipts::Count count_at(const std::vector<store::ReadMark>& marks, UserId sender, std::int64_t seq) {
  Receipts::Count count{seq, 0, 0};
  for (const auto& mark : marks)
    if (counts_for(mark, sender, seq)) ++(mark.read_seq >= seq ? count.read : count.unread);
  return count;
}

}  // namespace

std::optional<std::vector<store::ReadMark>> Receipts::marks(UserId me, ConversationId conversation) {
  if (conversation.is_group()) {
    if (!store_.groups().member(conversation.group(), me)) return std::nullopt;
    return store_.conversations().read_marks(conversation.group());
  }
  if (!conversation.has(me)) return std::nullopt;
  std::vector<store::ReadMark> marks;
  for (const auto user : {me, conversation.peer_of(me)}) {
    const auto state = store_.conversations().state(user, conversation);
    marks.push_back({user, 1, state ? state->read_seq : 0});
  }
  return marks;
}

Result<std::vector<Receipts::Count>> Receipts::counts(UserId me, ConversationId conversation,
                                                      const std::vector<std::int64_t>& seqs) {
  const auto marks = this->marks(me, conversation);
  if (!marks) return protocol::not_found();
  std::vector<Count> counts;
  counts.reserve(seqs.size());
  for (const auto seq : seqs) counts.push_back(count_at(*marks, me, seq));
  return counts;
}

Result<Receipts::Page> Receipts::of(UserId me, const MessageId& id, bool readers, UserId after, std::size_t limit) {
  const auto message = store_.messages().find(id);
  if (!message) return protocol::not_found();
  auto marks = this->marks(me, message->conversation);
  if (!marks) return protocol::not_found();
  const auto own = std::find_if(marks->begin(), marks->end(), [me](const auto& mark) { return mark.user == me; });
  if (own != marks->end() && own->visible_from > message->seq) return protocol::not_found();
  Page page{count_at(*marks, message->from, message->seq), {}, {}};
  std::erase_if(*marks, [&](const auto& mark) {
    return !counts_for(mark, message->from, message->seq) || (mark.read_seq >= message->seq) != readers ||
           mark.user <= after;
  });
  std::sort(marks->begin(), marks->end(), [](const auto& a, const auto& b) { return a.user < b.user; });
  std::vector<UserId> users;
  for (const auto& mark : *marks) {
    if (users.size() == limit) {
      page.next = users.back();
      break;
    }
    users.push_back(mark.user);
  }
  page.users = store_.accounts().users(users);
  std::sort(page.users.begin(), page.users.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return page;
}

}  // namespace simpleim::service
