/// What nodes tell each other, over the bus and in the commit log: damaged, it is refused or skipped, and what is taken
/// of it lies within what came.

#include <cstdlib>
#include <string_view>

#include "gateway/bus_codec.h"
#include "service/events/changes.h"

namespace {

using namespace simpleim;

void check(const gateway::DeliveryBatch& batch) {
  const auto is_within = [&](std::uint64_t offset, std::uint64_t size) { return offset + size <= batch.bytes.size(); };
  for (const auto& message : batch.messages)
    if (!is_within(message.offset, message.size)) std::abort();
  for (const auto& step : batch.steps) {
    if (const auto* run = std::get_if<gateway::Run>(&step)) {
      if (!is_within(run->offset, run->size) || run->count == 0) std::abort();
      if (std::uint64_t{run->first} + run->count > batch.messages.size()) std::abort();
    }
    if (const auto* notice = std::get_if<gateway::Notice>(&step))
      if (!is_within(notice->offset, notice->size)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto received = gateway::parse_publication(gateway::TopicKey::of(base::UserId{1}), text, 2);
  if (received) check(*received->batch);
  (void)service::decode_changes(text);
  return 0;
}
