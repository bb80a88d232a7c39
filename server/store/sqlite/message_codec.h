#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "store/records.h"

namespace simpleim::store::sqlite {

/// A message id as the tables keep it: a canonical lower-case UUID in 17 bytes, anything else as
/// text behind a marker. Time-ordered ids stay in order, so the index grows at its end. Kept inline:
/// every message is packed several times on its way.
class PackedId {
 public:
  explicit PackedId(std::string_view id);
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  bool pack_uuid(std::string_view id);

  std::array<char, MessageId::kMaxLength + 1> bytes_;
  std::uint8_t size_ = 0;
};
std::string unpack_message_id(std::string_view packed);

/// A journal row holds the messages of one batch, one record after the other.
void append_record(std::string& journal, const Message& message);
/// A record that amends an earlier message: conversation, seq, content and amendment of it.
void append_amendment(std::string& journal, const Message& message);
/// Calls `visit` for each record in order; `amends`: it is one of append_amendment. Throws StoreError when the row is
/// damaged.
void for_each_record(std::string_view journal, const std::function<void(Message&&, bool amends)>& visit);

}  // namespace simpleim::store::sqlite
