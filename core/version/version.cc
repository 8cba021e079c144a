#include "core/version/version.h"

#include <algorithm>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("VERSION_INVALID");

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <typename Predicate>
size_t FindEnd(std::string_view text, size_t from, Predicate predicate) {
  while (from < text.size() && predicate(text[from])) ++from;
  return from;
}

std::string_view WithoutLeadingZeros(std::string_view digits) {
  return digits.substr(FindEnd(digits, 0, [](char c) { return c == '0'; }));
}

/// Whether a number in decimal digits is at most a limit in decimal digits.
bool AtMost(std::string_view digits, std::string_view limit) {
  digits = WithoutLeadingZeros(digits);
  return digits.size() < limit.size() || (digits.size() == limit.size() && digits <= limit);
}

/// Appends the count of significant digits, then the digits: greater numbers sort later.
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

absl::Status InvalidAt(std::string_view scheme, std::string_view text, size_t position,
                       std::string_view what) {
  return InvalidArgument(kInvalid, "{} version \"{}\": position {}: {}", scheme, Excerpt(text),
                         position + 1, what);
}

/// Reads one version of Semantic Versioning 2.0.0 from left to right, building its key.
class SemverParser {
 public:
  explicit SemverParser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::string> Key() {
    DML_RETURN_IF_ERROR(CoreNumber());
    DML_RETURN_IF_ERROR(Expect('.'));
    DML_RETURN_IF_ERROR(CoreNumber());
    DML_RETURN_IF_ERROR(Expect('.'));
    DML_RETURN_IF_ERROR(CoreNumber());
    if (Take('-')) {
      key_ += '\1';
      DML_RETURN_IF_ERROR(Prerelease());
    } else {
      key_ += '\2';
    }
    if (Take('+')) DML_RETURN_IF_ERROR(Build());
    if (at_ < text_.size()) return Invalid(at_, "unexpected character");
    return std::move(key_);
  }

 private:
  absl::Status Invalid(size_t position, std::string_view what) const {
    return InvalidAt("semver", text_, position, what);
  }

  bool Take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  absl::Status Expect(char c) {
    if (Take(c)) return absl::OkStatus();
    return Invalid(at_, fmt::format("'{}' expected, as in 1.2.3", c));
  }

  absl::Status CoreNumber() {
    size_t end = FindEnd(text_, at_, IsDigit);
    std::string_view digits = text_.substr(at_, end - at_);
    if (digits.empty()) return Invalid(at_, "a number expected, as in 1.2.3");
    if (digits.size() > 1 && digits[0] == '0') return Invalid(at_, "a number with a leading zero");
    if (!AtMost(digits, "9007199254740991")) {
      return Invalid(at_, "a number greater than 9007199254740991");
    }
    AppendNumber(digits, key_);
    at_ = end;
    return absl::OkStatus();
  }

  /// The next identifier of a prerelease or of build metadata, up to '.' or whatever ends it.
  absl::StatusOr<std::string_view> Identifier() {
    size_t end = FindEnd(text_, at_, [](char c) { return IsDigit(c) || IsLetter(c) || c == '-'; });
    if (end == at_) return Invalid(at_, "an identifier of letters, digits and '-' expected");
    std::string_view identifier = text_.substr(at_, end - at_);
    at_ = end;
    return identifier;
  }

  absl::Status Prerelease() {
    do {
      size_t start = at_;
      DML_ASSIGN_OR_RETURN(std::string_view identifier, Identifier());
      if (!std::all_of(identifier.begin(), identifier.end(), IsDigit)) {
        key_ += '\2';
        key_ += identifier;
        key_ += '\0';
        continue;
      }
      if (identifier.size() > 1 && identifier[0] == '0') {
        return Invalid(start, "a numeric identifier with a leading zero");
      }
      key_ += '\1';
      AppendNumber(identifier, key_);
    } while (Take('.'));
    key_ += '\0';
    return absl::OkStatus();
  }

