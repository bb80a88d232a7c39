#include "service/messages/merged_forward.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "service/messages/file_access.h"
#include "service/messages/message_reader.h"

namespace simpleim::service {
namespace {

using base::FileId;
using protocol::carries_file;
using protocol::Error;
using protocol::ErrorCode;
using protocol::FrameType;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kBeginning = R"({"merged":)";
/// What belongs to the place where it was said stays there.
constexpr std::array<std::string_view, 3> kLocal{"reply_to", "reply_seq", "at_user_ids"};
constexpr std::size_t kMaxBytes = 64 << 10;
/// Bytes of a message in the text, and of the text.
constexpr std::size_t kMaxLine = 400;
constexpr std::size_t kMaxText = 8 << 10;

std::string_view text_of(const object& content, const char* field) {
  std::string_view text;
  return content[field].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

/// The first `bytes` bytes, to the end of a character.
std::string_view beginning(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string without_local(const object& content) {
  std::string json;
  base::JsonWriter w(json);
  w.begin_object();
  for (const auto [key, value] : content)
    if (std::find(kLocal.begin(), kLocal.end(), key) == kLocal.end()) w.key(key).raw(simdjson::minify(value));
  w.end_object();
  return json;
}

/// Those of the message, and of what it carries itself when it is a merged forward.
void collect_files(FrameType type, const object& content, std::vector<FileId>& files) {
  if (carries_file(type)) {
    const auto id = FileId::parse(text_of(content, "file_id"));
    if (id && std::find(files.begin(), files.end(), *id) == files.end()) files.push_back(*id);
    return;
  }
  simdjson::dom::array messages;
  if (content["merged"]["messages"].get(messages) != simdjson::SUCCESS) return;
  for (const element one : messages) {
    std::int64_t inner_type = 0;
    object inner;
    if (one["type"].get(inner_type) == simdjson::SUCCESS && one["content"].get(inner) == simdjson::SUCCESS)
      collect_files(static_cast<FrameType>(inner_type), inner, files);
  }
}

Error refused(const base::MessageId& id, const char* what) {
  return {ErrorCode::kNotFound, "content.merged.message_ids: " + std::string(id.view()) + what,
          "content.merged.message_ids"};
}

}  // namespace

bool is_merged_forward(std::string_view content) { return content.substr(0, kBeginning.size()) == kBeginning; }

protocol::Result<MergedForward> merge_messages(store::Store& store, const std::vector<base::MessageId>& ids,
                                               std::string_view extra, base::UserId from) {
  MergedForward merged;
  std::string text;
  base::JsonWriter w(merged.content);
  w.begin_object().key("merged").begin_object().key("messages").begin_array();
  MessageReader reader(store, from);
  simdjson::dom::parser parser;
  for (const auto& id : ids) {
    const auto message = reader.find(id);
    if (!message || !protocol::is_counted(message->type)) return refused(id, " is no message that you can see");
    if (message->amendment.recalled_at != 0) return refused(id, " was recalled");
    object content;
    if (parser.parse(message->content).get(content) != simdjson::SUCCESS) return refused(id, " cannot be read");
    const auto author = store.accounts().user(message->from);
    const auto name = author ? author->nickname : message->from.str();
    w.begin_object()
        .field("from", message->from.str())
        .field("name", name)
        .field("type", static_cast<int>(message->type))
        .field("timestamp", message->timestamp)
        .key("content")
        .raw(without_local(content))
        .end_object();
    collect_files(message->type, content, merged.files);
    auto said = text_of(content, "text");
    if (said.empty()) said = text_of(content, "file_name");
    if (text.size() < kMaxText)
      text += (text.empty() ? "" : "\n") + name + ": " + std::string(beginning(said, kMaxLine));
    if (merged.content.size() + text.size() + extra.size() > kMaxBytes)
      return Error{ErrorCode::kTooLarge,
                   "content.merged: these messages are more than " + std::to_string(kMaxBytes) +
                       " bytes together; forward fewer at once",
                   "content.merged.message_ids"};
  }
  w.end_array().end_object().field("text", text);
  if (extra != "{}") merged.content += "," + std::string(extra.substr(1, extra.size() - 2));
  w.end_object();
  std::erase_if(merged.files, [&](FileId id) {
    const auto file = store.files().file(id);
    return !file || !may_read_file(store, *file, from);
  });
  return merged;
}

}  // namespace simpleim::service
