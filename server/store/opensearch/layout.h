#pragma once

#include <string_view>

/// How the index is laid out. Inside opensearch only.
namespace simpleim::store::opensearch {

/// Raised when documents are written in another way: indexes of another version are refused, and made anew by
/// `simpleim reindex`.
constexpr int kLayoutVersion = 1;

/// Settings and mappings of an index of messages, and of how far each conversation is in it.
constexpr std::string_view kMessagesIndex = R"({
  "settings": {
    "index": {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "500ms"},
    "analysis": {"analyzer": {"simpleim": {"type": "custom", "tokenizer": "whitespace"}}}
  },
  "mappings": {
    "_meta": {"simpleim": 1},
    "dynamic": "strict",
    "properties": {
      "conversation": {"type": "keyword"},
      "seq": {"type": "long"},
      "from": {"type": "keyword"},
      "type": {"type": "short"},
      "time": {"type": "long"},
      "tokens": {"type": "text", "analyzer": "simpleim", "norms": false,
                 "index_prefixes": {"min_chars": 3, "max_chars": 10}},
      "said": {"type": "text", "index": false},
      "gone": {"type": "boolean", "index": false, "doc_values": false},
      "place": {"type": "keyword"},
      "indexed_to": {"type": "long", "index": false},
      "newest": {"type": "long", "index": false}
    }
  }
})";
static_assert(kLayoutVersion == 1, "kMessagesIndex says so, too");

/// Of the index that holds the lease.
constexpr std::string_view kLeaseIndex = R"({
  "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
  "mappings": {"dynamic": "strict", "properties": {"node": {"type": "keyword"}}}
})";

}  // namespace simpleim::store::opensearch
