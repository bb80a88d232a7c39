#pragma once

#include <cstdint>

namespace simpleim::protocol {

/// How the frames of a connection are written: text frames of JSON, or binary ones of proto/simpleim.proto.
enum class Encoding : std::uint8_t { kJson, kProtobuf };

}  // namespace simpleim::protocol
