#include "core/base/text.h"

#include <algorithm>
#include <array>

#include "core/base/bytes.h"

namespace dml {
namespace {

constexpr size_t kMaxMatchBytes = 64;

size_t EditDistance(std::string_view a, std::string_view b) {
  std::array<size_t, kMaxMatchBytes + 1> row;
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

}  // namespace

std::string Excerpt(std::string_view text, size_t max_bytes) {
  bool cut = text.size() > max_bytes;
  if (cut) {
    size_t end = max_bytes;
    // A character is at most four bytes; hostile runs of continuation bytes end the search.
    for (int i = 0; i < 3 && end > 0 && IsContinuation(text[end]); ++i) --end;
    text = text.substr(0, end);
  }
  std::string out(text);
  bool utf8 = IsValidUtf8(out);
  for (size_t i = 0; i < out.size(); ++i) {
    uint8_t c = static_cast<uint8_t>(out[i]);
    if (c < 0x20 || c == 0x7f || (!utf8 && c >= 0x80)) out[i] = '?';
    // U+0080 to U+009F are 0xc2 0x80 to 0xc2 0x9f.
    if (utf8 && c == 0xc2 && static_cast<uint8_t>(out[i + 1]) < 0xa0) out[i] = out[i + 1] = '?';
  }
  if (cut) out += "...";
  return out;
}

std::string Utf8Fault(std::string_view text) {
  if (IsValidUtf8(text)) return "";
  size_t at = 0;
  size_t size = 1;  // Of the character at `at`, as far as it is known.
  while (size <= 4 && at + size <= text.size()) {
    if (IsValidUtf8(text.substr(at, size))) {
      at += size;
      size = 1;
    } else {
      ++size;
    }
  }
  return "not valid UTF-8 (byte " + std::to_string(at) + ")";
}

std::string_view ClosestMatch(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kMaxMatchBytes) return "";
  std::string_view best;
  size_t best_distance = (word.size() + 2) / 3 + 1;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kMaxMatchBytes) continue;
    size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

bool HasControlCharacters(std::string_view text, bool allow_lines) {
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t c = static_cast<uint8_t>(text[i]);
    bool line = c == '\t' || c == '\n' || c == '\r';
    if ((c < 0x20 && !(line && allow_lines)) || c == 0x7f) return true;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

}  // namespace dml
