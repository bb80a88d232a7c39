#include "media/edited_copy.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace simpleim::media {
namespace {

constexpr std::int64_t kPiece = 256 << 10;

}  // namespace

void copy_edited(const std::string& path, const std::vector<Edit>& edits,
                 const std::function<void(std::string_view piece)>& write) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::string piece(static_cast<std::size_t>(kPiece), '\0');
  // Up to `length` bytes from where the content is read, given on, given on as zeros, or passed over.
  const auto pass = [&](std::int64_t length, bool give, bool zero) {
    while (length > 0 && in.read(piece.data(), std::min(length, kPiece)).gcount() > 0) {
      const auto got = static_cast<std::size_t>(in.gcount());
      length -= in.gcount();
      if (zero) std::fill_n(piece.begin(), got, '\0');
      if (give) write(std::string_view(piece).substr(0, got));
    }
  };
  std::int64_t at = 0;
  for (const auto& edit : edits) {
    pass(edit.offset - at, true, false);
    if (!edit.bytes.empty()) write(edit.bytes);
    pass(edit.length, edit.zero, edit.zero);
    at = edit.offset + edit.length;
  }
  pass(std::numeric_limits<std::int64_t>::max(), true, false);
  if (in.bad()) throw std::runtime_error("cannot read " + path);
}

}  // namespace simpleim::media
