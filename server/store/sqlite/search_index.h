#pragma once

#include <mutex>

#include "store/search_index.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/unsynced_mark.h"

namespace simpleim::store::sqlite {

/// The embedded default: a file of its own, `<data_dir>/search.db`, with SQLite's FTS5 over our tokens. It can be
/// made again from the messages, so it is written without waiting for the disk.
class SqliteSearchIndex final : public SearchIndex {
 public:
  /// Opens or creates the file; one that is damaged, of another version, or was open when the computer stopped, is made
  /// anew. Throws StoreError.
  SqliteSearchIndex(const std::string& path, std::size_t readers);
  ~SqliteSearchIndex() override;

  std::int64_t indexed_to(ConversationId conversation) override;
  void update(const std::vector<SearchUpdate>& updates) override;
  std::vector<SearchHit> find(ConversationId conversation, const std::vector<base::SearchTerm>& terms,
                              const SearchFilter& filter, std::int64_t first_seq, std::size_t limit) override;
  bool tidy() override;
  void clear() override;

 private:
  void open();
  void remove(std::int64_t key);
  void put(std::int64_t key, const SearchDocument& document);
  std::int64_t conversation_key(ConversationId conversation, std::int64_t indexed_to);
  std::unique_ptr<Connection> take_reader();
  void give_back(std::unique_ptr<Connection> reader);

  const std::string path_;
  const std::size_t readers_;
  const UnsyncedMark unsynced_;
  std::unique_ptr<Connection> writer_;
  std::mutex pool_mutex_;
  std::vector<std::unique_ptr<Connection>> pool_;
};

/// Makes the tokenizer "simpleim" known to a connection. Throws StoreError.
void register_search_tokenizer(Connection& db);

}  // namespace simpleim::store::sqlite
