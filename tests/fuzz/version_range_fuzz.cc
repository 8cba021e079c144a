// Versions and ranges of every scheme: keys that sort, and sets that keep the laws of sets. The
// input is a scheme's name, a range and a version, a line each; or a VERS text alone.
#include <algorithm>

#include "core/version/range.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

bool CheckTexts(const VersionRange& range) {
  const std::string text = range.ToVers();
  const auto again = VersionRange::ParseVers(text);
  if (!again.ok()) {
    const auto bars = static_cast<size_t>(std::ranges::count(text, '|'));
    DML_HOLDS(bars >= kMaxVersConstraints || text.size() > kMaxRangeBytes);
    return true;
  }
  DML_HOLDS(*again == range);
  DML_HOLDS(again->ToVers() == text);
  DML_HOLDS(!range.ToWords().empty());
  return true;
}

bool CheckSet(const VersionRange& range) {
  const VersionRange rest = range.Complement();
  DML_HOLDS(Intersect(range, rest).IsEmpty());
  DML_HOLDS(Intersect(range, range) == range);
  DML_HOLDS(range.IsSubsetOf(range));
  const auto whole = Union(range, rest);
  DML_HOLDS(whole.ok());
  DML_HOLDS(whole->IsAll() || *whole == VersionRange::AllOf(*range.scheme()));
  const VersionRange back = rest.Complement();
  DML_HOLDS(back == range || (back.IsAll() && rest.IsEmpty()));
  if (range.IsAll()) return true;
  const auto parts = Union(range.OnlyReleases(), range.OnlyPrereleases());
  DML_HOLDS(parts.ok());
  DML_HOLDS(*parts == range);
  return true;
}

// Of two versions of a scheme: the order is one, and no key begins another.
bool CheckOrder(const Version& a, const Version& b) {
  DML_HOLDS((Compare(a, b) < 0) == (Compare(b, a) > 0));
  DML_HOLDS((Compare(a, b) == 0) == (a.key() == b.key()));
  DML_HOLDS((Compare(a, b) < 0) == (a.key() < b.key()));
  DML_HOLDS(a.key() == b.key() || (!a.key().starts_with(b.key()) && !b.key().starts_with(a.key())));
  return true;
}

bool CheckVersion(const Version& version, std::string_view text) {
  DML_HOLDS(version.text() == text && text.size() <= kMaxVersionBytes);
  DML_HOLDS(!version.key().empty() && !version.is_pattern());
  const auto exact = VersionRange::FromComparators(
      version.scheme(), std::vector<VersionComparator>{{VersionOp::kEqual, version}});
  DML_HOLDS(exact.ok());
  DML_HOLDS(exact->Contains(version));
  CheckTexts(*exact);
  CheckSet(*exact);
  return true;
}

bool CheckMembership(const VersionRange& range, const Version& version) {
  DML_HOLDS(range.Contains(version) != range.Complement().Contains(version));
  DML_HOLDS(range.IsAll() ||
            range.Contains(version) == (range.OnlyReleases().Contains(version) ||
                                        range.OnlyPrereleases().Contains(version)));
  return true;
}

bool CheckScheme(VersionScheme scheme, std::string_view range_text, std::string_view text) {
  const auto version = Version::Parse(scheme, text);
  if (version.ok()) CheckVersion(*version, text);
  const auto other = Version::Parse(scheme, range_text);  // A range may be a version.
  if (version.ok() && other.ok()) CheckOrder(*version, *other);
  bool taken = version.ok();
  for (const PrereleaseRule rule : {PrereleaseRule::kOfTool, PrereleaseRule::kAdmitAll}) {
    const auto range = VersionRange::ParseNative(scheme, range_text, rule);
    if (!range.ok()) continue;
    taken = true;
    DML_HOLDS(range_text.size() <= kMaxRangeBytes);
    DML_HOLDS(range->native() == (range_text.starts_with("vers:") ? "" : range_text));
    CheckTexts(*range);
    CheckSet(*range);
    if (version.ok()) CheckMembership(*range, *version);
  }
  return taken;
}

}  // namespace

bool FuzzVersionRange(std::string_view input) {
  const auto vers = VersionRange::ParseVers(input);
  if (vers.ok()) {
    DML_HOLDS(input.size() <= kMaxRangeBytes);
    CheckTexts(*vers);
    CheckSet(*vers);
  }
  const size_t first = input.find('\n');
  if (first == std::string_view::npos) return vers.ok();
  const size_t second = std::min(input.find('\n', first + 1), input.size());
  const auto scheme = ParseVersionScheme(input.substr(0, first));
  if (!scheme.ok()) return false;
  return CheckScheme(*scheme, input.substr(first + 1, second - first - 1),
                     second < input.size() ? input.substr(second + 1) : "");
}

std::vector<std::string> VersionRangeSeeds() {
  std::vector<std::string> out = {"semver\n^1.2.3 || 2.x\n1.4.0-rc.1",
                                  "npm\n>=1.2.3-beta <2 || ~3.1\nv1.2.3-beta.2",
                                  "cargo\n^0.3, <0.3.9\n0.3.4",
                                  "pep440\n~=1.4.2, !=1.5.*\n1!1.4.2.post1.dev2+local",
                                  "maven\n[1.0,2.0),(3,)\n1.0-alpha-1",
                                  "deb\n>= 2.36, << 3\n1:2.36~rc1-1",
                                  "rpm\n>= 1.0~rc1-3\n2:1.0^git-3",
                                  "calver\n>=2026.1\n2026.01.3",
                                  "generic\n>=1.0 <2\n1.0-x",
                                  "vers:deb/>=2.36|<3",
                                  "vers:npm/<1|>=2.0.0-rc.1|!=2.1.0;pre=>2",
                                  "vers:all/*",
                                  "vers:none/*"};
  for (const std::string& text : SharedTexts("versions/vers")) {
    if (text.starts_with("vers:")) out.push_back(text);
  }
  for (const std::string& text : SharedTexts("versions/semver/node-semver-range-include.json")) {
    out.push_back("npm\n" + text + "\n1.2.3");
  }
  return out;
}

}  // namespace dml::fuzz
