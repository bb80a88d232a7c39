#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Numbers and texts side by side, in entries of a kind and a size each, for what nodes tell each other. Nodes of two
/// releases run side by side during an upgrade: who does not know a kind skips the entry, and who knows an entry as it
/// was once ignores what was added at its end. What an entry says already never changes. Little-endian.
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

 protected:
  std::string& out_;
};

/// Writes an entry; its size is known when this ends.
class EntryWriter : public ByteWriter {
 public:
  EntryWriter(std::string& out, std::uint8_t kind) : ByteWriter(out) {
    number(kind).number(std::uint32_t{0});
    start_ = out.size();
  }
  ~EntryWriter() {
    const auto size = static_cast<std::uint32_t>(out_.size() - start_);
    std::memcpy(out_.data() + start_ - sizeof size, &size, sizeof size);
  }
  EntryWriter(const EntryWriter&) = delete;
  EntryWriter& operator=(const EntryWriter&) = delete;

 private:
  std::size_t start_ = 0;
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

struct Entry {
  std::uint8_t kind = 0;
  ByteReader body;
};

/// The next entry of `in`; its body is empty and `in` not ok() when it is damaged.
inline Entry read_entry(ByteReader& in) {
  const auto kind = in.number<std::uint8_t>();
  return {kind, ByteReader(in.text())};
}

}  // namespace simpleim::base
