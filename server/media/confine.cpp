#include "media/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

namespace simpleim::media {
namespace {

/// What decoding with libvips, GLib and their threads calls.
constexpr std::array kAllowed{SCMP_SYS(read),
                              SCMP_SYS(pread64),
                              SCMP_SYS(readv),
                              SCMP_SYS(write),
                              SCMP_SYS(pwrite64),
                              SCMP_SYS(writev),
                              SCMP_SYS(lseek),
                              SCMP_SYS(close),
                              SCMP_SYS(fstat),
                              SCMP_SYS(fcntl),
                              SCMP_SYS(dup),
                              SCMP_SYS(dup2),
                              SCMP_SYS(dup3),
                              SCMP_SYS(mmap),
                              SCMP_SYS(munmap),
                              SCMP_SYS(mremap),
                              SCMP_SYS(mprotect),
                              SCMP_SYS(madvise),
                              SCMP_SYS(brk),
                              SCMP_SYS(futex),
                              SCMP_SYS(set_robust_list),
                              SCMP_SYS(rseq),
                              SCMP_SYS(rt_sigaction),
                              SCMP_SYS(rt_sigprocmask),
                              SCMP_SYS(rt_sigreturn),
                              SCMP_SYS(sigaltstack),
                              SCMP_SYS(sched_yield),
                              SCMP_SYS(sched_getaffinity),
                              SCMP_SYS(getpid),
                              SCMP_SYS(gettid),
                              SCMP_SYS(getrandom),
                              SCMP_SYS(clock_gettime),
                              SCMP_SYS(gettimeofday),
                              SCMP_SYS(clock_nanosleep),
                              SCMP_SYS(nanosleep),
                              SCMP_SYS(sysinfo),
                              SCMP_SYS(restart_syscall),
                              SCMP_SYS(membarrier),
                              SCMP_SYS(exit),
                              SCMP_SYS(exit_group)};

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error("cannot be confined: " + what + ": " + std::strerror(error));
}

/// A set of rules without a rule: no right to anything in the file system.
void forbid_files() {
  landlock_ruleset_attr rules{};
  // Every right of the first version; seccomp forbids the rest, and where there is no Landlock all of it.
  rules.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  const auto set = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules.handled_access_fs, 0));
  if (set < 0) {
    if (errno == ENOSYS || errno == EOPNOTSUPP) return;
    fail("landlock_create_ruleset", errno);
  }
  const auto failed = ::syscall(SYS_landlock_restrict_self, set, 0) != 0 ? errno : 0;
  ::close(set);
  if (failed != 0) fail("landlock_restrict_self", failed);
}

void allow_if(scmp_filter_ctx filter, int call, scmp_arg_cmp condition) {
  if (const int error = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition); error != 0)
    fail("seccomp_rule_add", -error);
}

void forbid_calls() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)),
                                                                ::seccomp_release);
  if (!filter) fail("seccomp_init", ENOMEM);
  for (const auto call : kAllowed)
    if (const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); error != 0)
      fail("seccomp_rule_add", -error);
  // Threads, not processes; clone3, whose flags a filter cannot see, is answered with ENOSYS, upon which glibc uses
  // this.
  allow_if(filter.get(), SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD});
  // What glibc makes of fstat().
  allow_if(filter.get(), SCMP_SYS(newfstatat), {3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0});
  if (const int loaded = ::seccomp_load(filter.get()); loaded != 0) fail("seccomp_load", -loaded);
}

}  // namespace

void confine_process() {
  // Nobody else of this user looks into its memory, and nothing it may start gets more rights than it has.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) fail("PR_SET_DUMPABLE", errno);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("PR_SET_NO_NEW_PRIVS", errno);
  forbid_files();
  forbid_calls();
}

}  // namespace simpleim::media
