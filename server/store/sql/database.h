#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/store.h"

/// What the databases have in common, so that the stores beside messages are written once (docs/decisions/0015).
///
/// Their SQL is what SQLite and MySQL both understand, with three rules:
/// - `INSERT OR IGNORE` and `INSERT OR REPLACE` are SQLite's; MySQL's connection writes its own words for them;
/// - a column named `key` stands behind its table's name (a reserved word in MySQL);
/// - what order rows come in is always said.
namespace simpleim::store::sql {

/// One run of a statement. Belongs to its connection.
class Statement {
 public:
  virtual ~Statement() = default;
  virtual void bind(std::int64_t value) = 0;
  virtual void bind_text(std::string_view text) = 0;
  virtual void bind_blob(std::string_view bytes) = 0;
  virtual bool step() = 0;
  virtual void run() = 0;
  virtual void again() = 0;
  virtual std::int64_t integer() = 0;
  virtual std::string_view bytes() = 0;
  /// The run is over; the connection may use it anew.
  virtual void release() = 0;
};

/// A statement in use: binds in order, steps, reads columns in order, and goes back to its connection clean when it
/// goes out of scope. Texts are not copied by bind: they live until the statement is done.
class Query {
 public:
  explicit Query(Statement& statement) : statement_(statement) {}
  ~Query() { statement_.release(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::int64_t value) { return statement_.bind(value), *this; }
  Query& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
  Query& bind(std::string_view text) { return statement_.bind_text(text), *this; }
  Query& bind_blob(std::string_view bytes) { return statement_.bind_blob(bytes), *this; }

  /// True while there is a row. Throws StoreError.
  bool step() { return statement_.step(); }
  /// For statements without rows; done at the latest when something of its connection is read or its batch committed.
  void run() { statement_.run(); }
  /// Takes new values for another run.
  Query& again() { return statement_.again(), *this; }

  std::int64_t integer() { return statement_.integer(); }
  std::uint64_t id() { return static_cast<std::uint64_t>(integer()); }
  bool flag() { return integer() != 0; }
  std::string text() { return std::string(bytes()); }
  /// Valid until the next step.
  std::string_view bytes() { return statement_.bytes(); }

 private:
  Statement& statement_;
};

/// One thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;
  /// `sql` is a literal: statements are kept by its address.
  virtual Query query(const char* sql) = 0;
  /// Rows that the last statement changed.
  virtual std::int64_t changes() = 0;
};

class Database {
 public:
  virtual ~Database() = default;

  /// A connection to read from, for as long as it lives.
  class Lease {
   public:
    Lease(Database& owner, std::unique_ptr<Connection> pooled, Connection& used)
        : owner_(&owner), pooled_(std::move(pooled)), used_(&used) {}
    Lease(Lease&& other) = default;
    ~Lease() {
      if (pooled_) owner_->give_back(std::move(pooled_));
    }
    Connection* operator->() { return used_; }
    Connection& operator*() { return *used_; }

   private:
    Database* owner_;
    std::unique_ptr<Connection> pooled_;
    Connection* used_;
  };

  /// Inside a batch, on its thread, the connection that writes (a batch sees its own writes); otherwise one of a pool,
  /// waiting for a free one.
  virtual Lease read() = 0;
  /// The connection that writes; only inside a batch.
  virtual Connection& write() = 0;

 private:
  virtual void give_back(std::unique_ptr<Connection> connection) = 0;
};

}  // namespace simpleim::store::sql
