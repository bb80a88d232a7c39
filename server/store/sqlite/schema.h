#pragma once

#include "store/sqlite/connection.h"

namespace simpleim::store::sqlite {

/// Brings the database to the newest schema, one transaction a version. Throws StoreError when the
/// file was written by a newer release.
void migrate(Connection& db);

/// The version this release writes.
int schema_version();

}  // namespace simpleim::store::sqlite
