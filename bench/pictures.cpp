#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "http_client.h"
#include "pair_clients.h"
#include "scenarios.h"
#include "server_process.h"

namespace simpleim::bench {
namespace {

constexpr std::size_t kPictures = 200;
constexpr std::size_t kUploaders = 4;
/// Messages a second beside them.
constexpr double kPicturesRate = 1000;
constexpr auto kBoundary = "bench-picture";

/// The photo as a multipart body; bytes behind its end make each upload a content of its own.
std::string form_of(const std::string& photo, std::size_t number) {
  std::string body = "--" + std::string(kBoundary) +
                     "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo.jpg\"\r\n\r\n";
  body += photo + std::to_string(number) + "\r\n--" + kBoundary + "--\r\n";
  return body;
}

std::string read_photo(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string photo{std::istreambuf_iterator<char>(in), {}};
  if (photo.empty()) throw std::runtime_error("the scenario pictures needs --picture FILE, a photo");
  return photo;
}

/// Uploads `photo` again and again until kPictures are done; stands for other machines, so it does not take the
/// processor from those who chat.
void upload_all(unsigned short port, const std::string& token, const std::string& photo, std::atomic<std::size_t>& next,
                std::atomic<std::size_t>& pictures) {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  HttpClient http(port);
  for (auto number = next++; number < kPictures; number = next++) {
    const auto answer = http.request("POST", "/api/files", form_of(photo, number), token,
                                     "multipart/form-data; boundary=" + std::string(kBoundary));
    pictures += answer.find("\"kind\":\"image\"") != std::string::npos;
  }
}

}  // namespace

Report run_pictures(const Options& options) {
  Report report{"pictures", {}};
  const auto photo = read_photo(options.picture);
  auto settings = options.settings;
  settings.push_back("files.uploads_per_minute=0");
  ServerProcess server(options.binary, options.data_root, settings);
  PairClients chat(server.port(), options.pairs, "photo");
  Latencies warm_up;
  run_rate(chat, kPicturesRate, 1, warm_up);
  Latencies quiet;
  run_rate(chat, kPicturesRate, options.seconds, quiet);
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> pictures = 0;
  std::atomic<std::size_t> ended = 0;
  std::vector<std::thread> uploaders;
  const auto start = now_ns();
  for (std::size_t i = 0; i < kUploaders; ++i)
    uploaders.emplace_back([&, i] {
      upload_all(server.port(), chat.accounts[i].token, photo, next, pictures);
      ++ended;
    });
  Latencies meanwhile;
  while (ended < kUploaders) run_rate(chat, kPicturesRate, 0.2, meanwhile);
  const auto seconds = seconds_since(start);
  for (auto& uploader : uploaders) uploader.join();
  if (pictures != kPictures) throw std::runtime_error("not every upload became a picture");
  const auto at = " at " + std::to_string(static_cast<int>(kPicturesRate)) + "/s";
  report.plain(std::to_string(kPictures) + " photos of " + std::to_string(photo.size() >> 10) + " KiB made smaller in",
               seconds, "s");
  report.plain("p50" + at + " before", quiet.percentile(50), "ms");
  report.plain("p50" + at + " meanwhile", meanwhile.percentile(50), "ms");
  report.plain("p99" + at + " before", quiet.percentile(99), "ms");
  report.at_most("p99" + at + " meanwhile", meanwhile.percentile(99), "ms", 5);
  return report;
}

}  // namespace simpleim::bench
