#include "gateway/bus_codec.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>

#include "base/byte_codec.h"

namespace simpleim::gateway {
namespace {

using base::ByteReader;
using base::EntryWriter;

enum class Kind : std::uint8_t {
  kRun = 1,
  kNotice = 2,
  kMembership = 3,
  kSessionEnded = 4,
  kConnected = 5,
  kEdit = 6,
  kPresenceHidden = 7
};

constexpr std::pair<TopicKey::Kind, std::string_view> kTopicNames[] = {
    {TopicKey::Kind::kUser, "user:"}, {TopicKey::Kind::kGroup, "group:"}, {TopicKey::Kind::kPresence, "presence:"}};

/// Gathers what goes to each topic.
class Publisher {
 public:
  explicit Publisher(const DeliveryBatch& batch) : batch_(batch) {}

  void add(const Run& run) {
    const auto& c = run.conversation;
    if (c.is_group()) {
      write(TopicKey::of(c.group()), run);
      if (run.has_edits) write_edits(TopicKey::of(c.group()), run);
      return;
    }
    write(TopicKey::of(service::UserId{c.low}), run);
    if (c.low != c.high) write(TopicKey::of(service::UserId{c.high}), run);
  }
  void add(const Notice& notice) {
    begin(notice.topic, Kind::kNotice).text(std::string_view(batch_.bytes).substr(notice.offset, notice.size));
  }
  void add(const service::MembershipChanged& changed) {
    begin(TopicKey::of(changed.user), Kind::kMembership)
        .number(changed.group.value)
        .number(changed.user.value)
        .number(changed.member)
        .number(changed.visible_from);
  }
  void add(const service::PresenceHidden& changed) {
    begin(TopicKey::of(changed.user), Kind::kPresenceHidden).number(changed.user.value).number(changed.hidden);
  }
  void add(const service::SessionEnded& ended) {
    begin(TopicKey::of(ended.user), Kind::kSessionEnded).number(ended.user.value).number(ended.session.value);
  }
  std::vector<Publication> take() { return std::move(all_); }

 private:
  EntryWriter begin(const TopicKey& topic, Kind kind) {
    const auto [place, is_new] = places_.try_emplace(topic, all_.size());
    if (is_new) all_.push_back({topic, {}});
    return EntryWriter(all_[place->second].payload, static_cast<std::uint8_t>(kind));
  }
  void write(const TopicKey& topic, const Run& run) {
    auto out = begin(topic, Kind::kRun);
    out.number(run.conversation.low).number(run.conversation.high).number(run.count);
    for (auto i = run.first; i < run.first + run.count; ++i)
      out.number(batch_.messages[i].size).number(batch_.messages[i].seq);
    out.text(std::string_view(batch_.bytes).substr(run.offset, run.size));
  }
  /// Of the run before it.
  void write_edits(const TopicKey& topic, const Run& run) {
    for (std::uint32_t i = 0; i < run.count; ++i) {
      const auto& message = batch_.messages[run.first + i];
      if (message.edits != 0)
        begin(topic, Kind::kEdit).number(i).number(message.edits).text(batch_.bare_entries[message.bare]);
    }
  }

