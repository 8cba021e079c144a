#include "core/version/partial_version.h"

#include <charconv>

#include "core/version/scan.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

bool IsWildcard(char c) { return c == 'x' || c == 'X' || c == '*'; }
bool InIdentifiers(char c) { return IsAlnum(c) || c == '-' || c == '.'; }

}  // namespace

absl::StatusOr<PartialVersion> ReadPartialVersion(std::string_view scheme, std::string_view text,
                                                  uint64_t max_number, size_t& at) {
  PartialVersion out;
  size_t i = 0;
  do {
    if (i > 0) ++at;  // The dot.
    if (at < text.size() && IsWildcard(text[at])) {
      out.parts[i] = PartialVersion::Part::kWildcard;
      ++at;
      continue;
    }
    const size_t end = FindEnd(text, at, IsDigit);
    const std::string_view digits = text.substr(at, end - at);
    if (digits.empty()) return InvalidRange(scheme, text, at, "a number expected, as in 1.2.3");
    if (digits.size() > 1 && digits[0] == '0') {
      return InvalidRange(scheme, text, at, "a number with a leading zero");
    }
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.numbers[i]);
    if (error != std::errc() || out.numbers[i] > max_number) {
      return InvalidRange(scheme, text, at, fmt::format("a number greater than {}", max_number));
    }
    out.parts[i] = PartialVersion::Part::kNumber;
    at = end;
  } while (++i < 3 && at < text.size() && text[at] == '.');
  if (i == 3 && at < text.size() && text[at] == '-') {
    const size_t end = FindEnd(text, ++at, InIdentifiers);
    out.prerelease = text.substr(at, end - at);
    if (out.prerelease.empty()) return InvalidRange(scheme, text, at, "a prerelease expected");
    at = end;
  }
  if (at < text.size() && text[at] == '+') {
    const size_t end = FindEnd(text, ++at, InIdentifiers);
    if (end == at) return InvalidRange(scheme, text, at, "build metadata expected after '+'");
    at = end;
  }
  return out;
}

std::optional<VersionTriple> NextTriple(const VersionTriple& triple, size_t count,
                                        uint64_t max_number) {
  for (size_t i = count; i-- > 0;) {
    if (triple[i] == max_number) continue;
    VersionTriple next = {0, 0, 0};
    std::copy_n(triple.begin(), i + 1, next.begin());
    ++next[i];
    return next;
  }
  return std::nullopt;
}

absl::StatusOr<Version> MakeTripleVersion(VersionScheme scheme, const VersionTriple& triple,
                                          std::string_view prerelease) {
  std::string text = fmt::format("{}.{}.{}", triple[0], triple[1], triple[2]);
  if (!prerelease.empty()) text += fmt::format("-{}", prerelease);
  absl::StatusOr<Version> version = Version::Parse(scheme, text);
  if (version.ok()) return version;
  return InvalidArgument(ErrorReason("VERSION_RANGE_INVALID"), "{}", Message(version.status()));
}

}  // namespace dml
