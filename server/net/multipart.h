#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace simpleim::net {

/// Reads multipart/form-data (RFC 7578, RFC 2046 section 5.1) as it comes. Holds at most a part's head or the length of
/// a boundary.
class MultipartReader {
 public:
  struct Part {
    std::string name;
    /// Set when the part is a file; percent-decoded where browsers encode (quotes and line breaks).
    std::optional<std::string> file_name;
  };
  struct Events {
    /// False ends the reading; feed() then returns false, too.
    std::function<bool(const Part&)> begin;
    std::function<bool(std::string_view)> data;
    std::function<bool()> end;
  };

  /// The boundary of a Content-Type; nothing when it is not multipart/form-data with one of 1 to 70 characters.
  static std::optional<std::string> boundary_of(std::string_view content_type);

  MultipartReader(const std::string& boundary, Events events);

  /// False when the body is malformed or an event said so.
  bool feed(std::string_view piece);
  /// The closing boundary was seen.
  bool complete() const { return state_ == State::kEpilogue; }

 private:
  enum class State { kPreamble, kBoundary, kHead, kData, kEpilogue };

  bool step(bool& progress);
  bool find_boundary(bool& progress);
  bool after_boundary(bool& progress);
  bool read_head(bool& progress);

  static constexpr std::size_t kMaxHead = 8192;
  static constexpr int kMaxParts = 32;

  const std::string delimiter_;
  const Events events_;
  std::string pending_;
  State state_ = State::kPreamble;
  int parts_ = 0;
};

}  // namespace simpleim::net