  const DeliveryBatch& batch_;
  std::vector<Publication> all_;
  boost::unordered_flat_map<TopicKey, std::size_t, TopicHash> places_;
};

/// False when what was read makes no sense.
bool read_run(ByteReader& in, DeliveryBatch& batch) {
  Run run;
  run.conversation.low = in.number<std::uint64_t>();
  run.conversation.high = in.number<std::uint64_t>();
  run.count = in.number<std::uint32_t>();
  run.first = static_cast<std::uint32_t>(batch.messages.size());
  run.offset = static_cast<std::uint32_t>(batch.bytes.size());
  std::uint64_t size = 0;
  for (std::uint32_t i = 0; i < run.count && in.ok(); ++i) {
    FramedMessage message;
    message.offset = static_cast<std::uint32_t>(run.offset + size);
    message.size = in.number<std::uint32_t>();
    message.seq = in.number<std::int64_t>();
    size += message.size;
    batch.messages.push_back(message);
  }
  const auto bytes = in.text();
  if (!in.ok() || run.count == 0 || bytes.size() != size) return false;
  run.size = static_cast<std::uint32_t>(size);
  batch.bytes += bytes;
  batch.steps.emplace_back(run);
  return true;
}

/// False when what was read makes no sense.
bool read_edit(ByteReader& in, DeliveryBatch& batch) {
  auto* run = batch.steps.empty() ? nullptr : std::get_if<Run>(&batch.steps.back());
  const auto index = in.number<std::uint32_t>();
  if (run == nullptr || !in.ok() || index >= run->count) return false;
  auto& message = batch.messages[run->first + index];
  message.edits = in.number<std::int64_t>();
  message.bare = static_cast<std::uint32_t>(batch.bare_entries.size());
  batch.bare_entries.emplace_back(in.text());
  run->has_edits = true;
  return in.ok();
}

/// False when what was read makes no sense; what a newer node says is skipped.
bool read_entry(Kind kind, ByteReader& in, const TopicKey& topic, Received& received) {
  auto& batch = *received.batch;
  switch (kind) {
    case Kind::kRun:
      return read_run(in, batch);
    case Kind::kNotice: {
      const auto frame = in.text();
      batch.steps.emplace_back(
          Notice{topic, {}, static_cast<std::uint32_t>(batch.bytes.size()), static_cast<std::uint32_t>(frame.size())});
      batch.bytes += frame;
      break;
    }
    case Kind::kMembership: {
      const service::GroupId group{in.number<std::uint64_t>()};
      const service::UserId user{in.number<std::uint64_t>()};
      service::MembershipChanged changed{group, user, in.number<std::uint8_t>() != 0};
      if (!in.at_end()) changed.visible_from = in.number<std::int64_t>();  // an older node does not say it
      batch.steps.emplace_back(changed);
      break;
    }
    case Kind::kEdit:
      return read_edit(in, batch);
    case Kind::kPresenceHidden: {
      const service::UserId user{in.number<std::uint64_t>()};
      batch.steps.emplace_back(service::PresenceHidden{user, in.number<std::uint8_t>() != 0});
      break;
    }
    case Kind::kSessionEnded: {
      const service::UserId user{in.number<std::uint64_t>()};
      received.ended.push_back({user, service::SessionId{in.number<std::uint64_t>()}});
      break;
    }
    case Kind::kConnected: {
      Connected connected{service::UserId{in.number<std::uint64_t>()}, std::string(in.text()), 0};
      connected.opened_ms = in.number<std::int64_t>();
      received.connected.push_back(std::move(connected));
      break;
    }
  }
  return in.ok();
}

}  // namespace

std::string bus_topic(const TopicKey& key) {
  for (const auto& [kind, name] : kTopicNames)
    if (kind == key.kind) return std::string(name) + std::to_string(key.id);
  return {};
}

std::optional<TopicKey> parse_bus_topic(std::string_view text) {
  for (const auto& [kind, name] : kTopicNames) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    TopicKey key{kind, 0};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key.id);
    if (error == std::errc() && end == text.data() + text.size()) return key;
  }
  return std::nullopt;
}

std::vector<Publication> publications_of(const DeliveryBatch& batch, const std::vector<service::SessionEnded>& ended) {
  Publisher publisher(batch);
  for (const auto& step : batch.steps) std::visit([&](const auto& s) { publisher.add(s); }, step);
  for (const auto& session : ended) publisher.add(session);
  return publisher.take();
}

Publication publication_of(const Connected& connected) {
  Publication publication{TopicKey::of(connected.user), {}};
  EntryWriter(publication.payload, static_cast<std::uint8_t>(Kind::kConnected))
      .number(connected.user.value)
      .text(connected.device_id)
      .number(connected.opened_ms);
  return publication;
}

std::string moved_payload(const std::vector<service::ConversationId>& conversations) {
  std::string payload;
  base::ByteWriter out(payload);
  for (const auto& conversation : conversations) out.number(conversation.low).number(conversation.high);
  return payload;
}

std::vector<service::ConversationId> parse_moved(std::string_view payload) {
  std::vector<service::ConversationId> conversations;
  ByteReader in(payload);
  while (!in.at_end()) {
    service::ConversationId conversation;
    conversation.low = in.number<std::uint64_t>();
    conversation.high = in.number<std::uint64_t>();
    if (in.ok()) conversations.push_back(conversation);
  }
  return conversations;
}

std::optional<Received> parse_publication(const TopicKey& topic, std::string_view payload, std::size_t threads) {
  Received received;
  received.batch = std::make_shared<DeliveryBatch>();
  received.batch->answers.resize(threads);
  ByteReader in(payload);
  while (!in.at_end()) {
    auto [kind, body] = base::read_entry(in);
    if (!in.ok() || !read_entry(static_cast<Kind>(kind), body, topic, received)) return std::nullopt;
  }
  return received;
}

}  // namespace simpleim::gateway
