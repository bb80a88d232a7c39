#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace simpleim::protocol {

// Names are not put into parentheses where they are declared.
// NOLINTBEGIN(bugprone-macro-parentheses)

/// Frame types of protocol.md section 3; frame_types.def says what each one is.
enum class FrameType : std::uint8_t {
#define FRAME(number, constant, name, kind) constant = number,
#include "protocol/frame_types.def"
};

/// What is done with a frame; the table in frame_types.def says what it means.
enum class FrameKind {
  Unknown,
  Text,
  File,
  Event,
  Operation,
  Mark,
  Call,
  Typing,
  Presence,
  Sync,
  Query,
  Heartbeat,
  Answer
};

/// Of every number that a FrameType can have.
constexpr auto kFrameKinds = [] {
  std::array<FrameKind, 256> kinds{};
#define FRAME(number, constant, name, kind) kinds[number] = FrameKind::kind;
#include "protocol/frame_types.def"
  return kinds;
}();

/// Unknown: a number that is no frame type.
constexpr FrameKind kind_of(std::int64_t number) {
  const bool is_in = number >= 0 && number < static_cast<std::int64_t>(kFrameKinds.size());
  return is_in ? kFrameKinds[static_cast<std::size_t>(number)] : FrameKind::Unknown;
}

constexpr FrameKind kind_of(FrameType type) { return kind_of(static_cast<std::int64_t>(type)); }

constexpr bool carries_file(FrameType type) { return kind_of(type) == FrameKind::File; }
constexpr bool is_operation(FrameType type) { return kind_of(type) == FrameKind::Operation; }
/// Counts as unread, can be searched, forwarded, reported, answered to: what people write.
constexpr bool is_counted(FrameType type) { return kind_of(type) == FrameKind::Text || carries_file(type); }
/// Stands in a conversation as a message: what people write, and events.
constexpr bool is_shown(FrameType type) { return is_counted(type) || kind_of(type) == FrameKind::Event; }

/// Calls `use` with each type for which `holds` is true, in ascending order.
template <class Predicate, class Use>
void for_each_type(Predicate holds, Use use) {
#define FRAME(number, constant, name, kind) \
  if (holds(FrameType::constant)) use(FrameType::constant);
#include "protocol/frame_types.def"
}

/// "0,1,2": the numbers of the types for which `holds` is true, as an SQL list.
template <class Predicate>
std::string type_list(Predicate holds) {
  std::string list;
  for_each_type(holds, [&](FrameType type) {
    if (!list.empty()) list += ',';
    list += std::to_string(static_cast<int>(type));
  });
  return list;
}

// NOLINTEND(bugprone-macro-parentheses)

}  // namespace simpleim::protocol
