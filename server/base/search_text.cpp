#include "base/search_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

namespace simpleim::base {
namespace {

constexpr std::size_t kMaxToken = 64;
constexpr std::size_t kMaxTerms = 16;
constexpr std::size_t kMaxRanges = 50;
/// Shorter words are only found whole: too many begin with a letter or two.
constexpr std::size_t kLeastPrefix = 3;

enum class Kind { kSpace, kWord, kIdeograph, kSymbol };

/// One character as people see it.
struct Cluster {
  std::string folded;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t code_points = 0;
  Kind kind = Kind::kSpace;
};

bool within(utf8proc_int32_t c, utf8proc_int32_t low, utf8proc_int32_t high) { return c >= low && c <= high; }

bool is_ideograph(utf8proc_int32_t c) {
  return within(c, 0x4e00, 0x9fff) || within(c, 0x3040, 0x30ff) || within(c, 0xac00, 0xd7a3) ||
         within(c, 0x3400, 0x4dbf) || within(c, 0x3005, 0x3007) || within(c, 0x3100, 0x312f) ||
         within(c, 0x31f0, 0x31ff) || within(c, 0xf900, 0xfaff) || within(c, 0x20000, 0x3ffff);
}

/// Already as folding would leave it: most of Chinese, Japanese and Korean.
bool is_plain_ideograph(utf8proc_int32_t c) {
  return within(c, 0x4e00, 0x9fff) || within(c, 0x3041, 0x3094) || within(c, 0x30a1, 0x30fe) ||
         within(c, 0xac00, 0xd7a3);
}

/// Scripts that put no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, and those of the Tai, Java and Bali.
bool is_unspaced(utf8proc_int32_t c) {
  return within(c, 0x0e00, 0x0fff) || within(c, 0x1000, 0x109f) || within(c, 0x1780, 0x17ff) ||
         within(c, 0x1950, 0x19df) || within(c, 0x1a20, 0x1aaf) || within(c, 0x1b00, 0x1b7f) ||
         within(c, 0xa980, 0xa9ff) || within(c, 0xaa60, 0xaadf);
}

Kind kind_of(utf8proc_int32_t c) {
  if (is_ideograph(c)) return Kind::kIdeograph;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
      return is_unspaced(c) ? Kind::kIdeograph : Kind::kWord;
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_SC:
      return Kind::kSymbol;
    default:
      return Kind::kSpace;
  }
}

const auto* bytes(std::string_view text) { return reinterpret_cast<const utf8proc_uint8_t*>(text.data()); }

/// Latin, Greek and Cyrillic letters are found without their accents, Hebrew and Arabic ones without the vowels that
/// few write. Marks mean something in other scripts: the two strokes of が, the vowels of Thaana.
bool has_idle_marks(utf8proc_int32_t first) {
  return first < 0x0780 || within(first, 0x0840, 0x08ff) || within(first, 0xfb1d, 0xfdff) ||
         within(first, 0xfe70, 0xfefc);
}

/// A stroke that makes an Arabic word longer and is no letter.
constexpr utf8proc_int32_t kTatweel = 0x0640;
constexpr std::string_view kTatweelBytes = "\xd9\x80";

std::string fold(std::string_view cluster, utf8proc_int32_t first) {
  auto options = static_cast<int>(UTF8PROC_STABLE) | static_cast<int>(UTF8PROC_COMPAT) |
                 static_cast<int>(UTF8PROC_CASEFOLD) | static_cast<int>(UTF8PROC_IGNORE);
  options |= has_idle_marks(first) ? static_cast<int>(UTF8PROC_DECOMPOSE) | static_cast<int>(UTF8PROC_STRIPMARK)
                                   : static_cast<int>(UTF8PROC_COMPOSE);
  utf8proc_uint8_t* out = nullptr;
  const auto size = utf8proc_map(bytes(cluster), static_cast<utf8proc_ssize_t>(cluster.size()), &out,
                                 static_cast<utf8proc_option_t>(options));
  if (size < 0) return {};
  std::string folded(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  std::free(out);
  for (auto at = folded.find(kTatweelBytes); at != std::string::npos; at = folded.find(kTatweelBytes, at))
    folded.erase(at, kTatweelBytes.size());
  return folded;
}

utf8proc_int32_t code_point_at(std::string_view text, std::size_t at, std::size_t& size) {
  utf8proc_int32_t c = -1;
  const auto used = utf8proc_iterate(bytes(text.substr(at)), static_cast<utf8proc_ssize_t>(text.size() - at), &c);
  size = used > 0 ? static_cast<std::size_t>(used) : 1;
  return used > 0 ? c : 0xfffd;
}

/// The cluster that begins at `at`.
Cluster cluster_at(std::string_view text, std::size_t at) {
  Cluster cluster;
  cluster.begin = at;
  const auto byte = static_cast<unsigned char>(text[at]);
  const bool next_is_ascii = at + 1 >= text.size() || static_cast<unsigned char>(text[at + 1]) < 0x80;
  if (byte < 0x80 && next_is_ascii) {
    cluster.end = at + 1;
    cluster.code_points = 1;
    const bool upper = byte >= 'A' && byte <= 'Z';
    const bool word = upper || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
    cluster.kind = word ? Kind::kWord : Kind::kSpace;
    if (word) cluster.folded = static_cast<char>(upper ? byte + 32 : byte);
    return cluster;
  }
  std::size_t size = 0;
  const auto first = code_point_at(text, at, size);
  std::size_t end = at + size;
  cluster.code_points = 1;
  utf8proc_int32_t before = first;
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const auto next = code_point_at(text, end, size);
    if (utf8proc_grapheme_break_stateful(before, next, &state) && next != kTatweel) break;
    end += size;
    ++cluster.code_points;
    before = next;
  }
  cluster.end = end;
  const auto shown = text.substr(at, end - at);
  if (cluster.code_points == 1 && is_plain_ideograph(first)) {
    cluster.kind = Kind::kIdeograph;
    cluster.folded = shown;
    return cluster;
  }
  cluster.folded = fold(shown, first);
  cluster.kind = cluster.folded.empty() ? Kind::kSpace : kind_of(code_point_at(cluster.folded, 0, size));
  return cluster;
}

std::vector<Cluster> clusters_of(std::string_view text) {
  std::vector<Cluster> clusters;
  for (std::size_t at = 0; at < text.size();) {
    clusters.push_back(cluster_at(text, at));
    at = clusters.back().end;
  }
  return clusters;
}

/// Clusters of one kind that stand together: a word, a stretch of ideographs, an emoji.
struct Run {
  Kind kind;
  std::size_t first;
  std::size_t last;
};

std::vector<Run> runs_of(const std::vector<Cluster>& clusters) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    const auto kind = clusters[i].kind;
    if (kind == Kind::kSpace) continue;
    const bool goes_on =
        !runs.empty() && runs.back().last + 1 == i && runs.back().kind == kind && kind != Kind::kSymbol;
    if (goes_on) runs.back().last = i;
    else runs.push_back({kind, i, i});
  }
  return runs;
}