  absl::Status Build() {
    do {
      DML_RETURN_IF_ERROR(Identifier().status());
    } while (Take('.'));
    return absl::OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string key_;
};

/// The rank of a non-digit in dpkg's order: '~', the end of the part, letters, everything else.
char DebRank(char c) {
  if (c == '~') return '\1';
  return IsLetter(c) ? c : static_cast<char>(c | 0x80);
}

void AppendDebPart(std::string_view part, std::string& key) {
  size_t at = 0;
  do {
    size_t digits = FindEnd(part, at, [](char c) { return !IsDigit(c); });
    for (; at < digits; ++at) key += DebRank(part[at]);
    key += '\2';
    at = FindEnd(part, digits, IsDigit);
    AppendNumber(part.substr(digits, at - digits), key);
  } while (at < part.size());
  key += '\2';
}

/// The first character that neither an upstream version nor a revision may hold, or npos.
size_t FindBadDebCharacter(std::string_view part, std::string_view allowed) {
  size_t at = FindEnd(part, 0, [&](char c) {
    return IsDigit(c) || IsLetter(c) || allowed.find(c) != std::string_view::npos;
  });
  return at == part.size() ? std::string_view::npos : at;
}

absl::StatusOr<std::string> DebKey(std::string_view text) {
  auto invalid = [&](size_t position, std::string_view what) {
    return InvalidAt("deb", text, position, what);
  };
  std::string_view epoch = "0";
  size_t start = 0;
  if (size_t colon = text.find(':'); colon != std::string_view::npos) {
    epoch = text.substr(0, colon);
    if (epoch.empty()) return invalid(0, "the epoch before ':' is empty");
    size_t bad = FindEnd(epoch, 0, IsDigit);
    if (bad < epoch.size()) return invalid(bad, "the epoch before ':' is not a number");
    if (!AtMost(epoch, "2147483647")) return invalid(0, "the epoch is greater than 2147483647");
    start = colon + 1;
  }
  size_t dash = text.rfind('-');
  bool has_revision = dash != std::string_view::npos && dash >= start;
  std::string_view upstream = text.substr(start, (has_revision ? dash : text.size()) - start);
  std::string_view revision = has_revision ? text.substr(dash + 1) : "";

  if (upstream.empty()) return invalid(start, "the upstream version is empty");
  if (!IsDigit(upstream[0])) return invalid(start, "the upstream version starts with no digit");
  if (size_t bad = FindBadDebCharacter(upstream, ".+-~:"); bad != std::string_view::npos) {
    return invalid(start + bad, "this character is not allowed in an upstream version");
  }
  if (has_revision && revision.empty()) return invalid(dash + 1, "the revision is empty");
  if (size_t bad = FindBadDebCharacter(revision, ".+~"); bad != std::string_view::npos) {
    return invalid(dash + 1 + bad, "this character is not allowed in a revision");
  }
  std::string key;
  AppendNumber(epoch, key);
  AppendDebPart(upstream, key);
  AppendDebPart(revision, key);
  return key;
}

}  // namespace

std::string_view VersionSchemeName(VersionScheme scheme) {
  return scheme == VersionScheme::kSemver ? "semver" : "deb";
}

std::string_view VersionSchemeRevision(VersionScheme scheme) {
  return scheme == VersionScheme::kSemver ? "semver@2" : "deb@1";
}

absl::StatusOr<VersionScheme> ParseVersionScheme(std::string_view name) {
  if (name == "semver") return VersionScheme::kSemver;
  if (name == "deb") return VersionScheme::kDeb;
  return InvalidArgument(ErrorReason("VERSION_SCHEME_UNKNOWN"),
                         "version scheme \"{}\" is not known: use semver or deb", Excerpt(name));
}

absl::StatusOr<Version> Version::Parse(VersionScheme scheme, std::string_view text) {
  if (text.empty()) {
    return InvalidArgument(kInvalid, "{} version: the text is empty", VersionSchemeName(scheme));
  }
  if (text.size() > kMaxVersionBytes) {
    return InvalidArgument(kInvalid, "{} version \"{}\": {} bytes are more than {}",
                           VersionSchemeName(scheme), Excerpt(text), text.size(), kMaxVersionBytes);
  }
  DML_ASSIGN_OR_RETURN(std::string key,
                       scheme == VersionScheme::kSemver ? SemverParser(text).Key() : DebKey(text));
  return Version(scheme, text, std::move(key));
}

std::weak_ordering Compare(const Version& a, const Version& b) {
  if (a.scheme() != b.scheme()) return a.scheme() <=> b.scheme();
  return a.key().compare(b.key()) <=> 0;
}

}  // namespace dml
