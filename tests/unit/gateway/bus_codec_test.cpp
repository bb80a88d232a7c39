#include "gateway/bus_codec.h"

#include <gtest/gtest.h>

#include "base/byte_codec.h"
#include "support.h"

namespace simpleim::gateway {
namespace {

using test::kAlice;
using test::kBob;

constexpr std::uint8_t kOfNextRelease = 200;

/// A private message, a mark, and a new member of a group.
std::shared_ptr<DeliveryBatch> batch() {
  const auto pair = base::ConversationId::between(kAlice, kBob);
  std::vector<service::Event> events;
  for (std::int64_t seq : {7, 8})
    events.emplace_back(service::MessageStored{{test::message_id("m" + std::to_string(seq)), pair, kAlice,
                                                protocol::FrameType::kText, seq, 1000, R"({"text":"x"})"},
                                               {}});
  events.emplace_back(service::MembershipChanged{service::GroupId{5}, kBob, true});
  return make_delivery_batch(std::move(events), 2, 1000);
}

std::string payload_for(service::UserId user, const std::vector<service::SessionEnded>& ended = {}) {
  for (auto& publication : publications_of(*batch(), ended))
    if (publication.topic == TopicKey::of(user)) return std::move(publication.payload);
  return {};
}

const Run& run_of(const Received& received) { return std::get<Run>(received.batch->steps.front()); }

TEST(BusCodec, BringsABatchToAnotherNode) {
  const auto received = parse_publication(TopicKey::of(kBob), payload_for(kBob, {{kBob, service::SessionId{9}}}), 2);
  ASSERT_TRUE(received);
  ASSERT_EQ(received->batch->steps.size(), 2u);
  const auto& run = run_of(*received);
  EXPECT_EQ(run.count, 2u);
  EXPECT_EQ(received->batch->messages[run.first + 1].seq, 8);
  EXPECT_EQ(received->batch->bytes, batch()->bytes) << "framed once, for the sockets of every node";
  EXPECT_TRUE(std::get<service::MembershipChanged>(received->batch->steps.back()).member);
  ASSERT_EQ(received->ended.size(), 1u);
  EXPECT_EQ(received->ended.front().session, service::SessionId{9});
}

TEST(BusCodec, BringsEditsWithAFormForThoseWhoMayNotSeeTheMessage) {
  const auto group = base::ConversationId::of(service::GroupId{5});
  std::vector<service::Event> events;
  for (const auto& [type, content] :
       {std::pair(protocol::FrameType::kText, R"({"text":"x"})"),
        std::pair(protocol::FrameType::kEdit, R"({"message_id":"m1","seq":3,"content":{"text":"secret"}})")})
    events.emplace_back(service::MessageStored{
        {test::message_id("e" + std::to_string(static_cast<int>(type))), group, kAlice, type, 9, 1000, content}, {}});
  const auto edited = make_delivery_batch(std::move(events), 2, 1000);
  const auto publication = publications_of(*edited, {}).front();
  const auto received = parse_publication(publication.topic, publication.payload, 2);
  ASSERT_TRUE(received);
  const auto& run = run_of(*received);
  EXPECT_TRUE(run.has_edits);
  EXPECT_EQ(received->batch->messages[run.first].edits, 0);
  const auto& edit = received->batch->messages[run.first + 1];
  EXPECT_EQ(edit.edits, 3);
  const auto& bare = received->batch->bare_entries[edit.bare];
  EXPECT_EQ(bare.find("secret"), std::string::npos);
  EXPECT_NE(bare.find(R"("content":{"message_id":"m1","seq":3})"), std::string::npos);
  EXPECT_NE(received->batch->bytes.find("secret"), std::string::npos) << "for those who may";
}

TEST(BusCodec, BringsWhoHidesAndFromWhereAMemberMaySee) {
  std::vector<service::Event> events;
  events.emplace_back(service::PresenceHidden{kBob, true});
  events.emplace_back(service::MembershipChanged{service::GroupId{5}, kBob, true, 42});
  const auto publication = publications_of(*make_delivery_batch(std::move(events), 2, 1000), {}).front();
  const auto received = parse_publication(publication.topic, publication.payload, 2);
  ASSERT_TRUE(received);
  EXPECT_TRUE(std::get<service::PresenceHidden>(received->batch->steps.front()).hidden);
  EXPECT_EQ(std::get<service::MembershipChanged>(received->batch->steps.back()).visible_from, 42);
}

TEST(BusCodec, SkipsWhatOnlyANewerNodeKnows) {
  std::string payload;
  base::EntryWriter(payload, kOfNextRelease).text("what this release knows nothing of").number(std::int64_t{1});
  payload += payload_for(kBob);
  base::EntryWriter(payload, kOfNextRelease);
  const auto received = parse_publication(TopicKey::of(kBob), payload, 2);
  ASSERT_TRUE(received);
  EXPECT_EQ(run_of(*received).count, 2u);
}

TEST(BusCodec, IgnoresWhatANewerNodeAddsToAnEntry) {
  const auto plain = publication_of({kAlice, "phone", 77}).payload;
  std::string longer;
  {
    base::EntryWriter entry(longer, static_cast<std::uint8_t>(plain.front()));
    longer += plain.substr(1 + sizeof(std::uint32_t));
    entry.text("added later");
  }
  const auto received = parse_publication(TopicKey::of(kAlice), longer + plain, 2);
  ASSERT_TRUE(received);
  ASSERT_EQ(received->connected.size(), 2u);
  for (const auto& connected : received->connected) {
    EXPECT_EQ(connected.device_id, "phone");
    EXPECT_EQ(connected.opened_ms, 77);
  }
}

TEST(BusCodec, TakesNothingOfAPayloadThatIsCut) {
  const auto payload = payload_for(kBob);
  const auto first_entry = payload_for(kAlice).size();  // the same run, and nothing behind it
  for (std::size_t size = 1; size < payload.size(); ++size)
    if (size != first_entry)
      EXPECT_FALSE(parse_publication(TopicKey::of(kBob), std::string_view(payload).substr(0, size), 2)) << size;
}

TEST(BusCodec, RefusesSizesThatOnlyAddUpWhenTheyWrapAround) {
  std::string payload;
  base::EntryWriter(payload, static_cast<std::uint8_t>(payload_for(kBob).front()))
      .number(kAlice.value)
      .number(kBob.value)
      .number(std::uint32_t{2})
      .number(std::uint32_t{0xFFFFFFFF})
      .number(std::int64_t{1})
      .number(std::uint32_t{2})
      .number(std::int64_t{2})
      .text("x");
  EXPECT_FALSE(parse_publication(TopicKey::of(kBob), payload, 2));
}

}  // namespace
}  // namespace simpleim::gateway
