// Versions of no known scheme, and calendar versions; their grammars are in docs/formats.md.
#include <array>

#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

// What may follow at a place, in its order. Words that announce a release sort before its end.
constexpr char kTilde = '\1';
constexpr char kEarlyWord = '\2';  // Then its rank.
constexpr char kEnd = '\3';
constexpr char kWord = '\4';
constexpr char kNumber = '\5';

struct EarlyWord {
  std::string_view word;
  char rank;
};
constexpr std::array<EarlyWord, 11> kEarlyWords = {{{"dev", '\1'},
                                                    {"snapshot", '\2'},
                                                    {"a", '\3'},
                                                    {"alpha", '\3'},
                                                    {"b", '\4'},
                                                    {"beta", '\4'},
                                                    {"m", '\5'},
                                                    {"milestone", '\5'},
                                                    {"pre", '\6'},
                                                    {"preview", '\6'},
                                                    {"rc", '\7'}}};

void AppendWord(std::string_view text, std::string& key) {
  const std::string word = ToLower(text);
  for (const EarlyWord& early : kEarlyWords) {
    if (early.word != word) continue;
    key += kEarlyWord;
    key += early.rank;
    return;
  }
  key += kWord;
  key += word;
  key += '\0';
}

bool IsSeparator(char c) { return c == '.' || c == '-' || c == '_' || c == ':' || c == '!'; }

/// Tokens of `text` from `at` on; '+' and what follows it is checked and takes no part.
absl::Status AppendTokens(std::string_view scheme, std::string_view text, size_t at,
                          std::string& key) {
  bool separated = true;  // A separator must stand between tokens, and none at the ends.
  while (at < text.size() && text[at] != '+') {
    const char c = text[at];
    if (c == '~') {
      key += kTilde;
      separated = true;
      ++at;
    } else if (IsSeparator(c)) {
      if (separated || at + 1 == text.size() || text[at + 1] == '+') {
        return InvalidVersion(scheme, text, at, "a letter or digit must stand on both sides");
      }
      separated = true;
      ++at;
    } else if (IsAlnum(c)) {
      const size_t end = IsDigit(c) ? FindEnd(text, at, IsDigit) : FindEnd(text, at, IsLetter);
      if (IsDigit(c)) {
        key += kNumber;
        AppendNumber(text.substr(at, end - at), key);
      } else {
        AppendWord(text.substr(at, end - at), key);
      }
      separated = false;
      at = end;
    } else {
      return InvalidVersion(scheme, text, at, "this character is not allowed");
    }
  }
  key += kEnd;
  if (at == text.size()) return absl::OkStatus();
  const size_t build = at + 1;
  const size_t end = FindEnd(text, build, [](char c) { return IsAlnum(c) || IsSeparator(c); });
  if (end == text.size() && end > build) return absl::OkStatus();
  return InvalidVersion(scheme, text, end, "letters and digits expected after '+'");
}

// YYYYMMDD as one number.
bool IsDate(std::string_view digits) {
  if (digits.size() != 8) return false;
  const std::string_view month = digits.substr(4, 2);
  const std::string_view day = digits.substr(6, 2);
  return digits >= "19000101" && month >= "01" && month <= "12" && day >= "01" && day <= "31";
}

}  // namespace

absl::Status ReadGeneric(std::string_view text, VersionKey& key) {
  if (!IsAlnum(text[0])) {
    return InvalidVersion("generic", text, 0, "a letter or digit must come first");
  }
  return AppendTokens("generic", text, 0, key.bytes);
}

absl::Status ReadCalver(std::string_view text, VersionKey& key) {
  const size_t end = FindEnd(text, 0, IsDigit);
  const std::string_view year = text.substr(0, end);
  if (IsDate(year)) {
    for (size_t at : {size_t{0}, size_t{4}, size_t{6}}) {
      key.bytes += kNumber;
      AppendNumber(year.substr(at, at == 0 ? 4 : 2), key.bytes);
    }
  } else if (year.size() == 4 && year >= "1900") {
    key.bytes += kNumber;
    AppendNumber(year, key.bytes);
  } else if (!year.empty() && year.size() <= 3) {
    // A short year counts from 2000 (calver.org: YY is 6, 16, 106).
    key.bytes += kNumber;
    AppendNumber(fmt::format("{}", 2000 + std::stoi(std::string(year))), key.bytes);
  } else {
    return InvalidVersion("calver", text, 0,
                          "a year expected, as in 2024.1 or 24.04, or a date such as 20240131");
  }
  size_t at = end;
  size_t numbers = 0;
  while (at + 1 < text.size() && (text[at] == '.' || text[at] == '-') && IsDigit(text[at + 1])) {
    const size_t stop = FindEnd(text, at + 1, IsDigit);
    key.bytes += kNumber;
    AppendNumber(text.substr(at + 1, stop - at - 1), key.bytes);
    at = stop;
    ++numbers;
  }
  if (numbers == 0 && !IsDate(year)) {
    return InvalidVersion("calver", text, at, "a month, week or number expected after the year");
  }
  if (at < text.size() && IsSeparator(text[at]) && at + 1 < text.size() && IsLetter(text[at + 1])) {
    ++at;
  } else if (at < text.size() && IsSeparator(text[at])) {
    return InvalidVersion("calver", text, at, "a number or a word expected after it");
  }
  return AppendTokens("calver", text, at, key.bytes);
}

}  // namespace dml
