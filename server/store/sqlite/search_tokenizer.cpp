#include "base/search_text.h"
#include "store/sqlite/search_index.h"

namespace simpleim::store::sqlite {
namespace {

fts5_api* fts5_of(sqlite3* db) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
  }
  sqlite3_finalize(statement);
  return api;
}

int create(void*, const char**, int, Fts5Tokenizer** out) {
  static char stateless;
  *out = reinterpret_cast<Fts5Tokenizer*>(&stateless);
  return SQLITE_OK;
}

void destroy(Fts5Tokenizer*) {}

using Take = int(void*, int, const char*, int, int, int);

int tokenize(Fts5Tokenizer*, void* context, int flags, const char* text, int size, Take* take) {
  // A query is made of tokens already (FTS5_TOKENIZE_QUERY).
  if ((flags & FTS5_TOKENIZE_QUERY) != 0) return take(context, 0, text, size, 0, size);
  int result = SQLITE_OK;
  base::for_each_search_token({text, static_cast<std::size_t>(size)},
                              [&](std::string_view token, std::size_t begin, std::size_t end) {
                                if (result == SQLITE_OK)
                                  result = take(context, 0, token.data(), static_cast<int>(token.size()),
                                                static_cast<int>(begin), static_cast<int>(end));
                              });
  return result;
}

}  // namespace

void register_search_tokenizer(Connection& db) {
  auto* api = fts5_of(db.handle());
  fts5_tokenizer tokenizer{create, destroy, tokenize};
  if (api == nullptr || api->xCreateTokenizer(api, "simpleim", nullptr, &tokenizer, nullptr) != SQLITE_OK)
    throw StoreError(ErrorCode::kInternal, "this SQLite has no FTS5; search needs it");
}

}  // namespace simpleim::store::sqlite
