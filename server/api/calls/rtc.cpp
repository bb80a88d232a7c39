#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "api/routes.h"

/// What a browser needs for a call.
namespace simpleim::api {
namespace {

/// Credentials as coturn's "REST API" wants them: they name when they end, and carry the secret's signature.
std::string turn_credential(const std::string& secret, const std::string& username) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(username.data()), username.size(), digest.data(), &size);
  std::array<unsigned char, EVP_MAX_MD_SIZE * 2> text;
  const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length)};
}

void write_urls(JsonWriter& w, const std::vector<std::string>& urls) {
  w.key("urls").begin_array();
  for (const auto& url : urls) w.value(url);
  w.end_array();
}

net::Response ice_servers(const ApiContext& context, const Identity& me) {
  const auto& rtc = context.rtc;
  const auto expires_s = context.clock.now_ms() / 1000 + rtc.turn_ttl_s;
  return ok([&](JsonWriter& w) {
    w.key("ice_servers").begin_array();
    if (!rtc.stun_urls.empty()) {
      w.begin_object();
      write_urls(w, rtc.stun_urls);
      w.end_object();
    }
    if (!rtc.turn_urls.empty()) {
      const auto username = std::to_string(expires_s) + ":" + me.user.str();
      w.begin_object();
      write_urls(w, rtc.turn_urls);
      w.field("username", username).field("credential", turn_credential(rtc.turn_secret, username)).end_object();
    }
    w.end_array().field("expires_at", expires_s * 1000);
  });
}

}  // namespace

void add_rtc_routes(net::Router& router, ApiContext& context) {
  router.add(
      "GET", "/api/rtc/ice-servers", net::Lane::kWorker,
      signed_in(context, [&context](const net::Request&, const Identity& me) { return ice_servers(context, me); }));
}

}  // namespace simpleim::api
