// Small helpers for the text of messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dml {

/// Text from outside, made fit for a message: at most `max_bytes` of it ("..." marks a cut), cut
/// between characters, control characters and bytes that are not UTF-8 replaced by '?'.
std::string Excerpt(std::string_view text, size_t max_bytes = 64);

/// What is wrong with text that must be UTF-8: "not valid UTF-8 (byte 17)", counted from 0, or
/// "" where nothing is.
std::string Utf8Fault(std::string_view text);

/// The candidate nearest to `word` by edit distance (Levenshtein), "" where none is near enough to
/// be a typing error: at most a third of the word's length, rounded up. A word or candidate over 64
/// bytes is near to nothing, so that the cost is bounded. The first of equals wins.
std::string_view ClosestMatch(std::string_view word, std::span<const std::string_view> candidates);

/// Whether the text holds a control character: C0, DEL or C1. `text` must be valid UTF-8.
/// `allow_lines` lets tab, line feed and carriage return pass.
bool HasControlCharacters(std::string_view text, bool allow_lines = false);

}  // namespace dml
