#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "store/mysql/database.h"

namespace simpleim::store::mysql {

/// "(low,high)", for SQL.
std::string pair_of(ConversationId conversation);

/// The rows of conversations: their keys, which never change, and for those that the batch has locked where they end.
/// Of the batch's thread.
class ConversationIndex final : public sql::ConversationKeys {
 public:
  /// What the batch knows of a conversation it has locked: nobody else appends to it until the batch ends.
  struct Entry {
    ConversationId conversation;
    std::int64_t key = 0;
    std::int64_t last_seq = 0;
    /// Before this batch.
    std::int64_t committed_seq = 0;
    /// Of the last message that is shown.
    std::int64_t last_timestamp = 0;
    bool grown = false;
  };

  explicit ConversationIndex(Database& db) : db_(db) {}

  std::int64_t key(ConversationId conversation) override;
  /// Looks for their keys, all at once; find_key() knows those that exist then (0: it does not).
  void find_keys(const std::vector<ConversationId>& conversations);
  std::int64_t find_key(ConversationId conversation) const;
  /// Locks it, when the batch has not yet. Valid until the next call.
  Entry& open(ConversationId conversation);
  /// Locks the one with this key; null when there is none.
  Entry* open_key(std::int64_t key);
  /// Null when the batch has not locked it.
  const Entry* find(ConversationId conversation) const;
  /// Locks those that exist, in the order of their keys. Returns those whose rules changed since they were locked last.
  /// `prefetch`: a question to be asked once they are locked (Connection::prefetch); "": none.
  std::vector<ConversationId> claim(std::vector<ConversationId> conversations, const std::string& prefetch);
  /// Its members, roles or blocks change in this batch: the other nodes find out with their next claim.
  void change_rules(ConversationId conversation);
  /// Writes where the conversations end that have grown.
  void write_ends();
  void after_commit();
  /// The rows the batch has made are gone.
  void forget_made();
  void rollback();
  /// Another server: rows, and their numbers, may be others there (a replica that had not got the last ones).
  void forget_everything();

 private:
  static constexpr std::size_t kMaxKeys = 500'000;

  void lock(const std::vector<std::int64_t>& keys, std::vector<ConversationId>* changed);

  struct Known {
    std::int64_t key = 0;
    /// -1: never locked.
    std::int64_t rules = -1;
  };

  Database& db_;
  boost::unordered_flat_map<ConversationId, Known, base::IdHash> known_;
  boost::unordered_flat_map<ConversationId, Entry, base::IdHash> entries_;
  bool was_cleared_ = false;
  /// Made by this batch: unknown again when it is undone.
  std::vector<ConversationId> made_;
};

}  // namespace simpleim::store::mysql
