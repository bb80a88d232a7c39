#include "store/mysql/conversation_index.h"

#include <algorithm>

namespace simpleim::store::mysql {
namespace {

template <class Items, class Text>
std::string join(const Items& items, Text text) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += ',';
    out += text(item);
  }
  return out;
}

}  // namespace

std::string pair_of(ConversationId c) {
  return "(" + std::to_string(static_cast<std::int64_t>(c.low)) + "," +
         std::to_string(static_cast<std::int64_t>(c.high)) + ")";
}

const ConversationIndex::Entry* ConversationIndex::find(ConversationId conversation) const {
  const auto found = entries_.find(conversation);
  return found == entries_.end() ? nullptr : &found->second;
}

std::int64_t ConversationIndex::key(ConversationId conversation) {
  if (const auto found = known_.find(conversation); found != known_.end()) return found->second.key;
  find_keys({conversation});
  if (!known_.contains(conversation)) {
    made_.push_back(conversation);
    db_.write().defer_row("INSERT IGNORE INTO conversation(low, high) VALUES ", pair_of(conversation));
    find_keys({conversation});
  }
  return known_.at(conversation).key;
}

ConversationIndex::Entry& ConversationIndex::open(ConversationId conversation) {
  if (const auto found = entries_.find(conversation); found != entries_.end()) return found->second;
  lock({key(conversation)}, nullptr);
  return entries_.at(conversation);
}

ConversationIndex::Entry* ConversationIndex::open_key(std::int64_t key) {
  const auto by_key = [key](const auto& entry) { return entry.second.key == key; };
  auto found = std::find_if(entries_.begin(), entries_.end(), by_key);
  if (found == entries_.end()) {
    lock({key}, nullptr);
    found = std::find_if(entries_.begin(), entries_.end(), by_key);
  }
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<ConversationId> ConversationIndex::claim(std::vector<ConversationId> conversations,
                                                     const std::string& prefetch) {
  std::sort(conversations.begin(), conversations.end());
  conversations.erase(std::unique(conversations.begin(), conversations.end()), conversations.end());
  std::erase_if(conversations, [this](ConversationId c) { return entries_.contains(c); });
  if (known_.size() + conversations.size() > kMaxKeys) {
    forget_everything();
  }
  find_keys(conversations);
  std::vector<std::int64_t> keys;
  for (const auto c : conversations)
    if (const auto key = find_key(c); key != 0) keys.push_back(key);
  std::vector<ConversationId> changed;
  if (keys.empty()) return changed;
  db_.write().prefetch(prefetch);
  lock(keys, &changed);
  return changed;
}

void ConversationIndex::find_keys(const std::vector<ConversationId>& conversations) {
  std::vector<ConversationId> unknown;
  for (const auto c : conversations)
    if (!known_.contains(c)) unknown.push_back(c);
  if (unknown.empty()) return;
  auto query = db_.write().text_query("SELECT id, low, high FROM conversation WHERE (low, high) IN (" +
                                      join(unknown, pair_of) + ")");
  while (query.step()) {
    const auto key = query.integer();
    ConversationId found;
    found.low = query.id();
    found.high = query.id();
    known_[found].key = key;
  }
}

std::int64_t ConversationIndex::find_key(ConversationId conversation) const {
  const auto found = known_.find(conversation);
  return found == known_.end() ? 0 : found->second.key;
}

void ConversationIndex::lock(const std::vector<std::int64_t>& keys, std::vector<ConversationId>* changed) {
  const auto sql = "SELECT id, low, high, last_seq, last_timestamp, rules FROM conversation WHERE id IN (" +
                   join(keys, [](std::int64_t key) { return std::to_string(key); }) + ") ORDER BY id FOR UPDATE";
  auto query = db_.write().text_query(sql);
  while (query.step()) {
    Entry entry;
    entry.key = query.integer();
    entry.conversation.low = query.id();
    entry.conversation.high = query.id();
    entry.last_seq = entry.committed_seq = query.integer();
    entry.last_timestamp = query.integer();
    const auto rules = query.integer();
    auto& known = known_[entry.conversation];
    known.key = entry.key;
    if (changed != nullptr) {
      // Of a group nobody relies on anything before its row is locked (it is made with the group); two people's comes
      // with their first message, or the first block.
      const bool is_first = known.rules < 0 && !was_cleared_ && entry.conversation.is_group();
      if (known.rules != rules && !is_first) changed->push_back(entry.conversation);
      known.rules = rules;
    }
    entries_.insert_or_assign(entry.conversation, entry);
  }
}

void ConversationIndex::change_rules(ConversationId conversation) {
  db_.write().query("UPDATE conversation SET rules=rules+1 WHERE id=?").bind(key(conversation)).run();
}

void ConversationIndex::write_ends() {
  for (const auto& [conversation, entry] : entries_) {
    if (!entry.grown) continue;
    const auto low_high = pair_of(conversation);
    auto row = "(" + std::to_string(entry.key) + "," + low_high.substr(1, low_high.size() - 2) + "," +
               std::to_string(entry.last_seq) + "," + std::to_string(entry.last_timestamp) + ")";
    db_.write().defer_row("INSERT INTO conversation(id, low, high, last_seq, last_timestamp) VALUES ", row,
                          " ON DUPLICATE KEY UPDATE last_seq=VALUES(last_seq), last_timestamp=VALUES(last_timestamp)");
  }
}

void ConversationIndex::forget_everything() {
  known_.clear();
  was_cleared_ = true;
}

void ConversationIndex::after_commit() {
  entries_.clear();
  made_.clear();
}

void ConversationIndex::forget_made() {
  for (const auto conversation : made_) {
    known_.erase(conversation);
    entries_.erase(conversation);
  }
  made_.clear();
}

void ConversationIndex::rollback() {
  forget_made();
  after_commit();
}

}  // namespace simpleim::store::mysql
