#include "store/sqlite/message_codec.h"

#include <cstring>

#include "store/store.h"

namespace simpleim::store::sqlite {
namespace {

/// The fixed part of a record; content and id follow it.
struct Header {
  std::uint64_t low, high, from;
  std::int64_t seq, timestamp;
  std::uint32_t content_size;
  std::uint8_t type, id_size;
};
constexpr std::size_t kHeaderSize = 46;

/// In place of a type: the record amends an earlier message. What stands where a message has its id has this size.
constexpr std::uint8_t kAmends = 0xff;
constexpr std::uint8_t kAmendmentSize = 16;

void put(char*& at, const auto& value) {
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}
void take(const char*& at, auto& value) {
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
}

}  // namespace

void append_record(std::string& journal, const Message& message) {
  const auto id = message.id.view();
  const auto start = journal.size();
  journal.resize(start + kHeaderSize);
  char* at = journal.data() + start;
  put(at, message.conversation.low);
  put(at, message.conversation.high);
  put(at, message.from.value);
  put(at, message.seq);
  put(at, message.timestamp);
  put(at, static_cast<std::uint32_t>(message.content.size()));
  put(at, static_cast<std::uint8_t>(message.type));
  put(at, static_cast<std::uint8_t>(id.size()));
  journal += id;
  journal += message.content;
}

void append_amendment(std::string& journal, const Message& message) {
  const auto start = journal.size();
  journal.resize(start + kHeaderSize + kAmendmentSize);
  char* at = journal.data() + start;
  put(at, message.conversation.low);
  put(at, message.conversation.high);
  put(at, message.amendment.recalled_by.value);
  put(at, message.seq);
  put(at, message.amendment.edited_at);
  put(at, static_cast<std::uint32_t>(message.content.size()));
  put(at, kAmends);
  put(at, kAmendmentSize);
  put(at, message.amendment.recalled_at);
  put(at, message.amendment.version);
  journal += message.content;
}

void for_each_record(std::string_view journal, const std::function<void(Message&&, bool amends)>& visit) {
  while (!journal.empty()) {
    const auto damaged = [] { return StoreError(ErrorCode::kInternal, "a journal row is damaged"); };
    if (journal.size() < kHeaderSize) throw damaged();
    Header h;
    const char* at = journal.data();
    take(at, h.low);
    take(at, h.high);
    take(at, h.from);
    take(at, h.seq);
    take(at, h.timestamp);
    take(at, h.content_size);
    take(at, h.type);
    take(at, h.id_size);
    journal.remove_prefix(kHeaderSize);
    if (journal.size() < std::size_t{h.id_size} + h.content_size) throw damaged();
    Message message;
    message.conversation = {h.low, h.high};
    message.seq = h.seq;
    message.content = journal.substr(h.id_size, h.content_size);
    if (h.type == kAmends) {
      if (h.id_size != kAmendmentSize) throw damaged();
      take(at, message.amendment.recalled_at);
      take(at, message.amendment.version);
      message.amendment.recalled_by = UserId{h.from};
      message.amendment.edited_at = h.timestamp;
    } else {
      const auto id = MessageId::parse(journal.substr(0, h.id_size));
      if (!id) throw damaged();
      message.id = *id;
      message.from = UserId{h.from};
      message.type = static_cast<protocol::FrameType>(h.type);
      message.timestamp = h.timestamp;
    }
    visit(std::move(message), h.type == kAmends);
    journal.remove_prefix(std::size_t{h.id_size} + h.content_size);
  }
}

}  // namespace simpleim::store::sqlite
