#include "store/sqlite/unsynced_mark.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "store/sqlite/maintenance.h"
#include "store/store.h"

namespace simpleim::store::sqlite {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string boot_id() { return read("/proc/sys/kernel/random/boot_id"); }

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

bool UnsyncedMark::is_torn() const { return std::filesystem::exists(path_) && read(path_) != boot_id(); }

void UnsyncedMark::set() const {
  if (!(std::ofstream(path_, std::ios::trunc) << boot_id()).flush())
    throw StoreError(ErrorCode::kInternal, "cannot write " + path_);
  sync_file(path_);
  sync_file(folder_of(path_));
}

void UnsyncedMark::clear() const {
  std::filesystem::remove(path_);
  sync_file(folder_of(path_));
}

}  // namespace simpleim::store::sqlite
