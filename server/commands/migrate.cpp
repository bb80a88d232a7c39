#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "base/data_dir_lock.h"
#include "commands/actions.h"
#include "commands/workplace.h"
#include "composition/backends.h"
#include "service/accounts/tokens.h"
#include "store/local_files/local_file_store.h"
#include "store/mysql/import.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/sqlite_store.h"

namespace simpleim::commands {
namespace {

/// A statement may bring thousands of rows to a busy server.
constexpr std::int64_t kDeadlineMs = 60'000;
constexpr std::size_t kPieceBytes = 1 << 20;

/// A bar on a terminal, else a line for every tenth.
class ProgressBar {
 public:
  ProgressBar(const char* doing, std::int64_t total) : doing_(doing), total_(total) { show(); }
  ~ProgressBar() { std::cout << (is_terminal_ ? "\n" : "") << std::flush; }
  void advance(std::int64_t by) {
    done_ += by;
    show();
  }

 private:
  void show() {
    const auto percent = total_ == 0 ? 100 : std::min<std::int64_t>(100, done_ * 100 / total_);
    if (percent == shown_ || (!is_terminal_ && percent / 10 == shown_ / 10 && shown_ >= 0)) return;
    shown_ = percent;
    const auto filled = static_cast<std::size_t>(percent / 4);
    const auto bar = std::string(filled, '#') + std::string(25 - filled, '.');
    std::cout << (is_terminal_ ? "\r" : "") << doing_ << " [" << bar << "] " << percent << " % of " << total_
              << (is_terminal_ ? "" : "\n") << std::flush;
  }

  const char* const doing_;
  const std::int64_t total_;
  const bool is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::int64_t done_ = 0;
  std::int64_t shown_ = -1;
};

std::string source_folder(const std::string& from) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!from.starts_with(kScheme) || from.size() == kScheme.size())
    throw std::runtime_error("--from " + from + ": sqlite:DIR is needed, DIR being the server's data folder");
  const auto dir = std::filesystem::absolute(from.substr(kScheme.size())).lexically_normal().string();
  if (!std::filesystem::exists(dir + "/simpleim.db")) throw std::runtime_error("there is no database in " + dir);
  return dir;
}

/// To the schema of this release, with every message in its final table.
void prepare_source(const std::string& path) {
  store::sqlite::SqliteStore store(path, 1);
  while (store.untidy() > 0 && store.tidy()) {
  }
}

std::vector<std::string> contents_of(store::sqlite::Connection& from) {
  std::vector<std::string> hashes;
  auto query = from.query("SELECT sha256 FROM file UNION SELECT thumbnail FROM file WHERE thumbnail <> '' ORDER BY 1");
  while (query.step()) hashes.push_back(query.text());
  return hashes;
}

/// Whoever writes a content hashes it: one that was damaged on the way, or before, is noticed.
void copy_content(store::FileStore& from, store::FileStore& to, const std::string& sha256) {
  const auto reader = from.open(sha256, 0);
  if (!reader) throw std::runtime_error("the content " + sha256 + " is missing in the source");
  if (const auto there = to.open(sha256, 0); there && there->size() == reader->size()) return;
  const auto writer = to.create();
  std::string piece(kPieceBytes, '\0');
  while (const auto size = reader->read(piece)) writer->write(std::string_view(piece).substr(0, size));
  if (const auto stored = writer->finish(); stored.sha256 != sha256)
    throw std::runtime_error("the content " + sha256 + " is damaged in the source: its hash is " + stored.sha256);
}

void copy_contents(const std::vector<std::string>& hashes, const std::string& dir, const base::Config& config) {
  const base::SystemClock clock;
  base::Metrics metrics;
  std::filesystem::create_directories(config.server.data_dir);
  store::local_files::LocalFileStore from(dir + "/files", 0);
  const auto to = open_file_store(config, clock, metrics);
  ProgressBar bar("files   ", static_cast<std::int64_t>(hashes.size()));
  for (const auto& sha256 : hashes) {
    copy_content(from, *to, sha256);
    bar.advance(1);
  }
}

}  // namespace

int migrate(const std::string& source, const base::Config& config) {
  const auto dir = source_folder(source);
  if (is_embedded(config)) throw std::runtime_error("--to names no store.mysql: there is nothing to migrate to");
  const base::DataDirLock lock(dir);
  prepare_source(dir + "/simpleim.db");
  store::sqlite::Connection from(dir + "/simpleim.db", store::sqlite::Connection::Access::kReadOnly);

  auto unhurried = config;
  unhurried.store.deadline_ms = kDeadlineMs;
  const base::SystemClock clock;
  base::Metrics metrics;
  const auto options = mysql_options(unhurried, 1, metrics);
  const auto archive = open_archive(unhurried, clock, metrics);
  store::mysql::Import import(options, archive.get(), dir);
  const auto rows = store::mysql::Import::count(from);
  {
    ProgressBar bar("copying ", rows);
    import.copy(from, [&](std::int64_t more) { bar.advance(more); });
  }
  const auto contents = contents_of(from);
  copy_contents(contents, dir, config);
  std::vector<std::string> lines;
  std::string difference;
  {
    ProgressBar bar("checking", rows);
    difference = import.verify(
        from, [&](std::int64_t more) { bar.advance(more); }, [&](const std::string& line) { lines.push_back(line); });
  }
  for (const auto& line : lines) std::cout << "  " << line << "\n";
  std::cout << "  contents of files: " << contents.size() << ", each by its sha256\n";
  if (!difference.empty()) throw std::runtime_error("the copy is not the same: " + difference);
  import.finish(service::load_or_make_key(dir + "/jwt.key"));
  std::cout << "everything is there and the same; nodes may start. " << dir << " was left as it is\n";
  return 0;
}

}  // namespace simpleim::commands
