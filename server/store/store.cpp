#include "store/store.h"

#include <algorithm>

namespace simpleim::store {

Error StoreError::as_error() const {
  switch (code_) {
    case ErrorCode::kStorageFull:
      return {code_, "the server's storage is full; try again when there is room"};
    case ErrorCode::kUnavailable:
      return {code_, "the server's store is not reachable; try again"};
    default:
      return {ErrorCode::kInternal, "the server could not store or read this; try again"};
  }
}

std::vector<ListedConversation> Store::listed(UserId user) {
  std::vector<ListedConversation> found;
  for (auto& state : conversations().states_of(user)) {
    ListedConversation listed;
    if (state.conversation.is_group()) {
      const auto member = groups().member(state.conversation.group(), user);
      if (!member) continue;
      listed.visible_from = std::max<std::int64_t>(1, member->joined_seq);
    }
    listed.tail = messages().tail(state.conversation);
    listed.state = std::move(state);
    found.push_back(std::move(listed));
  }
  return found;
}

}  // namespace simpleim::store
