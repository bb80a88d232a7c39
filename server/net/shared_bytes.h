#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace simpleim::net {

/// Bytes that many sockets send. While the pass runs they stand in the sender's buffer; the first
/// socket that cannot take them all makes one copy, which all such sockets share. One thread.
class SharedBytes {
 public:
  explicit SharedBytes(std::string_view bytes) : bytes_(bytes) {}

  std::string_view view() const { return bytes_; }
  std::shared_ptr<const std::string> keep() const {
    if (!kept_) kept_ = std::make_shared<const std::string>(bytes_);
    return kept_;
  }

 private:
  std::string_view bytes_;
  mutable std::shared_ptr<const std::string> kept_;
};

}  // namespace simpleim::net
