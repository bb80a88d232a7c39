#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdexcept>

namespace simpleim::net {
namespace {

constexpr auto kSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-"
    "SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

std::string last_error() {
  const char* reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace

TlsContext::TlsContext(std::string cert_file, std::string key_file)
    : cert_file_(std::move(cert_file)), key_file_(std::move(key_file)), context_(load()) {}

std::shared_ptr<SSL_CTX> TlsContext::load() const {
  std::shared_ptr<SSL_CTX> made(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!made) throw std::runtime_error("TLS: " + last_error());
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(made.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(made.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(made.get(), kSuites);
  SSL_CTX_set1_groups_list(made.get(), "X25519:P-256:P-384");
  if (SSL_CTX_use_certificate_chain_file(made.get(), cert_file_.c_str()) != 1)
    throw std::runtime_error("tls.cert_file " + cert_file_ + ": " + last_error());
  if (SSL_CTX_use_PrivateKey_file(made.get(), key_file_.c_str(), SSL_FILETYPE_PEM) != 1)
    throw std::runtime_error("tls.key_file " + key_file_ + ": " + last_error());
  if (SSL_CTX_check_private_key(made.get()) != 1)
    throw std::runtime_error("tls.key_file " + key_file_ + " does not belong to " + cert_file_);
  return made;
}

SSL* TlsContext::new_session() const {
  const std::lock_guard lock(mutex_);
  return SSL_new(context_.get());
}

std::string TlsContext::reload() {
  try {
    auto fresh = load();
    const std::lock_guard lock(mutex_);
    context_ = std::move(fresh);
    return "";
  } catch (const std::runtime_error& e) {
    return e.what();
  }
}

}  // namespace simpleim::net
