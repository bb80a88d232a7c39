#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame_parser.h"

namespace simpleim::protocol {

/// Reads a client's Frame (proto/simpleim.proto). A text, which is what most frames are, is read here; of any other
/// frame the JSON is appended to `json`, nothing is returned, and FrameParser::parse judges it. Either way the rules
/// are the same ones, and whatever a client says in bytes that are to be JSON, it brings no key of the frame. What is
/// no Frame is refused (40001). Never throws.
std::optional<ClientFrame> read_protobuf(std::string& json, std::string_view bytes, const FrameLimits& limits);

}  // namespace simpleim::protocol
