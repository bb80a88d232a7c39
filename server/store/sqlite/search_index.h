#pragma once

#include <mutex>

#include "store/search_index.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/unsynced_mark.h"

namespace simpleim::store::sqlite {

/// The embedded default: a file of its own, `<data_dir>/search.db`, with SQLite's FTS5 over our tokens. It can be
/// made again from the messages, so it is written without waiting for the disk.
class SqliteSearchIndex : public SearchIndex {
 public:
  /// Documents after which an era ends. A search reads no further than the eras that have enough hits, so a word that
  /// everybody uses costs as much as in an index of this size; a word that nobody uses, a look at each era.
  static constexpr std::int64_t kEraDocuments = 1 << 17;

  /// Opens or creates the file; one that is damaged, of another version, or was open when the computer stopped, is made
  /// anew. Throws StoreError.
  SqliteSearchIndex(const std::string& path, std::size_t readers, std::int64_t era_documents = kEraDocuments);
  ~SqliteSearchIndex() override;

  std::int64_t indexed_to(ConversationId conversation) override;
  void update(const std::vector<SearchUpdate>& updates) override;
  std::vector<SearchHit> find(const std::vector<SearchPlace>& places, const std::vector<base::SearchTerm>& terms,
                              const SearchFilter& filter, const std::optional<SearchHit>& after,
                              std::size_t limit) override;
  bool tidy() override;
  void clear() override;

 private:
  void open();
  /// The documents of one era, which are next to each other.
  struct Era {
    std::int64_t id = 0;
    std::int64_t documents = 0;
    std::int64_t oldest = 0;
    std::int64_t newest = 0;
  };
  /// The documents of one conversation in one era.
  struct Stretch {
    std::int64_t id = 0;
    std::int64_t era = 0;
    std::int64_t first_seq = 0;
    std::int64_t indexed_to = 0;
    std::int64_t newest = 0;
  };
  /// An update and the stretches it goes to; new documents to the last one.
  struct Work {
    const SearchUpdate* update;
    std::vector<Stretch> stretches;
  };
  /// The one that new documents go to.
  Era open_era();
  void save(const Era& era);
  std::vector<Stretch> stretches_of(ConversationId conversation);
  Work prepared(const SearchUpdate& update, const Era& era);
  void write(Work& work, Era& era);
  Stretch add_stretch(ConversationId conversation, const Era& era, const Stretch* before);
  /// What is in the index of the document; false when it is not.
  bool complete(std::int64_t key, SearchDocument& document);
  void remove(std::int64_t key);
  void put(std::int64_t key, const SearchDocument& document);
  std::unique_ptr<Connection> take_reader();
  void give_back(std::unique_ptr<Connection> reader);

  const std::string path_;
  const std::size_t readers_;
  const std::int64_t era_documents_;
  const UnsyncedMark unsynced_;
  std::unique_ptr<Connection> writer_;
  std::mutex pool_mutex_;
  std::vector<std::unique_ptr<Connection>> pool_;
};

}  // namespace simpleim::store::sqlite
