#include "net/request_reader.h"

#include "net/header_value.h"

namespace simpleim::net {

namespace http = boost::beast::http;

namespace {

/// A buffer that a burst has made large is not kept for a connection that has nothing to say.
constexpr std::size_t kKeptCapacity = 4 << 10;
/// A chunked body ends with at least these: "0", two line breaks. Beast's parser takes for granted that it gets them in
/// one piece once it has seen the first line of them.
constexpr std::size_t kLastChunk = 5;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

RequestReader::RequestReader(const Limits& limits, FindUpload find_upload, std::string mount)
    : limits_(limits), find_upload_(std::move(find_upload)), mount_(std::move(mount)) {
  next();
}

void RequestReader::next() {
  body_.reset();
  upload_.reset();
  head_.emplace();
  head_->header_limit(static_cast<std::uint32_t>(limits_.head));
  head_->body_limit(boost::none);  // which limit holds is known when the head is
  request_ = {};
  upload_route_ = nullptr;
  body_used_ = payload_ = 0;
  chunked_ = waits_ = whole_ = has_begun_ = false;
}

void RequestReader::use(std::size_t bytes) {
  used_ += bytes;
  if (used_ < unread_.size()) {
    // Thousands of short requests in a row are not moved forward once for each.
    if (used_ < unread_.size() / 2) return;
    unread_.erase(0, used_);
  } else if (unread_.capacity() > kKeptCapacity) {
    std::string().swap(unread_);
  } else {
    unread_.clear();
  }
  used_ = 0;
}

RequestReader::State RequestReader::refuse(int status, std::string text) {
  refusal_ = {status, std::move(text)};
  refused_ = true;
  keep_alive_ = false;
  std::string().swap(unread_);
  used_ = 0;
  return State::kRefused;
}

RequestReader::State RequestReader::refuse_body(std::uint64_t limit) {
  return refuse(413, "the request body may have at most " + std::to_string(limit) + " bytes");
}

template <class Parser>
bool RequestReader::put(Parser& parser) {
  boost::system::error_code error;
  const auto bytes = unread();
  if (!head_ && chunked_ && bytes.size() < kLastChunk) return false;
  const auto used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  use(used);
  if (!head_) body_used_ += used;
  if (!error || error == http::error::need_buffer) return true;
  if (error == http::error::need_more) return false;
  if (error == http::error::header_limit)
    return refuse(431, "the request header may have at most " + std::to_string(limits_.head) + " bytes"), false;
  if (error == http::error::body_limit) return refuse_body(upload_ ? limits_.upload : limits_.body), false;
  return refuse(400, "the request is not valid HTTP/1.1"), false;
}

RequestReader::State RequestReader::advance() {
  if (refused_) return State::kRefused;
  while (head_) {
    if (!has_unread()) return State::kNeedsMore;
    has_begun_ = true;
    if (!put(*head_)) return refused_ ? State::kRefused : State::kNeedsMore;
    if (!head_->is_header_done()) continue;
    if (const auto state = end_of_head(); state != State::kNeedsMore) return state;
  }
  return whole_body();
}

/// kNeedsMore: the body follows.
RequestReader::State RequestReader::end_of_head() {
  if (!head_allowed()) return State::kRefused;
  read_head();
  if (const auto target = head_->get().target(); !parse_target({target.data(), target.size()}, request_))
    return refuse(400, "the request target is malformed");
  if (auto& path = request_.path; path == mount_ || path.starts_with(mount_ + '/')) path.erase(0, mount_.size());
  if (request_.path.empty()) request_.path = "/";
  if (head_->is_done()) {
    head_.reset();
    whole_ = true;
    return State::kRequest;
  }
  upload_route_ = find_upload_(request_);
  const auto limit = upload_route_ != nullptr ? limits_.upload : limits_.body;
  if (head_->content_length().value_or(0) > limit) return refuse_body(limit);
  if (upload_route_ != nullptr) {
    upload_.emplace(std::move(*head_));
    upload_->body_limit(limit);
    upload_->eager(true);
  } else {
    body_.emplace(std::move(*head_));
    body_->body_limit(limit);
    body_->eager(true);
  }
  head_.reset();
  if (upload_) return State::kUpload;
  return waits_ ? State::kContinue : State::kNeedsMore;
}

RequestReader::State RequestReader::whole_body() {
  while (!whole_) {
    const bool goes_on = has_unread() && put(*body_);
    if (refused_) return State::kRefused;
    payload_ = body_->get().body().size();
    if (!framing_allowed(!goes_on)) return State::kRefused;
    whole_ = body_->is_done();
    if (!whole_ && !goes_on) return State::kNeedsMore;
  }
  request_.body = std::move(body_->get().body());
  return State::kRequest;
}

RequestReader::BodyState RequestReader::read_body(std::span<char> into, std::size_t& bytes) {
  bytes = 0;
  if (refused_) return BodyState::kRefused;
  if (whole_) return BodyState::kWhole;
  if (!has_unread()) return BodyState::kNeedsMore;
  auto& body = upload_->get().body();
  body.data = into.data();
  body.size = into.size();
  body.more = true;
  const bool goes_on = put(*upload_);
  bytes = into.size() - body.size;
  payload_ += bytes;
  if (refused_ || !framing_allowed(!goes_on)) return BodyState::kRefused;
  whole_ = upload_->is_done();
  if (whole_) return BodyState::kWhole;
  return goes_on && has_unread() ? BodyState::kFull : BodyState::kNeedsMore;
}

/// Bytes that frame a body cost memory until they are complete, and time for nothing when they are.
bool RequestReader::framing_allowed(bool needs_more) {
  if (!chunked_) return true;
  if (needs_more && unread().size() > limits_.head)
    return refuse(400, "a chunk's size with its extensions, and trailers, may have at most " +
                           std::to_string(limits_.head) + " bytes"),
           false;
  if (body_used_ - payload_ > limits_.head + kFramingPerByte * payload_)
    return refuse(400, "the body's chunks have too much around them; send larger ones, without extensions"), false;
  return true;
}

bool RequestReader::head_allowed() {
  const auto& message = head_->get();
  const auto refused = [this](int status, const char* text) { return refuse(status, text), false; };
  if (message.count(http::field::content_encoding) > 0 && message[http::field::content_encoding] != "identity")
    return refused(415, "a request body must come without Content-Encoding");
  if (message.count(http::field::content_length) + message.count(http::field::transfer_encoding) > 1)
    return refused(400, "a request has one Content-Length or one Transfer-Encoding, not both");
  if (message.count(http::field::host) != 1 && message.version() == 11)
    return refused(400, "a request has exactly one Host header");
  // RFC 9112 section 6.3: with any other coding nobody knows where the body ends.
  chunked_ = message.count(http::field::transfer_encoding) > 0;
  if (chunked_ && lower(trim(view(message[http::field::transfer_encoding]))) != "chunked")
    return refused(400, "Transfer-Encoding of a request can only be chunked");
  return true;
}

void RequestReader::read_head() {
  const auto& message = head_->get();
  request_.method = std::string(view(message.method_string()));
  keep_alive_ = message.keep_alive();
  waits_ = lower(view(message[http::field::expect])) == "100-continue";
  for (const auto& field : message) {
    auto& value = request_.headers[lower(view(field.name_string()))];
    if (!value.empty()) value += ", ";
    value.append(field.value().data(), field.value().size());
  }
}

}  // namespace simpleim::net
