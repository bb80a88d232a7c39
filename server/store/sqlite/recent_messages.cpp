#include "store/sqlite/recent_messages.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace simpleim::store::sqlite {
namespace {

constexpr std::uint32_t kFewSlots = 1024;
constexpr std::size_t kManySlots = 70'000;

}  // namespace

std::string_view RecentMessages::Texts::add(std::string_view text) {
  if (text.size() > kBlock) {  // a block of its own, in front of the one in use
    blocks_.insert(blocks_.begin(), std::make_unique_for_overwrite<char[]>(text.size()));
    std::memcpy(blocks_.front().get(), text.data(), text.size());
    return {blocks_.front().get(), text.size()};
  }
  if (used_ + text.size() > kBlock) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
    used_ = 0;
  }
  char* at = blocks_.back().get() + used_;
  std::memcpy(at, text.data(), text.size());
  used_ += text.size();
  return {at, text.size()};
}

void RecentMessages::add(const Message& message, std::int64_t conversation_key) {
  const std::unique_lock lock(mutex_);
  auto& g = *growing_;
  const auto index = static_cast<std::uint32_t>(g.slots.size());
  const auto& stored =
      g.slots.emplace_back(Slot{message.id, message.type, message.conversation, message.from, message.seq,
                                message.timestamp, conversation_key, g.texts.add(message.content)});
  // One large step instead of many rehashes under load; a quiet server stays small.
  if (index == kFewSlots) g.by_id.reserve(kManySlots);
  g.by_conversation[stored.conversation].push_back(index);
  g.by_id.emplace(stored.id.view(), index);
  g.bytes += sizeof(Slot) + stored.content.size();
}

void RecentMessages::commit(std::int64_t journal_row) {
  const std::unique_lock lock(mutex_);
  for (const auto& [generation, slot, message] : staged_) {
    slot->content = generation->texts.add(message.content);
    generation->bytes += message.content.size();
    slot->amendment = &generation->amendments.emplace_back(message.amendment);
  }
  staged_.clear();
  growing_->committed = growing_->slots.size();
  growing_->last_journal_row = journal_row;
}

void RecentMessages::rollback() {
  staged_.clear();
  const std::unique_lock lock(mutex_);
  auto& g = *growing_;
  while (g.slots.size() > g.committed) {
    const auto& message = g.slots.back();
    g.by_id.erase(message.id.view());
    const auto found = g.by_conversation.find(message.conversation);
    found->second.pop_back();
    if (found->second.empty()) g.by_conversation.erase(found);
    g.bytes -= sizeof(Slot) + message.content.size();
    g.slots.pop_back();
  }
}

/// The slots of a conversation in a generation have consecutive seqs.
std::pair<RecentMessages::Generation*, RecentMessages::Slot*> RecentMessages::slot_at(ConversationId conversation,
                                                                                      std::int64_t seq) {
  for (auto* g : {growing_.get(), frozen_.get()}) {
    if (g == nullptr) continue;
    const auto found = g->by_conversation.find(conversation);
    if (found == g->by_conversation.end()) continue;
    const auto offset = seq - g->slots[found->second.front()].seq;
    if (offset >= 0 && offset < static_cast<std::int64_t>(found->second.size()))
      return {g, &g->slots[found->second[static_cast<std::size_t>(offset)]]};
  }
  return {nullptr, nullptr};
}

void RecentMessages::amend(const Message& message) {
  const auto [generation, slot] = slot_at(message.conversation, message.seq);
  if (slot != nullptr) staged_.push_back({generation, slot, message});
}

const Message* RecentMessages::staged(const Slot& slot) const {
  for (auto i = staged_.rbegin(); i != staged_.rend(); ++i)
    if (i->slot == &slot) return &i->message;
  return nullptr;
}

std::optional<Message> RecentMessages::find_in_batch(std::string_view id) const {
  const auto* slot = find_pending(id);
  if (slot == nullptr) return std::nullopt;
  auto message = slot->to_message();
  if (const auto* amended = staged(*slot)) {
    message.content = amended->content;
    message.amendment = amended->amendment;
  }
  return message;
}

const RecentMessages::Slot* RecentMessages::find_pending(std::string_view id) const {
  for (const auto* g :
       {static_cast<const Generation*>(growing_.get()), static_cast<const Generation*>(frozen_.get())}) {
    if (g == nullptr) continue;
    const auto found = g->by_id.find(id);
    if (found != g->by_id.end()) return &g->slots[found->second];
  }
  return nullptr;
}

