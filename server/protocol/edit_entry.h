#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/frame.h"

/// The entry of an edit (type 35) says what a message is now, under a seq of its own. Whoever may not see the message,
/// because he joined after it, gets the entry without the text.
namespace simpleim::protocol {

/// The seq of the message that the entry is about, when the entry carries its text; nothing for any other message.
std::optional<std::int64_t> edited_seq(const Message& message);
/// The content of such an entry without the text.
std::string without_text(const std::string& entry_content);
/// Takes the texts of messages before `visible_from` out of the entries among `messages`.
void hide_older_texts(std::vector<Message>& messages, std::int64_t visible_from);

}  // namespace simpleim::protocol
