/// The WebSocket codec: any bytes, in any pieces, must be parsed the same way and never crash.

#include <cstdlib>
#include <string>

#include "base/utf8.h"
#include "net/websocket_frame.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace simpleim;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto whole = net::parse_frame_header(std::string_view(bytes).substr(at));
    if (whole.state != net::HeaderResult::State::kComplete) break;
    // A header that is complete is complete at exactly its own length.
    if (net::parse_frame_header(std::string_view(bytes).substr(at, whole.header.size)).state !=
        net::HeaderResult::State::kComplete)
      std::abort();
    if (net::parse_frame_header(std::string_view(bytes).substr(at, whole.header.size - 1)).state !=
        net::HeaderResult::State::kNeedMore)
      std::abort();
    at += whole.header.size;
    const auto payload = std::min<std::uint64_t>(whole.header.payload_size, bytes.size() - at);
    net::unmask(bytes.data() + at, payload, whole.header.mask, 0);
    const auto text = std::string_view(bytes).substr(at, payload);
    base::Utf8Validator validator;
    bool good = true;
    for (const char c : text) good = good && validator.feed({&c, 1});
    if ((good && validator.complete()) != base::is_utf8(text)) std::abort();
    at += payload;
  }
  return 0;
}
