#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How texts are taken apart for searching, in the index and in what is asked for. Case, width (Ａ, ｶﾞ), the accents of
/// Latin, Greek and Cyrillic letters and the vowel marks of Hebrew and Arabic make no difference (Unicode NFKC, case
/// folding).
namespace simpleim::base {

/// What the index knows a text by: words, and the numbers behind letters in them; of scripts that put no spaces between
/// words, or few (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese, Tibetan, …), each character as people see it
/// and each pair of neighbours; each emoji. At most 64 bytes each. `begin` and `end` are bytes of `text`.
void for_each_search_token(
    std::string_view text,
    const std::function<void(std::string_view token, std::size_t begin, std::size_t end)>& visit);

/// A piece of what somebody looks for: parts between spaces and between scripts.
struct SearchTerm {
  /// Folded.
  std::string text;
  /// Tokens that a text with this term has; a word that is long enough may go on (`prefix`).
  std::vector<std::string> tokens;
  bool prefix = false;
};
/// At most 16 terms.
std::vector<SearchTerm> search_terms(std::string_view query);

/// find_terms() would find something.
bool has_terms(std::string_view text, const std::vector<SearchTerm>& terms);

/// Where the terms stand in `text`: [begin, end) in code points, ascending, at most 50; nothing when one of the terms
/// does not. A word is only found from its beginning.
std::vector<std::pair<std::size_t, std::size_t>> find_terms(std::string_view text,
                                                            const std::vector<SearchTerm>& terms);

}  // namespace simpleim::base
