#include "gateway/feed.h"

#include <array>

namespace simpleim::gateway {
namespace {

using service::ConversationId;

/// Who hears a conversation: a group's topic, or those of the two.
struct Listeners {
  explicit Listeners(ConversationId c) {
    if (c.is_group()) keys[count++] = TopicKey::of(c.group());
    else keys = {TopicKey::of(service::UserId{c.low}), TopicKey::of(service::UserId{c.high})}, count = 2;
  }
  const TopicKey* begin() const { return keys.data(); }
  const TopicKey* end() const { return keys.data() + count; }

  std::array<TopicKey, 2> keys;
  std::size_t count = 0;
};

std::int64_t last_seq(const DeliveryBatch& batch, const Run& run) {
  return batch.messages[run.first + run.count - 1].seq;
}

}  // namespace

bool Feed::open(const TopicKey& key) {
  const std::lock_guard lock(mutex_);
  const auto [topic, is_new] = topics_.try_emplace(key);
  if (is_new) topic->second.opened = ++counter_;
  return topic->second.listeners++ == 0;
}

bool Feed::close(const TopicKey& key) {
  const std::lock_guard lock(mutex_);
  const auto topic = topics_.find(key);
  if (topic == topics_.end() || --topic->second.listeners > 0) return false;
  topics_.erase(topic);
  return true;
}

bool Feed::is_open(const TopicKey& key) const {
  const std::lock_guard lock(mutex_);
  return topics_.contains(key);
}

std::optional<std::int64_t> Feed::last_passed(ConversationId conversation) const {
  const auto passed = passed_.find(conversation);
  bool is_new = false;
  for (const auto& key : Listeners(conversation)) {
    const auto topic = topics_.find(key);
    if (topic == topics_.end()) continue;
    if (passed != passed_.end() && topic->second.opened < passed->second.at) return passed->second.last_seq;
    is_new = is_new || topic->second.is_anchored;
  }
  if (is_new) return 0;
  return std::nullopt;
}

void Feed::note_passed(ConversationId conversation, std::int64_t seq) {
  if (passed_.size() >= kMaxPassed) {
    passed_.clear();
    for (auto& [key, topic] : topics_) topic.is_anchored = false;
  }
  passed_[conversation] = {seq, ++counter_};
}

std::vector<ConversationId> Feed::anchor(UserId user, const std::vector<Place>& places) {
  const std::lock_guard lock(mutex_);
  std::vector<ConversationId> behind;
  for (const auto& place : places) {
    const auto last = last_passed(place.conversation);
    if (!last) note_passed(place.conversation, place.seq);
    else if (*last > place.seq) behind.push_back(place.conversation);
  }
  if (const auto topic = topics_.find(TopicKey::of(user)); topic != topics_.end()) topic->second.is_anchored = true;
  return behind;
}

bool Feed::admit(DeliveryBatch& batch, Run& run) {
  if (const auto last = last_passed(run.conversation)) {
    if (last_seq(batch, run) <= *last) return false;
    while (batch.messages[run.first].seq <= *last) {
      const auto size = batch.messages[run.first].size;
      run.offset += size;
      run.size -= size;
      ++run.first;
      --run.count;
    }
    const bool is_ahead = batch.messages[run.first].seq > *last + 1;
    if (is_ahead && waiting_runs_ < kMaxWaiting) return put_aside(batch, run), false;
  }
  note_passed(run.conversation, last_seq(batch, run));
  return true;
}

void Feed::put_aside(const DeliveryBatch& batch, const Run& run) {
  auto alone = std::make_shared<DeliveryBatch>();
  alone->answers.resize(threads_);
  alone->bytes = batch.bytes.substr(run.offset, run.size);
  for (auto i = run.first; i < run.first + run.count; ++i) {
    auto message = batch.messages[i];
    message.offset -= run.offset;
    message.message = nullptr;  // it stays with the batch
    if (message.edits != 0) {
      alone->bare_entries.push_back(batch.bare_entries[message.bare]);
      message.bare = static_cast<std::uint32_t>(alone->bare_entries.size() - 1);
    }
    alone->messages.push_back(message);
  }
  Run moved = run;
  moved.offset = moved.first = 0;
  alone->steps.emplace_back(moved);
  waiting_runs_ += waiting_[run.conversation]
                       .try_emplace(batch.messages[run.first].seq, Waiting{std::move(alone), clock_.steady_ms()})
                       .second;
}

void Feed::pass(std::shared_ptr<DeliveryBatch> batch) {
  const std::lock_guard lock(mutex_);
  std::vector<ConversationId> moved_on;
  std::erase_if(batch->steps, [&](DeliveryBatch::Step& step) {
    if (const auto* changed = std::get_if<service::MembershipChanged>(&step)) expect(*changed);
    auto* run = std::get_if<Run>(&step);
    if (run == nullptr) return false;
    if (!admit(*batch, *run)) return true;
    if (!waiting_.empty() && waiting_.contains(run->conversation)) moved_on.push_back(run->conversation);
    return false;
  });
  post_(std::move(batch));
  for (const auto conversation : moved_on) release(conversation);
}

/// The sockets are about to listen to the group: what passes from here on they get.
void Feed::expect(const service::MembershipChanged& changed) {
  if (!changed.member || !topics_.contains(TopicKey::of(changed.user))) return;
  const auto [topic, is_new] = topics_.try_emplace(TopicKey::of(changed.group));
  if (is_new) topic->second.opened = ++counter_;
}

/// Hands on what waited for what has just passed.
void Feed::release(ConversationId conversation) {
  const auto queue = waiting_.find(conversation);
  if (queue == waiting_.end()) return;
  while (!queue->second.empty()) {
    const auto first = queue->second.begin();
    if (const auto last = last_passed(conversation); last && first->first > *last + 1) return;
    auto batch = std::move(first->second.batch);
    queue->second.erase(first);
    --waiting_runs_;
    if (admit(*batch, std::get<Run>(batch->steps.front()))) post_(std::move(batch));
  }
  waiting_.erase(queue);
}

std::vector<Feed::Gap> Feed::gaps(std::int64_t now_ms, std::int64_t wait_ms, std::int64_t give_up_ms) {
  const std::lock_guard lock(mutex_);
  std::vector<Gap> found;
  std::vector<ConversationId> given_up;
  for (const auto& [conversation, queue] : waiting_) {
    const auto waited = now_ms - queue.begin()->second.since_ms;
    const auto last = last_passed(conversation);
    if (waited >= give_up_ms || !last) given_up.push_back(conversation);
    else if (waited >= wait_ms) found.push_back({conversation, *last});
  }
  for (const auto conversation : given_up) {
    note_passed(conversation, waiting_[conversation].begin()->first - 1);
    release(conversation);
  }
  return found;
}

bool Feed::has_gaps() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

std::optional<Feed::Gap> Feed::missing(ConversationId conversation, std::int64_t first_seq,
                                       std::int64_t last_seq) const {
  const std::lock_guard lock(mutex_);
  bool is_heard = false;
  for (const auto& key : Listeners(conversation)) is_heard = is_heard || topics_.contains(key);
  const auto last = last_passed(conversation);
  if (!is_heard || (last && *last >= last_seq)) return std::nullopt;
  return Gap{conversation, last.value_or(first_seq - 1)};
}

}  // namespace simpleim::gateway
