#include "service/conversations/conversations.h"

#include <algorithm>
#include <tuple>

#include "service/limits/text_rules.h"

namespace simpleim::service {
namespace {

constexpr std::size_t kMaxDraft = 20'000;

auto newest_first(const ConversationView& view) { return std::tuple(-view.last_timestamp, view.state.conversation); }

}  // namespace

std::vector<ConversationView> Conversations::ends(UserId me) {
  std::vector<ConversationView> views;
  for (auto& [state, visible_from, tail] : store_.listed(me)) {
    ConversationView view;
    view.visible_from = visible_from;
    view.last_seq = tail.last_seq;
    view.last_timestamp = tail.last_timestamp;
    view.state = std::move(state);
    views.push_back(std::move(view));
  }
  std::sort(views.begin(), views.end(), [](const auto& a, const auto& b) { return newest_first(a) < newest_first(b); });
  return views;
}

void Conversations::count(UserId me, ConversationView& view) {
  const auto read = std::max(view.state.read_seq, view.visible_from - 1);
  if (read >= view.last_seq) return;
  view.unread = store_.messages().unread(view.state.conversation, me, read);
  view.mentioned_seq = store_.messages().first_mention(view.state.conversation, me, read);
}

std::vector<ConversationView> Conversations::summary(UserId me) {
  auto views = ends(me);
  for (auto& view : views) count(me, view);
  return views;
}

void Conversations::add_group(UserId me, ConversationView& view) {
  const auto group = view.state.conversation.group();
  view.group = store_.groups().group(group);
  view.member = store_.groups().member(group, me);
}

void Conversations::add_peer(UserId me, ConversationView& view) {
  const auto peer = view.state.conversation.peer_of(me);
  view.peer = store_.accounts().user(peer);
  const auto state = store_.conversations().state(peer, view.state.conversation);
  if (!state) return;
  view.peer_read_seq = state->read_seq;
  view.peer_delivered_seq = state->delivered_seq;
}

Conversations::Page Conversations::list(UserId me, const std::optional<ConversationCursor>& after, std::size_t limit) {
  auto views = ends(me);
  if (after) {
    const auto bound = std::tuple(-after->timestamp, after->conversation);
    std::erase_if(views, [&](const ConversationView& view) { return newest_first(view) <= bound; });
  }
  Page page;
  if (views.size() > limit) {
    views.erase(views.begin() + static_cast<std::ptrdiff_t>(limit), views.end());
    page.next = ConversationCursor{views.back().last_timestamp, views.back().state.conversation};
  }
  for (auto& view : views) {
    count(me, view);
    view.last_message = store_.messages().last_message(view.state.conversation);
    if (view.state.conversation.is_group()) add_group(me, view);
    else add_peer(me, view);
  }
  page.conversations = std::move(views);
  return page;
}

Result<store::ConversationState> Conversations::update(CommitLoop& commits, UserId me, SessionId session,
                                                       ConversationId conversation, const Change& change) {
  if (change.draft)
    if (auto error = check_text("draft", *change.draft, 0, kMaxDraft, true)) return *error;
  return commits.run<store::ConversationState>([&](Batch& batch) -> Result<store::ConversationState> {
    auto state = batch.store().conversations().state(me, conversation);
    if (!state) return protocol::not_found();
    if (change.pinned) state->pinned = *change.pinned;
    if (change.muted) state->muted = *change.muted;
    if (change.archived) state->archived = *change.archived;
    if (change.draft) state->draft = *change.draft;
    batch.store().conversations().update(me, *state);
    batch.emit(
        ConversationChanged{me, {conversation, session, state->pinned, state->muted, state->archived, state->draft}});
    return std::move(*state);
  });
}

}  // namespace simpleim::service
