#pragma once

#include <string>

/// What an operator does with the database file. All throw StoreError with a text for people.
namespace simpleim::store::sqlite {

/// Brings a file or a folder to the disk.
void sync_file(const std::string& path);
/// Reads every page; "" when all is well, else what is not.
std::string check_file(const std::string& path);
/// A consistent copy of the database as it is at one moment, while it may be written; the copy is
/// on the disk and checked when this returns. `to` must not exist.
void backup_file(const std::string& from, const std::string& to);

}  // namespace simpleim::store::sqlite
