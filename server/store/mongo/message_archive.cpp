#include "store/mongo/message_archive.h"

#include <mongoc/mongoc.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/log.h"
#include "store/store.h"

// bson_t asks for an alignment that pointers to it, as template arguments, do not carry along; nothing here allocates
// one.
#pragma GCC diagnostic ignored "-Wignored-attributes"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Walign-mismatch"
#endif

namespace simpleim::store::mongo {
namespace {

constexpr const char* kCollection = "messages";
constexpr std::int64_t kFirstPauseMs = 100;
constexpr std::int64_t kLongestPauseMs = 2000;
constexpr int kDuplicateKey = 11000;

struct FreeBson {
  void operator()(bson_t* bson) const { bson_destroy(bson); }
};
using Bson = std::unique_ptr<bson_t, FreeBson>;

template <class... Parts>
Bson make(Parts... parts) {
  return Bson(BCON_NEW(parts..., nullptr));
}

/// The numbers of the types for which `holds` is true, as an array.
template <class Predicate>
Bson types(Predicate holds) {
  auto list = Bson(bson_new());
  int at = 0;
  protocol::for_each_type(holds, [&](protocol::FrameType type) {
    const auto key = std::to_string(at++);
    bson_append_int32(list.get(), key.c_str(), -1, static_cast<std::int32_t>(type));
  });
  return list;
}

struct FreeReply {
  bson_t* reply;
  ~FreeReply() { bson_destroy(reply); }
};

/// The driver starts itself before main, with counters in a shared memory segment per process: a kill leaves it behind,
/// and where /dev/shm cannot be written it warns on stderr of every command. Linked statically it starts after this.
[[gnu::constructor(101)]] void do_without_shared_memory() { ::setenv("MONGOC_DISABLE_SHM", "1", 0); }

/// Once a process. What goes wrong comes back as errors, which are logged where they are met.
bool start_driver() {
  mongoc_init();
  mongoc_log_set_handler(
      [](mongoc_log_level_t level, const char* domain, const char* text, void*) {
        if (level <= MONGOC_LOG_LEVEL_CRITICAL) base::log::error("MongoDB driver", {{"part", domain}, {"what", text}});
      },
      nullptr);
  return true;
}

StoreError failure(const char* what, const bson_error_t& error) {
  const bool full = error.code == 14031;  // OutOfDiskSpace
  return StoreError(full ? ErrorCode::kStorageFull : ErrorCode::kUnavailable,
                    std::string("MongoDB, ") + what + ": " + error.message);
}

Bson document(const MessageArchive::Entry& entry) {
  const auto& m = entry.message;
  const auto id = std::string(m.id.view());
  auto doc = Bson(bson_new());
  bson_append_utf8(doc.get(), "_id", -1, id.data(), static_cast<int>(id.size()));
  bson_append_int64(doc.get(), "conversation_id", -1, entry.conversation_key);
  bson_append_int64(doc.get(), "seq", -1, m.seq);
  bson_append_int64(doc.get(), "from", -1, static_cast<std::int64_t>(m.from.value));
  bson_append_int32(doc.get(), "type", -1, static_cast<std::int32_t>(m.type));
  bson_append_int64(doc.get(), "timestamp", -1, m.timestamp);
  bson_append_utf8(doc.get(), "content", -1, m.content.data(), static_cast<int>(m.content.size()));
  return doc;
}

std::int64_t integer(const bson_t* doc, const char* name) {
  bson_iter_t at;
  return bson_iter_init_find(&at, doc, name) ? bson_iter_as_int64(&at) : 0;
}

std::string_view text(const bson_t* doc, const char* name) {
  bson_iter_t at;
  if (!bson_iter_init_find(&at, doc, name) || !BSON_ITER_HOLDS_UTF8(&at)) return {};
  std::uint32_t size = 0;
  const char* bytes = bson_iter_utf8(&at, &size);
  return {bytes, size};
}

MessageArchive::Entry entry_of(const bson_t* doc) {
  MessageArchive::Entry entry;
  entry.conversation_key = integer(doc, "conversation_id");
  auto& m = entry.message;
  m.id = MessageId::parse(text(doc, "_id")).value_or(MessageId());
  m.seq = integer(doc, "seq");
  m.from = UserId{static_cast<std::uint64_t>(integer(doc, "from"))};
  m.type = static_cast<protocol::FrameType>(integer(doc, "type"));
  m.timestamp = integer(doc, "timestamp");
  m.content = text(doc, "content");
  m.amendment.edited_at = integer(doc, "edited_at");
  m.amendment.recalled_at = integer(doc, "recalled_at");
  m.amendment.recalled_by = UserId{static_cast<std::uint64_t>(integer(doc, "recalled_by"))};
  m.amendment.version = integer(doc, "version");
  return entry;
}

Bson ids_filter(const std::vector<MessageId>& ids) {
  bson_t list;
  bson_init(&list);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto key = std::to_string(i);
    const auto id = ids[i].view();
    bson_append_utf8(&list, key.c_str(), -1, id.data(), static_cast<int>(id.size()));
  }
  auto filter = make("_id", "{", "$in", BCON_ARRAY(&list), "}");
  bson_destroy(&list);
  return filter;
}

Bson range_filter(std::int64_t key, std::int64_t first, std::int64_t last) {
  return make("conversation_id", BCON_INT64(key), "seq", "{", "$gte", BCON_INT64(first), "$lte", BCON_INT64(last), "}");
}

/// Positions in the insert whose key was taken. Nothing when something else went wrong.
std::optional<std::vector<std::size_t>> duplicates(const bson_t* reply) {
  std::vector<std::size_t> found;
  bson_iter_t at;
  bson_iter_t errors;
  if (!bson_iter_init_find(&at, reply, "writeErrors") || !bson_iter_recurse(&at, &errors)) return std::nullopt;
  while (bson_iter_next(&errors)) {
    bson_iter_t field;
    std::int64_t index = -1;
    std::int64_t code = 0;
    if (!bson_iter_recurse(&errors, &field)) return std::nullopt;
    while (bson_iter_next(&field)) {
      if (std::string_view(bson_iter_key(&field)) == "index") index = bson_iter_as_int64(&field);
      if (std::string_view(bson_iter_key(&field)) == "code") code = bson_iter_as_int64(&field);
    }
    if (index < 0 || code != kDuplicateKey) return std::nullopt;
    found.push_back(static_cast<std::size_t>(index));
  }
  if (found.empty() || bson_has_field(reply, "writeConcernErrors.0")) return std::nullopt;
  return found;
}

}  // namespace

