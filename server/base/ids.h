#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace simpleim::base {

class Clock;
class Random;

/// A typed 64-bit id (protocol.md section 1). On the wire: the tag's prefix and 13 characters of
/// lower-case Crockford base32, whose byte order equals the numeric order. 0 means "none".
template <class Tag>
struct Id {
  std::uint64_t value = 0;

  explicit operator bool() const { return value != 0; }
  auto operator<=>(const Id&) const = default;

  /// Appends the wire form; allocation only when `out` must grow.
  void append_to(std::string& out) const;
  std::string str() const {
    std::string out;
    append_to(out);
    return out;
  }
  /// Nothing when the prefix, the length or a character is wrong.
  static std::optional<Id> parse(std::string_view text);
};

struct UserTag {
  static constexpr std::string_view kPrefix = "user_";
};
struct GroupTag {
  static constexpr std::string_view kPrefix = "group_";
};
struct FileTag {
  static constexpr std::string_view kPrefix = "file_";
};
struct SessionTag {
  static constexpr std::string_view kPrefix = "session_";
};
struct ReportTag {
  static constexpr std::string_view kPrefix = "report_";
};

using UserId = Id<UserTag>;
using GroupId = Id<GroupTag>;
using FileId = Id<FileTag>;
using SessionId = Id<SessionTag>;
using ReportId = Id<ReportTag>;

void append_base32(std::string& out, std::uint64_t value);
std::optional<std::uint64_t> parse_base32(std::string_view text);

template <class Tag>
void Id<Tag>::append_to(std::string& out) const {
  out += Tag::kPrefix;
  append_base32(out, value);
}

template <class Tag>
std::optional<Id<Tag>> Id<Tag>::parse(std::string_view text) {
  if (!text.starts_with(Tag::kPrefix)) return std::nullopt;
  const auto value = parse_base32(text.substr(Tag::kPrefix.size()));
  if (!value || *value == 0) return std::nullopt;
  return Id{*value};
}

/// A private conversation of two users (low <= high), or a group's (low == 0).
struct ConversationId {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  static ConversationId between(UserId a, UserId b) {
    return a < b ? ConversationId{a.value, b.value} : ConversationId{b.value, a.value};
  }
  static ConversationId of(GroupId group) { return {0, group.value}; }
  /// Accepts `private:{user}:{user}` in byte order and `group:{group}`; nothing else.
  static std::optional<ConversationId> parse(std::string_view text);

  bool is_group() const { return low == 0; }
  GroupId group() const { return GroupId{is_group() ? high : 0}; }
  bool has(UserId user) const { return !is_group() && (low == user.value || high == user.value); }
  /// The other side of a private conversation (the user himself in a conversation with himself).
  UserId peer_of(UserId user) const { return UserId{low == user.value ? high : low}; }

  void append_to(std::string& out) const;
  std::string str() const;
  auto operator<=>(const ConversationId&) const = default;
};

/// A message id as the wire allows it: 1 to 64 characters of [A-Za-z0-9_-]; kept inline, because
/// every message carries one through the hot path.
class MessageId {
 public:
  static constexpr std::size_t kMaxLength = 64;

  MessageId() = default;
  /// Nothing when the text is empty, too long or has a character outside [A-Za-z0-9_-].
  static std::optional<MessageId> parse(std::string_view text);

  std::string_view view() const { return {text_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  bool operator==(const MessageId& other) const { return view() == other.view(); }

 private:
  friend class IdMaker;
  std::array<char, kMaxLength> text_;
  std::uint8_t size_ = 0;
};

/// Makes ids whose order follows the clock: 42 bits of milliseconds, 21 random bits (so that it
/// stays positive as a signed number). A collision
/// within one millisecond is possible (1 in 2 million) and is caught by the store's unique key.
/// Thread-safe.
class IdMaker {
 public:
  IdMaker(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  template <class AnyId>
  AnyId make() {
    return AnyId{next()};
  }
  /// A UUIDv7 (RFC 9562 section 5.7) in its canonical text form.
  MessageId message_id();

 private:
  std::uint64_t next();

  const Clock& clock_;
  Random& random_;
};

struct IdHash {
  template <class Tag>
  std::size_t operator()(const Id<Tag>& id) const {
    return mix(id.value);
  }
  std::size_t operator()(const ConversationId& id) const { return mix(id.low * 0x9e3779b97f4a7c15ULL ^ id.high); }

 private:
  static std::size_t mix(std::uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    x ^= x >> 32;
    return x;
  }
};

}  // namespace simpleim::base
