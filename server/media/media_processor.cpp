#include "media/media_processor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

#include "base/log.h"
#include "media/content_type.h"

namespace simpleim::media {
namespace {

/// Long, because a picture gets only what the processors have left; its processor time is limited by itself.
constexpr std::int64_t kDeadlineMs = 120'000;
/// Of the longest list of edits.
constexpr std::size_t kMaxAnswer = 4 << 20;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// What a child wrote until it closed its output, or nothing when it took too long.
std::optional<std::string> read_answer(int fd) {
  std::string answer;
  const auto deadline = steady_ms() + kDeadlineMs;
  std::array<char, 4096> piece;
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

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void close() {
    ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// Above those that the child gets, so that none is overwritten while they are put in their places.
int out_of_the_way(int fd) {
  if (fd < 0) return fd;
  constexpr int kAbove = 10;
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, kAbove);
  ::close(fd);
  return moved;
}

/// Descriptors 0 to 4 of the child.
struct Ends {
  const Descriptor& in;
  const Descriptor& answer;
  const Descriptor& thumbnail;
  const Descriptor& rewritten;
};

/// 0 when it could not be started.
pid_t start(std::vector<std::string> arguments, const Ends& ends) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends.in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends.answer.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends.thumbnail.get(), kThumbnailFd);
  posix_spawn_file_actions_adddup2(&actions, ends.rewritten.get(), kRewrittenFd);
  // Sockets and the database stay with the server.
  posix_spawn_file_actions_addclosefrom_np(&actions, kRewrittenFd + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // Passwords of stores may stand in the server's environment.
  std::array<char*, 1> environment{nullptr};
  pid_t child = 0;
  int failed = 0;
  // The child inherits it, and so loads its libraries already without being in anybody's way; spawn attributes know no
  // SCHED_IDLE. With a nice value alone, who wakes beside it waits for the scheduler's next tick, 4 ms.
  std::thread([&] {
    const sched_param no_priority{};
    (void)::sched_setscheduler(0, SCHED_IDLE, &no_priority);
    failed = ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environment.data());
  }).join();
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failed == 0 ? child : 0;
}

/// The child's output; nothing when it failed or was ended.
std::optional<std::string> run(std::vector<std::string> arguments, const std::string& content,
                               const ProcessedMedia& to) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return std::nullopt;
  const Descriptor answers(pipe[0]);
  Descriptor answer_end(out_of_the_way(pipe[1]));
  constexpr int kNew = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
  const Descriptor in(out_of_the_way(::open(content.c_str(), O_RDONLY | O_CLOEXEC)));
  const Descriptor thumbnail(out_of_the_way(::open(to.thumbnail.c_str(), kNew, 0600)));
  const Descriptor rewritten(out_of_the_way(::open(to.rewritten.c_str(), kNew, 0600)));
  if (std::min({in.get(), answer_end.get(), thumbnail.get(), rewritten.get()}) < 0) return std::nullopt;
  const auto child = start(std::move(arguments), {in, answer_end, thumbnail, rewritten});
  answer_end.close();
  if (child == 0) return std::nullopt;
  auto answer = read_answer(answers.get());
  if (!answer) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !answer || !answer->ends_with("end\n")) return std::nullopt;
  return answer;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16));
  return bytes;
}

/// Of a process that a hostile content may have taken over: only what fits the content is believed.
void read_lines(const std::string& answer, ProcessedMedia& media) {
  std::istringstream lines(answer);
  std::int64_t end = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "size") words >> media.width >> media.height;
    if (what == "rewritten") words >> media.mime;
    if (what != "cut" && what != "zero" && what != "replace") continue;
    Edit edit;
    std::string hex;
    words >> edit.offset >> edit.length;
    if (words.fail() || edit.offset < end || edit.length < 0) continue;
    words >> hex;
    edit.zero = what == "zero";
    edit.bytes = from_hex(hex);
    end = edit.offset + edit.length;
    media.edits.push_back(std::move(edit));
  }
}

}  // namespace

MediaProcessor::MediaProcessor(std::string executable, std::string scratch_dir)
    : executable_(std::move(executable)), scratch_dir_(std::move(scratch_dir)) {}

ProcessedMedia MediaProcessor::process(const std::string& path, const std::string& mime) const {
  static std::atomic<std::uint64_t> counter{0};
  const auto name = scratch_dir_ + "/whole-media-" + std::to_string(++counter);
  ProcessedMedia media;
  media.thumbnail = name + ".webp";
  media.rewritten = name + ".clean";
  auto answer = run({executable_, "media-worker", mime}, path, media);
  if (!answer) answer = run({executable_, "media-worker", mime, "--no-decoding"}, path, media);
  if (answer) read_lines(*answer, media);
  const auto drop = [](std::string& file) {
    ::unlink(file.c_str());
    file.clear();
  };
  if (media.width <= 0 || media.height <= 0) {
    media.width = media.height = 0;
    drop(media.thumbnail);
  }
  const bool is_rewritten = media.mime == "image/jpeg" || media.mime == "image/png" || media.mime == "image/webp";
  if (media.width == 0 || !is_rewritten) {
    drop(media.rewritten);
    media.mime = mime;
  }
  return media;
}

bool needs_processing(std::string_view mime) { return shown_as(mime) == Shown::kImage || may_carry_metadata(mime); }

}  // namespace simpleim::media
