#include "base/data_dir_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <stdexcept>

namespace simpleim::base {

DataDirLock::DataDirLock(const std::string& dir)
    : fd_(::open((dir + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (fd_ < 0) throw std::runtime_error("server.data_dir " + dir + " cannot be written");
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0)
    throw std::runtime_error("server.data_dir " + dir + " is in use by another simpleim");
}

DataDirLock::~DataDirLock() { ::close(fd_); }

}  // namespace simpleim::base
