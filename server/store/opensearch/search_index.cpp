#include "store/opensearch/search_index.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <thread>

#include "base/json_writer.h"
#include "base/log.h"
#include "store/opensearch/layout.h"
#include "store/opensearch/search_query.h"
#include "store/store.h"

namespace simpleim::store::opensearch {
namespace {

using base::JsonWriter;

/// Bytes of one `_bulk`.
constexpr std::size_t kMaxBulk = 4 << 20;
/// After an update of so few documents they are found at once; more of them within the index's refresh_interval.
constexpr std::size_t kRefreshed = 1000;
constexpr std::size_t kProgressPage = 10'000;
/// What the server found is looked through here, too: so many are asked for at once.
constexpr std::size_t kLeastCandidates = 50;
constexpr std::size_t kMostCandidates = 400;
/// Documents read at once: as large as texts may be, they fit into an answer (Client).
constexpr std::size_t kReadAtOnce = 400;
/// How long an index that was replaced is kept.
constexpr std::chrono::seconds kLinger{2};
constexpr int kOldestOpenSearch = 2;
constexpr int kOldestElasticsearch = 8;

std::string document_id(ConversationId conversation, std::int64_t seq) {
  return conversation_key(conversation) + "." + std::to_string(seq);
}

std::string progress_id(ConversationId conversation) { return "at." + conversation_key(conversation); }

StoreError unusable(const std::string& what) { return {ErrorCode::kInternal, what}; }

std::string lease_index(const OpenSearchOptions& options) { return options.index + "-lease"; }

void write_action(std::string& lines, const std::string& id, std::int64_t version) {
  JsonWriter(lines)
      .begin_object()
      .key("index")
      .begin_object()
      .field("_id", id)
      .field("version", version)
      .field("version_type", "external_gte")
      .end_object()
      .end_object();
  lines += '\n';
}

void write_document(std::string& lines, ConversationId conversation, const SearchDocument& document) {
  JsonWriter w(lines);
  w.begin_object();
  if (document.text.empty()) {
    w.field("gone", true);
  } else {
    w.field("conversation", conversation_key(conversation))
        .field("seq", document.seq)
        .field("from", user_key(document.from))
        .field("type", static_cast<int>(document.type))
        .field("time", document.timestamp)
        .field("tokens", tokens_of(document.text))
        .field("said", document.text);
  }
  w.end_object();
  lines += '\n';
}

}  // namespace

OpenSearchIndex::OpenSearchIndex(OpenSearchOptions options, const base::Clock& clock, base::Random& random)
    : client_(std::make_shared<Client>(std::move(options), clock)), clock_(&clock), random_(&random) {}

OpenSearchIndex::OpenSearchIndex(std::shared_ptr<Client> client, std::string target)
    : client_(std::move(client)), target_(std::move(target)), is_fixed_(true) {}

OpenSearchIndex::~OpenSearchIndex() = default;

// ---------------------------------------------------------------- opening

void OpenSearchIndex::check_server() {
  const auto root = client_->call("GET", "/");
  std::string_view number;
  if (root.document["version"]["number"].get(number) != simdjson::SUCCESS)
    throw unusable("search.url: what answers there is neither OpenSearch nor Elasticsearch");
  const bool is_opensearch = text_of(root.document["version"].value(), "distribution") == "opensearch";
  const auto major = std::atoi(std::string(number).c_str());
  if (major < (is_opensearch ? kOldestOpenSearch : kOldestElasticsearch))
    throw unusable("search.url: " + std::string(is_opensearch ? "OpenSearch " : "Elasticsearch ") +
                   std::string(number) + " is too old; OpenSearch 2 or Elasticsearch 8 is needed");
}

void OpenSearchIndex::check_index(const std::string& name) {
  const auto answer = client_->call("GET", "/" + name + "/_mapping");
  const auto mapping = answer.document[name]["mappings"];
  std::int64_t version = 0;
  if (mapping["_meta"]["simpleim"].get(version) != simdjson::SUCCESS)
    throw unusable("search.url: the index " + name + " is another program's; name one of your own behind the last /");
  if (version != kLayoutVersion)
    throw unusable("search.url: the index " + name + " was made by another release; `simpleim reindex` makes it anew");
}

std::string OpenSearchIndex::resolve() {
  const auto& alias = client_->options().index;
  const auto answer = client_->call("GET", "/_alias/" + alias, {}, kNotFound);
  simdjson::dom::object indexes;
  if (answer.status == kNotFound || answer.document.get(indexes) != simdjson::SUCCESS || indexes.size() == 0) return "";
  if (indexes.size() > 1) throw unusable("search.url: " + alias + " stands for several indexes; let it be one of them");
  return std::string((*indexes.begin()).key);
}

std::string OpenSearchIndex::make_index() {
  const auto name = client_->options().index + "-" + std::to_string(clock_->now_ms());
  (void)client_->call("PUT", "/" + name, kMessagesIndex);
  return name;
}

void OpenSearchIndex::open() {
  check_server();
  const auto& alias = client_->options().index;
  (void)client_->call("PUT", "/" + lease_index(client_->options()), kLeaseIndex, kBadRequest);  // 400: it is there
  auto name = resolve();
  if (name.empty()) {
    if (client_->call("GET", "/" + alias + "/_mapping", {}, kNotFound).status != kNotFound)
      throw unusable("search.url: the index " + alias +
                     " is another program's; name one of your own behind the last /");
    // Of several nodes that start at once one makes it, for the others it is there (400).
    name = alias + "-1";
    (void)client_->call("PUT", "/" + name, kMessagesIndex, kBadRequest);
    (void)client_->call("POST", "/_aliases",
                        R"({"actions":[{"add":{"index":")" + name + R"(","alias":")" + alias + R"("}}]})");
  }
  check_index(name);
}

void OpenSearchIndex::campaign() {
  lease_ = std::make_unique<Lease>(*client_, lease_index(client_->options()), *clock_, *random_);
}

// ---------------------------------------------------------------- writing

bool OpenSearchIndex::leads() {
  const bool held = lease_ != nullptr && lease_->is_held();
  if (!held) is_loaded_ = false;  // another node goes on from here
  return held;
}

void OpenSearchIndex::follow_alias() {
  if (!is_fixed_) {
    auto name = resolve();
    if (name.empty()) {
      open();
      name = resolve();
    }
    if (name != target_) is_loaded_ = false;
    target_ = std::move(name);
  }
  if (!is_loaded_) load_progress();
}

void OpenSearchIndex::load_progress() {
  progress_.clear();
  (void)client_->call("POST", "/" + target_ + "/_refresh");
  std::string last;
  for (std::size_t got = kProgressPage; got == kProgressPage;) {
    std::string json;
    JsonWriter w(json);
    w.begin_object().field("size", kProgressPage).field("track_total_hits", false);
    w.key("query").raw(R"({"exists":{"field":"place"}})").key("sort").raw(R"([{"place":"asc"}])");
    if (!last.empty()) w.key("search_after").begin_array().value(last).end_array();
    w.end_object();
    const auto answer = client_->call("POST", "/" + target_ + "/_search", json);
    got = 0;
    for (const simdjson::dom::element hit : array_of(answer.document["hits"]["hits"])) {
      ++got;
      simdjson::dom::element source;
      if (hit["_source"].get(source) != simdjson::SUCCESS) continue;
      last = text_of(source, "place");
      if (const auto conversation = parse_conversation_key(last))
        progress_[*conversation] = {number_of(source, "indexed_to"), number_of(source, "newest")};
    }
  }
  is_loaded_ = true;
}

std::int64_t OpenSearchIndex::indexed_to(ConversationId conversation) {
  if (!is_loaded_) follow_alias();
  const auto found = progress_.find(conversation);
  return found == progress_.end() ? 0 : found->second.indexed_to;
}

std::map<OpenSearchIndex::DocumentKey, OpenSearchIndex::Stored> OpenSearchIndex::read(
    const std::vector<DocumentKey>& keys) {
  std::map<DocumentKey, Stored> found;
  const std::span all(keys);
  for (std::size_t i = 0; i < all.size(); i += kReadAtOnce)
    read_some(all.subspan(i, std::min(kReadAtOnce, all.size() - i)), found);
  return found;
}

void OpenSearchIndex::read_some(std::span<const DocumentKey> keys, std::map<DocumentKey, Stored>& found) {
  std::string json;
  JsonWriter w(json);
  w.begin_object().key("ids").begin_array();
  for (const auto& [conversation, seq] : keys) w.value(document_id(conversation, seq));
  w.end_array().end_object();
  const auto answer = client_->call("POST", "/" + target_ + "/_mget", json);
  std::size_t i = 0;
  for (const simdjson::dom::element item : array_of(answer.document["docs"])) {
    auto& stored = found[keys[i++]];
    simdjson::dom::element source;
    if (!flag_of(item, "found") || item["_source"].get(source) != simdjson::SUCCESS || text_of(source, "said").empty())
      continue;
    stored.exists = true;
    std::uint64_t from = 0;
    const auto digits = text_of(source, "from");
    std::from_chars(digits.data(), digits.data() + digits.size(), from, 16);
    stored.document = {number_of(source, "seq"), UserId{from},
                       static_cast<protocol::FrameType>(number_of(source, "type")), number_of(source, "time"),
                       std::string(text_of(source, "said"))};
  }
}

void OpenSearchIndex::send(const std::string& lines) {
  if (lines.empty()) return;
  const auto answer = client_->call_lines("/" + target_ + "/_bulk", lines);
  if (!flag_of(answer.document, "errors")) return;
  for (const simdjson::dom::element item : array_of(answer.document["items"])) {
    simdjson::dom::element result;
    if (item["index"].get(result) != simdjson::SUCCESS) continue;
    const auto status = number_of(result, "status");
    if (status < 300 || status == kConflict) continue;  // 409: what is there is newer
    simdjson::dom::element error;
    std::string why;
    if (result["error"].get(error) == simdjson::SUCCESS) why = text_of(error, "reason");
    const bool is_away = status == 429 || status >= 500;
    throw StoreError(is_away ? ErrorCode::kUnavailable : ErrorCode::kInternal,
                     "the search server refused the document " + std::string(text_of(result, "_id")) + ": " +
                         std::to_string(status) + " " + why);
  }
}

void OpenSearchIndex::update(const std::vector<SearchUpdate>& updates) {
  follow_alias();
  // What is there already, of what changes it or may be a repetition.
  std::vector<DocumentKey> asked;
  for (const auto& update : updates)
    for (const auto& document : update.documents)
      if (document.timestamp == 0 || document.seq <= indexed_to(update.conversation))
        asked.emplace_back(update.conversation, document.seq);
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  auto stored = read(asked);

  std::string lines;
  std::size_t written = 0;
  std::string places;
  decltype(progress_) next;
  for (const auto& update : updates) {
    auto& reached = next[update.conversation];
    if (const auto known = progress_.find(update.conversation); known != progress_.end()) reached = known->second;
    reached.indexed_to = std::max(reached.indexed_to, update.indexed_to);
    std::map<std::int64_t, const Stored*> changed;
    for (const auto& document : update.documents) {
      auto& one = stored[{update.conversation, document.seq}];
      if (one.exists) {
        one.document.text = document.text;
        one.exists = !document.text.empty();
      } else if (!document.text.empty() && document.timestamp != 0) {
        one = {document, true};
        one.document.timestamp = reached.newest = std::max(reached.newest, document.timestamp);
      } else {
        continue;
      }
      changed[document.seq] = &one;
    }
    for (const auto& [seq, one] : changed) {
      write_action(lines, document_id(update.conversation, seq), update.indexed_to);
      write_document(lines, update.conversation, one->document);
      ++written;
      if (lines.size() < kMaxBulk) continue;
      send(lines);
      lines.clear();
    }
    write_action(places, progress_id(update.conversation), reached.indexed_to);
    JsonWriter(places)
        .begin_object()
        .field("place", conversation_key(update.conversation))
        .field("indexed_to", reached.indexed_to)
        .field("newest", reached.newest)
        .end_object();
    places += '\n';
  }
  send(lines);
  send(places);  // behind the messages: when one of them failed they are brought again
  for (const auto& [conversation, reached] : next) progress_[conversation] = reached;
  if (written > 0 && written <= kRefreshed) (void)client_->call("POST", "/" + target_ + "/_refresh");
}

void OpenSearchIndex::clear() {
  follow_alias();
  const auto old = target_;
  const auto made = make_index();
  const auto& alias = client_->options().index;
  (void)client_->call("POST", "/_aliases",
                      R"({"actions":[{"remove_index":{"index":")" + old + R"("}},{"add":{"index":")" + made +
                          R"(","alias":")" + alias + R"("}}]})");
  is_loaded_ = false;
}

