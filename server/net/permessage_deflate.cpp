#include "net/permessage_deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "net/header_value.h"

namespace simpleim::net {
namespace {

constexpr std::string_view kName = "permessage-deflate";
/// What ends a block that is flushed; it is not sent (RFC 7692 section 7.2.1).
constexpr std::string_view kTail("\0\0\xff\xff", 4);
constexpr int kLevel = 4;
/// 2^(bits + 2) of the window and 2^(level + 9): 12 and 5 are 32 KiB.
constexpr int kMemoryLevel = 5;
/// zlib's deflate has no smaller one.
constexpr int kMinWindowBits = 9;
constexpr int kMaxWindowBits = 15;
constexpr std::size_t kPiece = 16 << 10;
/// Bytes that a flush adds at most.
constexpr std::size_t kFlush = 16;

/// What stands before the next `separator`, which is taken off `text`, too.
std::string_view take(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// 8 to 15, perhaps in quotes; 0: neither.
int window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  int bits = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bits);
  const bool is_number = error == std::errc() && end == value.data() + value.size() && value.front() != '0';
  return is_number && bits >= 8 && bits <= kMaxWindowBits ? bits : 0;
}

/// Nothing: not ours, or not to be kept (section 5.1: then it is as if it had not been made).
std::optional<DeflateAgreement> accept_offer(std::string_view offer) {
  if (take(offer, ';') != kName) return std::nullopt;
  DeflateAgreement agreed;
  bool names_server_bits = false;
  std::array<std::string_view, 4> seen;
  std::size_t count = 0;
  while (!offer.empty()) {
    auto parameter = take(offer, ';');
    const bool has_value = parameter.find('=') != std::string_view::npos;
    const auto name = take(parameter, '=');
    if (count == seen.size() || std::find(seen.begin(), seen.end(), name) != seen.end()) return std::nullopt;
    seen[count++] = name;
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (has_value) return std::nullopt;
    } else if (name == "client_max_window_bits") {
      // We take any window, hence do not ask for a smaller one.
      if (has_value && window_bits(parameter) == 0) return std::nullopt;
    } else if (name == "server_max_window_bits") {
      agreed.server_window_bits = has_value ? window_bits(parameter) : 0;
      if (agreed.server_window_bits < kMinWindowBits) return std::nullopt;
      names_server_bits = true;
    } else {
      return std::nullopt;
    }
  }
  agreed.response = std::string(kName) + "; server_no_context_takeover; client_no_context_takeover";
  if (names_server_bits) agreed.response += "; server_max_window_bits=" + std::to_string(agreed.server_window_bits);
  return agreed;
}

Bytef* bytes(std::string_view text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); }

}  // namespace

std::optional<DeflateAgreement> accept_deflate(std::string_view offers) {
  for (const auto offer : split_list(offers))
    if (auto agreed = accept_offer(offer)) return agreed;
  return std::nullopt;
}

struct MessageDeflate::Streams {
  /// By window bits; those for less than kSharedWindowBits are made when somebody wants one.
  std::array<std::unique_ptr<z_stream>, kMaxWindowBits + 1> deflaters;
  z_stream inflater{};
  std::string piece;

  ~Streams() {
    for (auto& deflater : deflaters)
      if (deflater) deflateEnd(deflater.get());
    if (inflater.state != nullptr) inflateEnd(&inflater);
  }
  z_stream& deflater(int bits) {
    auto& slot = deflaters[static_cast<std::size_t>(bits)];
    if (slot) {
      deflateReset(slot.get());
      return *slot;
    }
    auto made = std::make_unique<z_stream>();
    if (deflateInit2(made.get(), kLevel, Z_DEFLATED, -bits, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
    slot = std::move(made);
    return *slot;
  }
  z_stream& fresh_inflater() {
    if (inflater.state == nullptr) {
      if (inflateInit2(&inflater, -kMaxWindowBits) != Z_OK) throw std::bad_alloc();
    } else {
      inflateReset(&inflater);
    }
    return inflater;
  }
};

MessageDeflate::MessageDeflate() : streams_(std::make_unique<Streams>()) {}
MessageDeflate::~MessageDeflate() = default;

bool MessageDeflate::deflate(std::string& out, std::string_view message, int window_bits) {
  auto& stream = streams_->deflater(std::min(window_bits, kSharedWindowBits));
  out.resize(deflateBound(&stream, message.size()) + kFlush);
  stream.next_in = bytes(message);
  stream.avail_in = static_cast<uInt>(message.size());
  stream.next_out = bytes(out);
  stream.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in != 0 || stream.avail_out == 0)
    throw std::runtime_error("zlib did not compress a message");
  out.resize(out.size() - stream.avail_out - kTail.size());
  return out.size() < message.size();
}

MessageDeflate::Inflated MessageDeflate::inflate(std::string& out, std::string_view compressed, std::size_t max_size) {
  auto& stream = streams_->fresh_inflater();
  auto& piece = streams_->piece;
  piece.resize(kPiece);
  out.clear();
  for (const auto input : {compressed, kTail}) {
    stream.next_in = bytes(input);
    stream.avail_in = static_cast<uInt>(input.size());
    do {
      stream.next_out = bytes(piece);
      stream.avail_out = static_cast<uInt>(piece.size());
      const auto state = ::inflate(&stream, Z_SYNC_FLUSH);
      out.append(piece, 0, piece.size() - stream.avail_out);
      if (out.size() > max_size) return Inflated::kTooBig;
      // A last block ends the stream; the blocks behind it are one more (section 7.2.3.5).
      if (state == Z_STREAM_END) inflateReset(&stream);
      else if (state != Z_OK && state != Z_BUF_ERROR) return Inflated::kBroken;
      else if (stream.avail_out != 0) break;
    } while (true);
    if (stream.avail_in != 0) return Inflated::kBroken;
  }
  return Inflated::kWhole;
}

}  // namespace simpleim::net
