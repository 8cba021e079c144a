#include "core/version/version.h"

#include "core/base/text.h"
#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("VERSION_INVALID");

absl::Status CheckText(std::string_view scheme, std::string_view text) {
  if (text.empty()) {
    return InvalidArgument(kInvalid, "{} version: the text is empty", scheme);
  }
  if (text.size() > kMaxVersionBytes) {
    return InvalidArgument(kInvalid, "{} version \"{}\": {} bytes are more than {}", scheme,
                           Excerpt(text), text.size(), kMaxVersionBytes);
  }
  const size_t bad = scan::FindEnd(text, 0, [](char c) { return c >= ' ' && c <= '~'; });
  if (bad < text.size()) {
    return scan::InvalidVersion(scheme, text, bad,
                                "control characters and characters beyond ASCII are not allowed");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Version> Version::Parse(VersionScheme scheme, std::string_view text) {
  const SchemeRules& rules = RulesOf(scheme);
  DML_RETURN_IF_ERROR(CheckText(rules.name, text));
  VersionKey key;
  key.bytes.reserve(2 * text.size() + 8);
  key.bytes += static_cast<char>(rules.revision);
  DML_RETURN_IF_ERROR(rules.read_version(text, key));
  Version out(scheme, text);
  out.prerelease_ = key.prerelease;
  out.key_ = std::move(key.bytes);
  return out;
}

absl::StatusOr<Version> Version::ParsePattern(VersionScheme scheme, std::string_view text) {
  const SchemeRules& rules = RulesOf(scheme);
  DML_RETURN_IF_ERROR(CheckText(rules.name, text));
  if (rules.read_pattern == nullptr || text.back() != '*') {
    return scan::InvalidVersion(rules.name, text, text.size() - 1,
                                "is no pattern that the scheme knows");
  }
  DML_ASSIGN_OR_RETURN(VersionPattern pattern, rules.read_pattern(text));
  Version out(scheme, text);
  out.key_ = std::move(pattern.low);
  out.end_ = std::move(pattern.high);
  return out;
}

std::weak_ordering Compare(const Version& a, const Version& b) {
  if (a.scheme() != b.scheme()) return a.scheme() <=> b.scheme();
  return a.key().compare(b.key()) <=> 0;
}

}  // namespace dml
