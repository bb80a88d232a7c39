#include "media/image_processor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/log.h"

extern char** environ;

namespace simpleim::media {
namespace {

/// Long, because a picture gets only what the processors have left; its processor time is limited by itself.
constexpr std::int64_t kDeadlineMs = 120'000;
constexpr std::size_t kMaxAnswer = 4096;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// What a child wrote until it closed its output, or nothing when it took too long.
std::optional<std::string> read_answer(int fd) {
  std::string answer;
  const auto deadline = steady_ms() + kDeadlineMs;
  std::array<char, 512> piece;
  for (;;) {
    pollfd wait{fd, POLLIN, 0};
    const auto left = deadline - steady_ms();
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0) return std::nullopt;
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got <= 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(got));
    if (answer.size() > kMaxAnswer) return std::nullopt;
  }
}

/// The child's output; nothing when it failed or was ended.
std::optional<std::string> run(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // Sockets and the database stay with the server.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  int failed = 0;
  // The child inherits it, and so loads its libraries already without being in anybody's way; spawn attributes know no
  // SCHED_IDLE. With a nice value alone, who wakes beside it waits for the scheduler's next tick, 4 ms.
  std::thread([&] {
    const sched_param no_priority{};
    (void)::sched_setscheduler(0, SCHED_IDLE, &no_priority);
    failed = ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environ);
  }).join();
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return std::nullopt;
  }
  auto answer = read_answer(ends[0]);
  ::close(ends[0]);
  if (!answer) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return answer;
}

}  // namespace

ImageProcessor::ImageProcessor(std::string executable, std::string scratch_dir)
    : executable_(std::move(executable)), scratch_dir_(std::move(scratch_dir)) {}

std::optional<ProcessedImage> ImageProcessor::process(const std::string& path, const std::string& mime,
                                                      bool keep_metadata) const {
  static std::atomic<std::uint64_t> counter{0};
  const auto name = scratch_dir_ + "/whole-image-" + std::to_string(++counter);
  ProcessedImage image;
  image.thumbnail = name + ".webp";
  image.cleaned = name + ".clean";
  const auto answer =
      run({executable_, "image-worker", path, mime, image.thumbnail, keep_metadata ? "-" : image.cleaned});
  int cleaned = 0;
  if (!answer || std::sscanf(answer->c_str(), "%ld %ld %d", &image.width, &image.height, &cleaned) != 3) {
    ::unlink(image.thumbnail.c_str());
    ::unlink(image.cleaned.c_str());
    return std::nullopt;
  }
  if (cleaned == 0) image.cleaned.clear();
  return image;
}

}  // namespace simpleim::media
