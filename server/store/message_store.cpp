#include "store/message_store.h"

namespace simpleim::store {

std::vector<HistoryPage> MessageStore::pages(const std::vector<MessagePlace>& places, std::size_t limit) {
  std::vector<HistoryPage> pages;
  pages.reserve(places.size());
  for (const auto& place : places) pages.push_back(history({place.conversation, 1, 0, place.seq, limit}));
  return pages;
}

}  // namespace simpleim::store
