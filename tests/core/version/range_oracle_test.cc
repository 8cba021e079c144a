// Ranges of npm, cargo and pep440 and their relations against brute force: every version of a small
// universe, judged by the tools' rules as they are written down, comparator by comparator.
#include <bitset>
#include <cstdlib>

#include <gtest/gtest.h>

#include "core/version/range.h"
#include "tests/core/version/version_oracles.h"

namespace dml {
namespace {

using testing::Pep440Sample;

// Numbers 0 to 3 and these endings. Bounds have numbers up to 2 and the endings "-a" or none, so
// that between and around any two of them there are versions in the universe, where any are at all.
constexpr const char* kEndings[] = {"-0", "-0.0", "-a", "-a.0", "-b", ""};
constexpr int kEndingCount = 6, kRelease = 5, kNamed = 2;
constexpr int kSize = 64 * kEndingCount;
using Set = std::bitset<kSize>;

struct Triple {
  int n[3];
  int Code(int ending) const { return ((n[0] * 4 + n[1]) * 4 + n[2]) * kEndingCount + ending; }
  std::string Text() const { return fmt::format("{}.{}.{}", n[0], n[1], n[2]); }
};
Triple TripleOf(int code) {
  code /= kEndingCount;
  return {{code / 16, code / 4 % 4, code % 4}};
}
bool IsRelease(int code) { return code % kEndingCount == kRelease; }
bool SameTriple(int a, int b) { return a / kEndingCount == b / kEndingCount; }

Triple RandomTriple(std::mt19937& random) {
  return {{static_cast<int>(random() % 3), static_cast<int>(random() % 3),
           static_cast<int>(random() % 3)}};
}

class Universe {
 public:
  explicit Universe(VersionScheme scheme) {
    for (int i = 0; i < kSize; ++i) {
      versions_.push_back(*Version::Parse(scheme, TripleOf(i).Text() + kEndings[i % kEndingCount]));
    }
  }
  Set Held(const VersionRange& range) const {
    Set out;
    for (int i = 0; i < kSize; ++i) out[i] = range.Contains(versions_[i]);
    return out;
  }

 private:
  std::vector<Version> versions_;
};

// A comparator of node-semver after its shorthand is written out.
struct Primitive {
  std::string op;
  int bound;
  bool names_prerelease;
};

// One comparator in some notation, with what it stands for by node-semver's documentation.
std::string RandomNpmComparator(std::mt19937& random, std::vector<Primitive>& out) {
  Triple t = RandomTriple(random);
  const bool named = random() % 3 == 0;
  const int low = t.Code(named ? kNamed : kRelease);
  const std::string full = t.Text() + (named ? "-a" : "");
  auto from = [&](int bound, bool prerelease) { out.push_back({">=", bound, prerelease}); };
  // Below all of the next, its prereleases included; a number of 4 lies behind the universe.
  auto below = [&](int a, int b, int c) {
    int code = (a * 16 + b * 4 + c) * kEndingCount;
    out.push_back({"<", code, false});
  };
  switch (random() % 6) {
    case 0:
      from(low, named);
      t.n[0] > 0   ? below(t.n[0] + 1, 0, 0)
      : t.n[1] > 0 ? below(0, t.n[1] + 1, 0)
                   : below(0, 0, t.n[2] + 1);
      return "^" + full;
    case 1:
      from(low, named);
      below(t.n[0], t.n[1] + 1, 0);
      return "~" + full;
    case 2: {
      Triple start = {{t.n[0], t.n[1], 0}};
      from(start.Code(kRelease), false);
      below(t.n[0], t.n[1] + 1, 0);
      return fmt::format("{}.{}{}", t.n[0], t.n[1], random() % 2 ? ".x" : "");
    }
    case 3: {
      Triple start = {{t.n[0], 0, 0}};
      from(start.Code(kRelease), false);
      below(t.n[0] + 1, 0, 0);
      return fmt::format("{}{}", t.n[0], random() % 2 ? ".*" : "");
    }
    default: {
      const char* ops[] = {"<", "<=", ">", ">=", "="};
      const char* op = ops[random() % 5];
      out.push_back({op, low, named});
      return op + full;
    }
  }
}

bool Meets(const Primitive& p, int v) {
  return p.op == "<"    ? v < p.bound
         : p.op == "<=" ? v <= p.bound
         : p.op == ">"  ? v > p.bound
         : p.op == ">=" ? v >= p.bound
                        : v == p.bound;
}

struct Sample {
  std::string text;
  Set held;
};

Sample RandomNpm(std::mt19937& random) {
  Sample out;
  for (size_t sets = 1 + random() % 2; sets > 0; --sets) {
    std::vector<Primitive> all;
    std::string text;
    for (size_t n = 1 + random() % 2; n > 0; --n) text += RandomNpmComparator(random, all) + " ";
    for (int v = 0; v < kSize; ++v) {
      bool meets = true, named = false;
      for (const Primitive& p : all) {
        meets = meets && Meets(p, v);
        named = named || (p.names_prerelease && SameTriple(p.bound, v));
      }
      if (meets && (IsRelease(v) || named)) out.held.set(v);
    }
    out.text += (out.text.empty() ? "" : "|| ") + text;
  }
  return out;
}

// A comparator of cargo, judged as the semver crate's eval.rs does.
struct CargoComparator {
  std::string op;
  int n[3];
  int count;
  bool named;

