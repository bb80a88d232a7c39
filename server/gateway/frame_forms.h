#pragma once

#include <array>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/permessage_deflate.h"
#include "net/shared_bytes.h"
#include "protocol/encoding.h"
#include "protocol/protobuf_encoder.h"

/// The forms in which sockets want the frames of a delivery: each is made once for all sockets, and only when one of
/// them wants it. Inside gateway only.
namespace simpleim::gateway {

struct DeliveryBatch;

/// JSON or Protobuf, compressed or not.
struct Form {
  protocol::Encoding encoding = protocol::Encoding::kJson;
  /// For a window of net::kSharedWindowBits.
  bool deflated = false;

  static constexpr std::size_t kCount = 4;
  std::size_t index() const { return static_cast<std::size_t>(encoding) * 2 + (deflated ? 1 : 0); }
};

/// What a thread makes them with.
struct FormMaker {
  protocol::ProtobufEncoder protobuf;
  net::MessageDeflate deflate;
};

/// A stretch of bytes.
struct Span {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;

  std::string_view of(std::string_view bytes) const { return bytes.substr(offset, size); }
};

/// The frames of a batch in one form: those of a message and of a step (a run or a notice), by their places in the
/// batch; empty where there is nothing to send.
struct Frames {
  std::string bytes;
  std::vector<Span> messages;
  std::vector<Span> steps;
};

/// The forms of a batch other than plain JSON, which is the batch itself. Thread-safe.
class FrameForms {
 public:
  const Frames& in(Form form, const DeliveryBatch& batch, FormMaker& maker);

 private:
  struct Lazy {
    std::once_flag made;
    Frames frames;
  };
  std::array<Lazy, Form::kCount> forms_;
};

/// The frames of one step as the sockets of one thread need them. Lives as long as the step is delivered; what it gives
/// lives until the end of the pass.
class StepFrames {
 public:
  using Shared = std::deque<net::SharedBytes>;
  StepFrames(Shared& shared, const DeliveryBatch& batch, std::size_t step, FormMaker& maker)
      : shared_(shared), batch_(batch), step_(step), maker_(maker) {}

  const net::SharedBytes& whole(Form form);
  /// Of a run: one of its messages, a part of the whole.
  std::string_view message(Form form, std::size_t index);

 private:
  Shared& shared_;
  const DeliveryBatch& batch_;
  const std::size_t step_;
  FormMaker& maker_;
  std::array<const net::SharedBytes*, Form::kCount> made_{};
};

}  // namespace simpleim::gateway
