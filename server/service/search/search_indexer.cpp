#include "service/search/search_indexer.h"

#include <pthread.h>
#include <sched.h>
#include <simdjson.h>

#include <algorithm>
#include <map>
#include <queue>

#include "base/log.h"
#include "service/search/search.h"

namespace simpleim::service {
namespace {

using namespace std::chrono_literals;

/// New messages wait this long for others: one write for many, and one question a conversation to a store that is a
/// server of its own, which every node asks.
constexpr auto kGather = 200ms;
constexpr auto kGatherFar = 1000ms;
/// Messages a second from which on the index takes only a part of the time: reading them again costs about as much as
/// delivering them did.
constexpr std::int64_t kBusy = 20'000;
constexpr int kRestPerWork = 19;
constexpr auto kLook = 100ms;
constexpr auto kAfterFailure = 5s;
constexpr auto kFollow = 500ms;
constexpr std::size_t kConversationsAtOnce = 1000;

/// What an edit or a recall says of an earlier message.
std::optional<store::SearchDocument> amended_document(const Message& operation) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  store::SearchDocument document;
  if (parser.parse(operation.content).get(root) != simdjson::SUCCESS ||
      root["seq"].get(document.seq) != simdjson::SUCCESS)
    return std::nullopt;
  if (operation.type == protocol::FrameType::kRecall) return document;
  std::string_view text;
  // The text of an edit is gone once its message was recalled; the recall comes later here, too.
  if (operation.type != protocol::FrameType::kEdit || root["content"]["text"].get(text) != simdjson::SUCCESS)
    return std::nullopt;
  document.text = text;
  return document;
}

}  // namespace

SearchIndexer::SearchIndexer(store::Store& store, store::SearchIndex& index, EventSink& next)
    : store_(store), index_(index), next_(next) {}

SearchIndexer::~SearchIndexer() { stop(); }

void SearchIndexer::start() {
  thread_ = std::thread([this] { work(); });
}

