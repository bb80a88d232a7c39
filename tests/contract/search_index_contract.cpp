#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "contract/backends.h"

namespace simpleim::test {
namespace {

using base::ConversationId;
using base::UserId;
using store::SearchDocument;
using store::SearchFilter;
using store::SearchHit;
using store::SearchPlace;

/// What an index has to answer, by looking at everything.
class Model {
 public:
  void apply(const store::SearchUpdate& update) {
    auto& documents = conversations_[update.conversation];
    for (auto document : update.documents) {
      const auto known = documents.find(document.seq);
      if (known != documents.end()) {
        if (document.text.empty()) documents.erase(known);
        else known->second.text = document.text;
      } else if (!document.text.empty() && document.timestamp != 0) {
        auto& newest = newest_[update.conversation];
        document.timestamp = newest = std::max(newest, document.timestamp);
        documents[document.seq] = document;
      }
    }
  }

  std::vector<SearchHit> find(const std::vector<SearchPlace>& places, const std::string& asked,
                              const SearchFilter& filter) const {
    const auto terms = base::search_terms(asked);
    std::vector<SearchHit> hits;
    for (const auto& [conversation, first_seq] : places) {
      const auto known = conversations_.find(conversation);
      if (known == conversations_.end()) continue;
      for (const auto& [seq, document] : known->second) {
        if (seq < first_seq || (filter.from != UserId{} && document.from != filter.from)) continue;
        if (filter.type >= 0 && static_cast<int>(document.type) != filter.type) continue;
        if (document.timestamp < filter.not_before) continue;
        if (filter.not_after != 0 && document.timestamp > filter.not_after) continue;
        if (!base::find_terms(document.text, terms).empty()) hits.push_back({conversation, seq, document.timestamp});
      }
    }
    std::sort(hits.begin(), hits.end(), store::comes_first);
    return hits;
  }

 private:
  std::map<ConversationId, std::map<std::int64_t, SearchDocument>> conversations_;
  std::map<ConversationId, std::int64_t> newest_;
};

constexpr std::uint64_t kConversations = 40;
constexpr std::int64_t kStart = 1'700'000'000'000;

ConversationId conversation(std::uint64_t number) {
  return ConversationId::between(UserId{number + 100}, UserId{number * 7919 % 1000 + 5000});
}

std::string some_text(std::mt19937_64& random) {
  static const std::vector<std::string> kWords{"all",      "alloy", "deploy", "deployment", "rare",
                                               "中文",     "文中",  "爸爸",   "很餓",       "Ünder",
                                               "ｆｕｌｌ", "🎉",    "ab",     "字",         "是一句中文"};
  std::string text = "all";
  for (auto n = random() % 6; n > 0; --n) {
    // The later ones are the rarer ones.
    const auto at = std::min(random() % kWords.size(), random() % kWords.size());
    text += (random() % 3 == 0 ? "" : " ") + kWords[at];
  }
  return text;
}

}  // namespace

class SearchIndexContract : public testing::TestWithParam<SearchBackend> {
 protected:
  void SetUp() override { index_ = GetParam().make(); }

  void update(store::SearchUpdate update) {
    model_.apply(update);
    index_->update({std::move(update)});
  }

  /// New messages of some conversations, some with an edit or a recall of an earlier one.
  void talk(std::size_t rounds) {
    for (std::size_t round = 0; round < rounds; ++round) {
      std::map<ConversationId, store::SearchUpdate> updates;
      for (int i = 0; i < 100; ++i) {
        const auto number = std::min(random_() % kConversations, random_() % kConversations);
        const auto where = conversation(number);
        auto& seq = last_seq_[where];
        auto& update = updates[where];
        update.conversation = where;
        // The clock may stand still, go, or be set back.
        now_ += static_cast<std::int64_t>(random_() % 4) - (random_() % 50 == 0 ? 30 : 0);
        // What is not shown takes a seq, too.
        seq += 1 + static_cast<std::int64_t>(random_() % 2);
        update.documents.push_back({seq, UserId{1 + random_() % 5},
                                    random_() % 4 == 0 ? protocol::FrameType::kFile : protocol::FrameType::kText, now_,
                                    some_text(random_)});
        if (random_() % 10 == 0) {
          SearchDocument amended;
          amended.seq = 1 + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(seq));
          if (random_() % 2 == 0) amended.text = some_text(random_);
          update.documents.push_back(amended);
        }
        update.indexed_to = seq;
      }
      std::vector<store::SearchUpdate> together;
      for (auto& [where, update] : updates) {
        model_.apply(update);
        together.push_back(update);
      }
      index_->update(together);
      if (round % 20 == 0)
        while (index_->tidy()) {
        }
    }
  }