void MongoMessageArchive::FreePool::operator()(mongoc_client_pool_t* pool) const { mongoc_client_pool_destroy(pool); }

MongoMessageArchive::MongoMessageArchive(MongoOptions options, const base::Clock& clock)
    : options_(std::move(options)), breaker_(clock, kFirstPauseMs, kLongestPauseMs, options_.metrics) {
  static const bool ready = start_driver();
  (void)ready;
  bson_error_t error;
  const std::unique_ptr<mongoc_uri_t, decltype(&mongoc_uri_destroy)> uri(
      mongoc_uri_new_with_error(options_.uri.c_str(), &error), &mongoc_uri_destroy);
  if (!uri) throw StoreError(ErrorCode::kInternal, std::string("store.mongo: ") + error.message);
  const auto deadline = static_cast<std::int32_t>(options_.deadline_ms);
  for (const auto* name :
       {MONGOC_URI_SERVERSELECTIONTIMEOUTMS, MONGOC_URI_CONNECTTIMEOUTMS, MONGOC_URI_SOCKETTIMEOUTMS})
    mongoc_uri_set_option_as_int32(uri.get(), name, deadline);
  // An insert whose answer is lost is found out about by its ids, not by the driver's second try.
  mongoc_uri_set_option_as_bool(uri.get(), MONGOC_URI_RETRYWRITES, false);
  mongoc_uri_set_appname(uri.get(), "simpleim");
  pool_.reset(mongoc_client_pool_new(uri.get()));
  mongoc_client_pool_set_error_api(pool_.get(), MONGOC_ERROR_API_VERSION_2);
  make_indexes();
}

