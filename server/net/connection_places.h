#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace simpleim::net {

/// How many connections there may be, in all and of one client (client_key()). Thread-safe.
class ConnectionPlaces {
 public:
  struct Limits {
    /// 0: no limit.
    std::size_t all = 0;
    std::size_t per_client = 0;
  };
  explicit ConnectionPlaces(Limits limits);

  /// Held as long as the connection; may outlive this.
  using Place = std::shared_ptr<void>;
  /// Null: there is none. `shared`: the address is a proxy's, or this machine's own, and stands for many clients.
  Place take(std::string_view address, bool shared);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace simpleim::net
