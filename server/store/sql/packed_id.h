#pragma once

#include <array>
#include <string>
#include <string_view>

#include "store/records.h"

namespace simpleim::store::sql {

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

}  // namespace simpleim::store::sql
