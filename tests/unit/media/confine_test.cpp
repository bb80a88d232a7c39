#include "media/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace simpleim::media {
namespace {

/// Whether `attempt` is true in a process that has confined itself.
bool holds_confined(const std::function<bool()>& attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      confine_process();
      ::_exit(attempt() ? 0 : 1);
    } catch (const std::exception&) {
      ::_exit(2);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_NE(WEXITSTATUS(status), 2) << "could not be confined";
  return WEXITSTATUS(status) == 0;
}

TEST(Confine, MemoryAndOpenDescriptorsCanBeUsed) {
  const int open_before = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(open_before, 0);
  EXPECT_TRUE(holds_confined([open_before] {
    char byte = 0;
    auto* memory = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return ::pread(open_before, &byte, 1, 0) == 1 && ::lseek(open_before, 0, SEEK_SET) == 0 && memory != MAP_FAILED;
  }));
  ::close(open_before);
}

TEST(Confine, NoFileCanBeOpenedOrMade) {
  EXPECT_TRUE(holds_confined([] {
    return ::open("/etc/passwd", O_RDONLY) < 0 && ::open("/tmp", O_RDONLY | O_DIRECTORY) < 0 &&
           ::open("/tmp/confined-process", O_CREAT | O_WRONLY, 0600) < 0 && ::unlink("/tmp/none") < 0 &&
           errno == ENOSYS;
  }));
}

TEST(Confine, NoNetworkNoProgramNoOtherProcess) {
  const pid_t parent = ::getpid();
  EXPECT_TRUE(holds_confined([parent] {
    const char* arguments[] = {"/bin/true", nullptr};
    const char* environment[] = {nullptr};
    int pair[2];
    return ::socket(AF_INET, SOCK_STREAM, 0) < 0 && ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 &&
           ::execve(arguments[0], const_cast<char**>(arguments), const_cast<char**>(environment)) < 0 &&
           ::kill(parent, 0) < 0 && ::fork() < 0;
  }));
}

}  // namespace
}  // namespace simpleim::media
