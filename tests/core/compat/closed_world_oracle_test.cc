// ClosedWorld against a plain reading of its rules, on random sets over a few names and versions.
#include <algorithm>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "core/compat/closed_world.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;

constexpr const char* kNames[] = {"n/a", "n/b", "n/c", "n/d"};
constexpr const char* kVersions[] = {"1", "2", "3", "semver:2.0.0"};
constexpr const char* kRanges[] = {"",           "vers:deb/>=2",        "vers:deb/<3",
                                   "vers:deb/2", "vers:semver/>=1.0.0", "vers:none/*",
                                   "vers:deb/*", "vers:deb/!=1"};
constexpr const char* kArches[] = {"", "amd64", "arm64"};

template <typename T, size_t N>
const T& Pick(std::mt19937& random, const T (&values)[N]) {
  return values[random() % N];
}

RelationTarget RandomTarget(std::mt19937& random) {
  auto kind = random() % 3 == 0 ? RelationKind::kAbi : RelationKind::kPackage;
  return testing::Target(kind, Pick(random, kNames), Pick(random, kRanges));
}

PackageSpec RandomSpec(std::mt19937& random) {
  SpecBuilder builder(Pick(random, kNames), Pick(random, kVersions));
  if (const char* arch = Pick(random, kArches); *arch) builder.On("linux", arch);
  for (size_t n = random() % 3; n > 0; --n) {
    auto kind = random() % 2 == 0 ? RelationKind::kAbi : RelationKind::kPackage;
    builder.Provides(kind, Pick(random, kNames), random() % 3 == 0 ? "" : Pick(random, kVersions));
  }
  for (size_t n = random() % 4; n > 0; --n) {
    std::vector<RelationTarget> any_of;
    for (size_t m = 1 + random() % 2; m > 0; --m) any_of.push_back(RandomTarget(random));
    builder.Requires(std::move(any_of), static_cast<RelationScope>(random() % 3));
  }
  if (random() % 3 == 0) builder.Conflicts(RandomTarget(random));
  if (random() % 3 == 0) builder.Breaks(RandomTarget(random));
  if (random() % 3 == 0) builder.Replaces(RandomTarget(random));
  return builder.Build();
}

// Where a violation is and of what kind: all that the oracle says.
using Fact = std::tuple<std::string, RelationList, size_t, ViolationKind>;

enum Answer { kNo, kUnknown, kYes };

// The naive oracle: every rule spelled out over the whole set, with no index.
class Oracle {
 public:
  explicit Oracle(const std::vector<PackageSpec>& set) : set_(set) {}

  std::set<Fact> Facts() {
    for (const PackageSpec& spec : set_) {
      Identity(spec);
      for (size_t i = 0; i < spec.requires_all.size(); ++i) Requires(spec, i);
      for (size_t i = 0; i < spec.conflicts.size(); ++i) {
        Excludes(spec, spec.conflicts[i], RelationList::kConflicts, i, ViolationKind::kConflict);
      }
      for (size_t i = 0; i < spec.breaks.size(); ++i) {
        Excludes(spec, spec.breaks[i], RelationList::kBreaks, i, ViolationKind::kBreaks);
      }
    }
    return facts_;
  }

 private:
  static Answer Accepts(const VersionRange& range, const std::optional<Version>& version) {
    std::string vers = range.ToVers();
    if (vers == "vers:all/*") return kYes;
    if (vers == "vers:none/*" || !version) return kNo;
    bool same = vers.starts_with(version->scheme() == VersionScheme::kDeb ? "vers:deb/" : "vers:s");
    if (!same) return kUnknown;
    return range.Contains(*version) ? kYes : kNo;
  }

  // What a spec offers under a target's name: a version each, or none.
  static std::vector<std::optional<Version>> Offers(const PackageSpec& spec,
                                                    const RelationTarget& target) {
    std::vector<std::optional<Version>> out;
    if (target.kind == RelationKind::kPackage && target.name == spec.package.ToString()) {
      out.push_back(spec.version);
    }
    for (const Provision& provision : spec.provides) {
      if (provision.kind == target.kind && provision.name == target.name) {
        out.push_back(provision.version);
      }
    }
    return out;
  }

  static std::string Name(const PackageSpec& spec) {
    return VariantName{spec.package, spec.version.text(), spec.platform}.ResourceName();
  }

