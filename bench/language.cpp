#include "language.h"

#include <cmath>
#include <cstdio>
#include <string_view>

namespace simpleim::bench {
namespace {

/// A character of the block of common ideographs, in UTF-8.
void append_ideograph(std::string& out, std::size_t rank) {
  // Neighbours in frequency are no neighbours in the block.
  const auto code = 0x4e00 + rank * 7919 % 20'902;
  out += static_cast<char>(0xe0 | (code >> 12));
  out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
  out += static_cast<char>(0x80 | (code & 0x3f));
}

}  // namespace

Language::Language(unsigned seed) : random_(seed) {
  constexpr std::string_view kConsonants = "bcdfghjklmnprstvwz";
  constexpr std::string_view kVowels = "aeiou";
  for (std::size_t i = 0; i < kWords; ++i) {
    std::string word;
    const auto syllables = 1 + random_() % 4;
    for (std::size_t s = 0; s < syllables; ++s) {
      word += kConsonants[random_() % kConsonants.size()];
      word += kVowels[random_() % kVowels.size()];
    }
    words_.push_back(std::move(word));
  }
}

/// Rank by Zipf's law with exponent 1, by its inverse: count^u.
std::size_t Language::zipf(std::size_t count) {
  const auto u = static_cast<double>(random_()) / static_cast<double>(std::mt19937_64::max());
  return std::min(count - 1, static_cast<std::size_t>(std::pow(static_cast<double>(count), u)) - 1);
}

std::string Language::ideographs(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) append_ideograph(out, zipf(kIdeographs));
  return out;
}

void Language::sentence(std::string& out) {
  out.clear();
  if (random_() % 2 == 0) {
    out = ideographs(10 + random_() % 20);
    return;
  }
  const auto count = 6 + random_() % 12;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += words_[zipf(kWords)];
  }
}

std::vector<std::pair<std::string, std::function<std::string()>>> Language::queries() {
  return {{"one ideograph", [this] { return ideographs(1); }},
          {"two ideographs", [this] { return ideographs(2); }},
          {"four ideographs", [this] { return ideographs(4); }},
          {"a word", [this] { return words_[zipf(kWords)]; }},
          {"the beginning of a word", [this] { return (words_[zipf(kWords)] + "bab").substr(0, 3); }},
          {"two words", [this] { return words_[zipf(kWords)] + " " + words_[zipf(kWords)]; }},
          {"a word nobody said", [this] { return words_[zipf(kWords)] + "qqq"; }}};
}

std::string percent_encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    char escaped[4];
    std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
    out += escaped;
  }
  return out;
}

}  // namespace simpleim::bench
