#include "core/release/risk.h"

#include <algorithm>
#include <set>

#include "core/compat/version_distance.h"

namespace dml {
namespace {

constexpr RiskWeight kWeights[] = {
    {"installs", &RiskFacts::installs, 1, 2, 100},
    {"upgrades", &RiskFacts::upgrades, 1, 1, 100},
    {"removals", &RiskFacts::removals, 1, 3, 100},
    {"configurations", &RiskFacts::configurations, 1, 2, 100},
    {"major-jumps", &RiskFacts::major_jumps, 1, 10, 100},
    {"downgrades", &RiskFacts::downgrades, 1, 15, 100},
    {"unauthorized-items", &RiskFacts::unauthorized_items, 1, 20, 200},
    {"high-risk-changes", &RiskFacts::high_risk_changes, 1, 10, 100},
    {"medium-risk-changes", &RiskFacts::medium_risk_changes, 1, 3, 60},
    {"emergencies", &RiskFacts::emergencies, 1, 20, 20},
    {"missing-evidence", &RiskFacts::missing_evidence, 1, 15, 150},
    {"nodes", &RiskFacts::nodes, 10, 1, 100},
    {"past-failures", &RiskFacts::past_failures, 1, 10, 100},
};

constexpr uint32_t MostOfAll() {
  uint32_t sum = 0;
  for (const RiskWeight& weight : kWeights) sum += weight.most;
  return sum;
}
static_assert(MostOfAll() <= kMaxRiskScore);

uint32_t PointsOf(const RiskWeight& weight, uint64_t count) {
  const uint64_t steps = count / weight.per + (count % weight.per == 0 ? 0 : 1);
  if (steps >= weight.most / weight.points + 1) return weight.most;  // Before it can overflow.
  return std::min<uint32_t>(static_cast<uint32_t>(steps) * weight.points, weight.most);
}

void CountUpgrade(const ReleaseItem& item, RiskFacts& out) {
  ++out.upgrades;
  const auto from = Version::Parse(VersionScheme::kSemver, item.previous->version);
  const auto to = Version::Parse(VersionScheme::kSemver, item.variant.version);
  if (!from.ok() || !to.ok()) {
    ++out.major_jumps;
    return;
  }
  if (VersionDistance(*from, *to, VersionUnit::kMajor) != 0) ++out.major_jumps;
  if (Compare(*to, *from) < 0) ++out.downgrades;
}

void CountItem(const ReleaseItem& item, const std::set<std::string>& authorized, RiskFacts& out) {
  switch (item.action) {
    case ReleaseAction::kInstall:
      ++out.installs;
      break;
    case ReleaseAction::kUpgrade:
      CountUpgrade(item, out);
      break;
    case ReleaseAction::kRemove:
      ++out.removals;
      break;
    case ReleaseAction::kConfigure:
      ++out.configurations;
      break;
  }
  const bool is_authorized = std::ranges::any_of(
      item.changes, [&](const std::string& id) { return authorized.contains(id); });
  if (!is_authorized) ++out.unauthorized_items;
}

}  // namespace

std::span<const RiskWeight> RiskWeights() { return kWeights; }

RiskScore ScoreRisk(const RiskFacts& facts) {
  RiskScore out;
  for (const RiskWeight& weight : kWeights) {
    const uint64_t count = facts.*weight.count;
    if (count == 0) continue;
    const uint32_t points = PointsOf(weight, count);
    out.parts.push_back({std::string(weight.fact), count, points});
    out.total += points;
  }
  return out;
}

std::string DescribeRisk(const RiskScore& score) {
  std::string out = fmt::format("{}", score.total);
  for (size_t i = 0; i < score.parts.size(); ++i) {
    const RiskPart& part = score.parts[i];
    out += fmt::format("{}{} {} ({})", i == 0 ? ": " : ", ", part.fact, part.points, part.count);
  }
  return out;
}

RiskFacts RiskFactsOf(const Release& release) {
  RiskFacts out;
  std::set<std::string> authorized;
  for (const ReleaseChange& change : release.changes) {
    if (!change.authorized_by.empty()) authorized.insert(change.id);
    if (change.risk == ChangeRisk::kMedium) ++out.medium_risk_changes;
    if (change.risk == ChangeRisk::kHigh || change.risk == ChangeRisk::kUnknown) {
      ++out.high_risk_changes;
    }
  }
  for (const ReleaseItem& item : release.items) CountItem(item, authorized, out);
  out.emergencies = release.type == ReleaseType::kEmergency ? 1 : 0;
  return out;
}

}  // namespace dml
