#include "net/upload.h"

#include <chrono>

namespace simpleim::net {

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Upload::Upload(std::shared_ptr<BodyPump> pump, RequestReader& reader, std::int64_t idle_ms)
    : pump_(std::move(pump)), reader_(reader), idle_ms_(idle_ms), began_ms_(steady_us() / 1000) {}

Upload::~Upload() { pump_->abandon(); }

std::optional<RequestReader::Refusal> Upload::feed(std::uint64_t& came) {
  came = 0;
  auto state = RequestReader::BodyState::kFull;
  while (state == RequestReader::BodyState::kFull && reader_.has_unread() && pump_->wants_more()) {
    const auto room = pump_->room(reader_.unread().size());
    std::size_t bytes = 0;
    state = reader_.read_body(room, bytes);
    pump_->take_back(room.size() - bytes);
    came += bytes;
  }
  if (state == RequestReader::BodyState::kRefused) return reader_.refusal();
  bytes_ += came;
  if (reader_.body_is_whole()) {
    pump_->end();
    return std::nullopt;
  }
  if (is_too_slow()) return RequestReader::Refusal{408, "the request body comes too slowly"};
  pump_->push();
  return std::nullopt;
}

bool Upload::is_too_slow() const {
  const auto took_ms = steady_us() / 1000 - began_ms_;
  return took_ms > idle_ms_ && bytes_ * 1000 / static_cast<std::uint64_t>(took_ms) < kLeastRate;
}

}  // namespace simpleim::net
