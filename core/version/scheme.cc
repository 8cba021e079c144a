#include "core/version/scheme.h"

#include <array>

#include "core/base/text.h"

namespace dml {
namespace {

// In the order of VersionScheme. A correction of an order raises the revision (and the revision of
// the views that hold its keys): old keys are then told from new ones by their first byte.
constexpr std::array<SchemeRules, 9> kSchemes = {{
    {VersionScheme::kSemver, "semver", "semver", "semver@2", 2, true, ReadSemver, nullptr,
     ReadSemverRange, FirstSemverKey},
    {VersionScheme::kDeb, "deb", "deb", "deb@1", 1, false, ReadDeb, nullptr, ReadDebRange, nullptr},
    {VersionScheme::kRpm, "rpm", "rpm", "rpm@1", 1, false, ReadRpm, ReadRpmPattern, ReadRpmRange,
     nullptr},
    {VersionScheme::kPep440, "pep440", "pypi", "pep440@1", 1, true, ReadPep440, ReadPep440Pattern,
     ReadPep440Range, nullptr},
    {VersionScheme::kMaven, "maven", "maven", "maven@1", 1, false, ReadMaven, ReadMavenPattern,
     ReadMavenRange, nullptr},
    {VersionScheme::kNpm, "npm", "npm", "npm@1", 1, true, ReadNpm, nullptr, ReadNpmRange,
     FirstSemverKey},
    {VersionScheme::kCargo, "cargo", "cargo", "cargo@1", 1, true, ReadCargo, nullptr,
     ReadCargoRange, FirstCargoKey},
    {VersionScheme::kCalver, "calver", "calver", "calver@1", 1, false, ReadCalver, nullptr,
     ReadCalverRange, nullptr},
    {VersionScheme::kGeneric, "generic", "generic", "generic@1", 1, false, ReadGeneric, nullptr,
     ReadGenericRange, nullptr},
}};

constexpr bool InOrder() {
  for (size_t i = 0; i < kSchemes.size(); ++i) {
    if (static_cast<size_t>(kSchemes[i].scheme) != i) return false;
  }
  return true;
}
static_assert(InOrder());

constexpr std::array<VersionScheme, kSchemes.size()> kAll = [] {
  std::array<VersionScheme, kSchemes.size()> out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = kSchemes[i].scheme;
  return out;
}();

constexpr std::array<std::string_view, kSchemes.size()> kNames = [] {
  std::array<std::string_view, kSchemes.size()> out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = kSchemes[i].name;
  return out;
}();

}  // namespace

const SchemeRules& RulesOf(VersionScheme scheme) { return kSchemes[static_cast<size_t>(scheme)]; }
std::span<const SchemeRules> AllSchemeRules() { return kSchemes; }

std::span<const VersionScheme> AllVersionSchemes() { return kAll; }
std::span<const std::string_view> VersionSchemeNames() { return kNames; }

std::string_view VersionSchemeName(VersionScheme scheme) { return RulesOf(scheme).name; }

std::string_view VersionSchemeRevision(VersionScheme scheme) {
  return RulesOf(scheme).revision_name;
}

absl::StatusOr<VersionScheme> ParseVersionScheme(std::string_view name) {
  for (const SchemeRules& rules : kSchemes) {
    if (rules.name == name) return rules.scheme;
  }
  std::string known;
  for (std::string_view word : kNames) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
  }
  return InvalidArgument(ErrorReason("VERSION_SCHEME_UNKNOWN"),
                         "version scheme \"{}\" is not known: use one of {}", Excerpt(name), known);
}

}  // namespace dml
