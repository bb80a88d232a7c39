#include "store/sqlite/archived_ids.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "store/sql/packed_id.h"
#include "support.h"

namespace simpleim::store::sqlite {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'000;
const std::string kAllOfF = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/// A UUIDv7 of this moment.
std::string id_at(std::int64_t ms, int serial = 0) {
  char text[37];
  std::snprintf(text, sizeof text, "%08llx-%04llx-7000-8000-%012x", static_cast<unsigned long long>(ms >> 16),
                static_cast<unsigned long long>(ms & 0xffff), serial);
  return text;
}

class ArchivedIdsTest : public ::testing::Test {
 protected:
  ArchivedIdsTest() : db_(folder_.file("ids.db"), 1) { db_.begin(); }
  void archive(const std::string& id) {
    const sql::PackedId packed(id);
    db_.write().query("INSERT INTO message_key VALUES(?, 1)").bind_blob(packed.view()).run();
    ids_.add(packed.view());
  }
  bool may_hold(const std::string& id, std::int64_t now = kNow) {
    return ids_.may_hold(db_, sql::PackedId(id).view(), now);
  }

  test::TempDir folder_;
  Database db_;
  ArchivedIds ids_;
};

TEST_F(ArchivedIdsTest, NewIdsAreKnownAsNewWhateverStrangeOnesThereAre) {
  ids_.open_gap(db_, kNow);
  for (const auto& id : {id_at(kNow - 5), id_at(kNow), kAllOfF, std::string("f47ac10b-58cc-4372-a567-0e02b2c3d479"),
                         id_at(kNow + 300'000), std::string("no uuid")})
    archive(id);
  EXPECT_FALSE(may_hold(id_at(kNow + 1)));
  EXPECT_FALSE(may_hold(id_at(kNow + 1), kNow + 1));
  for (const auto& id : {id_at(kNow), id_at(kNow - 5), id_at(kNow - 9), kAllOfF, id_at(kNow + 300'000),
                         std::string("f47ac10b-58cc-4372-a567-0e02b2c3d479"), std::string("no uuid")})
    EXPECT_TRUE(may_hold(id)) << id;
}

TEST_F(ArchivedIdsTest, TheGapMovesWithTheTime) {
  ids_.open_gap(db_, kNow);
  archive(id_at(kNow + 60'000));
  EXPECT_FALSE(may_hold(id_at(kNow + 30'000), kNow + 30'000));
  EXPECT_FALSE(may_hold(id_at(kNow + 60'001), kNow + 60'001)) << "what lay ahead lies behind";
  EXPECT_TRUE(may_hold(id_at(kNow + 60'000), kNow + 60'001));
  EXPECT_FALSE(may_hold(id_at(kNow + 90'000), kNow + 90'000));
}

TEST_F(ArchivedIdsTest, WhatWasThereBeforeIsFound) {
  for (const auto& id : {id_at(kNow - 10), kAllOfF})
    db_.write().query("INSERT INTO message_key VALUES(?, 1)").bind_blob(sql::PackedId(id).view()).run();
  ids_.open_gap(db_, 0);
  EXPECT_TRUE(may_hold(id_at(kNow - 10))) << "as in a server that has just started";
  EXPECT_FALSE(may_hold(id_at(kNow)));
  EXPECT_TRUE(may_hold(id_at(kNow - 10)));
  EXPECT_TRUE(may_hold(kAllOfF));
}

}  // namespace
}  // namespace simpleim::store::sqlite