void MongoMessageArchive::with_collection(const std::function<void(mongoc_collection_t*)>& use) {
  if (!breaker_.allow())
    throw StoreError(ErrorCode::kUnavailable, "MongoDB has just failed; it will be tried again in a moment");
  auto* client = mongoc_client_pool_pop(pool_.get());
  auto* collection = mongoc_client_get_collection(client, options_.database.c_str(), kCollection);
  auto* concern = mongoc_write_concern_new();
  mongoc_write_concern_set_wmajority(concern, static_cast<std::int32_t>(options_.deadline_ms));
  mongoc_write_concern_set_journal(concern, true);
  mongoc_collection_set_write_concern(collection, concern);
  mongoc_write_concern_destroy(concern);
  const auto finish = [&] {
    mongoc_collection_destroy(collection);
    mongoc_client_pool_push(pool_.get(), client);
  };
  try {
    use(collection);
  } catch (...) {
    finish();
    breaker_.failed();
    throw;
  }
  finish();
  breaker_.succeeded();
}

void MongoMessageArchive::make_indexes() {
  with_collection([&](mongoc_collection_t* collection) {
    const auto command = make("createIndexes", BCON_UTF8(kCollection), "indexes", "[",                       //
                              "{", "key", "{", "conversation_id", BCON_INT32(1), "seq", BCON_INT32(1), "}",  //
                              "name", BCON_UTF8("conversation_seq"), "unique", BCON_BOOL(true), "}",         //
                              "{", "key", "{", "from", BCON_INT32(1), "}", "name", BCON_UTF8("from"), "}", "]");
    bson_error_t error;
    if (!mongoc_collection_write_command_with_opts(collection, command.get(), nullptr, nullptr, &error))
      throw failure("making the indexes", error);
  });
}

std::vector<MessageArchive::Entry> MongoMessageArchive::insert(const std::vector<Entry>& entries) {
  std::vector<Entry> refused;
  if (entries.empty()) return refused;
  std::vector<Bson> documents;
  std::vector<const bson_t*> pointers;
  for (const auto& entry : entries) pointers.push_back(documents.emplace_back(document(entry)).get());
  with_collection([&](mongoc_collection_t* collection) {
    const auto unordered = make("ordered", BCON_BOOL(false));
    bson_t reply;
    bson_error_t error;
    const bool done =
        mongoc_collection_insert_many(collection, pointers.data(), pointers.size(), unordered.get(), &reply, &error);
    const FreeReply free{&reply};
    if (done) return;
    const auto taken = duplicates(&reply);
    if (!taken) throw failure("inserting", error);
    for (const auto index : *taken) refused.push_back(entries.at(index));
  });
  return refused;
}

std::vector<MessageArchive::Entry> MongoMessageArchive::query(const bson_t* filter, const bson_t* options) {
  std::vector<Entry> found;
  with_collection([&](mongoc_collection_t* collection) {
    found.clear();
    auto* cursor = mongoc_collection_find_with_opts(collection, filter, options, nullptr);
    const bson_t* doc = nullptr;
    while (mongoc_cursor_next(cursor, &doc)) found.push_back(entry_of(doc));
    bson_error_t error;
    const bool failed = mongoc_cursor_error(cursor, &error);
    mongoc_cursor_destroy(cursor);
    if (failed) throw failure("reading", error);
  });
  return found;
}

std::vector<MessageArchive::Entry> MongoMessageArchive::find(const std::vector<MessageId>& ids) {
  if (ids.empty()) return {};
  return query(ids_filter(ids).get(), nullptr);
}

