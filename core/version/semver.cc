// Semantic Versioning 2.0.0, and the dialects of npm and cargo.
#include <algorithm>

#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

constexpr std::string_view kMaxNpmNumber = "9007199254740991";        // 2^53-1
constexpr std::string_view kMaxCargoNumber = "18446744073709551615";  // 2^64-1

// After the three numbers of a key.
constexpr char kPrerelease = '\1';
constexpr char kRelease = '\2';

/// Reads one version of Semantic Versioning 2.0.0 from left to right, building its key.
class SemverParser {
 public:
  SemverParser(std::string_view scheme, std::string_view text, std::string_view max_number)
      : scheme_(scheme), max_number_(max_number), text_(text) {}

  absl::Status Read(size_t start, VersionKey& out) {
    at_ = start;
    key_ = std::move(out.bytes);
    DML_RETURN_IF_ERROR(CoreNumber());
    DML_RETURN_IF_ERROR(Expect('.'));
    DML_RETURN_IF_ERROR(CoreNumber());
    DML_RETURN_IF_ERROR(Expect('.'));
    DML_RETURN_IF_ERROR(CoreNumber());
    out.prerelease = Take('-');
    if (out.prerelease) {
      key_ += kPrerelease;
      DML_RETURN_IF_ERROR(Prerelease());
    } else {
      key_ += kRelease;
    }
    if (Take('+')) DML_RETURN_IF_ERROR(Build());
    if (at_ < text_.size()) return Invalid(at_, "unexpected character");
    out.bytes = std::move(key_);
    return absl::OkStatus();
  }

 private:
  absl::Status Invalid(size_t position, std::string_view what) const {
    return InvalidVersion(scheme_, text_, position, what);
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
    if (!AtMost(digits, max_number_)) {
      return Invalid(at_, fmt::format("a number greater than {}", max_number_));
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

  const std::string_view scheme_;
  const std::string_view max_number_;
  const std::string_view text_;
  size_t at_ = 0;
  std::string key_;
};

// Reads number(n) off the front of what is left of a key.
std::string TakeNumber(std::string_view& key) {
  size_t count = static_cast<unsigned char>(key[0]);
  std::string digits(key.substr(1, count));
  key.remove_prefix(1 + count);
  return digits;
}

}  // namespace

absl::Status ReadSemver(std::string_view text, VersionKey& key) {
  return SemverParser("semver", text, kMaxNpmNumber).Read(0, key);
}

absl::Status ReadNpm(std::string_view text, VersionKey& key) {
  return SemverParser("npm", text, kMaxNpmNumber).Read(text.starts_with('v') ? 1 : 0, key);
}

absl::Status ReadCargo(std::string_view text, VersionKey& key) {
  return SemverParser("cargo", text, kMaxCargoNumber).Read(0, key);
}

namespace {

// Releases are whole numbers in three digits of a wide base, so the next one is known; behind a
// prerelease comes that with one more identifier, which is 0.
std::string FirstKey(std::string_view key, bool after, bool prerelease, std::string_view max) {
  std::string core(key.substr(0, 1));
  std::string_view rest = key.substr(1);
  std::string parts[3];
  for (std::string& part : parts) part = TakeNumber(rest);
  const bool at_release = rest[0] == kRelease;
  if (!at_release && prerelease) {
    if (!after) return std::string(key);
    return std::string(key.substr(0, key.size() - 1)) + std::string("\1\0\0", 3);
  }
  if (at_release && !after && !prerelease) return std::string(key);
  if (at_release) {
    // What comes next belongs to the next triple; a number at its greatest carries over.
    int i = 2;
    for (; i >= 0; --i) {
      if (parts[i] != max) {
        parts[i] = Increment(std::move(parts[i]));
        break;
      }
      parts[i].clear();
    }
    if (i < 0) return "";
  }
  for (const std::string& part : parts) AppendNumber(part, core);
  if (!prerelease) return core + kRelease;
  return core + kPrerelease + std::string("\1\0\0", 3);
}

}  // namespace

std::string FirstSemverKey(std::string_view key, bool after, bool prerelease) {
  return FirstKey(key, after, prerelease, kMaxNpmNumber);
}

std::string FirstCargoKey(std::string_view key, bool after, bool prerelease) {
  return FirstKey(key, after, prerelease, kMaxCargoNumber);
}

}  // namespace dml
