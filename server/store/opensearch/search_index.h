#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <memory>
#include <span>

#include "store/opensearch/lease.h"
#include "store/search_index.h"

namespace simpleim::store::opensearch {

/// The search index of all nodes in an OpenSearch (or Elasticsearch): one document a message, with our own search
/// tokens as a field that is taken apart at spaces alone, so that it finds what the embedded index finds
/// (docs/decisions/0026). The text is there, too, and what the server finds is looked through once more here.
///
/// What is written carries the last seq of its stretch as an external version: what comes late from a node that lost
/// its lease changes nothing. How far each conversation is in the index stands in it, written behind the messages.
///
/// options.index is an alias of `{index}-{number}`; rebuild() fills another one and lets the alias point there.
class OpenSearchIndex final : public SearchIndex {
 public:
  OpenSearchIndex(OpenSearchOptions options, const base::Clock& clock, base::Random& random);
  ~OpenSearchIndex() override;

  /// Makes the index when there is none. Throws StoreError: kUnavailable when nobody answers; kInternal with what to do
  /// when it is another program's or version's, or may not be used.
  void open();
  /// Takes part in the choice of the node that writes.
  void campaign();

  bool leads() override;
  std::int64_t indexed_to(ConversationId conversation) override;
  void update(const std::vector<SearchUpdate>& updates) override;
  std::vector<SearchHit> find(const std::vector<SearchPlace>& places, const std::vector<base::SearchTerm>& terms,
                              const SearchFilter& filter, const std::optional<SearchHit>& after,
                              std::size_t limit) override;
  bool tidy() override { return false; }
  void clear() override;

  /// Calls `fill` with an empty index, once again after nothing is written to the old one any more, and puts it in the
  /// old one's place: searches find what they found until then. Nothing changes when `fill` throws.
  void rebuild(const std::function<void(SearchIndex&)>& fill);

 private:
  struct Progress {
    std::int64_t indexed_to = 0;
    /// ms: of the newest message.
    std::int64_t newest = 0;
  };
  /// A document as it stands in the index.
  struct Stored {
    SearchDocument document;
    bool exists = false;
  };
  using DocumentKey = std::pair<ConversationId, std::int64_t>;

  /// Of rebuild(): writes to this index, whatever the alias stands for.
  OpenSearchIndex(std::shared_ptr<Client> client, std::string target);

  std::string make_index();
  void undo_rebuild(const std::string& old, const std::string& made);
  void check_server();
  void check_index(const std::string& name);
  /// What the alias stands for; "": there is none.
  std::string resolve();
  /// Learns what is written to and how far it is, if that is not known or has changed.
  void follow_alias();
  void load_progress();
  Progress& progress(ConversationId conversation);
  std::map<DocumentKey, Stored> read(const std::vector<DocumentKey>& keys);
  void read_some(std::span<const DocumentKey> keys, std::map<DocumentKey, Stored>& found);
  void send(const std::string& lines);
  std::vector<SearchHit> find_in(const std::vector<SearchPlace>& places, const std::vector<base::SearchTerm>& terms,
                                 const SearchFilter& filter, const std::optional<SearchHit>& after, std::size_t limit);

  const std::shared_ptr<Client> client_;
  const base::Clock* clock_ = nullptr;
  base::Random* random_ = nullptr;
  std::unique_ptr<Lease> lease_;
  // Of whoever writes, one thread. What is written to, and whether that is so for ever.
  std::string target_;
  bool is_fixed_ = false;
  bool is_loaded_ = false;
  boost::unordered_flat_map<ConversationId, Progress, base::IdHash> progress_;
};

}  // namespace simpleim::store::opensearch
