// Python versions: PEP 440 in all its spellings, ordered as pypa/packaging does.
#include "core/version/pep440.h"

#include <array>

#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

bool IsSeparator(char c) { return c == '.' || c == '-' || c == '_'; }

struct Spelling {
  std::string_view word;
  char phase;
};
// Longer words first, as "post" begins with "p" and "rev" with "r".
constexpr std::array<Spelling, 8> kPreSpellings = {{{"preview", 'c'},
                                                    {"alpha", 'a'},
                                                    {"beta", 'b'},
                                                    {"pre", 'c'},
                                                    {"rc", 'c'},
                                                    {"a", 'a'},
                                                    {"b", 'b'},
                                                    {"c", 'c'}}};
constexpr std::array<Spelling, 3> kPostSpellings = {{{"post", 'p'}, {"rev", 'p'}, {"r", 'p'}}};
constexpr std::array<Spelling, 1> kDevSpellings = {{{"dev", 'd'}}};

class Pep440Reader {
 public:
  explicit Pep440Reader(std::string_view text) : text_(text), lower_(ToLower(text)) {}

  absl::Status Read(Pep440Parts& out) {
    if (Peek() == 'v') ++at_;
    DML_ASSIGN_OR_RETURN(std::string_view number, Number("a number expected, as in 1.2.3"));
    if (Peek() == '!') {
      out.epoch = number;
      ++at_;
      DML_ASSIGN_OR_RETURN(number, Number("a number expected after the epoch"));
    }
    out.release.push_back(number);
    while (Peek() == '.' && IsDigit(Peek(1))) {
      ++at_;
      DML_ASSIGN_OR_RETURN(number, Number("a number expected"));
      out.release.push_back(number);
    }
    out.release_end = at_;
    ReadSuffixes(out);
    out.public_end = at_;
    if (Peek() == '+') DML_RETURN_IF_ERROR(ReadLocal(out));
    if (at_ < lower_.size()) {
      return InvalidVersion("pep440", text_, at_, "unexpected character");
    }
    return absl::OkStatus();
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < lower_.size() ? lower_[at_ + ahead] : '\0';
  }

  absl::StatusOr<std::string_view> Number(std::string_view expected) {
    const size_t end = FindEnd(lower_, at_, IsDigit);
    if (end == at_) return InvalidVersion("pep440", text_, at_, expected);
    // Of the caller's text, which outlives this reader.
    std::string_view digits = text_.substr(at_, end - at_);
    at_ = end;
    return digits;
  }

  /// [-_.]? word [-_.]? number?, where one of the words is there; the number counts as 0 if absent.
  template <size_t n>
  char TakeWord(const std::array<Spelling, n>& spellings, std::string_view& number) {
    const size_t start = at_ + (IsSeparator(Peek()) ? 1 : 0);
    for (const auto& [word, phase] : spellings) {
      if (!std::string_view(lower_).substr(start).starts_with(word)) continue;
      at_ = start + word.size();
      const size_t digits = at_ + (IsSeparator(Peek()) ? 1 : 0);
      const size_t end = FindEnd(lower_, digits, IsDigit);
      number = "0";
      if (end > digits) {
        number = text_.substr(digits, end - digits);
        at_ = end;
      }
      return phase;
    }
    return '\0';
  }

  void ReadSuffixes(Pep440Parts& out) {
    std::string_view number;
    out.phase = TakeWord(kPreSpellings, number);
    if (out.phase != '\0') out.pre = number;
    if (Peek() == '-' && IsDigit(Peek(1))) {
      const size_t end = FindEnd(lower_, at_ + 1, IsDigit);
      out.post = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end;
    } else if (TakeWord(kPostSpellings, number) != '\0') {
      out.post = number;
    }
    if (TakeWord(kDevSpellings, number) != '\0') out.dev = number;
  }

  absl::Status ReadLocal(Pep440Parts& out) {
    do {
      ++at_;
      const size_t end = FindEnd(lower_, at_, IsAlnum);
      if (end == at_) {
        return InvalidVersion("pep440", text_, at_, "a local part of letters and digits expected");
      }
      out.local.push_back(lower_.substr(at_, end - at_));
      at_ = end;
    } while (IsSeparator(Peek()));
    return absl::OkStatus();
  }

  const std::string_view text_;
  const std::string lower_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<Pep440Parts> Pep440Parts::Read(std::string_view text) {
  Pep440Parts out;
  DML_RETURN_IF_ERROR(Pep440Reader(text).Read(out));
  return out;
}

void Pep440Parts::AppendRelease(std::string& key) const {
  AppendNumber(epoch, key);
  size_t count = release.size();
  while (count > 0 && WithoutLeadingZeros(release[count - 1]).empty()) --count;
  for (size_t i = 0; i < count; ++i) {
    key += '\2';
    AppendNumber(release[i], key);
  }
  key += '\1';
}

void Pep440Parts::AppendPhase(std::string& key) const {
  const bool only_dev = phase == '\0' && !post && dev;
  key += only_dev ? '\1' : phase == 'a' ? '\2' : phase == 'b' ? '\3' : phase == 'c' ? '\4' : '\5';
  if (pre) AppendNumber(*pre, key);
}

void Pep440Parts::AppendPublic(std::string& key) const {
  AppendRelease(key);
  AppendPhase(key);
  key += post ? kPostPresent : '\1';
  if (post) AppendNumber(*post, key);
  key += dev ? '\1' : '\2';
  if (dev) AppendNumber(*dev, key);
}

absl::Status ReadPep440(std::string_view text, VersionKey& out) {
  DML_ASSIGN_OR_RETURN(Pep440Parts parts, Pep440Parts::Read(text));
  out.prerelease = parts.is_prerelease();
  parts.AppendPublic(out.bytes);
  // A number sorts after a word, and more parts after fewer.
  for (const std::string& part : parts.local) {
    if (FindEnd(part, 0, IsDigit) == part.size()) {
      out.bytes += '\2';
      AppendNumber(part, out.bytes);
    } else {
      out.bytes += '\1';
      out.bytes += part;
      out.bytes += '\0';
    }
  }
  out.bytes += '\0';
  return absl::OkStatus();
}

absl::StatusOr<VersionPattern> ReadPep440Pattern(std::string_view text) {
  constexpr std::string_view kAnyLocal = "+*";
  constexpr std::string_view kAnyPost = ".post*";
  const bool local = text.ends_with(kAnyLocal);
  if (!local && !text.ends_with(kAnyPost)) {
    return InvalidVersion("pep440", text, 0, "a pattern is a version and \"+*\" or \".post*\"");
  }
  const std::string_view version =
      text.substr(0, text.size() - (local ? kAnyLocal : kAnyPost).size());
  DML_ASSIGN_OR_RETURN(Pep440Parts parts, Pep440Parts::Read(version));
  if (!parts.local.empty() || (!local && (parts.post || parts.dev))) {
    return InvalidVersion("pep440", text, version.size(), "this pattern cannot follow such a part");
  }
  std::string key(1, static_cast<char>(RulesOf(VersionScheme::kPep440).revision));
  if (local) {
    parts.AppendPublic(key);
    return VersionPattern{key + std::string(1, '\0'), key + '\xff'};
  }
  parts.AppendRelease(key);
  parts.AppendPhase(key);
  key += Pep440Parts::kPostPresent;
  return VersionPattern{key, key + '\xff'};
}

}  // namespace dml
