// The resolver against all sets of small random universes, judged by the closed-world verifier.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "core/compat/closed_world.h"
#include "core/compat/match.h"
#include "core/compat/resolver.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;

constexpr const char* kNames[] = {"n/a", "n/b", "n/c", "n/d"};
constexpr const char* kVersions[] = {"1", "2", "3", "semver:2.0.0"};
constexpr const char* kRanges[] = {"", "vers:deb/>=2", "vers:deb/<3", "vers:deb/!=2",
                                   "vers:semver/>=1.0.0"};
constexpr const char* kArches[] = {"", "", "amd64", "arm64"};

template <typename T, size_t N>
const T& Pick(std::mt19937& random, const T (&values)[N]) {
  return values[random() % N];
}

RelationTarget RandomTarget(std::mt19937& random) {
  const auto kind = random() % 5 == 0 ? RelationKind::kAbi : RelationKind::kPackage;
  const char* name = Pick(random, kNames);
  return testing::Target(kind, name, Pick(random, kRanges));
}

PackageSpec RandomSpec(std::mt19937& random) {
  const char* name = Pick(random, kNames);
  SpecBuilder builder(name, Pick(random, kVersions));
  if (const char* arch = Pick(random, kArches); *arch) builder.On("linux", arch);
  for (size_t n = random() % 2; n > 0; --n) {
    const auto kind = random() % 2 == 0 ? RelationKind::kAbi : RelationKind::kPackage;
    const char* offered = Pick(random, kNames);
    builder.Provides(kind, offered, random() % 3 == 0 ? "" : Pick(random, kVersions));
  }
  for (size_t n = random() % 3; n > 0; --n) {
    std::vector<RelationTarget> any_of;
    for (size_t m = 1 + random() % 2; m > 0; --m) any_of.push_back(RandomTarget(random));
    builder.Requires(std::move(any_of), static_cast<RelationScope>(random() % 3));
  }
  if (random() % 3 == 0) builder.Conflicts(RandomTarget(random));
  if (random() % 4 == 0) builder.Breaks(RandomTarget(random));
  return builder.Build();
}

VariantName NameOf(const PackageSpec& spec) {
  return {spec.package, spec.version.text(), spec.platform};
}

bool Offers(const PackageSpec& spec, const RelationTarget& target) {
  if (target.kind == RelationKind::kPackage && target.name == spec.package.ToString() &&
      MatchVersion(target.range, &spec.version) == Match::kYes) {
    return true;
  }
  return std::any_of(spec.provides.begin(), spec.provides.end(), [&](const Provision& provision) {
    const Version* version = provision.version.has_value() ? &*provision.version : nullptr;
    return provision.kind == target.kind && provision.name == target.name &&
           MatchVersion(target.range, version) == Match::kYes;
  });
}

/// All sets of a universe that fulfil a request.
class Oracle {
 public:
  Oracle(const std::vector<PackageSpec>& specs, const ResolveRequest& request) : specs_(specs) {
    ClosedWorld world;
    for (const PackageSpec& spec : specs) world.Add(spec);
    for (uint32_t set = 0; set < 1U << specs.size(); ++set) {
      std::vector<size_t> members;
      for (size_t i = 0; i < specs.size(); ++i) {
        if ((set >> i & 1) != 0) members.push_back(i);
      }
      if (Fulfils(members, request) && world.Check(members).empty()) sets_.push_back(set);
    }
  }

  const std::vector<uint32_t>& sets() const { return sets_; }

  uint32_t SetOf(const std::vector<SourcePackage>& packages) const {
    uint32_t set = 0;
    for (const SourcePackage& package : packages) {
      for (size_t i = 0; i < specs_.size(); ++i) {
        if (NameOf(specs_[i]) == NameOf(*package.spec)) set |= 1U << i;
      }
    }
    return set;
  }
  uint32_t SetOf(const std::vector<VariantName>& names) const {
    uint32_t set = 0;
    for (size_t i = 0; i < specs_.size(); ++i) {
      if (std::ranges::count(names, NameOf(specs_[i])) > 0) set |= 1U << i;
    }
    return set;
  }
  /// The newest version of `package` in any set that fulfils; none where none has it.
  const Version* Best(const PackageName& package, bool oldest) const {
    const Version* best = nullptr;
    for (uint32_t set : sets_) {
      for (size_t i = 0; i < specs_.size(); ++i) {
        if ((set >> i & 1) == 0 || specs_[i].package != package) continue;
        const Version* version = &specs_[i].version;
        if (best == nullptr ||
            (oldest ? Compare(*version, *best) < 0 : Compare(*version, *best) > 0)) {
          best = version;
        }
      }
    }
    return best;
  }

 private:
  bool Fulfils(const std::vector<size_t>& members, const ResolveRequest& request) const {
    for (const RelationTarget& target : request.wanted) {
      if (std::none_of(members.begin(), members.end(), [&](size_t i) {
            return Offers(specs_[i], target) && FitsPlatform(specs_[i].platform, request.platform);
          })) {
        return false;
      }
    }
    for (size_t i : members) {
      if (!FitsPlatform(specs_[i].platform, request.platform)) return false;
      for (const ResolveConstraint& constraint : request.constraints) {
        if (constraint.package == specs_[i].package &&
            MatchVersion(constraint.allowed, &specs_[i].version) != Match::kYes) {
          return false;
        }
      }
    }
    return true;
  }

  const std::vector<PackageSpec>& specs_;
  std::vector<uint32_t> sets_;
};

