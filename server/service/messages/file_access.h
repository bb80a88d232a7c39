#pragma once

#include "store/store.h"

namespace simpleim::service {

/// Who may see a file: its uploader, everyone when it is somebody's picture, and whoever sees a message that carries
/// it. Blocks on the store; on the commit thread inside a batch, elsewhere any thread.
bool may_read_file(store::Store& store, const store::File& file, base::UserId user);

/// The content of a message of type 4 to 7: what the server knows of the file (protocol.md section 3), then what the
/// client said beside it, `extra`, a JSON object. kNotFound, kValidation when the file is of another kind.
/// `public_path` as in file_path().
protocol::Result<std::string> file_message_content(store::Store& store, protocol::FrameType type, base::FileId file,
                                                   std::string_view extra, base::UserId from,
                                                   const std::string& public_path);

/// Lets everyone signed in see a picture of `owner`'s in place of the one that was there before; that one is seen by
/// those again who may see a message with it, unless it is shown elsewhere, too. "": no picture. kNotFound when it is
/// none of his, kValidation when it is no picture. In a batch.
std::optional<protocol::Error> change_avatar(store::Store& store, const std::string& before, const std::string& file_id,
                                             base::UserId owner);

/// "/api/files/{id}", behind the path that the world sees the server under ("/chat"; "": the root).
std::string file_path(const std::string& public_path, base::FileId id);

}  // namespace simpleim::service
