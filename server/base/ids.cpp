#include "base/ids.h"

#include "base/clock.h"
#include "base/random.h"

namespace simpleim::base {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kLength = 13;
constexpr std::string_view kHex = "0123456789abcdef";

constexpr auto kDigits = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}();

bool is_message_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

void append_base32(std::string& out, std::uint64_t value) {
  std::array<char, kLength> text;
  for (std::size_t i = kLength; i-- > 0; value >>= 5) text[i] = kAlphabet[value & 31];
  out.append(text.data(), text.size());
}

std::optional<std::uint64_t> parse_base32(std::string_view text) {
  if (text.size() != kLength || text[0] > '7') return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const std::int8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit < 0) return std::nullopt;
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

std::optional<ConversationId> ConversationId::parse(std::string_view text) {
  if (text.starts_with("group:")) {
    const auto group = GroupId::parse(text.substr(6));
    if (!group) return std::nullopt;
    return of(*group);
  }
  if (!text.starts_with("private:")) return std::nullopt;
  text.remove_prefix(8);
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto low = UserId::parse(text.substr(0, colon));
  const auto high = UserId::parse(text.substr(colon + 1));
  if (!low || !high || *high < *low) return std::nullopt;
  return ConversationId{low->value, high->value};
}

void ConversationId::append_to(std::string& out) const {
  if (is_group()) {
    out += "group:";
    GroupId{high}.append_to(out);
    return;
  }
  out += "private:";
  UserId{low}.append_to(out);
  out += ':';
  UserId{high}.append_to(out);
}

std::string ConversationId::str() const {
  std::string out;
  append_to(out);
  return out;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxLength) return std::nullopt;
  for (const char c : text)
    if (!is_message_id_char(c)) return std::nullopt;
  MessageId id;
  std::memcpy(id.text_.data(), text.data(), text.size());
  id.size_ = static_cast<std::uint8_t>(text.size());
  return id;
}

std::uint64_t IdMaker::next() {
  return static_cast<std::uint64_t>(clock_.now_ms()) << 21 | (random_.next() & 0x1fffff);
}

MessageId IdMaker::message_id() {
  std::array<std::uint8_t, 16> raw;
  random_.fill(raw.data(), raw.size());
  const auto ms = static_cast<std::uint64_t>(clock_.now_ms());
  for (std::size_t i = 0; i < 6; ++i) raw[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0f) | 0x70);
  raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3f) | 0x80);
  MessageId id;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id.text_[id.size_++] = '-';
    id.text_[id.size_++] = kHex[raw[i] >> 4];
    id.text_[id.size_++] = kHex[raw[i] & 15];
  }
  return id;
}

}  // namespace simpleim::base
