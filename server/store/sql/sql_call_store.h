#pragma once

#include "store/call_store.h"
#include "store/sql/database.h"

namespace simpleim::store::sql {

class SqlCallStore final : public CallStore {
 public:
  explicit SqlCallStore(Database& db) : db_(db) {}

  std::optional<Call> call(const std::string& id) override;
  bool is_in_call(UserId user) override;
  std::vector<Call> due(std::int64_t now_ms, std::size_t limit) override;
  std::vector<Call> ringing_for(UserId callee) override;
  void create(const Call& call) override;
  bool answer(const Call& call) override;
  void set_due(const std::string& id, std::int64_t due_ms) override;
  bool remove(const std::string& id) override;

 private:
  Database& db_;
};

}  // namespace simpleim::store::sql
