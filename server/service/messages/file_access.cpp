#include "service/messages/file_access.h"

#include "base/json_writer.h"

namespace simpleim::service {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::FrameType;
using store::FileKind;

/// A file that went to more places is found through its newest.
constexpr std::size_t kMaxPlaces = 1000;

bool fits(FrameType type, FileKind kind) {
  switch (type) {
    case FrameType::kImage:
      return kind == FileKind::kImage;
    case FrameType::kVoice:  // a recording without pictures may come in a container for videos
      return kind == FileKind::kAudio || kind == FileKind::kVideo;
    case FrameType::kVideo:
      return kind == FileKind::kVideo;
    default:
      return true;
  }
}

}  // namespace

std::string file_path(const std::string& public_path, base::FileId id) {
  return public_path + "/api/files/" + id.str();
}

std::optional<Error> change_avatar(store::Store& store, const std::string& before, const std::string& file_id,
                                   base::UserId owner) {
  if (file_id == before) return std::nullopt;
  if (!file_id.empty()) {
    constexpr auto kWanted = "the id of a picture that you have uploaded is needed";
    const auto id = base::FileId::parse(file_id);
    if (!id) return protocol::invalid_field("avatar_file_id", kWanted);
    const auto file = store.files().file(*id);
    if (!file || file->owner != owner)
      return Error{ErrorCode::kNotFound, std::string("avatar_file_id: ") + kWanted, "avatar_file_id"};
    if (file->kind != FileKind::kImage) return protocol::invalid_field("avatar_file_id", kWanted);
    store.files().count_avatar(*id, 1);
  }
  if (const auto old = base::FileId::parse(before)) store.files().count_avatar(*old, -1);
  return std::nullopt;
}

bool may_read_file(store::Store& store, const store::File& file, base::UserId user) {
  if (file.owner == user || file.is_avatar) return true;
  for (const auto& place : store.files().places(file.id, kMaxPlaces)) {
    if (!place.conversation.is_group()) {
      if (place.conversation.has(user)) return true;
      continue;
    }
    const auto member = store.groups().member(place.conversation.group(), user);
    if (member && place.seq >= member->joined_seq) return true;
  }
  return false;
}

protocol::Result<std::string> file_message_content(store::Store& store, FrameType type, base::FileId id,
                                                   std::string_view extra, base::UserId from,
                                                   const std::string& public_path) {
  const auto file = store.files().file(id);
  if (!file || !may_read_file(store, *file, from))
    return Error{ErrorCode::kNotFound, "content.file_id: no such file; upload it first", "content.file_id"};
  if (!fits(type, file->kind))
    return protocol::invalid_field("content.file_id", "this file is no " +
                                                          std::string(type == FrameType::kImage   ? "image"
                                                                      : type == FrameType::kVoice ? "recording"
                                                                                                  : "video") +
                                                          "; send it as a file (type 7)");
  std::string json;
  base::JsonWriter w(json);
  w.begin_object()
      .field("file_id", id.str())
      .field("url", file_path(public_path, id))
      .field("file_name", file->name)
      .field("file_size", file->size)
      .field("mime", file->mime);
  if (!file->thumbnail.empty()) w.field("thumbnail_url", file_path(public_path, id) + "/thumbnail");
  if (file->width > 0) w.field("width", file->width).field("height", file->height);
  if (extra.find("\"duration\":") == std::string_view::npos && file->duration_ms > 0)
    w.key("duration")
        .raw(std::to_string(file->duration_ms / 1000) + "." + std::to_string(file->duration_ms % 1000 / 100));
  if (extra == "{}") return json + "}";
  return json + "," + std::string(extra.substr(1));
}

}  // namespace simpleim::service
