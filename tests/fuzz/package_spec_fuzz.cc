// Package specs: limits hold, and what was read is written as a document that reads the same.
#include "core/package/package_spec.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {

bool FuzzPackageSpec(std::string_view input) {
  const absl::StatusOr<PackageSpec> spec = ParsePackageSpec(input);
  if (!spec.ok()) {
    DML_HOLDS(!Reason(spec.status()).empty());
    return false;
  }
  DML_HOLDS(input.size() <= kMaxPackageSpecBytes);
  DML_HOLDS(spec->provides.size() + spec->requires_all.size() + spec->conflicts.size() +
                spec->breaks.size() + spec->replaces.size() <=
            kMaxSpecRelations);
  for (const Requirement& requirement : spec->requires_all) {
    DML_HOLDS(!requirement.any_of.empty() && requirement.any_of.size() <= kMaxSpecAlternatives);
  }
  DML_HOLDS(spec->labels.size() <= kMaxSpecLabels && spec->title.size() <= kMaxSpecTitleBytes);
  DML_HOLDS(!spec->version.empty() && !spec->version.is_pattern());
  const std::string text = FormatPackageSpec(*spec);
  const absl::StatusOr<PackageSpec> again = ParsePackageSpec(text);
  if (!again.ok()) {  // Indented, it can be too long.
    DML_HOLDS(text.size() > kMaxPackageSpecBytes);
    return false;
  }
  DML_HOLDS(again->package == spec->package && again->version.text() == spec->version.text());
  DML_HOLDS(again->declared_license == spec->declared_license);
  DML_HOLDS(FormatPackageSpec(*again) == text);
  return true;
}

std::vector<std::string> PackageSpecSeeds() {
  return {GoldenSeed("package/package_spec.json"),
          R"({"schema":"dml.package/v1","package":"acme/api","version":"1.0.0",
              "versionScheme":"semver","license":{"declared":"MIT"}})",
          R"({"schema":"dml.package/v1","package":"acme/api","version":"1.0-1",
              "versionScheme":"deb","license":{"declared":"NOASSERTION","unmapped":["x"]},
              "requires":[{"anyOf":[{"name":"libc6","range":"vers:deb/>=2.36|<3"}]}],
              "coexists":[{"service":"s","unit":"MINOR","older":1,"newer":1}],
              "upgrade":{"from":"vers:deb/>=0.9","pointOfNoReturn":"db"}})"};
}

}  // namespace dml::fuzz
