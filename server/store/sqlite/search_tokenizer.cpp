#include "store/sqlite/search_tokenizer.h"

#include "base/search_text.h"

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

/// Planes for private use, which are no words in a text. Two characters are below the shortest prefix.
constexpr std::uint32_t kSenderPlane = 0xf0000;
constexpr std::uint32_t kTypePlane = 0x100000;
constexpr int kSenderMark = 8;
constexpr int kTypeMark = 4;
constexpr int kMarks = kSenderMark + kTypeMark;

void append_utf8(std::string& out, std::uint32_t c) {
  out += static_cast<char>(0xf0 | (c >> 18));
  out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
  out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
  out += static_cast<char>(0x80 | (c & 0x3f));
}

using Take = int(void*, int, const char*, int, int, int);

int tokenize(Fts5Tokenizer*, void* context, int flags, const char* text, int size, Take* take) {
  const auto take_all = [&](int begin, int bytes) {
    return take(context, 0, text + begin, bytes, begin, begin + bytes);
  };
  // A query is made of tokens already.
  if ((flags & FTS5_TOKENIZE_QUERY) != 0 || size < kMarks) return take_all(0, size);
  const int end = size - kMarks;
  int result = take_all(end, kSenderMark);
  if (result == SQLITE_OK) result = take_all(end + kSenderMark, kTypeMark);
  base::for_each_search_token({text, static_cast<std::size_t>(end)},
                              [&](std::string_view token, std::size_t from, std::size_t to) {
                                if (result == SQLITE_OK)
                                  result = take(context, 0, token.data(), static_cast<int>(token.size()),
                                                static_cast<int>(from), static_cast<int>(to));
                              });
  return result;
}

}  // namespace

std::string sender_mark(UserId from) {
  const auto mixed = from.value * 0x9e3779b97f4a7c15ULL;
  std::string mark;
  append_utf8(mark, kSenderPlane + static_cast<std::uint32_t>((mixed >> 48) & 0x7fff));
  append_utf8(mark, kSenderPlane + static_cast<std::uint32_t>((mixed >> 32) & 0x7fff));
  return mark;
}

std::string type_mark(int type) {
  std::string mark;
  append_utf8(mark, kTypePlane + static_cast<std::uint32_t>(type));
  return mark;
}

std::string with_marks(std::string_view text, UserId from, int type) {
  return std::string(text) + sender_mark(from) + type_mark(type);
}

void register_search_tokenizer(Connection& db) {
  auto* api = fts5_of(db.handle());
  fts5_tokenizer tokenizer{create, destroy, tokenize};
  if (api == nullptr || api->xCreateTokenizer(api, "simpleim", nullptr, &tokenizer, nullptr) != SQLITE_OK)
    throw StoreError(ErrorCode::kInternal, "this SQLite has no FTS5; search needs it");
}

}  // namespace simpleim::store::sqlite