/// Never throws. The answer of the last step may have been lost: what the alias stands for stays.
void OpenSearchIndex::undo_rebuild(const std::string& old, const std::string& made) {
  try {
    if (resolve() == made) return;
    if (!old.empty()) (void)client_->call("PUT", "/" + old + "/_settings", R"({"index":{"blocks":{"write":false}}})");
    (void)client_->call("DELETE", "/" + made, {}, kNotFound);
  } catch (const StoreError& e) {
    base::log::warn("what a broken reindex has left is still there", {{"index", made}, {"why", e.what()}});
  }
}

void OpenSearchIndex::rebuild(const std::function<void(SearchIndex&)>& fill) {
  const auto old = resolve();
  const auto made = make_index();
  try {
    OpenSearchIndex fresh(client_, made);
    fill(fresh);
    // Whoever writes to the old one is refused from here on, and writes again once the alias stands for the new one.
    if (!old.empty()) (void)client_->call("PUT", "/" + old + "/_settings", R"({"index":{"blocks":{"write":true}}})");
    fill(fresh);
    (void)client_->call("POST", "/" + made + "/_refresh");
    const auto& alias = client_->options().index;
    const auto action = [&](const char* what, const std::string& index) {
      return R"({")" + std::string(what) + R"(":{"index":")" + index + R"(","alias":")" + alias + R"("}})";
    };
    (void)client_->call(
        "POST", "/_aliases",
        R"({"actions":[)" + (old.empty() ? "" : action("remove", old) + ",") + action("add", made) + "]}");
  } catch (...) {
    undo_rebuild(old, made);
    throw;
  }
  if (old.empty()) return;
  std::this_thread::sleep_for(kLinger);  // whoever searches in the old one finishes
  (void)client_->call("DELETE", "/" + old, {}, kNotFound);
}

