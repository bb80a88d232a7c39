#pragma once

#include <gtest/gtest.h>

#include "contract/backends.h"
#include "support.h"

namespace simpleim::test {

/// A store of the backend under test, and shorthands that wrap a batch around what they do.
class StoreContract : public testing::TestWithParam<StoreBackend> {
 protected:
  void SetUp() override {
    place_ = GetParam().make();
    store_ = place_->open();
  }
  void reopen() {
    store_.reset();
    store_ = place_->open();
  }
  void batch(const std::function<void()>& work) {
    store_->begin();
    work();
    store_->commit();
  }
  store::Message message(const std::string& id, base::ConversationId conversation, base::UserId from, int type = 1) {
    return {message_id(id),
            conversation,
            from,
            static_cast<protocol::FrameType>(type),
            0,
            1000,
            R"({"text":")" + id + "\"}"};
  }
  store::Appended append(const store::Message& m, const std::vector<base::UserId>& mentions = {}) {
    store::Appended result;
    batch([&] { result = store_->messages().append(m, mentions); });
    return result;
  }
  void tidy_all() {
    while (store_->tidy()) {
    }
  }
  std::vector<std::int64_t> seqs(const store::HistoryQuery& query) {
    std::vector<std::int64_t> out;
    for (const auto& m : store_->messages().history(query).messages) out.push_back(m.seq);
    return out;
  }

  static constexpr base::UserId kAlice{11};
  static constexpr base::UserId kBob{22};
  const base::ConversationId pair_ = base::ConversationId::between(kAlice, kBob);
  std::unique_ptr<StorePlace> place_;
  std::unique_ptr<store::Store> store_;
};

inline std::string backend_name(const testing::TestParamInfo<StoreBackend>& info) { return info.param.name; }

}  // namespace simpleim::test
