#include "core/compat/match.h"

namespace dml {
namespace {

bool FitsPart(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() || a == b;
}

}  // namespace

Match MatchVersion(const VersionRange* range, const Version* version) {
  if (range == nullptr) return Match::kYes;
  if (version == nullptr || range->IsEmpty()) return Match::kNo;
  if (range->scheme() != version->scheme()) return Match::kNotProven;
  return range->Contains(*version) ? Match::kYes : Match::kNo;
}

std::vector<const Version*> OfferedVersions(const PackageSpec& spec, const RelationTarget& target) {
  std::vector<const Version*> out;
  if (target.kind == RelationKind::kPackage && target.name == spec.package.ToString()) {
    out.push_back(&spec.version);
  }
  for (const Provision& provision : spec.provides) {
    if (provision.kind != target.kind || provision.name != target.name) continue;
    out.push_back(provision.version.has_value() ? &*provision.version : nullptr);
  }
  return out;
}

bool FitsPlatform(const Platform& a, const Platform& b) {
  return FitsPart(a.os, b.os) && FitsPart(a.arch, b.arch);
}

}  // namespace dml
