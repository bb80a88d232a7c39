#pragma once

#include <string>

namespace simpleim::base {

/// Keeps a second server off the same folder; freed with the process. Throws std::runtime_error when it is taken.
class DataDirLock {
 public:
  explicit DataDirLock(const std::string& dir);
  ~DataDirLock();
  DataDirLock(const DataDirLock&) = delete;
  DataDirLock& operator=(const DataDirLock&) = delete;

 private:
  const int fd_;
};

}  // namespace simpleim::base
