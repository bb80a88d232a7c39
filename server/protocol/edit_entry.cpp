#include "protocol/edit_entry.h"

#include <charconv>

namespace simpleim::protocol {
namespace {

// As Operations writes them: {"message_id":"…","seq":12,"content":{…}}. A message id has no quotes in it.
constexpr std::string_view kSeq = "\",\"seq\":";
constexpr std::string_view kText = ",\"content\":";

}  // namespace

std::optional<std::int64_t> edited_seq(const Message& message) {
  if (message.type != FrameType::kEdit) return std::nullopt;
  const std::string_view content(message.content);
  const auto at = content.find(kSeq);
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t seq = 0;
  const auto* end = content.data() + content.size();
  const auto [rest, error] = std::from_chars(content.data() + at + kSeq.size(), end, seq);
  if (error != std::errc() || !std::string_view(rest, static_cast<std::size_t>(end - rest)).starts_with(kText))
    return std::nullopt;
  return seq;
}

std::string without_text(const std::string& entry_content) {
  return entry_content.substr(0, entry_content.find(kText)) + "}";
}

void hide_older_texts(std::vector<Message>& messages, std::int64_t visible_from) {
  if (visible_from <= 1) return;
  for (auto& message : messages)
    if (const auto seq = edited_seq(message); seq && *seq < visible_from)
      message.content = without_text(message.content);
}

}  // namespace simpleim::protocol
