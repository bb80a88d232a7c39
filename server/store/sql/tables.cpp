#include "store/sql/tables.h"

#include <array>
#include <mutex>
#include <set>
#include <sstream>
#include <string_view>

namespace simpleim::store::sql {
namespace {

/// Connections keep statements by the address of their text: each text once, for ever. There are a few dozen.
const char* keep(const std::string& sql) {
  static std::mutex mutex;
  static std::set<std::string> texts;
  const std::lock_guard lock(mutex);
  return texts.insert(sql).first->c_str();
}

std::vector<std::string> key_columns(const Table& table) {
  std::vector<std::string> names;
  std::istringstream columns(table.columns);
  for (std::string name; names.size() < table.keys && std::getline(columns, name, ',');) names.push_back(name);
  return names;
}

std::string order_by(const Table& table, const char* direction) {
  std::string sql;
  for (const auto& name : key_columns(table)) sql += (sql.empty() ? " ORDER BY " : ", ") + name + direction;
  return sql;
}

/// a > ? OR (a = ? AND (b > ? …)), with a lower bound in front that the index is searched by: neither database searches
/// an index by "(a, b) > (?, ?)".
std::string behind(const Table& table) {
  const auto names = key_columns(table);
  std::string sql = names.back() + " > ?";
  for (std::size_t i = names.size() - 1; i-- > 0;)
    sql = "(" + names[i] + " > ? OR (" + names[i] + " = ? AND " + sql + "))";
  return " WHERE " + names.front() + " >= ? AND " + sql;
}

void bind_value(Query& query, char kind, const std::string& value) {
  if (kind == 'i') query.bind(static_cast<std::int64_t>(std::stoll(value)));
  else if (kind == 'b') query.bind_blob(value);
  else query.bind(std::string_view(value));
}

const char* page_sql(const Table& table, const std::string& where) {
  return keep(std::string("SELECT ") + table.columns + " FROM " + table.name + where + order_by(table, "") + " LIMIT " +
              std::to_string(TableReader::kRows));
}

Row read(Query& query, const Table& table, std::size_t columns) {
  Row row;
  row.reserve(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    const char kind = table.kinds[i];
    row.push_back(kind == 'i' || kind == 'n' ? std::to_string(query.integer()) : query.text());
  }
  return row;
}

}  // namespace

std::span<const Table> tables() {
  static const auto all = copied_tables();
  return all;
}

const Table& message_table() {
  static const Table table{
      "message", "`key`,message_id,sender_id,type,timestamp,content,edited_at,recalled_at,recalled_by,version",
      "ibiiitnnnn", 1};
  return table;
}

TableReader::TableReader(Connection& db, const Table& table, Row after)
    : db_(db),
      table_(table),
      first_sql_(page_sql(table, "")),
      next_sql_(page_sql(table, behind(table))),
      after_(std::move(after)) {}

const std::vector<Row>& TableReader::next() {
  rows_.clear();
  auto query = db_.query(after_.empty() ? first_sql_ : next_sql_);
  if (!after_.empty()) bind_value(query, table_.kinds[0], after_[0]);
  for (std::size_t i = 0; i < after_.size(); ++i) {
    bind_value(query, table_.kinds[i], after_[i]);
    if (i + 1 < after_.size()) bind_value(query, table_.kinds[i], after_[i]);
  }
  const std::string_view kinds = table_.kinds;
  while (query.step()) rows_.push_back(read(query, table_, kinds.size()));
  if (!rows_.empty())
    after_.assign(rows_.back().begin(), rows_.back().begin() + static_cast<std::ptrdiff_t>(table_.keys));
  return rows_;
}

Row last_key(Connection& db, const Table& table) {
  std::string columns;
  for (const auto& name : key_columns(table)) columns += (columns.empty() ? "" : ",") + name;
  auto query = db.query(keep("SELECT " + columns + " FROM " + table.name + order_by(table, " DESC") + " LIMIT 1"));
  return query.step() ? read(query, table, table.keys) : Row();
}

std::int64_t count_rows(Connection& db, const Table& table) {
  auto query = db.query(keep(std::string("SELECT count(*) FROM ") + table.name));
  return query.step() ? query.integer() : 0;
}

}  // namespace simpleim::store::sql