// ---------------------------------------------------------------- finding

std::vector<SearchHit> OpenSearchIndex::find(const std::vector<SearchPlace>& places,
                                             const std::vector<base::SearchTerm>& terms, const SearchFilter& filter,
                                             const std::optional<SearchHit>& after, std::size_t limit) {
  std::vector<SearchHit> hits;
  if (places.empty() || terms.empty()) return hits;
  for (const auto& part : divided(places)) {
    const auto found = find_in(part, terms, filter, after, limit);
    hits.insert(hits.end(), found.begin(), found.end());
  }
  std::sort(hits.begin(), hits.end(), comes_first);
  if (hits.size() > limit) hits.resize(limit);
  return hits;
}

std::vector<SearchHit> OpenSearchIndex::find_in(const std::vector<SearchPlace>& places,
                                                const std::vector<base::SearchTerm>& terms, const SearchFilter& filter,
                                                const std::optional<SearchHit>& after, std::size_t limit) {
  std::map<ConversationId, std::int64_t> first_seq;
  for (const auto& place : places) first_seq[place.conversation] = place.first_seq;
  std::vector<SearchHit> hits;
  auto from = after;
  for (auto size = std::clamp(limit, kLeastCandidates, kMostCandidates);; size = std::min(size * 2, kMostCandidates)) {
    const auto answer = client_->call("POST", "/" + client_->options().index + "/_search",
                                      search_query(places, terms, filter, from, size), kNotFound);
    if (answer.status == kNotFound) throw StoreError(ErrorCode::kUnavailable, "the search index is not there yet");
    std::size_t got = 0;
    for (const simdjson::dom::element item : array_of(answer.document["hits"]["hits"])) {
      ++got;
      SearchHit hit;
      std::string_view key;
      const auto sort = item["sort"];
      const bool is_whole = sort.at(0).get(hit.timestamp) == simdjson::SUCCESS &&
                            sort.at(1).get(key) == simdjson::SUCCESS && sort.at(2).get(hit.seq) == simdjson::SUCCESS;
      const auto conversation = is_whole ? parse_conversation_key(key) : std::nullopt;
      if (!conversation) throw unusable("the search server answers with a document that is none of ours");
      hit.conversation = *conversation;
      from = hit;
      // Whatever the server makes of the question: nobody is shown what is not among his places.
      const auto place = first_seq.find(hit.conversation);
      if (place == first_seq.end() || hit.seq < place->second) continue;
      simdjson::dom::element source;
      if (item["_source"].get(source) != simdjson::SUCCESS || !base::has_terms(text_of(source, "said"), terms))
        continue;
      hits.push_back(hit);
      if (hits.size() == limit) return hits;
    }
    if (got < size) return hits;
  }
}

}  // namespace simpleim::store::opensearch
