#pragma once

#include "store/sqlite/connection.h"

namespace simpleim::store::sqlite {

/// Makes the tokenizer "simpleim" known to a connection. Throws StoreError.
void register_search_tokenizer(Connection& db);

/// From whom and of what type a document is, as tokens that no text has. Two people may share one.
std::string sender_mark(UserId from);
std::string type_mark(int type);
/// What FTS5 is given of a document: the tokenizer takes the marks from its end.
std::string with_marks(std::string_view text, UserId from, int type);

}  // namespace simpleim::store::sqlite
