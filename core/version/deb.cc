// Debian versions: Debian Policy 5.6.12, ordered as dpkg does.
#include "core/version/scan.h"
#include "core/version/scheme.h"

namespace dml {
namespace {

using namespace scan;  // NOLINT(google-build-using-namespace): the words of this folder's readers.

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

}  // namespace

absl::Status ReadDeb(std::string_view text, VersionKey& out) {
  auto invalid = [&](size_t position, std::string_view what) {
    return InvalidVersion("deb", text, position, what);
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
  std::string& key = out.bytes;
  AppendNumber(epoch, key);
  AppendDebPart(upstream, key);
  AppendDebPart(revision, key);
  return absl::OkStatus();
}

}  // namespace dml