RecentMessages::End RecentMessages::end_pending(ConversationId conversation) const {
  for (const auto* g :
       {static_cast<const Generation*>(growing_.get()), static_cast<const Generation*>(frozen_.get())}) {
    if (g == nullptr) continue;
    const auto found = g->by_conversation.find(conversation);
    if (found == g->by_conversation.end()) continue;
    const auto& last = g->slots[found->second.back()];
    return {last.seq, last.timestamp};
  }
  return {};
}

void RecentMessages::freeze() {
  const std::unique_lock lock(mutex_);
  frozen_ = std::move(growing_);
  growing_ = std::make_unique<Generation>();
}

void RecentMessages::drop_frozen() {
  std::unique_ptr<Generation> dropped;  // freed outside the lock
  const std::unique_lock lock(mutex_);
  dropped = std::move(frozen_);
}

std::size_t RecentMessages::size() const {
  const std::shared_lock lock(mutex_);
  return growing_->committed + (frozen_ ? frozen_->committed : 0);
}

/// Of a generation (null: nothing) the committed slots of a conversation with after < seq < before (0 = no bound). They
/// have consecutive seqs. Locked by the caller.
std::span<const std::uint32_t> RecentMessages::wanted(const Generation* generation, ConversationId conversation,
                                                      std::int64_t after, std::int64_t before) {
  if (generation == nullptr) return {};
  const auto found = generation->by_conversation.find(conversation);
  if (found == generation->by_conversation.end()) return {};
  const auto& all = found->second;
  const auto committed =
      std::partition_point(all.begin(), all.end(), [&](std::uint32_t slot) { return slot < generation->committed; });
  const auto count = committed - all.begin();
  const auto first = generation->slots[all.front()].seq;
  const auto from = std::clamp<std::int64_t>(after + 1 - first, 0, count);
  const auto to = before == 0 ? count : std::clamp<std::int64_t>(before - first, from, count);
  return std::span(all).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
}

RecentMessages::Found<std::vector<Message>> RecentMessages::range(ConversationId conversation, std::int64_t after,
                                                                  std::int64_t before, std::size_t limit,
                                                                  bool newest) const {
  std::vector<Message> found;
  std::int64_t first = 0;
  {
    // Nobody can commit meanwhile, so what is not wanted is not touched: a hot conversation has 100,000 here.
    const std::shared_lock lock(mutex_);
    first = first_seq(conversation);
    const auto* older = static_cast<const Generation*>(frozen_.get());
    const auto* newer = static_cast<const Generation*>(growing_.get());
    auto in_older = wanted(older, conversation, after, before);
    auto in_newer = wanted(newer, conversation, after, before);
    if (newest) {
      in_newer = in_newer.last(std::min(limit, in_newer.size()));
      in_older = in_older.last(std::min(limit - in_newer.size(), in_older.size()));
    } else {
      in_older = in_older.first(std::min(limit, in_older.size()));
      in_newer = in_newer.first(std::min(limit - in_older.size(), in_newer.size()));
    }
    found.reserve(in_older.size() + in_newer.size());
    for (const auto slot : in_older) found.push_back(older->slots[slot].to_message());
    for (const auto slot : in_newer) found.push_back(newer->slots[slot].to_message());
  }
  return {std::move(found), first};
}

std::optional<Message> RecentMessages::find(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  for (const auto* g :
       {static_cast<const Generation*>(growing_.get()), static_cast<const Generation*>(frozen_.get())}) {
    if (g == nullptr) continue;
    const auto found = g->by_id.find(id);
    if (found != g->by_id.end() && found->second < g->committed) return g->slots[found->second].to_message();
  }
  return std::nullopt;
}

std::int64_t RecentMessages::last_seq(ConversationId conversation) const {
  const std::shared_lock lock(mutex_);
  std::int64_t last = 0;
  visit_descending(conversation, [&](const Slot& message) {
    last = message.seq;
    return false;
  });
  return last;
}

RecentMessages::Found<std::optional<Message>> RecentMessages::last_shown(ConversationId conversation) const {
  const std::shared_lock lock(mutex_);
  std::optional<Message> last;
  visit_descending(conversation, [&](const Slot& message) {
    if (!protocol::is_shown(message.type)) return true;
    last = message.to_message();
    return false;
  });
  return {std::move(last), first_seq(conversation)};
}

/// Locked by the caller.
std::int64_t RecentMessages::first_seq(ConversationId conversation) const {
  for (const auto* g :
       {static_cast<const Generation*>(frozen_.get()), static_cast<const Generation*>(growing_.get())}) {
    if (g == nullptr) continue;
    const auto found = g->by_conversation.find(conversation);
    if (found != g->by_conversation.end() && found->second.front() < g->committed)
      return g->slots[found->second.front()].seq;
  }
  return 0;
}

}  // namespace simpleim::store::sqlite