std::vector<PackageSpec> RandomUniverse(std::mt19937& random) {
  std::vector<PackageSpec> specs;
  std::set<VariantName> names;
  for (size_t n = 3 + random() % 6; n > 0; --n) {
    PackageSpec spec = RandomSpec(random);
    if (names.insert(NameOf(spec)).second) specs.push_back(std::move(spec));
  }
  return specs;
}

ResolveRequest RandomRequest(std::mt19937& random, const std::vector<PackageSpec>& specs) {
  ResolveRequest request;
  for (size_t n = 1 + random() % 2; n > 0; --n) request.wanted.push_back(RandomTarget(random));
  request.mode = static_cast<ResolveMode>(random() % 3);
  if (random() % 4 == 0) request.platform = {"linux", "amd64", ""};
  if (random() % 3 == 0) {
    const char* name = Pick(random, kNames);
    request.constraints.push_back({ResolveConstraint::Kind::kPin, *PackageName::Parse(name),
                                   testing::Target("n/a", Pick(random, kRanges)).range, "pin"});
  }
  for (const PackageSpec& spec : specs) {
    if (random() % 3 == 0) request.in_use.push_back(NameOf(spec));
  }
  return request;
}

MemoryPackageSource SourceOf(const std::vector<PackageSpec>& specs) {
  MemoryPackageSource source;
  for (const PackageSpec& spec : specs) source.Add(spec);
  return source;
}

void ExpectBest(const Oracle& oracle, const ResolveRequest& request, const Resolution& found) {
  const uint32_t set = oracle.SetOf(found.packages);
  ASSERT_TRUE(std::ranges::count(oracle.sets(), set)) << "not a solution";
  if (request.mode == ResolveMode::kMinimalChange) {
    const uint32_t kept = set & oracle.SetOf(request.in_use);
    for (uint32_t other : oracle.sets()) {
      const uint32_t other_kept = other & oracle.SetOf(request.in_use);
      ASSERT_FALSE((kept & other_kept) == kept && kept != other_kept) << "more could stay";
    }
    return;
  }
  // The first thing wanted, where packages of that name alone can meet it.
  const RelationTarget& first = request.wanted.front();
  if (first.kind != RelationKind::kPackage || !first.range.IsAll()) return;
  const bool oldest = request.mode == ResolveMode::kOldest;
  const Version* best = oracle.Best(*PackageName::Parse(first.name), oldest);
  if (best == nullptr) return;
  const bool met_otherwise = std::any_of(
      found.packages.begin(), found.packages.end(),
      [&](auto& p) { return p.spec->package.ToString() != first.name && Offers(*p.spec, first); });
  if (met_otherwise) return;
  const bool has_best = std::any_of(found.packages.begin(), found.packages.end(), [&](auto& p) {
    return p.spec->package.ToString() == first.name && Compare(p.spec->version, *best) == 0;
  });
  ASSERT_TRUE(has_best) << first.name << " " << best->text();
}

TEST(ResolverOracleTest, AgreesWithEverySetOfSmallUniverses) {
  const uint32_t seed = 6202;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int solved = 0, refused = 0;
  for (int round = 0; round < 2400; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::vector<PackageSpec> specs = RandomUniverse(random);
    const ResolveRequest request = RandomRequest(random, specs);
    const Oracle oracle(specs, request);
    SolveBudget budget;
    const Resolution found = *Resolve(SourceOf(specs), request, budget);
    ASSERT_EQ(found.solvable, oracle.sets().empty() ? Solvable::kNo : Solvable::kYes);
    if (found.solvable == Solvable::kYes) {
      ++solved;
      ASSERT_NO_FATAL_FAILURE(ExpectBest(oracle, request, found));
    } else {
      ++refused;
      ASSERT_TRUE(found.minimal);
      ASSERT_FALSE(found.reasons.empty());
      ASSERT_LE(found.reasons.size(), 20u);
    }
    std::shuffle(specs.begin(), specs.end(), random);
    const Resolution again = *Resolve(SourceOf(specs), request, budget);
    ASSERT_EQ(again.reasons, found.reasons);
    ASSERT_EQ(again.packages.size(), found.packages.size());
    for (size_t i = 0; i < found.packages.size(); ++i) {
      ASSERT_EQ(NameOf(*again.packages[i].spec), NameOf(*found.packages[i].spec));
    }
  }
  EXPECT_GT(solved, 200);
  EXPECT_GT(refused, 200);
}

TEST(ResolverOracleTest, CompatibleVersionsAreThoseOfSomeSet) {
  const uint32_t seed = 6203;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int yes = 0, no = 0;
  for (int round = 0; round < 800; ++round) {
    const std::vector<PackageSpec> specs = RandomUniverse(random);
    const ResolveRequest request = RandomRequest(random, specs);
    const Oracle oracle(specs, request);
    SolveBudget budget;
    const auto versions = CompatibleVersions(SourceOf(specs), request, {"n", "a"}, budget);
    ASSERT_TRUE(versions.ok());
    for (const VersionAnswer& answer : *versions) {
      const uint32_t it = oracle.SetOf(std::vector<VariantName>{NameOf(*answer.package.spec)});
      const bool possible = std::any_of(oracle.sets().begin(), oracle.sets().end(),
                                        [&](uint32_t set) { return (set & it) != 0; });
      ASSERT_EQ(answer.solvable, possible ? Solvable::kYes : Solvable::kNo) << round;
      ++(possible ? yes : no);
    }
  }
  EXPECT_GT(yes, 50);
  EXPECT_GT(no, 50);
}

}  // namespace
}  // namespace dml
