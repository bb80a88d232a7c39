#pragma once

#include <string>
#include <string_view>

#include "store/search_index.h"

/// What is asked of the search server. Inside opensearch only.
namespace simpleim::store::opensearch {

/// 32 hexadecimal digits, whose order is that of conversations.
std::string conversation_key(ConversationId conversation);
std::optional<ConversationId> parse_conversation_key(std::string_view key);
std::string user_key(UserId user);
/// The tokens of a text, each once, between spaces.
std::string tokens_of(std::string_view text);

/// The `_search` for `size` messages of the places, behind `after`, by comes_first(). That the places are all there is
/// to find, and from which seq on, is part of the question.
std::string search_query(const std::vector<SearchPlace>& places, const std::vector<base::SearchTerm>& terms,
                         const SearchFilter& filter, const std::optional<SearchHit>& after, std::size_t size);

/// Places for one question each: of those that begin later than at seq 1 each is a clause, of which a server takes
/// about a thousand; of the others it takes 65,536.
std::vector<std::vector<SearchPlace>> divided(const std::vector<SearchPlace>& places);

}  // namespace simpleim::store::opensearch
