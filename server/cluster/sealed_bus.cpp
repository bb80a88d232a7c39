#include "cluster/sealed_bus.h"

#include <sodium.h>

#include <cstdlib>

#include "base/log.h"

namespace simpleim::cluster {
namespace {

constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kCodeBytes = crypto_generichash_BYTES_MIN;
constexpr std::int64_t kTellEveryMs = 60'000;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

/// A key for this use alone.
std::string derived(std::string_view key) {
  constexpr std::string_view kUse = "simpleim bus";
  std::string out(crypto_generichash_KEYBYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(), bytes(kUse), kUse.size(), bytes(key),
                     key.size());
  return out;
}

std::string time_text(std::int64_t ms) {
  std::string out;
  for (std::size_t i = 0; i < kTimeBytes; ++i) out += static_cast<char>(ms >> (8 * i) & 0xff);
  return out;
}

std::int64_t time_of(std::string_view text) {
  std::uint64_t ms = 0;
  for (std::size_t i = kTimeBytes; i-- > 0;) ms = ms << 8 | static_cast<unsigned char>(text[i]);
  return static_cast<std::int64_t>(ms);
}

}  // namespace

SealedBus::SealedBus(std::unique_ptr<Bus> bus, std::string_view key, const base::Clock& clock)
    : key_(derived(key)), clock_(clock), bus_(std::move(bus)) {}

std::string SealedBus::code(std::string_view topic, std::string_view payload_and_time) const {
  std::string out(kCodeBytes, '\0');
  crypto_generichash_state state;
  crypto_generichash_init(&state, bytes(key_), key_.size(), out.size());
  // Its length first: no two pairs of topic and payload read the same.
  const auto length = time_text(static_cast<std::int64_t>(topic.size()));
  crypto_generichash_update(&state, bytes(length), length.size());
  crypto_generichash_update(&state, bytes(topic), topic.size());
  crypto_generichash_update(&state, bytes(payload_and_time), payload_and_time.size());
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(out.data()), out.size());
  return out;
}

void SealedBus::publish(std::string_view topic, std::string_view payload) {
  std::string sealed;
  sealed.reserve(payload.size() + kTimeBytes + kCodeBytes);
  sealed += payload;
  sealed += time_text(clock_.now_ms());
  sealed += code(topic, sealed);
  bus_->publish(topic, sealed);
}

std::optional<std::string_view> SealedBus::open(std::string_view topic, std::string_view sealed) const {
  if (sealed.size() < kTimeBytes + kCodeBytes) return std::nullopt;
  const auto body = sealed.substr(0, sealed.size() - kCodeBytes);
  const auto good = code(topic, body);
  if (sodium_memcmp(good.data(), sealed.data() + body.size(), kCodeBytes) != 0) return std::nullopt;
  if (std::llabs(clock_.now_ms() - time_of(body.substr(body.size() - kTimeBytes))) > kFreshMs) return std::nullopt;
  return body.substr(0, body.size() - kTimeBytes);
}

void SealedBus::refuse(std::string_view topic) {
  const auto now = clock_.steady_ms();
  auto told = told_at_.load();
  if ((told != 0 && now - told < kTellEveryMs) || !told_at_.compare_exchange_strong(told, now)) return;
  base::log::warn("a message on the bus was not published by a node of this cluster, or long ago; it was dropped",
                  {{"topic", topic}});
}

void SealedBus::listen(Receive receive, Interrupted interrupted) {
  bus_->listen(
      [this, receive = std::move(receive)](std::string_view topic, std::string_view sealed) {
        if (const auto payload = open(topic, sealed)) receive(topic, *payload);
        else refuse(topic);
      },
      std::move(interrupted));
}

}  // namespace simpleim::cluster
