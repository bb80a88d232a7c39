#pragma once

#include <openssl/types.h>

#include <memory>
#include <mutex>
#include <string>

namespace simpleim::net {

/// The server's certificate: TLS 1.2 and 1.3 with the suites of Mozilla's intermediate profile.
/// reload() swaps the certificate for new connections. Thread-safe.
class TlsContext {
 public:
  /// Throws std::runtime_error that names the file and the reason.
  TlsContext(std::string cert_file, std::string key_file);

  /// A new server-side session; the caller frees it.
  SSL* new_session() const;
  /// "" when done; else why the files were refused (the old certificate stays).
  std::string reload();

 private:
  std::shared_ptr<SSL_CTX> load() const;

  const std::string cert_file_;
  const std::string key_file_;
  mutable std::mutex mutex_;
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace simpleim::net
