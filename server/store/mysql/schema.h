#pragma once

#include "store/mysql/connection.h"

namespace simpleim::store::mysql {

/// Brings the database to this release's schema, one node at a time. Throws StoreError.
void migrate(Connection& db);

}  // namespace simpleim::store::mysql
