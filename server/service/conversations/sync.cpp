#include "service/conversations/sync.h"

#include <algorithm>

#include "protocol/edit_entry.h"

namespace simpleim::service {

void Sync::begin() {
  for (const auto& [state, visible_from, tail] : store_.listed(me_)) {
    const auto from = std::max(state.delivered_seq, visible_from - 1);
    tails_.emplace_back(state.conversation, tail.last_seq);
    if (tail.last_seq <= from) continue;
    todo_.push_back({reached_.size(), visible_from, options_.per_conversation});
    reached_.push_back({state.conversation, from, false});
  }
}

/// Asked before each page: who is removed while his client takes its time gets no more.
bool Sync::is_member(ConversationId conversation) {
  return !conversation.is_group() || store_.groups().member(conversation.group(), me_).has_value();
}

std::vector<Message> Sync::next() {
  while (!todo_.empty()) {
    auto& todo = todo_.back();
    const auto visible_from = todo.visible_from;
    auto& reached = reached_[todo.reached];
    if (!is_member(reached.conversation)) {
      todo_.pop_back();
      continue;
    }
    auto page = store_.messages().history(
        {reached.conversation, todo.visible_from, 0, reached.seq, std::min(options_.chunk, todo.left)});
    todo.left -= std::min(todo.left, page.messages.size());
    if (!page.messages.empty()) reached.seq = page.messages.back().seq;
    reached.has_more = page.has_more && todo.left == 0;
    if (!page.has_more || todo.left == 0) todo_.pop_back();
    protocol::hide_older_texts(page.messages, visible_from);
    if (!page.messages.empty()) return std::move(page.messages);
  }
  return {};
}

void Sync::revisit(ConversationId conversation) {
  const auto found =
      std::find_if(reached_.begin(), reached_.end(), [&](const Reached& r) { return r.conversation == conversation; });
  if (found != reached_.end()) {
    if (found->has_more) return;  // it has had its share; the client fetches the rest
    const auto index = static_cast<std::size_t>(found - reached_.begin());
    if (std::any_of(todo_.begin(), todo_.end(), [&](const Todo& t) { return t.reached == index; })) return;
    const bool is_group = conversation.is_group();
    const auto member = is_group ? store_.groups().member(conversation.group(), me_) : std::nullopt;
    if (is_group && !member) return;
    todo_.push_back({index, member ? member->joined_seq : 1, options_.per_conversation});
    return;
  }
  const auto state = store_.conversations().state(me_, conversation);
  if (!state) return;
  reached_.push_back({conversation, state->delivered_seq, false});
  revisit(conversation);
}

std::vector<std::pair<ConversationId, std::int64_t>> Sync::ends() const {
  std::vector<std::pair<ConversationId, std::int64_t>> ends;
  for (const auto& reached : reached_)
    if (!reached.has_more) ends.emplace_back(reached.conversation, reached.seq);
  const auto by_conversation = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(ends.begin(), ends.end(), by_conversation);
  const auto brought = ends.size();
  for (const auto& tail : tails_)
    if (!std::binary_search(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(brought), tail, by_conversation))
      ends.push_back(tail);
  return ends;
}

}  // namespace simpleim::service
