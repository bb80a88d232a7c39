#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Numbers and texts side by side, for what nodes of one release tell each other. Little-endian.
namespace simpleim::base {

static_assert(std::endian::native == std::endian::little);

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <class Number>
  ByteWriter& number(Number value) {
    static_assert(std::is_integral_v<Number>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  ByteWriter& text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    out_ += text;
    return *this;
  }

 private:
  std::string& out_;
};

/// Reads past the end give zeros and make ok() false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  template <class Number>
  Number number() {
    static_assert(std::is_integral_v<Number>);
    Number value{};
    const auto bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number<std::uint32_t>()); }
  bool at_end() const { return in_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::string_view take(std::size_t size) {
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const auto taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace simpleim::base
