#include "net/multipart.h"

#include <algorithm>
#include <cstring>

#include "net/header_value.h"
#include "net/http.h"

namespace simpleim::net {
namespace {

/// A token or a quoted string at the front of `rest`.
std::string take_value(std::string_view& rest) {
  std::string value;
  if (!rest.starts_with('"')) {
    const auto end = std::min(rest.find(';'), rest.size());
    value = trim(rest.substr(0, end));
    rest.remove_prefix(end);
    return value;
  }
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    // Only the quote is escaped: Windows paths come with bare backslashes.
    if (rest.starts_with("\\\"")) rest.remove_prefix(1);
    value += rest.front();
    rest.remove_prefix(1);
  }
  if (!rest.empty()) rest.remove_prefix(1);
  return value;
}

/// The parameters behind the first `;` of a header value.
template <class Visit>
void for_each_parameter(std::string_view value, Visit visit) {
  auto rest = value.substr(std::min(value.find(';'), value.size()));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    rest = trim(rest);
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return;
    const auto name = lower(trim(rest.substr(0, equals)));
    rest.remove_prefix(equals + 1);
    visit(name, take_value(rest));
    const auto next = rest.find(';');
    rest.remove_prefix(std::min(next, rest.size()));
  }
}

/// Browsers encode a quote and line breaks in a name, and nothing else (WHATWG HTML, "multipart/form-data"): any other
/// percent sign is the name's own.
std::string decode_name(std::string text) {
  constexpr std::pair<std::string_view, char> kEncoded[] = {{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
  for (const auto& [code, character] : kEncoded)
    for (auto at = text.find(code); at != std::string::npos; at = text.find(code, at + 1))
      text.replace(at, code.size(), 1, character);
  return text;
}

/// RFC 8187: UTF-8''percent-encoded.
std::optional<std::string> decode_extended(const std::string& text) {
  constexpr std::string_view kCharset = "utf-8''";
  if (!lower(text.substr(0, kCharset.size())).starts_with(kCharset)) return std::nullopt;
  return percent_decode(std::string_view(text).substr(kCharset.size()), false);
}

std::optional<MultipartReader::Part> parse_head(std::string_view head) {
  MultipartReader::Part part;
  bool found = false;
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    const auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    if (lower(trim(line.substr(0, colon))) != "content-disposition") continue;
    const auto value = trim(line.substr(colon + 1));
    if (!lower(value).starts_with("form-data")) return std::nullopt;
    for_each_parameter(value, [&](const std::string& name, std::string text) {
      if (name == "name") {
        part.name = std::move(text);
        found = true;
      } else if (name == "filename" && !part.file_name) {
        part.file_name = decode_name(std::move(text));
      } else if (name == "filename*") {
        if (auto decoded = decode_extended(text)) part.file_name = std::move(*decoded);
      }
    });
  }
  return found ? std::optional(part) : std::nullopt;
}

std::size_t find_in(std::string_view text, std::string_view what) {
  const auto* at = static_cast<const char*>(::memmem(text.data(), text.size(), what.data(), what.size()));
  return at == nullptr ? std::string_view::npos : static_cast<std::size_t>(at - text.data());
}

}  // namespace

std::optional<std::string> MultipartReader::boundary_of(std::string_view content_type) {
  const auto type = trim(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
  if (lower(type) != "multipart/form-data") return std::nullopt;
  std::optional<std::string> boundary;
  for_each_parameter(content_type, [&](const std::string& name, std::string value) {
    if (name == "boundary" && !boundary) boundary = std::move(value);
  });
  constexpr std::size_t kMaxBoundary = 70;
  if (boundary && (boundary->empty() || boundary->size() > kMaxBoundary)) return std::nullopt;
  return boundary;
}

/// The first boundary may stand at the very beginning: a line break is put before it.
MultipartReader::MultipartReader(const std::string& boundary, Events events)
    : delimiter_("\r\n--" + boundary), events_(std::move(events)), pending_("\r\n") {}

bool MultipartReader::feed(std::string_view piece) {
  if (state_ == State::kEpilogue) return true;
  pending_ += piece;
  bool progress = true;
  while (progress) {
    progress = false;
    if (!step(progress)) return false;
  }
  return true;
}

bool MultipartReader::step(bool& progress) {
  switch (state_) {
    case State::kPreamble:
    case State::kData:
      return find_boundary(progress);
    case State::kBoundary:
      return after_boundary(progress);
    case State::kHead:
      return read_head(progress);
    case State::kEpilogue:
      pending_.clear();
      return true;
  }
  return false;
}

bool MultipartReader::find_boundary(bool& progress) {
  const auto at = find_in(pending_, delimiter_);
  const bool found = at != std::string_view::npos;
  // What could be the beginning of a boundary stays.
  const auto certain = found ? at : pending_.size() - std::min(pending_.size(), delimiter_.size() - 1);
  if (state_ == State::kData && certain > 0 && !events_.data(std::string_view(pending_).substr(0, certain)))
    return false;
  pending_.erase(0, found ? at + delimiter_.size() : certain);
  if (!found) return true;
  const bool ended = state_ != State::kData || events_.end();
  state_ = State::kBoundary;
  progress = true;
  return ended;
}

bool MultipartReader::after_boundary(bool& progress) {
  // Transport padding (RFC 2046) may stand between the boundary and the end of its line.
  const auto text = pending_.find_first_not_of(" \t");
  if (text == std::string::npos || pending_.size() < text + 2) return pending_.size() <= kMaxHead;
  const auto end = std::string_view(pending_).substr(text, 2);
  if (end == "--") {
    state_ = State::kEpilogue;
  } else if (end == "\r\n" && ++parts_ <= kMaxParts) {
    state_ = State::kHead;
    pending_.erase(0, text);  // the line break stays: a head may be empty
  } else {
    return false;
  }
  progress = true;
  return true;
}

bool MultipartReader::read_head(bool& progress) {
  const auto end = pending_.find("\r\n\r\n");
  if (end == std::string::npos) return pending_.size() <= kMaxHead;
  if (end > kMaxHead) return false;
  const auto part = parse_head(std::string_view(pending_).substr(2, end < 2 ? 0 : end - 2));
  if (!part || !events_.begin(*part)) return false;
  pending_.erase(0, end + 4);
  state_ = State::kData;
  progress = true;
  return true;
}

}  // namespace simpleim::net
