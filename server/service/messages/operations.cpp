#include "service/messages/operations.h"

#include "base/json_writer.h"
#include "service/messages/merged_forward.h"

namespace simpleim::service {
namespace {

using protocol::FrameType;
using protocol::OperationFrame;

constexpr std::size_t kMaxEmoji = 20;
constexpr std::size_t kMaxPins = 100;
/// What a message said before is kept for each, and a recall erases all of them in one batch.
constexpr std::size_t kMaxEdits = 100;

Error no_such_message() { return {ErrorCode::kNotFound, "content.message_id: no such message", "content.message_id"}; }

bool passed(std::int64_t since_ms, std::int64_t window_s, std::int64_t now_ms) {
  return window_s > 0 && now_ms - since_ms > window_s * 1000;
}

/// Members see what came after they joined.
bool may_see(Batch& batch, const Message& target, UserId user) {
  if (!target.conversation.is_group()) return target.conversation.has(user);
  const auto member = batch.store().groups().member(target.conversation.group(), user);
  return member && target.seq >= member->joined_seq;
}

/// `{"message_id":…,"seq":…}` with whatever `more` adds.
template <class More>
std::string entry_content(const Message& target, More more) {
  std::string json;
  base::JsonWriter w(json);
  w.begin_object().field("message_id", target.id.view()).field("seq", target.seq);
  more(w);
  w.end_object();
  return json;
}

std::string bare_entry(const Message& target) {
  return entry_content(target, [](base::JsonWriter&) {});
}

void recall(Batch& batch, Message target, UserId by, std::int64_t seq) {
  auto& messages = batch.store().messages();
  // Edits carried texts of it under seqs of their own.
  for (const auto& version : messages.versions(target)) {
    Message edit;
    edit.conversation = target.conversation;
    edit.seq = version.replaced_by;
    edit.content = bare_entry(target);
    edit.amendment.version = seq;
    messages.amend(edit);
  }
  messages.forget_traces(target);
  auto& files = batch.store().files();
  for (const auto id : files.remove_places({target.conversation, target.seq})) {
    const auto file = files.file(id);
    if (file && !file->is_avatar && files.places(id, 1).empty()) files.remove_file(id);
  }
  target.content = R"({"recalled":true})";
  target.amendment = {0, batch.now_ms(), by, seq};
  messages.amend(target);
}

void edit(Batch& batch, Message target, const OperationFrame& frame, std::int64_t seq) {
  auto& messages = batch.store().messages();
  const auto written_at = target.amendment.edited_at != 0 ? target.amendment.edited_at : target.timestamp;
  messages.keep_version(target, {std::move(target.content), written_at, seq});
  target.content = frame.content;
  target.amendment.edited_at = batch.now_ms();
  target.amendment.version = seq;
  messages.amend(target);
  auto mentions = frame.mentions;
  if (frame.mention_all) mentions.push_back(UserId{0});
  messages.add_mentions(target, mentions);
}

/// What the entry says; a reaction is written here because the entry carries its count.
std::string make_content(Batch& batch, const OperationFrame& frame, const Message& target, UserId from) {
  switch (frame.type) {
    case FrameType::kEdit:
      return entry_content(target, [&](base::JsonWriter& w) { w.key("content").raw(frame.content); });
    case FrameType::kReaction: {
      const auto count = batch.store().messages().react(target, from, frame.emoji, frame.on);
      return entry_content(target, [&](base::JsonWriter& w) {
        w.field("emoji", frame.emoji).field("add", frame.on).field("count", count);
      });
    }
    case FrameType::kPin:
      return entry_content(target, [&](base::JsonWriter& w) { w.field("pin", frame.on); });
    default:
      return bare_entry(target);
  }
}

}  // namespace

std::optional<Error> Operations::check_recall(Batch& batch, const Message& target, UserId from) const {
  const bool is_group = target.conversation.is_group();
  const auto role = is_group ? batch.permissions().role_in(target.conversation.group(), from) : std::nullopt;
  if (role && *role != store::Role::kMember) return std::nullopt;
  if (target.from != from)
    return Error{ErrorCode::kRoleForbidden, is_group ? "only the sender, the owner and admins may recall a message"
                                                     : "only its sender may recall a message"};
  if (passed(target.timestamp, rules_.recall_window_s, batch.now_ms()))
    return Error{ErrorCode::kWindowPassed,
                 "a message may be recalled for " + std::to_string(rules_.recall_window_s) + " s after it was sent"};
  return std::nullopt;
}

std::optional<Error> Operations::check_edit(Batch& batch, const Message& target, UserId from) const {
  if (target.from != from) return Error{ErrorCode::kRoleForbidden, "only its sender may edit a message"};
  if (protocol::kind_of(target.type) != protocol::FrameKind::Text || is_merged_forward(target.content))
    return Error{ErrorCode::kValidation, "content.message_id: only texts can be edited", "content.message_id"};
  if (passed(target.timestamp, rules_.edit_window_s, batch.now_ms()))
    return Error{ErrorCode::kWindowPassed,
                 "a message may be edited for " + std::to_string(rules_.edit_window_s) + " s after it was sent"};
  if (target.amendment.edited_at != 0 && batch.store().messages().versions(target).size() >= kMaxEdits)
    return Error{ErrorCode::kConflict, "a message takes " + std::to_string(kMaxEdits) + " edits; write a new one"};
  return std::nullopt;
}

std::optional<Error> Operations::check(Batch& batch, const OperationFrame& frame, const Message& target,
                                       UserId from) const {
  if (!protocol::is_counted(target.type))
    return Error{ErrorCode::kValidation, "content.message_id: this is no message of a person", "content.message_id"};
  if (target.amendment.recalled_at != 0) return Error{ErrorCode::kNotFound, "this message was recalled"};
  // Taking one's words back is not speaking: also who is muted or blocked may.
  if (frame.type == FrameType::kRecall) return check_recall(batch, target, from);
  if (auto error = batch.permissions().may_send(from, target.conversation, frame.mention_all, batch.now_ms()))
    return error;
  auto& messages = batch.store().messages();
  if (frame.type == FrameType::kEdit) return check_edit(batch, target, from);
  if (frame.type == FrameType::kReaction && frame.on && messages.emoji_count(target) >= kMaxEmoji) {
    if (messages.reacting(target, frame.emoji, {}, 1).empty())
      return Error{ErrorCode::kConflict, "a message takes " + std::to_string(kMaxEmoji) + " different emoji"};
  }
  if (frame.type == FrameType::kPin && frame.on && messages.pins(target.conversation).size() >= kMaxPins)
    return Error{ErrorCode::kConflict, "a conversation takes " + std::to_string(kMaxPins) + " pins; unpin one first"};
  return std::nullopt;
}

Result<Message> Operations::apply(Batch& batch, const OperationFrame& frame, UserId from) const {
  auto& messages = batch.store().messages();
  const auto target = messages.find(frame.target);
  if (!target || !may_see(batch, *target, from)) return no_such_message();
  if (auto error = check(batch, frame, *target, from)) return std::move(*error);
  Message entry{frame.message_id,
                target->conversation,
                from,
                frame.type,
                0,
                batch.now_ms(),
                make_content(batch, frame, *target, from)};
  const auto appended = messages.append(entry, {});
  entry.seq = appended.seq;
  entry.timestamp = appended.timestamp;
  if (frame.type == FrameType::kRecall) recall(batch, *target, from, entry.seq);
  if (frame.type == FrameType::kEdit) edit(batch, *target, frame, entry.seq);
  if (frame.type == FrameType::kPin) messages.pin(*target, from, batch.now_ms(), frame.on);
  return entry;
}

}  // namespace simpleim::service
