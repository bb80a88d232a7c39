#pragma once

#include <functional>
#include <memory>

#include "base/circuit_breaker.h"
#include "store/message_archive.h"
#include "store/mongo/options.h"

typedef struct _mongoc_client_pool_t mongoc_client_pool_t;
typedef struct _mongoc_collection_t mongoc_collection_t;
typedef struct _bson_t bson_t;

namespace simpleim::store::mongo {

/// Messages as documents `{_id: message_id, conversation_id, seq, from, type, timestamp, content, …}` of the collection
/// `messages`: `_id` and `(conversation_id, seq)` are unique, `from` has an index. Written with majority and journal.
class MongoMessageArchive final : public MessageArchive {
 public:
  /// Makes the indexes. Throws StoreError.
  MongoMessageArchive(MongoOptions options, const base::Clock& clock);

  std::vector<Entry> insert(const std::vector<Entry>& entries) override;
  std::vector<Entry> find(const std::vector<MessageId>& ids) override;
  std::optional<Entry> at(std::int64_t conversation_key, std::int64_t seq) override;
  std::vector<Message> between(std::int64_t conversation_key, std::int64_t first, std::int64_t last, std::size_t limit,
                               bool newest) override;
  std::optional<Message> last_shown(std::int64_t conversation_key, std::int64_t last) override;
  std::int64_t count_unread(std::int64_t conversation_key, UserId reader, std::int64_t first,
                            std::int64_t last) override;
  void amend(std::int64_t conversation_key, const Message& message) override;
  void remove(const std::vector<MessageId>& ids) override;
  std::string health() override;

 private:
  struct FreePool {
    void operator()(mongoc_client_pool_t* pool) const;
  };
  /// Runs `use` with the collection on a connection of the pool, unless the breaker is open.
  void with_collection(const std::function<void(mongoc_collection_t*)>& use);
  std::vector<Entry> query(const bson_t* filter, const bson_t* options);
  void make_indexes();

  const MongoOptions options_;
  base::CircuitBreaker breaker_;
  std::unique_ptr<mongoc_client_pool_t, FreePool> pool_;
};

}  // namespace simpleim::store::mongo
