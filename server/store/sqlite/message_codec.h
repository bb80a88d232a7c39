#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "store/records.h"

namespace simpleim::store::sqlite {

/// A journal row holds the messages of one batch, one record after the other.
void append_record(std::string& journal, const Message& message);
/// A record that amends an earlier message: conversation, seq, content and amendment of it.
void append_amendment(std::string& journal, const Message& message);
/// Calls `visit` for each record in order; `amends`: it is one of append_amendment. Throws StoreError when the row is
/// damaged.
void for_each_record(std::string_view journal, const std::function<void(Message&&, bool amends)>& visit);

}  // namespace simpleim::store::sqlite
