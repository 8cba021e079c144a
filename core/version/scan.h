// What the readers of version schemes share: characters, numbers in keys, errors with a position.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml::scan {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool IsAlnum(char c) { return IsDigit(c) || IsLetter(c); }
inline char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The first position from `from` on whose character does not meet the predicate, or the end.
template <typename Predicate>
size_t FindEnd(std::string_view text, size_t from, Predicate predicate) {
  while (from < text.size() && predicate(text[from])) ++from;
  return from;
}

std::string_view WithoutLeadingZeros(std::string_view digits);

/// Whether a number in decimal digits is at most a limit in decimal digits.
bool AtMost(std::string_view digits, std::string_view limit);

/// Appends number(n) of docs/formats.md, "Version keys": the count of significant digits, then the
/// digits, so that greater numbers sort later, of any length.
void AppendNumber(std::string_view digits, std::string& key);

/// The digits of the next number: "199" gives "200".
std::string Increment(std::string digits);

std::string ToLower(std::string_view text);

/// VERSION_INVALID: `<scheme> version "<text>": position <n>: <what>`; positions count from 1.
absl::Status InvalidVersion(std::string_view scheme, std::string_view text, size_t position,
                            std::string_view what);

/// VERSION_RANGE_INVALID: `<scheme> range "<text>": position <n>: <what>`.
absl::Status InvalidRange(std::string_view scheme, std::string_view text, size_t position,
                          std::string_view what);

/// The text without blanks (space and tab) at its ends.
std::string_view Trim(std::string_view text);

}  // namespace dml::scan