  std::vector<SearchPlace> some_places() {
    std::vector<SearchPlace> places;
    const auto count = random_() % 3 == 0 ? 1 : 1 + random_() % kConversations;
    for (std::uint64_t n = 0; n < kConversations; ++n)
      if (random_() % kConversations < count)
        places.push_back({conversation(n), random_() % 4 == 0 ? 1 + static_cast<std::int64_t>(random_() % 100) : 1});
    std::shuffle(places.begin(), places.end(), random_);
    return places;
  }

  SearchFilter some_filter() {
    SearchFilter filter;
    if (random_() % 4 == 0) filter.from = UserId{1 + random_() % 6};
    if (random_() % 4 == 0)
      filter.type = static_cast<int>(random_() % 2 == 0 ? protocol::FrameType::kText : protocol::FrameType::kFile);
    const auto some_time = [&] {
      return kStart + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(now_ - kStart));
    };
    if (random_() % 4 == 0) filter.not_before = some_time();
    if (random_() % 4 == 0) filter.not_after = some_time();
    return filter;
  }

  /// All pages, one after the other.
  void expect_same(const std::vector<SearchPlace>& places, const std::string& asked, const SearchFilter& filter,
                   std::size_t limit) {
    const auto wanted = model_.find(places, asked, filter);
    std::optional<SearchHit> after;
    std::size_t at = 0;
    // Deep pages cost as much as the first ones; some are enough.
    for (int page = 0; page < 12; ++page) {
      const auto hits = index_->find(places, base::search_terms(asked), filter, after, limit);
      ASSERT_EQ(hits.size(), std::min(limit, wanted.size() - at))
          << asked << " page " << page << " in " << places.size() << " from " << filter.from.value << " type "
          << filter.type << " times " << filter.not_before << " " << filter.not_after;
      for (const auto& hit : hits) {
        ASSERT_EQ(hit.conversation, wanted[at].conversation) << asked << " hit " << at;
        ASSERT_EQ(hit.seq, wanted[at].seq) << asked << " hit " << at;
        ASSERT_EQ(hit.timestamp, wanted[at].timestamp) << asked << " hit " << at;
        ++at;
      }
      if (hits.size() < limit) return;
      after = hits.back();
    }
  }

  std::unique_ptr<store::SearchIndex> index_;
  Model model_;
  std::map<ConversationId, std::int64_t> last_seq_;
  std::int64_t now_ = kStart;
  std::mt19937_64 random_{20261125};
};

TEST_P(SearchIndexContract, FindsWhatLookingAtEverythingFinds) {
  const std::vector<std::string> asked{"all",    "alloy",    "deplo",      "rare",        "中文",   "中",
                                       "文中文", "爸爸很餓", "是一句中文", "under",       "full",   "🎉",
                                       "ab",     "字",       "all rare",   "deploy 中文", "nobody", "中文 文中 爸爸"};
  for (int part = 0; part < 3; ++part) {
    talk(30);
    for (int i = 0; i < 150; ++i) {
      expect_same(some_places(), asked[random_() % asked.size()], some_filter(), 1 + random_() % 40);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(SearchIndexContract, KnowsHowFarItIs) {
  const auto where = conversation(1);
  EXPECT_EQ(index_->indexed_to(where), 0);
  store::SearchUpdate said{where, {}, 7};
  update(said);
  EXPECT_EQ(index_->indexed_to(where), 7);
  said.indexed_to = 9;
  said.documents.push_back({8, UserId{1}, protocol::FrameType::kText, kStart, "hello"});
  update(said);
  EXPECT_EQ(index_->indexed_to(where), 9);
  EXPECT_EQ(index_->find({{where, 1}}, base::search_terms("hello"), {}, std::nullopt, 5).size(), 1);
  EXPECT_TRUE(index_->find({{where, 9}}, base::search_terms("hello"), {}, std::nullopt, 5).empty());
  index_->clear();
  EXPECT_EQ(index_->indexed_to(where), 0);
  EXPECT_TRUE(index_->find({{where, 1}}, base::search_terms("hello"), {}, std::nullopt, 5).empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, SearchIndexContract, testing::ValuesIn(search_backends()),
                         [](const auto& info) { return info.param.name; });

}  // namespace simpleim::test
