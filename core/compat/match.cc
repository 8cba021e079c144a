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

bool FitsPlatform(const Platform& a, const Platform& b) {
  return FitsPart(a.os, b.os) && FitsPart(a.arch, b.arch);
}

}  // namespace dml
