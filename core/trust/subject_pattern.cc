#include "core/trust/subject_pattern.h"

#include <algorithm>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr size_t kMaxSegments = 8;
constexpr size_t kMaxSegmentBytes = 128;

bool IsPatternCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("+._-*").find(c) != std::string_view::npos;
}

// One segment: after each star the shortest run that lets the rest begin.
bool CoversSegment(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // The last one passed, and
  size_t resume = 0;                     // where the text goes on after what it stands for.
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.substr(p).find_first_not_of('*') == std::string_view::npos;
}

// The text up to the first '/', which is taken off with it.
std::string_view TakeSegment(std::string_view& text) {
  const size_t end = std::min(text.find('/'), text.size());
  const std::string_view segment = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return segment;
}

}  // namespace

absl::StatusOr<SubjectPattern> SubjectPattern::Parse(std::string_view text) {
  size_t segments = 1;
  size_t length = 0;
  bool good = true;
  for (char c : text) {
    if (c == '/') {
      good = good && length > 0;
      length = 0;
      ++segments;
    } else {
      good = good && IsPatternCharacter(c) && ++length <= kMaxSegmentBytes;
    }
    if (!good || segments > kMaxSegments) break;
  }
  if (!good || length == 0 || segments > kMaxSegments) {
    return InvalidArgument(ErrorReason("PATTERN_INVALID"),
                           "'{}' is not 1 to {} segments of 1 to {} characters of [a-z0-9+._-*], "
                           "joined by '/'",
                           Excerpt(text), kMaxSegments, kMaxSegmentBytes);
  }
  return SubjectPattern(std::string(text));
}

bool SubjectPattern::Covers(std::string_view subject) const {
  if (std::ranges::count(text_, '/') != std::ranges::count(subject, '/')) return false;
  std::string_view pattern = text_;
  const auto separators = std::ranges::count(text_, '/');
  for (auto i = separators; i >= 0; --i) {
    if (!CoversSegment(TakeSegment(pattern), TakeSegment(subject))) return false;
  }
  return true;
}

}  // namespace dml
