/// The bytes of an HTTP connection, cut where the first byte of the input says.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "net/request_reader.h"

namespace {

using simpleim::net::RequestReader;
using simpleim::net::Route;

constexpr RequestReader::Limits kLimits{256, 1024, 2048};

/// What is kept of bytes that belong to no request is bounded, whatever comes.
void check_bound(const RequestReader& reader, std::size_t piece) {
  if (reader.unread().size() > kLimits.head + piece) std::abort();
}

RequestReader::BodyState read_upload(RequestReader& reader, std::size_t piece) {
  std::array<char, 32> room;
  std::size_t bytes = 0;
  auto state = RequestReader::BodyState::kFull;
  while (state == RequestReader::BodyState::kFull) state = reader.read_body(room, bytes);
  if (state == RequestReader::BodyState::kNeedsMore) check_bound(reader, piece);
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  static const Route upload{"POST", "/u", simpleim::net::Lane::kFiles, {}, {}};
  RequestReader reader(kLimits, [](simpleim::net::Request& head) { return head.path == "/u" ? &upload : nullptr; });
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  bool in_upload = false;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader.receive(std::string_view(text).substr(at, piece));
    for (bool goes_on = true; goes_on;) {
      if (in_upload) {
        const auto state = read_upload(reader, piece);
        if (state == RequestReader::BodyState::kRefused) return 0;
        if (state == RequestReader::BodyState::kNeedsMore) break;
        in_upload = false;
        reader.next();
      }
      switch (reader.advance()) {
        case RequestReader::State::kNeedsMore:
          check_bound(reader, piece);
          goes_on = false;
          break;
        case RequestReader::State::kContinue:
          break;
        case RequestReader::State::kRequest: {
          const auto request = reader.take();
          if (request.body.size() > kLimits.body || request.path.empty()) std::abort();
          reader.next();
          break;
        }
        case RequestReader::State::kUpload:
          (void)reader.take();
          in_upload = true;
          break;
        case RequestReader::State::kRefused:
          if (reader.keep_alive() || reader.refusal().status < 400) std::abort();
          return 0;
      }
    }
  }
  return 0;
}
