#pragma once

#include <mysql.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/mysql/options.h"
#include "store/sql/row_key.h"

namespace simpleim::store::mysql {

using sql::Query;

/// The server refused a statement, or cannot be reached (is_lost: what became of the statement is unknown).
class MysqlError : public StoreError {
 public:
  MysqlError(unsigned code, const std::string& what);
  unsigned number() const { return number_; }
  bool is_lost() const;

 private:
  unsigned number_;
};

/// What is told of a host where nothing can be stored.
std::string read_only_problem(const std::string& host);

class Connection;

struct FreeResult {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

/// A statement as text with its values filled in.
class MysqlStatement final : public sql::Statement {
 public:
  explicit MysqlStatement(Connection& owner) : owner_(owner) {}

  void open(const std::vector<std::string>& pieces);
  void open(std::string text);
  void open(MYSQL_RES* result);
  void bind(std::int64_t value) override;
  void bind_text(std::string_view text) override;
  void bind_blob(std::string_view bytes) override;
  bool step() override;
  void run() override;
  void again() override;
  std::int64_t integer() override;
  std::string_view bytes() override;
  void release() override;

 private:
  /// The text up to the next value.
  void next_piece();

  Connection& owner_;
  const std::vector<std::string>* pieces_ = nullptr;
  std::size_t next_ = 0;
  std::string text_;
  bool started_ = false;
  std::unique_ptr<MYSQL_RES, FreeResult> result_;
  MYSQL_ROW row_ = nullptr;
  unsigned long* lengths_ = nullptr;
  unsigned column_ = 0;
};

/// One connection. What run() is given waits until something is read or sent: then all of it goes in one packet, so a
/// batch of a hundred statements costs a few round trips. One thread at a time. Nothing waits longer than
/// options.deadline_ms. Throws MysqlError; after one that is_lost() it is of no more use. One to read with that has
/// died unused connects anew by itself.
class Connection final : public sql::Connection {
 public:
  enum class Use { kRead, kWrite };
  /// To options.hosts[host]; throws also when that is read-only.
  Connection(const MysqlOptions& options, std::size_t host, Use use);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Query query(const char* sql) override;
  /// Of a text with its values in it.
  Query text_query(std::string sql);
  /// Asks this behind the next question, in the same packet; text_query() of the same text has the rows at once.
  void prefetch(std::string sql) { prefetch_ = std::move(sql); }
  std::int64_t changes() override;

  /// Adds a whole statement to what waits.
  void defer(std::string_view sql);
  /// Adds a row, "(…)", to the statement that waits last if that begins with `insert` ("INSERT … VALUES "), else a new
  /// one; `end` goes behind the last row.
  void defer_row(const char* insert, std::string_view row, const char* end = "");
  /// Sends what waits. Errors of any of it come here.
  void flush();
  /// Forgets what waits.
  void discard();
  /// How much waits; truncate() forgets what was added since.
  std::size_t deferred() const { return pending_.size(); }
  void truncate(std::size_t size);
  /// So far: packets that went to the server, and statements (or rows) given to defer().
  std::uint64_t flushes() const { return flushes_; }
  std::uint64_t deferrals() const { return deferrals_; }
  bool is_lost() const { return is_lost_; }
  std::size_t host() const { return host_; }
  /// False when the server has gone meanwhile.
  bool is_alive() { return mysql_ping(mysql_) == 0; }

  void append_text(std::string& out, std::string_view text) const;
  static void append_blob(std::string& out, std::string_view bytes);

 private:
  friend class MysqlStatement;
  MYSQL_RES* read(std::string_view sql);
  void send(std::string_view sql);
  MYSQL_RES* take_results(bool asks_more);
  [[noreturn]] void fail(const char* what);
  void close_row();
  void open();
  MysqlStatement& take_statement();
  void execute_session_settings();
  void refuse_replica();
  /// Sends the text and takes its results.
  MYSQL_RES* exchange(std::string_view sql);

  const MysqlOptions& options_;
  const std::size_t host_;
  const Use use_;
  MYSQL* mysql_ = nullptr;
  bool is_lost_ = false;
  std::string pending_;
  /// To be asked behind the next question, or asked when there is a result.
  std::string prefetch_;
  std::unique_ptr<MYSQL_RES, FreeResult> prefetched_;
  const char* open_insert_ = nullptr;
  const char* open_end_ = "";
  std::int64_t changes_ = 0;
  std::uint64_t flushes_ = 0;
  std::uint64_t deferrals_ = 0;
  /// Statements split at their values, by the address of their literal.
  std::unordered_map<const char*, std::vector<std::string>> pieces_;
  std::vector<std::unique_ptr<MysqlStatement>> free_;
};

}  // namespace simpleim::store::mysql