  void Identity(const PackageSpec& spec) {
    for (const PackageSpec& other : set_) {
      if (other.package == spec.package && other.version.text() != spec.version.text()) {
        facts_.insert(
            {spec.package.ResourceName(), RelationList::kIdentity, 0, ViolationKind::kTwoVersions});
      }
    }
  }

  void Requires(const PackageSpec& spec, size_t index) {
    const Requirement& requirement = spec.requires_all[index];
    bool on_node = requirement.scope == RelationScope::kNode;
    bool offered = false, met = false, unknown = false, elsewhere = false;
    bool peer_refuses = false, peer_unknown = false;
    for (const PackageSpec& other : set_) {
      bool fits = !on_node || spec.platform.arch.empty() || other.platform.arch.empty() ||
                  spec.platform.arch == other.platform.arch;
      bool is_peer = false;
      Answer best = kNo;
      for (const RelationTarget& target : requirement.any_of) {
        for (const auto& version : Offers(other, target)) {
          is_peer = true;
          Answer answer = Accepts(target.range, version);
          best = std::max(best, answer);
          met = met || (fits && answer == kYes);
          unknown = unknown || (fits && answer == kUnknown);
          elsewhere = elsewhere || (!fits && answer != kNo);
        }
      }
      offered = offered || is_peer;
      peer_refuses = peer_refuses || (is_peer && best == kNo);
      peer_unknown = peer_unknown || (is_peer && best == kUnknown);
    }
    auto add = [&](ViolationKind kind) {
      facts_.insert({Name(spec), RelationList::kRequires, index, kind});
    };
    if (!offered) return add(ViolationKind::kMissing);
    if (requirement.scope == RelationScope::kEveryPeer) {
      if (peer_refuses) return add(ViolationKind::kWrongVersion);
      if (peer_unknown) add(ViolationKind::kNotProven);
      return;
    }
    if (met) return;
    if (unknown) return add(ViolationKind::kNotProven);
    add(elsewhere ? ViolationKind::kPlatformMismatch : ViolationKind::kWrongVersion);
  }

  void Excludes(const PackageSpec& spec, const Relation& relation, RelationList list, size_t index,
                ViolationKind kind) {
    for (const PackageSpec& other : set_) {
      if (other.package == spec.package) continue;
      for (const auto& version : Offers(other, relation.target)) {
        Answer answer = Accepts(relation.target.range, version);
        if (answer == kYes) facts_.insert({Name(spec), list, index, kind});
        if (answer == kUnknown) facts_.insert({Name(spec), list, index, ViolationKind::kNotProven});
      }
    }
  }

  const std::vector<PackageSpec>& set_;
  std::set<Fact> facts_;
};

std::vector<Violation> Check(const std::vector<PackageSpec>& specs) {
  std::vector<const PackageSpec*> set;
  for (const PackageSpec& spec : specs) set.push_back(&spec);
  return CheckClosedSet(set);
}

TEST(ClosedWorldOracleTest, AgreesOnRandomSetsInAnyOrder) {
  const uint32_t seed = 6002;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::map<ViolationKind, int> seen;
  int compatible = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::vector<PackageSpec> specs;
    std::set<VariantName> names;  // One spec for each variant, as in the library.
    for (size_t n = 1 + random() % 5; n > 0; --n) {
      PackageSpec spec = RandomSpec(random);
      if (names.insert({spec.package, spec.version.text(), spec.platform}).second) {
        specs.push_back(std::move(spec));
      }
    }
    auto violations = Check(specs);
    std::set<Fact> facts;
    for (const Violation& v : violations) {
      ASSERT_TRUE(facts.insert({v.package, v.list, v.index, v.kind}).second);
      ASSERT_EQ(v.found.empty(), v.kind == ViolationKind::kMissing);
      ++seen[v.kind];
    }
    ASSERT_EQ(facts, Oracle(specs).Facts()) << "set " << i;
    compatible += violations.empty();
    std::shuffle(specs.begin(), specs.end(), random);
    ASSERT_EQ(Check(specs), violations) << "set " << i;
  }
  EXPECT_GT(compatible, 100);
  EXPECT_EQ(seen.size(), 7u);
}

}  // namespace
}  // namespace dml