bool is_digit(const Cluster& cluster) {
  return cluster.folded.size() == 1 && cluster.folded[0] >= '0' && cluster.folded[0] <= '9';
}

/// A number is found among letters, too: 2 in v2, 15 in iPhone15Pro, 10 in 10km.
bool begins_number(const std::vector<Cluster>& clusters, std::size_t i) {
  return is_digit(clusters[i]) && (i == 0 || !is_digit(clusters[i - 1]));
}
bool ends_number(const std::vector<Cluster>& clusters, std::size_t last) {
  return is_digit(clusters[last]) && (last + 1 == clusters.size() || !is_digit(clusters[last + 1]));
}

std::string joined(const std::vector<Cluster>& clusters, std::size_t first, std::size_t last) {
  std::string text;
  for (auto i = first; i <= last && text.size() <= kMaxToken; ++i) text += clusters[i].folded;
  if (text.size() > kMaxToken) {
    std::size_t end = kMaxToken;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
  }
  return text;
}

using Visit = std::function<void(std::string_view token, std::size_t begin, std::size_t end)>;

/// Of a word that is not one number: each number in it, and what begins with one.
void visit_numbers(const std::vector<Cluster>& clusters, const Run& run, const Visit& visit) {
  for (auto i = run.first; i <= run.last; ++i) {
    if (!begins_number(clusters, i)) continue;
    auto last = i;
    while (!ends_number(clusters, last)) ++last;
    if (i == run.first && last == run.last) return;
    visit(joined(clusters, i, last), clusters[i].begin, clusters[last].end);
    if (i > run.first && last < run.last)
      visit(joined(clusters, i, run.last), clusters[i].begin, clusters[run.last].end);
    i = last;
  }
}

}  // namespace

void for_each_search_token(
    std::string_view text,
    const std::function<void(std::string_view token, std::size_t begin, std::size_t end)>& visit) {
  const auto clusters = clusters_of(text);
  for (const auto& run : runs_of(clusters)) {
    if (run.kind != Kind::kIdeograph) {
      visit(joined(clusters, run.first, run.last), clusters[run.first].begin, clusters[run.last].end);
      visit_numbers(clusters, run, visit);
      continue;
    }
    for (auto i = run.first; i <= run.last; ++i) {
      visit(clusters[i].folded, clusters[i].begin, clusters[i].end);
      if (i < run.last) visit(joined(clusters, i, i + 1), clusters[i].begin, clusters[i + 1].end);
    }
  }
}

