#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/multipart.h"

/// A form must read the same whole and in pieces; the first byte chooses the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const auto read = [&](std::size_t step, bool& good) {
    std::string seen;
    simpleim::net::MultipartReader reader("b", {[&](const auto& part) {
                                                  seen += "<" + part.name + "|" + part.file_name.value_or("-") + ">";
                                                  return true;
                                                },
                                                [&](std::string_view piece) {
                                                  seen += piece;
                                                  return true;
                                                },
                                                [&] {
                                                  seen += "</>";
                                                  return true;
                                                }});
    good = true;
    for (std::size_t i = 0; good && i < body.size(); i += step) good = reader.feed(body.substr(i, step));
    return seen + (reader.complete() ? "!" : "?");
  };
  bool whole_good = false;
  bool pieces_good = false;
  const auto whole = read(body.size() + 1, whole_good);
  const auto pieces = read(std::size_t{bytes[0]} % 16 + 1, pieces_good);
  // What is refused may have been told in part; what is taken is the same.
  if (whole_good != pieces_good || (whole_good && whole != pieces)) std::abort();
  return 0;
}
