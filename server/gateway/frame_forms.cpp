#include "gateway/frame_forms.h"

#include "gateway/delivery_batch.h"
#include "net/websocket_frame.h"

namespace simpleim::gateway {
namespace {

bool is_plain_json(Form form) { return form.encoding == protocol::Encoding::kJson && !form.deflated; }

std::string_view json_of(const DeliveryBatch& batch, const auto& at) {
  return std::string_view(batch.bytes).substr(at.offset, at.size);
}

/// Of a run or a notice; empty: a step that sends nothing.
std::string_view json_of(const DeliveryBatch& batch, const DeliveryBatch::Step& step) {
  if (const auto* run = std::get_if<Run>(&step)) return json_of(batch, *run);
  if (const auto* notice = std::get_if<Notice>(&step)) return json_of(batch, *notice);
  return {};
}

/// Puts frames side by side as the batch has them.
class Assembly {
 public:
  explicit Assembly(const DeliveryBatch& batch) : batch_(batch) {
    made_.messages.resize(batch.messages.size());
    made_.steps.resize(batch.steps.size());
  }

  /// `append(bytes, at, place, message)` appends the frame of a message, or of a notice (message: null). `at`: where it
  /// stands in the batch's bytes; `place`: which of its messages, or of its steps, it is.
  template <class Append>
  Frames build(Append append) {
    for (std::size_t step = 0; step < batch_.steps.size(); ++step) {
      const auto offset = made_.bytes.size();
      if (const auto* notice = std::get_if<Notice>(&batch_.steps[step])) append(made_.bytes, *notice, step, nullptr);
      if (const auto* run = std::get_if<Run>(&batch_.steps[step]))
        for (auto i = run->first; i < run->first + run->count; ++i) {
          const auto begin = made_.bytes.size();
          append(made_.bytes, batch_.messages[i], i, &batch_.messages[i]);
          made_.messages[i] = since(begin);
        }
      made_.steps[step] = since(offset);
    }
    return std::move(made_);
  }

 private:
  Span since(std::size_t offset) const {
    return {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(made_.bytes.size() - offset)};
  }

  const DeliveryBatch& batch_;
  Frames made_;
};

Frames in_protobuf(const DeliveryBatch& batch, protocol::ProtobufEncoder& encoder) {
  std::string payload;
  return Assembly(batch).build([&](std::string& out, const auto& at, std::size_t, const FramedMessage* message) {
    payload.clear();
    if (message != nullptr && message->message != nullptr) encoder.encode(payload, *message->message);
    else encoder.encode(payload, net::server_frame_payload(json_of(batch, at)));
    net::append_frame_header(out, net::Opcode::kBinary, payload.size());
    out += payload;
  });
}

/// `plain`: the frames as they are without compression.
template <class Plain>
Frames compressed(const DeliveryBatch& batch, net::Opcode opcode, net::MessageDeflate& deflate, Plain plain) {
  std::string payload;
  return Assembly(batch).build([&](std::string& out, const auto& at, std::size_t place, const FramedMessage* message) {
    const std::string_view frame = plain(at, place, message != nullptr);
    const auto said = net::server_frame_payload(frame);
    if (said.size() < net::kMinDeflated || !deflate.deflate(payload, said)) {
      out += frame;
      return;
    }
    net::append_frame_header(out, opcode, payload.size(), net::Compressed::kYes);
    out += payload;
  });
}

}  // namespace

const Frames& FrameForms::in(Form form, const DeliveryBatch& batch, FormMaker& maker) {
  auto& lazy = forms_[form.index()];
  std::call_once(lazy.made, [&] {
    if (!form.deflated) {
      lazy.frames = in_protobuf(batch, maker.protobuf);
    } else if (form.encoding == protocol::Encoding::kJson) {
      lazy.frames = compressed(batch, net::Opcode::kText, maker.deflate,
                               [&](const auto& at, std::size_t, bool) { return json_of(batch, at); });
    } else {
      const auto& plain = in({form.encoding, false}, batch, maker);
      lazy.frames =
          compressed(batch, net::Opcode::kBinary, maker.deflate, [&](const auto&, std::size_t place, bool is_message) {
            return (is_message ? plain.messages : plain.steps)[place].of(plain.bytes);
          });
    }
  });
  return lazy.frames;
}

const net::SharedBytes& StepFrames::whole(Form form) {
  auto& made = made_[form.index()];
  if (made != nullptr) return *made;
  if (is_plain_json(form)) {
    made = &shared_.emplace_back(json_of(batch_, batch_.steps[step_]));
  } else {
    const auto& frames = batch_.forms.in(form, batch_, maker_);
    made = &shared_.emplace_back(frames.steps[step_].of(frames.bytes));
  }
  return *made;
}

std::string_view StepFrames::message(Form form, std::size_t index) {
  if (is_plain_json(form)) return json_of(batch_, batch_.messages[index]);
  const auto& frames = batch_.forms.in(form, batch_, maker_);
  return frames.messages[index].of(frames.bytes);
}

}  // namespace simpleim::gateway
