#include <gtest/gtest.h>

#include "servers/opensearch_server.h"
#include "store/opensearch/search_index.h"
#include "store/opensearch/search_query.h"
#include "store/store.h"

namespace simpleim::store::opensearch {
namespace {

using test::OpenSearchServer;

constexpr std::int64_t kNow = 1'700'000'000'000;
const auto kPair = ConversationId::between(UserId{11}, UserId{22});
const base::SystemClock kClock;
base::SecureRandom random_source;

SearchUpdate said(std::int64_t seq, std::string text) {
  return {kPair, {{seq, UserId{11}, protocol::FrameType::kText, kNow + seq, std::move(text)}}, seq};
}

SearchUpdate amended(std::int64_t seq, std::string text, std::int64_t at) {
  SearchDocument document;
  document.seq = seq;
  document.text = std::move(text);
  return {kPair, {document}, at};
}

std::unique_ptr<OpenSearchIndex> opened(const OpenSearchOptions& options) {
  auto index = std::make_unique<OpenSearchIndex>(options, kClock, random_source);
  index->open();
  return index;
}

std::vector<std::int64_t> found(SearchIndex& index, const std::string& asked, std::int64_t from = 1) {
  std::vector<std::int64_t> seqs;
  for (const auto& hit : index.find({{kPair, from}}, base::search_terms(asked), {}, std::nullopt, 10))
    seqs.push_back(hit.seq);
  return seqs;
}

using Seqs = std::vector<std::int64_t>;

Error refusal_of(const OpenSearchOptions& options) {
  try {
    (void)opened(options);
  } catch (const StoreError& e) {
    return {e.code(), e.what()};
  }
  return {protocol::ErrorCode::kNone, ""};
}

}  // namespace

TEST(OpenSearchIndex, ANodeThatLostItsTurnChangesNothingThatIsNewer) {
  const auto options = OpenSearchServer::shared().options();
  const auto slow = opened(options);
  slow->update({said(1, "first words")});
  const auto quick = opened(options);
  EXPECT_EQ(quick->indexed_to(kPair), 1);
  quick->update({amended(1, "other words", 2)});
  quick->update({said(3, "third words")});
  slow->update({
      said(1, "first words"),
  });  // what it had read before
  EXPECT_EQ(found(*quick, "words"), (Seqs{3, 1}));
  EXPECT_TRUE(found(*quick, "first").empty());
  EXPECT_EQ(found(*quick, "other"), Seqs{1});
  EXPECT_EQ(opened(options)->indexed_to(kPair), 3) << "nor takes it back how far the index is";
}

TEST(OpenSearchIndex, ARecalledMessageStaysGoneWhenItsStretchIsBroughtAgain) {
  const auto index = opened(OpenSearchServer::shared().options());
  index->update({said(1, "secret")});
  index->update({amended(1, "", 2)});
  index->update({said(1, "secret")});
  EXPECT_TRUE(found(*index, "secret").empty());
}

TEST(OpenSearchIndex, IsMadeAnewWhileItIsSearched) {
  const auto options = OpenSearchServer::shared().options();
  const auto node = opened(options);
  node->update({said(1, "old words")});
  const auto operator_s = std::make_unique<OpenSearchIndex>(options, kClock, random_source);
  int fills = 0;
  operator_s->rebuild([&](SearchIndex& fresh) {
    EXPECT_EQ(fresh.indexed_to(kPair), fills == 0 ? 0 : 2);
    EXPECT_EQ(found(*node, "old"), Seqs{1}) << "the old one answers until the end";
    if (++fills == 1) {
      fresh.update({
          said(1, "new words"),
      });
      fresh.update({said(2, "more words")});
      return;
    }
    // From here on nobody writes to the old one.
    EXPECT_THROW(node->update({said(3, "late words")}), StoreError);
  });
  EXPECT_EQ(fills, 2);
  EXPECT_EQ(found(*node, "words"), (Seqs{2, 1}));
  EXPECT_TRUE(found(*node, "old").empty());
  node->update({said(3, "late words")});
  EXPECT_EQ(node->indexed_to(kPair), 3);
  EXPECT_EQ(found(*node, "words"), (Seqs{3, 2, 1})) << "whoever writes has followed";
}

TEST(OpenSearchIndex, ABrokenReindexLeavesTheOldIndexAsItWas) {
  const auto options = OpenSearchServer::shared().options();
  const auto node = opened(options);
  node->update({said(1, "words")});
  EXPECT_THROW(
      opened(options)->rebuild([](SearchIndex&) { throw StoreError(protocol::ErrorCode::kUnavailable, "away"); }),
      StoreError);
  node->update({said(2, "words")});
  EXPECT_EQ(found(*node, "words"), (Seqs{2, 1}));
  Client client(options, kClock);
  EXPECT_EQ(client.call("GET", "/" + options.index + "-*/_alias").document.get_object().value().size(), 2u)
      << "itself and the lease; nothing is left of the other one";
}

TEST(OpenSearchIndex, OfSeveralNodesOneWritesAndAnotherTakesOver) {
  const auto options = OpenSearchServer::shared().options();
  auto first = opened(options);
  first->campaign();
  ASSERT_TRUE(test::wait_until([&] { return first->leads(); }));
  auto second = opened(options);
  second->campaign();
  EXPECT_FALSE(test::wait_until([&] { return second->leads() || !first->leads(); }, std::chrono::seconds(5)))
      << "who holds it keeps it";
  first.reset();
  EXPECT_TRUE(test::wait_until([&] { return second->leads(); }, std::chrono::seconds(5)));
}

TEST(OpenSearchIndex, WhatIsNotItsOwnIsRefusedWithWhatToDo) {
  auto options = OpenSearchServer::shared().options();
  Client client(options, kClock);
  (void)client.call("PUT", "/" + options.index, R"({"mappings":{"properties":{"price":{"type":"long"}}}})");
  EXPECT_NE(refusal_of(options).text.find("another program's"), std::string::npos) << refusal_of(options).text;
  options = OpenSearchServer::shared().options();
  (void)client.call("PUT", "/" + options.index + "-1", R"({"mappings":{"_meta":{"simpleim":99}}})");
  EXPECT_NE(refusal_of(options).text.find("simpleim reindex"), std::string::npos) << refusal_of(options).text;
  options.endpoints = {"http://127.0.0.1:" + std::to_string(test::free_port())};
  EXPECT_EQ(refusal_of(options).code, protocol::ErrorCode::kUnavailable) << "which is waited for";
}

TEST(OpenSearchIndex, ARefusedDocumentIsAnErrorThatNamesIt) {
  const auto options = OpenSearchServer::shared().options();
  const auto index = opened(options);
  Client client(options, kClock);
  (void)client.call("PUT", "/" + options.index + "-1/_settings", R"({"index":{"blocks":{"write":true}}})");
  try {
    index->update({said(1, "words")});
    FAIL() << "nothing was refused";
  } catch (const StoreError& e) {
    EXPECT_NE(std::string(e.what()).find(conversation_key(kPair) + ".1"), std::string::npos) << e.what();
  }
  (void)client.call("PUT", "/" + options.index + "-1/_settings", R"({"index":{"blocks":{"write":false}}})");
  EXPECT_EQ(index->indexed_to(kPair), 0) << "and it is not taken for written";
  index->update({said(1, "words")});
  EXPECT_EQ(found(*index, "words"), Seqs{1});
}

TEST(OpenSearchIndex, AServerThatIsSilentOrGoneIsUnavailableAndComesBack) {
  OpenSearchServer server;
  auto options = server.options();
  options.deadline_ms = 500;
  const auto index = opened(options);
  index->update({said(1, "words")});
  server.freeze();
  try {
    (void)found(*index, "words");
    FAIL() << "somebody has answered";
  } catch (const StoreError& e) {
    EXPECT_EQ(e.code(), protocol::ErrorCode::kUnavailable);
  }
  server.thaw();
  const auto answers = [&] {
    try {
      return found(*index, "words") == Seqs{1};
    } catch (const StoreError&) {
      return false;
    }
  };
  EXPECT_TRUE(test::wait_until(answers, std::chrono::seconds(30)));
}

TEST(SearchQuery, PlacesThatNeedAClauseEachAreAskedForInParts) {
  std::vector<SearchPlace> places;
  for (std::uint64_t i = 1; i <= 1200; ++i) places.push_back({{0, i}, 5});
  for (std::uint64_t i = 1; i <= 30'000; ++i) places.push_back({{i, i + 1}, 1});
  std::size_t all = 0;
  for (const auto& part : divided(places)) {
    EXPECT_LE(std::count_if(part.begin(), part.end(), [](const auto& place) { return place.first_seq > 1; }), 500);
    EXPECT_LE(part.size(), 20'500u);
    all += part.size();
  }
  EXPECT_EQ(all, places.size());
}

TEST(SearchQuery, KeysOfConversationsAreInTheirOrder) {
  const ConversationId small{9, 10}, large{16, 1};
  EXPECT_LT(conversation_key(small), conversation_key(large));
  EXPECT_EQ(parse_conversation_key(conversation_key(large)), large);
  for (const auto* wrong : {"", "00", "zz00000000000000000000000000000z", "0000000000000000000000000000000 "})
    EXPECT_FALSE(parse_conversation_key(wrong)) << wrong;
}

}  // namespace simpleim::store::opensearch
