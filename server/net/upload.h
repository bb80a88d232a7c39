#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "net/body.h"
#include "net/request_reader.h"

namespace simpleim::net {

/// The body of one request on its way from the reader to its sink, and how fast it comes. On the connection's thread.
class Upload {
 public:
  /// `idle_ms`: how long nothing may come; after so long the body must have come at kLeastRate on average.
  Upload(std::shared_ptr<BodyPump> pump, RequestReader& reader, std::int64_t idle_ms);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// The sink takes more; else the client waits in its kernel.
  bool wants_more() const { return pump_->wants_more(); }
  /// Moves what has come to the sink. A refusal when the body cannot go on; `came`: bytes of the body.
  std::optional<RequestReader::Refusal> feed(std::uint64_t& came);

 private:
  /// Bytes a second that an upload must bring on average.
  static constexpr std::uint64_t kLeastRate = 1024;

  bool is_too_slow() const;

  const std::shared_ptr<BodyPump> pump_;
  RequestReader& reader_;
  const std::int64_t idle_ms_;
  const std::int64_t began_ms_;
  /// Only what belongs to the body counts: what frames it could come for ever.
  std::uint64_t bytes_ = 0;
};

/// Microseconds of a clock that never goes back.
std::int64_t steady_us();

}  // namespace simpleim::net