std::optional<MessageArchive::Entry> MongoMessageArchive::at(std::int64_t conversation_key, std::int64_t seq) {
  auto found = query(make("conversation_id", BCON_INT64(conversation_key), "seq", BCON_INT64(seq)).get(), nullptr);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Message> MongoMessageArchive::between(std::int64_t conversation_key, std::int64_t first, std::int64_t last,
                                                  std::size_t limit, bool newest) {
  std::vector<Message> messages;
  if (limit == 0 || first > last) return messages;
  const auto options =
      make("sort", "{", "seq", BCON_INT32(newest ? -1 : 1), "}", "limit", BCON_INT64(static_cast<std::int64_t>(limit)));
  for (auto& entry : query(range_filter(conversation_key, first, last).get(), options.get()))
    messages.push_back(std::move(entry.message));
  if (newest) std::reverse(messages.begin(), messages.end());
  return messages;
}

std::optional<Message> MongoMessageArchive::last_shown(std::int64_t conversation_key, std::int64_t last) {
  const auto filter = make("conversation_id", BCON_INT64(conversation_key), "seq", "{", "$lte", BCON_INT64(last), "}",
                           "type", "{", "$in", BCON_ARRAY(types(protocol::is_shown).get()), "}");
  const auto options = make("sort", "{", "seq", BCON_INT32(-1), "}", "limit", BCON_INT64(1));
  auto found = query(filter.get(), options.get());
  if (found.empty()) return std::nullopt;
  return std::move(found.front().message);
}

std::int64_t MongoMessageArchive::count_unread(std::int64_t conversation_key, UserId reader, std::int64_t first,
                                               std::int64_t last) {
  if (first > last) return 0;
  const auto filter =
      make("conversation_id", BCON_INT64(conversation_key), "seq", "{", "$gte", BCON_INT64(first), "$lte",
           BCON_INT64(last), "}", "from", "{", "$ne", BCON_INT64(static_cast<std::int64_t>(reader.value)), "}", "type",
           "{", "$in", BCON_ARRAY(types(protocol::is_counted).get()), "}", "recalled_at", "{", "$in", "[", BCON_NULL,
           BCON_INT64(0), "]", "}");
  const auto bounded = make("limit", BCON_INT64(MessageStore::kMostUnread));
  std::int64_t count = 0;
  with_collection([&](mongoc_collection_t* collection) {
    bson_error_t error;
    count = mongoc_collection_count_documents(collection, filter.get(), bounded.get(), nullptr, nullptr, &error);
    if (count < 0) throw failure("counting", error);
  });
  return count;
}

void MongoMessageArchive::amend(std::int64_t conversation_key, const Message& m) {
  const auto where = make("conversation_id", BCON_INT64(conversation_key), "seq", BCON_INT64(m.seq));
  auto fields = Bson(bson_new());
  bson_append_utf8(fields.get(), "content", -1, m.content.data(), static_cast<int>(m.content.size()));
  const auto set = [&](const char* name, std::int64_t value) { bson_append_int64(fields.get(), name, -1, value); };
  set("edited_at", m.amendment.edited_at);
  set("recalled_at", m.amendment.recalled_at);
  set("recalled_by", static_cast<std::int64_t>(m.amendment.recalled_by.value));
  set("version", m.amendment.version);
  const auto update = make("$set", BCON_DOCUMENT(fields.get()));
  with_collection([&](mongoc_collection_t* collection) {
    bson_error_t error;
    if (!mongoc_collection_update_one(collection, where.get(), update.get(), nullptr, nullptr, &error))
      throw failure("amending", error);
  });
}

void MongoMessageArchive::remove(const std::vector<MessageId>& ids) {
  if (ids.empty()) return;
  const auto filter = ids_filter(ids);
  with_collection([&](mongoc_collection_t* collection) {
    bson_error_t error;
    if (!mongoc_collection_delete_many(collection, filter.get(), nullptr, nullptr, &error))
      throw failure("removing", error);
  });
}

std::string MongoMessageArchive::health() {
  try {
    (void)at(0, 0);
    return "";
  } catch (const StoreError& e) {
    return e.what();
  }
}

}  // namespace simpleim::store::mongo
