#include "core/version/scan.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/version/version.h"

namespace dml::scan {

std::string_view WithoutLeadingZeros(std::string_view digits) {
  return digits.substr(FindEnd(digits, 0, [](char c) { return c == '0'; }));
}

bool AtMost(std::string_view digits, std::string_view limit) {
  digits = WithoutLeadingZeros(digits);
  return digits.size() < limit.size() || (digits.size() == limit.size() && digits <= limit);
}

void AppendNumber(std::string_view digits, std::string& key) {
  digits = WithoutLeadingZeros(digits);
  static_assert(kMaxVersionBytes <= 2 * 255);
  size_t count = digits.size();
  if (count >= 255) {
    key += '\xff';
    count -= 255;
  }
  key += static_cast<char>(count);
  key += digits;
}

std::string Increment(std::string digits) {
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '9') {
      ++digits[i];
      return digits;
    }
    digits[i] = '0';
  }
  return "1" + digits;
}

std::string ToLower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), Lower);
  return out;
}

absl::Status InvalidVersion(std::string_view scheme, std::string_view text, size_t position,
                            std::string_view what) {
  return InvalidArgument(ErrorReason("VERSION_INVALID"), "{} version \"{}\": position {}: {}",
                         scheme, Excerpt(text), position + 1, what);
}

absl::Status InvalidRange(std::string_view scheme, std::string_view text, size_t position,
                          std::string_view what) {
  return InvalidArgument(ErrorReason("VERSION_RANGE_INVALID"), "{} range \"{}\": position {}: {}",
                         scheme, Excerpt(text), position + 1, what);
}

std::string_view Trim(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace dml::scan
