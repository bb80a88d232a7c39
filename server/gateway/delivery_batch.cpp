#include "gateway/delivery_batch.h"

#include <algorithm>

#include "net/websocket_frame.h"
#include "protocol/edit_entry.h"
#include "protocol/frame_writer.h"

namespace simpleim::gateway {
namespace {

using service::MarkMoved;
using service::MembershipChanged;
using service::MessageStored;
using service::Typing;

/// Most frames have a length that takes this header; others are moved.
constexpr std::size_t kUsualHeader = 4;

class Builder {
 public:
  Builder(std::size_t threads, std::int64_t now_ms) : now_ms_(now_ms) { batch_->answers.resize(threads); }

  std::shared_ptr<DeliveryBatch> build(std::vector<service::Event>&& events) {
    for (auto& event : events) std::visit([this](auto& e) { add(e); }, event);
    flush_messages();
    batch_->events = std::move(events);
    return std::move(batch_);
  }

 private:
  void add(MessageStored& stored) {
    if (stored.origin.connection != 0) {
      const auto& m = stored.message;
      answer(stored.origin, service::MessageAccepted{stored.origin, m.from, m.id, m.conversation, m.seq, m.timestamp});
    }
    stored_.push_back(&stored);
  }
  void add(service::MessageAccepted& accepted) { answer(accepted.origin, accepted); }
  void add(service::MessageRefused& refused) {
    const auto origin = refused.origin;
    answer(origin, std::move(refused));
  }
  void add(MembershipChanged& changed) {
    flush_messages();  // who is in hears what was before his change, and no more than that
    batch_->steps.emplace_back(changed);
  }
  void add(MarkMoved& moved) {
    flush_messages();  // a mark comes behind the message it marks
    const auto frame = [&](std::string& out) { protocol::write_mark(out, moved.mark, moved.user, now_ms_); };
    if (moved.mark.type == protocol::FrameType::kRead) notice(TopicKey::of(moved.user), moved.origin, frame);
    const auto peer = moved.mark.conversation.is_group() ? moved.user : moved.mark.conversation.peer_of(moved.user);
    if (peer != moved.user) notice(TopicKey::of(peer), {}, frame);
  }
  void add(Typing& typing) {
    const auto frame = [&](std::string& out) {
      protocol::write_typing(out, typing.conversation, typing.user, now_ms_);
    };
    const auto topic = typing.conversation.is_group() ? TopicKey::of(typing.conversation.group())
                                                      : TopicKey::of(typing.conversation.peer_of(typing.user));
    notice(topic, typing.origin, frame);
  }
  void add(service::CallSignalled& signal) {
    flush_messages();  // the record of a call comes before its end is told
    const auto frame = [&](std::string& out) {
      protocol::write_call(out, signal.type, signal.content, signal.from, signal.to, now_ms_);
    };
    notice(TopicKey::of(signal.to), {}, frame);
    if (signal.from != signal.to) notice(TopicKey::of(signal.from), signal.origin, frame);
  }
  void add(service::SignalRefused& refused) {
    const auto origin = refused.origin;
    answer(origin, std::move(refused));
  }
  void add(service::ConversationChanged& changed) {
    notice(TopicKey::of(changed.user), {},
           [&](std::string& out) { protocol::write_conversation(out, changed.settings, changed.user, now_ms_); });
  }
  void add(service::PresenceHidden& hidden) { batch_->steps.emplace_back(hidden); }
  void add(service::SessionEnded&) {}

  void answer(const Origin& origin, Answer&& answer) {
    if (origin.connection != 0) batch_->answers[origin.thread].push_back(std::move(answer));
  }

  template <class Write>
  std::pair<std::uint32_t, std::uint32_t> frame(Write write) {
    auto& bytes = batch_->bytes;
    const auto start = bytes.size();
    bytes.append(kUsualHeader, '\0');
    write(bytes);
    const auto payload = bytes.size() - start - kUsualHeader;
    char header[net::kMaxServerHeader];
    const auto header_size = net::write_frame_header(header, net::Opcode::kText, payload);
    bytes.replace(start, kUsualHeader, header, header_size);
    return {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(header_size + payload)};
  }

  template <class Write>
  void notice(const TopicKey& topic, const Origin& except, Write write) {
    const auto [offset, size] = frame(write);
    batch_->steps.emplace_back(Notice{topic, except, offset, size});
  }

  /// Frames the messages gathered so far, those of one conversation side by side: a socket that
  /// gets them all gets one piece of memory.
  void flush_messages() {
    std::stable_sort(stored_.begin(), stored_.end(),
                     [](const auto* a, const auto* b) { return a->message.conversation < b->message.conversation; });
    for (std::size_t i = 0; i < stored_.size();) {
      Run run;
      run.conversation = stored_[i]->message.conversation;
      run.offset = static_cast<std::uint32_t>(batch_->bytes.size());
      run.first = static_cast<std::uint32_t>(batch_->messages.size());
      for (; i < stored_.size() && stored_[i]->message.conversation == run.conversation; ++i) {
        const auto& stored = *stored_[i];
        const auto [offset, size] = frame([&](std::string& out) { protocol::write_message(out, stored.message); });
        auto& framed = batch_->messages.emplace_back(FramedMessage{offset, size, stored.origin, stored.message.seq});
        framed.message = &stored.message;
        if (stored.message.type == protocol::FrameType::kEdit && run.conversation.is_group())
          add_bare(stored.message, framed, run);
      }
      run.size = static_cast<std::uint32_t>(batch_->bytes.size()) - run.offset;
      run.count = static_cast<std::uint32_t>(batch_->messages.size()) - run.first;
      batch_->steps.emplace_back(run);
    }
    stored_.clear();
  }

  void add_bare(const protocol::Message& message, FramedMessage& framed, Run& run) {
    const auto seq = protocol::edited_seq(message);
    if (!seq) return;
    auto bare = message;
    bare.content = protocol::without_text(message.content);
    run.has_edits = true;
    framed.edits = *seq;
    framed.bare = static_cast<std::uint32_t>(batch_->bare_entries.size());
    protocol::write_message(batch_->bare_entries.emplace_back(), bare);
  }

  const std::int64_t now_ms_;
  std::shared_ptr<DeliveryBatch> batch_ = std::make_shared<DeliveryBatch>();
  std::vector<const MessageStored*> stored_;
};

}  // namespace

std::shared_ptr<DeliveryBatch> make_delivery_batch(std::vector<service::Event>&& events, std::size_t threads,
                                                   std::int64_t now_ms) {
  return Builder(threads, now_ms).build(std::move(events));
}

}  // namespace simpleim::gateway
