#include "store/sql/packed_id.h"

#include <cstring>

namespace simpleim::store::sql {
namespace {

constexpr char kUuid = 'u';
constexpr char kText = 't';
constexpr std::string_view kHex = "0123456789abcdef";

constexpr auto kHexValues = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kHex.size(); ++i)
    table[static_cast<unsigned char>(kHex[i])] = static_cast<std::int8_t>(i);
  return table;
}();

bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

PackedId::PackedId(std::string_view id) {
  if (pack_uuid(id)) return;
  bytes_[0] = kText;
  std::memcpy(bytes_.data() + 1, id.data(), id.size());
  size_ = static_cast<std::uint8_t>(id.size() + 1);
}

bool PackedId::pack_uuid(std::string_view id) {
  if (id.size() != 36) return false;
  bytes_[0] = kUuid;
  std::size_t out = 1;
  for (std::size_t i = 0; i < id.size();) {
    if (is_dash_position(i)) {
      if (id[i++] != '-') return false;
      continue;
    }
    const std::int8_t high = kHexValues[static_cast<unsigned char>(id[i])];
    const std::int8_t low = kHexValues[static_cast<unsigned char>(id[i + 1])];
    if (high < 0 || low < 0) return false;
    bytes_[out++] = static_cast<char>(high << 4 | low);
    i += 2;
  }
  size_ = 17;
  return true;
}

std::string unpack_message_id(std::string_view packed) {
  if (packed.empty()) return {};
  if (packed[0] == kText) return std::string(packed.substr(1));
  std::string id;
  for (const char c : packed.substr(1)) {
    if (is_dash_position(id.size())) id += '-';
    id += kHex[static_cast<unsigned char>(c) >> 4];
    id += kHex[static_cast<unsigned char>(c) & 15];
  }
  return id;
}

}  // namespace simpleim::store::sql