std::vector<SearchTerm> search_terms(std::string_view query) {
  std::vector<SearchTerm> terms;
  const auto clusters = clusters_of(query);
  for (const auto& run : runs_of(clusters)) {
    if (terms.size() == kMaxTerms) break;
    SearchTerm term;
    for (auto i = run.first; i <= run.last; ++i) term.text += clusters[i].folded;
    if (run.kind != Kind::kIdeograph) {
      term.tokens.push_back(joined(clusters, run.first, run.last));
      term.prefix = run.kind == Kind::kWord && run.last - run.first + 1 >= kLeastPrefix;
    } else if (run.first == run.last) {
      term.tokens.push_back(clusters[run.first].folded);
    } else {
      for (auto i = run.first; i < run.last; ++i) term.tokens.push_back(joined(clusters, i, i + 1));
    }
    terms.push_back(std::move(term));
  }
  return terms;
}

namespace {

/// Clusters from `first` on that make up the term; 0 when they do not.
std::size_t match_length(const std::vector<Cluster>& clusters, std::size_t first, const std::string& term) {
  std::size_t at = 0;
  for (auto i = first; i < clusters.size(); ++i) {
    const auto& folded = clusters[i].folded;
    if (clusters[i].kind == Kind::kSpace || term.compare(at, folded.size(), folded) != 0) return 0;
    at += folded.size();
    if (at == term.size()) return i - first + 1;
  }
  return 0;
}

/// Folding leaves the text as it is, or makes it space: plain ideographs, ASCII without capitals, the usual
/// punctuation.
bool is_plain(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    std::size_t size = 1;
    if (byte >= 0x80) {
      const auto c = code_point_at(text, at, size);
      const bool is_punctuation = within(c, 0x3001, 0x3002) || within(c, 0x3008, 0x3011) || c == 0xff0c ||
                                  c == 0xff1a || c == 0xff01 || c == 0xff1f;
      if (!is_plain_ideograph(c) && !is_punctuation) return false;
    } else if (byte >= 'A' && byte <= 'Z') {
      return false;
    }
    at += size;
  }
  return true;
}

}  // namespace

bool has_terms(std::string_view text, const std::vector<SearchTerm>& terms) {
  const auto is_of_ideographs = [](const SearchTerm& term) { return term.text != term.tokens.front() && !term.prefix; };
  if (!std::all_of(terms.begin(), terms.end(), is_of_ideographs) || !is_plain(text))
    return !find_terms(text, terms).empty();
  return std::all_of(terms.begin(), terms.end(),
                     [&](const auto& term) { return text.find(term.text) != std::string_view::npos; });
}

std::vector<std::pair<std::size_t, std::size_t>> find_terms(std::string_view text,
                                                            const std::vector<SearchTerm>& terms) {
  const auto clusters = clusters_of(text);
  std::vector<std::size_t> starts;
  std::size_t total = 0;
  for (const auto& cluster : clusters) {
    starts.push_back(total);
    total += cluster.code_points;
  }
  starts.push_back(total);
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& term : terms) {
    const bool is_word = term.tokens.size() == 1 && !term.tokens[0].empty() && term.text == term.tokens[0];
    bool found = false;
    for (std::size_t i = 0; i < clusters.size() && ranges.size() < kMaxRanges; ++i) {
      if (clusters[i].kind == Kind::kSpace) continue;
      const bool inside_word = is_word && clusters[i].kind == Kind::kWord && i > 0 &&
                               clusters[i - 1].kind == Kind::kWord && !begins_number(clusters, i);
      if (inside_word) continue;
      const auto length = match_length(clusters, i, term.text);
      if (length == 0) continue;
      const auto after = i + length;
      const bool is_number =
          begins_number(clusters, i) && ends_number(clusters, after - 1) &&
          std::all_of(term.text.begin(), term.text.end(), [](char c) { return c >= '0' && c <= '9'; });
      const bool cut = clusters[i].kind == Kind::kWord && !term.prefix && after < clusters.size() &&
                       clusters[after].kind == Kind::kWord && !is_number;
      if (cut) continue;
      found = true;
      ranges.emplace_back(starts[i], starts[after]);
      i = after - 1;
    }
    if (!found) return {};
  }
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

}  // namespace simpleim::base