  bool Exact(const Triple& v, int ending) const {
    for (int i = 0; i < count; ++i) {
      if (v.n[i] != n[i]) return false;
    }
    return ending == bound_ending();
  }
  bool Greater(const Triple& v, int ending) const {
    for (int i = 0; i < 3; ++i) {
      if (i == count) return false;
      if (v.n[i] != n[i]) return v.n[i] > n[i];
    }
    return ending > bound_ending();
  }
  bool Less(const Triple& v, int ending) const {
    for (int i = 0; i < 3; ++i) {
      if (i == count) return false;
      if (v.n[i] != n[i]) return v.n[i] < n[i];
    }
    return ending < bound_ending();
  }
  bool Tilde(const Triple& v, int ending) const {
    if (v.n[0] != n[0] || (count > 1 && v.n[1] != n[1])) return false;
    if (count == 3 && v.n[2] != n[2]) return v.n[2] > n[2];
    return ending >= bound_ending();
  }
  bool Caret(const Triple& v, int ending) const {
    if (v.n[0] != n[0]) return false;
    if (count == 1) return true;
    if (count == 2) return n[0] > 0 ? v.n[1] >= n[1] : v.n[1] == n[1];
    if (n[0] > 0) {
      if (v.n[1] != n[1]) return v.n[1] > n[1];
      if (v.n[2] != n[2]) return v.n[2] > n[2];
    } else if (n[1] > 0) {
      if (v.n[1] != n[1]) return false;
      if (v.n[2] != n[2]) return v.n[2] > n[2];
    } else if (v.n[1] != n[1] || v.n[2] != n[2]) {
      return false;
    }
    return ending >= bound_ending();
  }
  bool Matches(int code) const {
    const Triple v = TripleOf(code);
    const int ending = code % kEndingCount;
    if (op == "=") return Exact(v, ending);
    if (op == ">") return Greater(v, ending);
    if (op == ">=") return Exact(v, ending) || Greater(v, ending);
    if (op == "<") return Less(v, ending);
    if (op == "<=") return Exact(v, ending) || Less(v, ending);
    return op == "~" ? Tilde(v, ending) : Caret(v, ending);
  }
  bool Names(int code) const {
    return named && SameTriple(Triple{{n[0], n[1], n[2]}}.Code(0), code);
  }
  int bound_ending() const { return named ? kNamed : kRelease; }
};

Sample RandomCargo(std::mt19937& random) {
  Sample out;
  std::vector<CargoComparator> all;
  for (size_t n = 1 + random() % 3; n > 0; --n) {
    const char* ops[] = {"=", ">", ">=", "<", "<=", "~", "^", ""};
    CargoComparator c;
    c.op = ops[random() % 8];
    Triple t = RandomTriple(random);
    std::copy(t.n, t.n + 3, c.n);
    c.count = random() % 2 ? 3 : 1 + static_cast<int>(random() % 3);
    c.named = c.count == 3 && random() % 3 == 0;
    if (!out.text.empty()) out.text += ", ";
    out.text += c.op;
    for (int i = 0; i < c.count; ++i) out.text += fmt::format("{}{}", i ? "." : "", c.n[i]);
    if (c.named) out.text += "-a";
    all.push_back(c);
  }
  for (int v = 0; v < kSize; ++v) {
    bool matches = true, named = false;
    for (const CargoComparator& c : all) {
      matches = matches && c.Matches(v);
      named = named || c.Names(v);
    }
    if (matches && (IsRelease(v) || named)) out.held.set(v);
  }
  return out;
}

// DML_ORACLE_ROUNDS: more of them, by hand.
void CheckRelations(VersionScheme scheme, Sample (*make)(std::mt19937&), int rounds) {
  if (const char* more = std::getenv("DML_ORACLE_ROUNDS")) rounds = std::atoi(more);
  const uint32_t seed = 6005;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Universe universe(scheme);
  int subsets = 0, apart = 0;
  for (int i = 0; i < rounds; ++i) {
    const Sample a = make(random), b = make(random);
    SCOPED_TRACE("\"" + a.text + "\" and \"" + b.text + "\"");
    const VersionRange x = VersionRange::ParseNative(scheme, a.text).value();
    const VersionRange y = VersionRange::ParseNative(scheme, b.text).value();
    ASSERT_EQ(universe.Held(x), a.held) << x.ToVers();
    ASSERT_EQ(x.IsSubsetOf(y), (a.held & ~b.held).none());
    ASSERT_EQ(Intersect(x, y).IsEmpty(), (a.held & b.held).none());
    ASSERT_EQ(x == y, a.held == b.held);
    subsets += x.IsSubsetOf(y);
    apart += Intersect(x, y).IsEmpty();
    ASSERT_EQ(VersionRange::ParseVers(x.ToVers()).value(), x) << x.ToVers();
    if (i % 8 != 0) continue;  // These look at each version.
    const VersionRange either = Union(x, y).value();
    ASSERT_EQ(universe.Held(either), a.held | b.held);
    ASSERT_EQ(universe.Held(Intersect(x, y)), a.held & b.held);
    if (!x.IsEmpty()) {
      ASSERT_EQ(universe.Held(x.Complement()), ~a.held) << x.Complement().ToVers();
    }
    ASSERT_EQ(VersionRange::ParseVers(either.ToVers()).value(), either) << either.ToVers();
  }
  EXPECT_GT(subsets, rounds / 50);
  EXPECT_GT(apart, rounds / 50);
}

TEST(RangeOracleTest, Npm) { CheckRelations(VersionScheme::kNpm, RandomNpm, 1500); }
TEST(RangeOracleTest, Semver) { CheckRelations(VersionScheme::kSemver, RandomNpm, 300); }
TEST(RangeOracleTest, Cargo) { CheckRelations(VersionScheme::kCargo, RandomCargo, 1500); }

// A specifier of PEP 440, judged as packaging's Specifier does.
struct Pep440Clause {
  std::string op;
  Pep440Sample bound;
  bool wildcard = false;

