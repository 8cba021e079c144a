// RPM versions, [epoch:]version[-release], ordered as rpmvercmp does (rpm-version(7)).
#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

// What may follow at a place of a part, in its order: "1.0~rc1" < "1.0" < "1.0^git1" < "1.0.a" <
// "1.0.1". Other characters only separate.
constexpr char kTilde = '\1';
constexpr char kEnd = '\2';
constexpr char kCaret = '\3';
constexpr char kLetters = '\4';
constexpr char kNumber = '\5';

constexpr char kNoRelease = '\1';
constexpr char kRelease = '\2';

// The longest epoch that fits in 32 bits, as in rpm's headers.
constexpr std::string_view kMaxEpoch = "4294967295";

void AppendPart(std::string_view part, std::string& key) {
  size_t at = 0;
  while (at < part.size()) {
    const char c = part[at];
    if (IsDigit(c)) {
      const size_t end = FindEnd(part, at, IsDigit);
      key += kNumber;
      AppendNumber(part.substr(at, end - at), key);
      at = end;
    } else if (IsLetter(c)) {
      const size_t end = FindEnd(part, at, IsLetter);
      key += kLetters;
      key += part.substr(at, end - at);
      key += '\0';
      at = end;
    } else {
      if (c == '~') key += kTilde;
      if (c == '^') key += kCaret;
      ++at;
    }
  }
  key += kEnd;
}

/// Checks a version or a release of `text` at `start`: what rpm's own check of a spec lets pass.
absl::Status CheckPart(std::string_view text, size_t start, std::string_view part,
                       std::string_view name) {
  if (part.empty()) {
    return InvalidVersion("rpm", text, start, fmt::format("the {} is empty", name));
  }
  const size_t bad = FindEnd(part, 0, [](char c) {
    return IsAlnum(c) || std::string_view("._+~^").find(c) != std::string_view::npos;
  });
  if (bad == part.size()) return absl::OkStatus();
  return InvalidVersion("rpm", text, start + bad,
                        fmt::format("this character is not allowed in a {}", name));
}

}  // namespace

absl::Status ReadRpm(std::string_view text, VersionKey& out) {
  std::string_view epoch = "0";
  size_t start = 0;
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    epoch = text.substr(0, colon);
    if (epoch.empty()) return InvalidVersion("rpm", text, 0, "the epoch before ':' is empty");
    const size_t bad = FindEnd(epoch, 0, IsDigit);
    if (bad < epoch.size()) {
      return InvalidVersion("rpm", text, bad, "the epoch before ':' is not a number");
    }
    if (!AtMost(epoch, kMaxEpoch)) {
      return InvalidVersion("rpm", text, 0, fmt::format("the epoch is greater than {}", kMaxEpoch));
    }
    start = colon + 1;
  }
  const size_t dash = text.find('-', start);
  const std::string_view version = text.substr(start, dash - start);
  DML_RETURN_IF_ERROR(CheckPart(text, start, version, "version"));
  AppendNumber(epoch, out.bytes);
  AppendPart(version, out.bytes);
  if (dash == std::string_view::npos) {
    out.bytes += kNoRelease;
    return absl::OkStatus();
  }
  const std::string_view release = text.substr(dash + 1);
  DML_RETURN_IF_ERROR(CheckPart(text, dash + 1, release, "release"));
  out.bytes += kRelease;
  AppendPart(release, out.bytes);
  return absl::OkStatus();
}

absl::StatusOr<VersionPattern> ReadRpmPattern(std::string_view text) {
  const std::string_view version = text.substr(0, text.size() - 1);
  if (!version.ends_with('-') || version.find('-') != version.size() - 1) {
    return InvalidVersion("rpm", text, 0, "a pattern is a version and \"-*\"");
  }
  VersionKey key{std::string(1, static_cast<char>(RulesOf(VersionScheme::kRpm).revision))};
  DML_RETURN_IF_ERROR(ReadRpm(version.substr(0, version.size() - 1), key));
  VersionPattern out{key.bytes, key.bytes};
  out.high.back() = '\xff';
  return out;
}

}  // namespace dml
