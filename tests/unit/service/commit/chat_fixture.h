#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "service/commit/commit_loop.h"
#include "store/sqlite/sqlite_store.h"
#include "support.h"

namespace simpleim::test {

/// Keeps what the commit loop tells.
class RecordingSink final : public service::EventSink {
 public:
  void deliver(std::vector<service::Event>&& events, std::int64_t) override {
    const std::lock_guard lock(mutex_);
    for (auto& event : events) events_.push_back(std::move(event));
  }
  template <class T>
  std::vector<T> all() {
    const std::lock_guard lock(mutex_);
    std::vector<T> found;
    for (const auto& event : events_)
      if (const auto* e = std::get_if<T>(&event)) found.push_back(*e);
    return found;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<service::Event> events_;
};

/// A commit loop on a real store, with two users.
class ChatTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [id, name] : {std::pair(alice_, "alice"), std::pair(bob_, "bob")}) {
      store::User user;
      user.id = id;
      user.username = user.nickname = name;
      ASSERT_TRUE(commits_.run<bool>(
          [&](service::Batch& batch) -> service::Result<bool> { return batch.store().accounts().create_user(user); }));
    }
  }
  service::Send text(const std::string& id, base::UserId from, base::UserId to) {
    service::Send send;
    send.frame.message_id = message_id(id);
    send.frame.to = to;
    send.frame.content = R"({"text":"x"})";
    send.from = from;
    send.origin = {0, 1};
    return send;
  }
  void send(service::Send one) {
    std::vector<service::Send> sends;
    sends.push_back(std::move(one));
    ASSERT_TRUE(commits_.send(std::move(sends)));
  }

  const base::UserId alice_{1};
  const base::UserId bob_{2};
  TempDir dir_;
  base::SystemClock clock_;
  SeededRandom random_{1};
  base::IdMaker ids_{clock_, random_};
  base::Metrics metrics_;
  store::sqlite::SqliteStore store_{dir_.file("db"), 2};
  RecordingSink sink_;
  service::CommitLoop commits_{store_, sink_, clock_, metrics_, {65536, 2000, {120, 86'400}}};
};

}  // namespace simpleim::test
