#pragma once

#include "store/sqlite/connection.h"

namespace simpleim::store::sqlite {

/// Brings the database to the newest schema (store/sql/schema.h), in one transaction. Throws StoreError when the
/// file was written by a newer release.
void migrate(Connection& db);

}  // namespace simpleim::store::sqlite
