#pragma once

#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace simpleim::bench {

/// Sentences as people write them, as far as frequency goes: half of them Chinese, half of Latin words; a few
/// characters and words make up most of each (Zipf). The same seed gives the same sentences.
class Language {
 public:
  explicit Language(unsigned seed);

  void sentence(std::string& out);
  /// Kinds of queries by name; each call makes another query of that kind.
  std::vector<std::pair<std::string, std::function<std::string()>>> queries();

 private:
  std::size_t zipf(std::size_t count);
  std::string ideographs(std::size_t count);

  static constexpr std::size_t kIdeographs = 3000;
  static constexpr std::size_t kWords = 20'000;

  std::mt19937_64 random_;
  std::vector<std::string> words_;
};

std::string percent_encoded(const std::string& text);

}  // namespace simpleim::bench
