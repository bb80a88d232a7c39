#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "protocol/error.h"
#include "protocol/frame.h"

/// What the stores keep. Times are milliseconds since the Unix epoch, 0 = never.
namespace simpleim::store {

using base::ConversationId;
using base::FileId;
using base::GroupId;
using base::MessageId;
using base::ReportId;
using base::SessionId;
using base::UserId;
using protocol::Error;
using protocol::ErrorCode;
using protocol::Message;
using protocol::Result;

/// Who may put somebody into a group without asking.
enum class InviteRule : std::uint8_t { kEverybody, kContacts, kNobody };

struct User {
  UserId id;
  std::string username;
  std::string nickname;
  std::string password_hash;
  std::string bio;
  std::string avatar_file_id;
  std::int64_t created_at = 0;
  std::int64_t last_seen = 0;
  bool disabled = false;
  /// What he lets others do and see.
  InviteRule invites = InviteRule::kEverybody;
  bool hides_online = false;
  bool hides_last_seen = false;
};

/// A signed-in device. Its refresh token is not stored: it says which generation it is, and is signed.
struct Session {
  SessionId id;
  UserId user;
  std::string device_id;
  std::string device_name;
  std::string platform;
  std::string ip;
  /// SHA-256 of the first refresh token when a release before generations made it, else empty.
  std::string refresh_hash;
  std::int64_t created_at = 0;
  std::int64_t last_active = 0;
  std::int64_t expires_at = 0;
  /// Counts refreshes; tokens of an earlier generation are spent.
  std::int64_t generation = 0;
  /// When this generation began.
  std::int64_t rotated_at = 0;
  /// A token of this generation has been used, so its owner has got it.
  bool confirmed = true;
};

enum class JoinPolicy : std::uint8_t { kOpen, kApproval, kInvite };
enum class Role : std::uint8_t { kMember, kAdmin, kOwner };

struct Group {
  GroupId id;
  std::string name;
  std::string description;
  std::string announcement;
  std::string avatar_file_id;
  JoinPolicy join_policy = JoinPolicy::kOpen;
  /// False: a new member sees what came after he joined.
  bool history_for_all = false;
  UserId owner;
  std::int64_t created_at = 0;
  std::int64_t member_count = 0;
};

struct GroupMember {
  GroupId group;
  UserId user;
  Role role = Role::kMember;
  std::string nickname;
  std::int64_t joined_at = 0;
  /// The seq of the event that let him in: history begins there (unless history_for_all).
  std::int64_t joined_seq = 0;
  /// Until when he may not speak; 0 = he may.
  std::int64_t muted_until = 0;
};

/// A member as those who deliver to him see it.
struct Membership {
  GroupId group;
  std::int64_t joined_seq = 0;
};

/// What a group holds against somebody, whether he is a member or has left.
struct Restriction {
  /// Muted until then, also when he leaves and comes back.
  std::int64_t muted_until = 0;
  /// He was removed: he comes back only when an administrator lets him in.
  bool removed = false;
  bool operator==(const Restriction&) const = default;
};

/// What a file can be shown as, by its content.
enum class FileKind : std::uint8_t { kFile, kImage, kAudio, kVideo };

/// A file as its uploader and those he sent it to see it. Its bytes lie in the FileStore under their hash.
struct File {
  FileId id;
  UserId owner;
  /// SHA-256, 64 lower-case hexadecimal digits.
  std::string sha256;
  std::int64_t size = 0;
  std::string name;
  std::string mime;
  FileKind kind = FileKind::kFile;
  /// Pixels; 0 when unknown.
  std::int64_t width = 0;
  std::int64_t height = 0;
  /// Of audio and video, as the uploader says.
  std::int64_t duration_ms = 0;
  /// The thumbnail's hash; empty: none. Always WebP.
  std::string thumbnail;
  std::int64_t created_at = 0;
  /// Somebody's picture: everyone signed in may see it.
  bool is_avatar = false;
};

/// Where a file was sent.
struct FilePlace {
  ConversationId conversation;
  std::int64_t seq = 0;
};

/// An upload in parts that is not whole yet.
struct Upload {
  std::string id;
  UserId owner;
  std::int64_t size = 0;
  std::string name;
  bool as_file = false;
  std::int64_t duration_ms = 0;
  std::int64_t created_at = 0;
  /// The file it became; 0: it is not whole.
  FileId file;
};

enum class ReportReason : std::uint8_t { kSpam, kAbuse, kIllegal, kOther };

/// What somebody found wrong with a message, for whoever runs the server.
struct Report {
  ReportId id;
  UserId reporter;
  ReportReason reason = ReportReason::kOther;
  std::string note;
  std::int64_t created_at = 0;
  /// As it was when it was reported (without its amendment), whatever becomes of it.
  Message message;
};

/// A call that rings or goes on.
struct Call {
  std::string id;
  UserId caller;
  UserId callee;
  bool video = false;
  std::int64_t began_ms = 0;
  /// 0: it rings.
  std::int64_t answered_ms = 0;
  /// When it ends by itself.
  std::int64_t due_ms = 0;
  /// What the invitation said, for devices that come while it rings.
  std::string offer = {};
};

/// How far one member of a conversation has read.
struct ReadMark {
  UserId user;
  /// The first seq he may see.
  std::int64_t visible_from = 1;
  std::int64_t read_seq = 0;
};

/// One user's place in one conversation.
struct ConversationState {
  ConversationId conversation;
  std::int64_t read_seq = 0;
  std::int64_t delivered_seq = 0;
  bool pinned = false;
  bool muted = false;
  bool archived = false;
  std::string draft;
};

}  // namespace simpleim::store