  static bool IsPre(const Pep440Sample& v) { return v.pre || v.dev; }
  static Pep440Sample Public(Pep440Sample v) {
    v.local.clear();
    return v;
  }
  static bool HasPrefix(const Pep440Sample& v, const Pep440Sample& bound, size_t count) {
    if (v.epoch != bound.epoch) return false;
    for (size_t i = 0; i < count; ++i) {
      if ((i < v.release.size() ? v.release[i] : 0) != bound.release[i]) return false;
    }
    return true;
  }

  bool Equal(const Pep440Sample& v) const {
    if (wildcard) return HasPrefix(v, bound, bound.release.size());
    return Pep440Sample::Order(bound.local.empty() ? Public(v) : v, bound) == 0;
  }
  bool Less(const Pep440Sample& v) const {
    if (Pep440Sample::Order(v, bound) >= 0) return false;
    Pep440Sample earliest = bound;
    earliest.dev = 0;
    return IsPre(bound) || !IsPre(v) || Pep440Sample::Order(v, earliest) < 0;
  }
  bool Greater(const Pep440Sample& v) const {
    if (Pep440Sample::Order(v, bound) <= 0) return false;
    Pep440Sample base = Public(v);
    base.post.reset();
    base.dev.reset();
    if (!bound.post && v.post && Pep440Sample::Order(base, bound) == 0) return false;
    return v.local.empty() || Pep440Sample::Order(Public(v), bound) != 0;
  }
  bool Matches(const Pep440Sample& v) const {
    if (op == "==") return Equal(v);
    if (op == "!=") return !Equal(v);
    if (op == "<=") return Pep440Sample::Order(Public(v), bound) <= 0;
    if (op == ">=") return Pep440Sample::Order(Public(v), bound) >= 0;
    if (op == "<") return Less(v);
    if (op == ">") return Greater(v);
    return Pep440Sample::Order(Public(v), bound) >= 0 &&
           HasPrefix(v, bound, bound.release.size() - 1);
  }
};

TEST(RangeOracleTest, Pep440) {
  std::mt19937 random(6006);
  std::vector<Pep440Sample> samples;
  std::vector<Version> versions;
  for (int i = 0; i < 400; ++i) {
    samples.push_back(Pep440Sample::Random(random));
    versions.push_back(*Version::Parse(VersionScheme::kPep440, samples.back().Text(random)));
  }
  VersionRange before = VersionRange::AllOf(VersionScheme::kPep440);
  std::vector<bool> before_held(samples.size(), true);
  int yes = 0;
  for (int i = 0; i < 600; ++i) {
    std::vector<Pep440Clause> all;
    std::string text;
    bool admits = false;
    for (size_t n = 1 + random() % 2; n > 0; --n) {
      const char* ops[] = {"==", "!=", "<=", ">=", "<", ">", "~="};
      Pep440Clause c{ops[random() % 7], samples[random() % samples.size()]};
      const bool equality = c.op == "==" || c.op == "!=";
      if (!equality) c.bound.local.clear();
      if (c.op == "~=") c.bound.release.push_back(1);
      c.wildcard = equality && random() % 3 == 0;
      if (c.wildcard) c.bound = {c.bound.epoch, c.bound.release};
      admits = admits || (c.op != "!=" && Pep440Clause::IsPre(c.bound));
      text += (text.empty() ? "" : ", ") + c.op + c.bound.Text(random) + (c.wildcard ? ".*" : "");
      all.push_back(std::move(c));
    }
    auto range = VersionRange::ParseNative(VersionScheme::kPep440, text);
    ASSERT_TRUE(range.ok()) << range.status();
    ASSERT_EQ(VersionRange::ParseVers(range->ToVers()).value(), *range) << range->ToVers();
    const VersionRange either = Union(*range, before).value();
    std::vector<bool> held(samples.size());
    bool within = true;
    for (size_t v = 0; v < samples.size(); ++v) {
      bool matches = admits || !Pep440Clause::IsPre(samples[v]);
      for (const Pep440Clause& c : all) matches = matches && c.Matches(samples[v]);
      held[v] = matches;
      ASSERT_EQ(range->Contains(versions[v]), matches) << text << " " << versions[v].text();
      ASSERT_EQ(either.Contains(versions[v]), matches || before_held[v]);
      within = within && (!matches || before_held[v]);
      yes += matches;
    }
    if (range->IsSubsetOf(before)) {
      ASSERT_TRUE(within) << text;
    }
    before = *range;
    before_held = held;
  }
  EXPECT_GT(yes, 2'000);
}

}  // namespace
}  // namespace dml