void SearchIndexer::stop() {
  stopping_ = true;
  { const std::lock_guard lock(mutex_); }
  ready_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SearchIndexer::deliver(std::vector<Event>&& events, std::int64_t oldest_ms) {
  {
    const std::lock_guard lock(mutex_);
    auto& moved = leads_ ? moved_ : told_;
    const auto before = moved.size();
    std::int64_t messages = 0;
    for (const auto& event : events)
      if (const auto* stored = std::get_if<MessageStored>(&event)) {
        moved.insert(stored->message.conversation);
        ++messages;
      }
    stored_ += messages;
    wake(before == 0);
  }
  next_.deliver(std::move(events), oldest_ms);
}

void SearchIndexer::note_moved(const std::vector<ConversationId>& conversations) {
  const std::lock_guard lock(mutex_);
  const bool was_empty = moved_.empty();
  moved_.insert(conversations.begin(), conversations.end());
  wake(was_empty);
}

void SearchIndexer::wake(bool was_empty) {
  if (moved_.size() > kMaxMoved) {
    moved_.clear();
    scan_ = true;
  }
  if (told_.size() > kMaxMoved) told_.clear();  // the commit log tells
  if (!was_empty || (moved_.empty() && told_.empty() && !scan_)) return;
  idle_ = false;
  ready_.notify_one();
}

void SearchIndexer::work() {
  pthread_setname_np(pthread_self(), "search");
  const sched_param none{};
  // Where the kernel refuses, the thread is merely as quick as others.
  (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
  // Of a shared index one node asks, not each.
  const auto gather = store_.commit_log() == nullptr || tell_ ? kGather : kGatherFar;
  while (!stopping_) {
    const bool leads = index_.leads();
    {
      const std::lock_guard lock(mutex_);
      if (leads && !leads_) scan_ = true;
      leads_ = leads;
    }
    if (!leads) {
      follow();
      continue;
    }
    std::vector<ConversationId> moved;
    bool scan = false;
    {
      std::unique_lock lock(mutex_);
      idle_ = moved_.empty() && !scan_;
      ready_.wait(lock, [this] { return stopping_ || scan_ || !moved_.empty(); });
      if (!scan_) ready_.wait_for(lock, gather, [this] { return stopping_.load(); });
      moved.assign(moved_.begin(), moved_.end());
      moved_.clear();
      scan = std::exchange(scan_, false);
    }
    try {
      if (scan) this->scan();
      std::vector<Behind> behind;
      for (const auto conversation : moved) behind.push_back({0, conversation, index_.indexed_to(conversation)});
      index(std::move(behind));
      tidy();
    } catch (const std::exception& e) {
      base::log::warn("the search index is behind and tries again", {{"what", e.what()}});
      std::unique_lock lock(mutex_);
      scan_ = true;
      idle_ = false;
      ready_.wait_for(lock, kAfterFailure, [this] { return stopping_.load(); });
    }
  }
}

void SearchIndexer::follow() {
  std::vector<ConversationId> told;
  {
    std::unique_lock lock(mutex_);
    moved_.clear();
    idle_ = told_.empty();
    const auto stopping = [this] { return stopping_.load(); };
    if (!ready_.wait_for(lock, kFollow, [this] { return stopping_ || !told_.empty(); })) return;
    ready_.wait_for(lock, kGather, stopping);
    told.assign(told_.begin(), told_.end());
    told_.clear();
  }
  if (tell_) tell_(told);
}

void SearchIndexer::tidy() {
  const auto quiet = [this] {
    const std::lock_guard lock(mutex_);
    return moved_.empty() && !scan_ && !stopping_;
  };
  while (quiet() && index_.tidy()) {
  }
}

void SearchIndexer::scan() {
  std::uint64_t position = 0;
  bool is_last = false;
  while (!stopping_ && !is_last) {
    std::vector<Behind> behind;
    while (!is_last && behind.size() < kMaxMoved) {
      const auto ends = store_.messages().conversation_ends(position, kConversationsAtOnce);
      is_last = ends.empty();
      for (const auto& end : ends) {
        const auto indexed_to = index_.indexed_to(end.conversation);
        if (end.last_seq <= indexed_to) continue;
        const auto first = store_.messages().history({end.conversation, 1, 0, indexed_to, 1}).messages;
        behind.push_back({first.empty() ? 0 : first.front().timestamp, end.conversation, indexed_to});
      }
      if (!is_last) position = ends.back().position;
    }
    index(std::move(behind));
  }
}

void SearchIndexer::index_all(const std::function<void(std::int64_t)>& progress) {
  progress_ = progress;
  scan();
  while (index_.tidy()) {
  }
}

bool SearchIndexer::is_busy() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - looked_;
  if (passed < kLook) return busy_;
  const std::int64_t stored = stored_;
  busy_ = static_cast<double>(stored - stored_before_) > kBusy * passed.count();
  looked_ = now;
  stored_before_ = stored;
  return busy_;
}

void SearchIndexer::rest(std::chrono::steady_clock::duration worked) {
  const auto until = std::chrono::steady_clock::now() + kRestPerWork * worked;
  while (is_busy() && !stopping_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kLook);
}

void SearchIndexer::index(std::vector<Behind> conversations) {
  std::map<ConversationId, store::SearchUpdate> updates;
  std::size_t messages = 0;
  auto began = std::chrono::steady_clock::now();
  const auto write = [&] {
    if (updates.empty()) return;
    std::vector<store::SearchUpdate> together;
    for (auto& [conversation, update] : updates) together.push_back(std::move(update));
    index_.update(together);
    indexed_ += static_cast<std::int64_t>(messages);
    if (progress_) progress_(indexed_);
    updates.clear();
    messages = 0;
    rest(std::chrono::steady_clock::now() - began);
    began = std::chrono::steady_clock::now();
  };
  const auto newer = [](const Behind& a, const Behind& b) { return a.timestamp > b.timestamp; };
  std::priority_queue<Behind, std::vector<Behind>, decltype(newer)> behind(newer, std::move(conversations));
  while (!behind.empty() && !stopping_) {
    std::vector<Behind> turn;
    do {
      turn.push_back(behind.top());
      behind.pop();
    } while (!behind.empty() && behind.top().timestamp == turn.front().timestamp && turn.size() < kTogether);
    const auto pages = read(turn);
    for (std::size_t i = 0; i < turn.size(); ++i) {
      auto& update = updates[turn[i].conversation];
      update.conversation = turn[i].conversation;
      const auto before = update.documents.size();
      if (const auto rest = add(turn[i], pages[i], update)) behind.push(*rest);
      messages += std::max<std::size_t>(1, update.documents.size() - before);
      if (messages >= kAtOnce) write();
    }
  }
  write();
}

std::vector<store::HistoryPage> SearchIndexer::read(const std::vector<Behind>& conversations) {
  std::vector<store::MessagePlace> places;
  for (const auto& behind : conversations) places.push_back({behind.conversation, behind.indexed_to});
  return store_.messages().pages(places, kInTurn);
}

std::optional<SearchIndexer::Behind> SearchIndexer::add(const Behind& behind, const store::HistoryPage& page,
                                                        store::SearchUpdate& update) {
  update.indexed_to = page.messages.empty() ? behind.indexed_to : page.messages.back().seq;
  for (const auto& message : page.messages) {
    if (!protocol::is_shown(message.type)) {
      if (auto document = amended_document(message)) update.documents.push_back(std::move(*document));
      continue;
    }
    auto text = searchable_text(message);
    if (text.empty()) continue;
    update.documents.push_back({message.seq, message.from, message.type, message.timestamp, std::move(text)});
  }
  if (!page.has_more) return std::nullopt;
  return Behind{page.messages.back().timestamp, behind.conversation, update.indexed_to};
}

}  // namespace simpleim::service
