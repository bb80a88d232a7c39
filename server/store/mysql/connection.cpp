#include "store/mysql/connection.h"

#include <errmsg.h>
#include <mysqld_error.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace simpleim::store::mysql {
namespace {

/// Beyond this what waits is sent; the server takes at least 16 MiB in one packet (MariaDB) or 64 MiB (MySQL).
constexpr std::size_t kMaxPending = 4 << 20;
constexpr auto kAtOnce = std::chrono::milliseconds(200);

bool is_lost_code(unsigned code) {
  switch (code) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_UNKNOWN_HOST:
    case CR_COMMANDS_OUT_OF_SYNC:
    case ER_SERVER_SHUTDOWN:
    case ER_CON_COUNT_ERROR:
    case ER_NORMAL_SHUTDOWN:
    case ER_OPTION_PREVENTS_STATEMENT:  // read-only: no longer the primary
      return true;
    default:
      return false;
  }
}

/// Somebody else was in the way; the same again may succeed.
bool is_conflict_code(unsigned code) {
  switch (code) {
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_DUP_ENTRY:
    case ER_STATEMENT_TIMEOUT:
    case ER_QUERY_INTERRUPTED:
      return true;
    default:
      return false;
  }
}

ErrorCode code_of(unsigned code) {
  if (is_lost_code(code) || is_conflict_code(code)) return ErrorCode::kUnavailable;
  switch (code) {
    case ER_DISK_FULL:
    case ER_RECORD_FILE_FULL:
      return ErrorCode::kStorageFull;
    case ER_ACCESS_DENIED_ERROR:
    case ER_BAD_DB_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

void replace_prefix(std::string& sql, std::string_view prefix, std::string_view by) {
  if (sql.starts_with(prefix)) sql.replace(0, prefix.size(), by);
}

/// Split at the values; no statement of ours has a question mark in a text.
std::vector<std::string> split(std::string sql) {
  replace_prefix(sql, "INSERT OR IGNORE", "INSERT IGNORE");
  replace_prefix(sql, "INSERT OR REPLACE", "REPLACE");
  std::vector<std::string> pieces;
  std::size_t from = 0;
  for (std::size_t at; (at = sql.find('?', from)) != std::string::npos; from = at + 1)
    pieces.push_back(sql.substr(from, at - from));
  pieces.push_back(sql.substr(from));
  return pieces;
}

}  // namespace

MysqlError::MysqlError(unsigned code, const std::string& what)
    : StoreError(code_of(code), what, is_conflict_code(code)), number_(code) {}

bool MysqlError::is_lost() const { return is_lost_code(number_); }

void MysqlStatement::open(const std::vector<std::string>& pieces) {
  pieces_ = &pieces;
  again();
}

void MysqlStatement::open(std::string text) {
  text_ = std::move(text);
  started_ = false;
}

void MysqlStatement::open(MYSQL_RES* result) {
  result_.reset(result);
  started_ = true;
}

void MysqlStatement::again() {
  text_ = pieces_->front();
  next_ = 1;
  started_ = false;
  result_.reset();
}

void MysqlStatement::next_piece() { text_ += (*pieces_)[next_++]; }

void MysqlStatement::bind(std::int64_t value) {
  text_ += std::to_string(value);
  next_piece();
}

void MysqlStatement::bind_text(std::string_view text) {
  owner_.append_text(text_, text);
  next_piece();
}

void MysqlStatement::bind_blob(std::string_view bytes) {
  Connection::append_blob(text_, bytes);
  next_piece();
}

bool MysqlStatement::step() {
  if (!started_) result_.reset(owner_.read(text_));
  started_ = true;
  column_ = 0;
  if (!result_) return false;
  row_ = mysql_fetch_row(result_.get());
  if (row_ == nullptr) return false;
  lengths_ = mysql_fetch_lengths(result_.get());
  return true;
}

void MysqlStatement::run() { owner_.defer(text_); }

std::string_view MysqlStatement::bytes() {
  const auto column = column_++;
  return row_[column] == nullptr ? std::string_view() : std::string_view(row_[column], lengths_[column]);
}

std::int64_t MysqlStatement::integer() {
  const auto text = bytes();
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void MysqlStatement::release() {
  result_.reset();
  owner_.free_.emplace_back(this);
}

Connection::Connection(const MysqlOptions& options, std::size_t host, Use use)
    : options_(options), host_(host), use_(use) {
  open();
}

void Connection::open() {
  mysql_ = mysql_init(nullptr);
  const auto seconds = static_cast<unsigned>(std::max<std::int64_t>(1, (options_.deadline_ms + 999) / 1000));
  for (const auto option : {MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT})
    mysql_options(mysql_, option, &seconds);
  mysql_options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // The driver would take "localhost" for a socket in the file system.
  const int tcp = MYSQL_PROTOCOL_TCP;
  mysql_options(mysql_, MYSQL_OPT_PROTOCOL, &tcp);
  if (!options_.ca_file.empty()) {
    const my_bool yes = 1;
    mysql_options(mysql_, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    mysql_options(mysql_, MYSQL_OPT_SSL_CA, options_.ca_file.c_str());
  }
  const auto& address = options_.hosts[host_];
  try {
    if (mysql_real_connect(mysql_, address.host.c_str(), options_.user.c_str(), options_.password.c_str(),
                           options_.database.c_str(), static_cast<unsigned>(address.port), nullptr,
                           CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS) == nullptr)
      fail(("connecting to " + address.text()).c_str());
    execute_session_settings();
    refuse_replica();
  } catch (...) {
    mysql_close(mysql_);
    mysql_ = nullptr;
    throw;
  }
  is_lost_ = false;
}

/// A statement gives up before the driver does, so that the connection survives it; a transaction whose node hangs does
/// not keep its locks. The last two are MariaDB's; MySQL has no like of them and says so.
void Connection::execute_session_settings() {
  send(
      "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout=1; "
      "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  const auto limit = std::to_string(static_cast<double>(options_.deadline_ms) * 0.9 / 1000);
  try {
    send("SET SESSION max_statement_time=" + limit + ", idle_transaction_timeout=2");
  } catch (const MysqlError& e) {
    if (e.is_lost()) throw;
  }
}

std::string read_only_problem(const std::string& host) {
  return "MySQL " + host + " is read-only: a replica, or no longer the primary";
}

/// What a replica tells may be old, and nothing can be stored there.
void Connection::refuse_replica() {
  const std::unique_ptr<MYSQL_RES, FreeResult> result(exchange("SELECT @@global.read_only"));
  const auto row = mysql_fetch_row(result.get());
  if (row != nullptr && row[0] != nullptr && row[0][0] == '0') return;
  throw MysqlError(ER_OPTION_PREVENTS_STATEMENT, read_only_problem(options_.hosts[host_].text()));
}

Connection::~Connection() { mysql_close(mysql_); }

MysqlStatement& Connection::take_statement() {
  if (free_.empty()) return *new MysqlStatement(*this);  // comes back by release()
  auto* statement = free_.back().release();
  free_.pop_back();
  return *statement;
}

Query Connection::query(const char* sql) {
  auto& pieces = pieces_[sql];
  if (pieces.empty()) pieces = split(sql);
  auto& statement = take_statement();
  statement.open(pieces);
  return Query(statement);
}

Query Connection::text_query(std::string sql) {
  auto& statement = take_statement();
  if (!prefetched_ || sql != prefetch_) {
    statement.open(std::move(sql));
  } else {
    statement.open(prefetched_.release());
    prefetch_.clear();
  }
  return Query(statement);
}

void Connection::close_row() {
  if (open_insert_ != nullptr) pending_ += open_end_;
  open_insert_ = nullptr;
}

void Connection::defer(std::string_view sql) {
  ++deferrals_;
  close_row();
  if (pending_.size() + sql.size() > kMaxPending) flush();
  if (!pending_.empty()) pending_ += ';';
  pending_ += sql;
}

void Connection::defer_row(const char* insert, std::string_view row, const char* end) {
  if (open_insert_ == insert && pending_.size() + row.size() <= kMaxPending) {
    pending_ += ',';
    pending_ += row;
    return;
  }
  defer(insert);
  pending_ += row;
  open_insert_ = insert;
  open_end_ = end;
}

void Connection::truncate(std::size_t size) {
  pending_.resize(size);
  open_insert_ = nullptr;
}

void Connection::discard() {
  truncate(0);
  prefetch_.clear();
  prefetched_.reset();
}

void Connection::flush() {
  close_row();
  if (pending_.empty()) return;
  const auto sql = std::move(pending_);
  pending_.clear();
  send(sql);
}

std::int64_t Connection::changes() {
  flush();
  return changes_;
}

MYSQL_RES* Connection::read(std::string_view sql) {
  close_row();
  if (!pending_.empty()) {
    pending_ += ';';
    pending_ += sql;
    const auto all = std::move(pending_);
    pending_.clear();
    return exchange(all);
  }
  const auto started = std::chrono::steady_clock::now();
  try {
    return exchange(sql);
  } catch (const MysqlError& e) {
    // One that died while nobody used it says so at once; one that does not answer has taken its time.
    if (use_ != Use::kRead || !e.is_lost() || std::chrono::steady_clock::now() - started > kAtOnce) throw;
  }
  mysql_close(std::exchange(mysql_, nullptr));
  open();
  return exchange(sql);
}

MYSQL_RES* Connection::exchange(std::string_view sql) {
  ++flushes_;
  const bool asks_more = !prefetch_.empty() && !prefetched_;
  const auto both = asks_more ? std::string(sql) + ';' + prefetch_ : std::string();
  if (asks_more) sql = both;
  if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0) fail("a query");
  return take_results(asks_more);
}

void Connection::send(std::string_view sql) { mysql_free_result(exchange(sql)); }

/// That of the last statement, or of the one before it when the last was prefetched; null when it has no rows.
MYSQL_RES* Connection::take_results(bool asks_more) {
  std::unique_ptr<MYSQL_RES, FreeResult> before;
  for (;;) {
    std::unique_ptr<MYSQL_RES, FreeResult> result(mysql_store_result(mysql_));
    if (!result && mysql_errno(mysql_) != 0) fail("a result");
    if (!result) changes_ = static_cast<std::int64_t>(mysql_affected_rows(mysql_));
    const int more = mysql_next_result(mysql_);
    if (more > 0) fail("a statement");
    if (more == 0) {
      before = std::move(result);
      continue;
    }
    if (!asks_more) return result.release();
    prefetched_ = std::move(result);
    return before.release();
  }
}

void Connection::fail(const char* what) {
  const MysqlError error(mysql_errno(mysql_), std::string("MySQL, ") + what + ": " + mysql_error(mysql_));
  is_lost_ = is_lost_ || error.is_lost();
  throw error;
}

void Connection::append_text(std::string& out, std::string_view text) const {
  const auto at = out.size();
  out.resize(at + 2 * text.size() + 3);
  out[at] = '\'';
  const auto size = mysql_real_escape_string(mysql_, out.data() + at + 1, text.data() == nullptr ? "" : text.data(),
                                             static_cast<unsigned long>(text.size()));
  out.resize(at + 1 + size);
  out += '\'';
}

void Connection::append_blob(std::string& out, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "x'";
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  out += '\'';
}

}  // namespace simpleim::store::mysql
