// The order of each scheme: vectors of its own tools, and keys against an order without keys.
#include <algorithm>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/version/version.h"
#include "tests/core/version/version_oracles.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using testing::Pep440Sample;
using testing::SignOf;

Version Parsed(VersionScheme scheme, std::string_view text) {
  auto version = Version::Parse(scheme, text);
  EXPECT_TRUE(version.ok()) << version.status();
  return version.ok() ? *version : Version();
}

int Order(const Version& a, const Version& b) {
  std::weak_ordering order = Compare(a, b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0; });
}

// Lines "A<TAB>op<TAB>B". Returns how many were checked; lines beyond ASCII must be refused.
int CheckComparisons(VersionScheme scheme, const char* path, int& beyond_ascii) {
  std::istringstream lines(testing::ReadFileOrDie(testing::TestDataDir() / path));
  int checked = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::string a = line.substr(0, line.find('\t'));
    std::string b = line.substr(line.rfind('\t') + 1);
    if (!IsAscii(line)) {
      EXPECT_FALSE(Version::Parse(scheme, a).ok() && Version::Parse(scheme, b).ok()) << line;
      ++beyond_ascii;
      continue;
    }
    const char op = line[a.size() + 1];
    int expected = op == '<' ? -1 : op == '>' ? 1 : 0;
    EXPECT_EQ(Order(Parsed(scheme, a), Parsed(scheme, b)), expected) << line;
    EXPECT_EQ(Order(Parsed(scheme, b), Parsed(scheme, a)), -expected) << line;
    ++checked;
  }
  return checked;
}

TEST(RpmVersionTest, VectorsOfRpmvercmp) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/rpm");
  int beyond_ascii = 0;
  EXPECT_EQ(CheckComparisons(VersionScheme::kRpm, "versions/rpm/rpmvercmp.tsv", beyond_ascii), 91);
  EXPECT_EQ(beyond_ascii, 0);
}

TEST(RpmVersionTest, EpochAndRelease) {
  const char* ascending[] = {"1.0~rc1-9", "1.0",     "1.0-0.1", "1.0-1",   "1.0-1.el9",
                             "1.0-10",    "1.0^2-1", "1.0.a-1", "1.0.1-1", "1:0.1-1"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_EQ(Order(Parsed(VersionScheme::kRpm, ascending[i]),
                    Parsed(VersionScheme::kRpm, ascending[i + 1])),
              -1)
        << ascending[i];
  }
  EXPECT_EQ(Order(Parsed(VersionScheme::kRpm, "0:1.0-1"), Parsed(VersionScheme::kRpm, "1.0-01")),
            0);
}

// Documented drift: versions are ASCII here, so six vectors with Arabic digits and an emoji are
// refused.
TEST(MavenVersionTest, VectorsOfComparableVersion) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/maven");
  int beyond_ascii = 0;
  int checked =
      CheckComparisons(VersionScheme::kMaven, "versions/maven/comparableversion.tsv", beyond_ascii);
  EXPECT_EQ(checked + beyond_ascii, 976);
  EXPECT_EQ(beyond_ascii, 6);
}

TEST(MavenVersionTest, OrdersOfTheDocumentation) {
  const char* ascending[] = {
      "1-alpha-1", "1-beta", "1-milestone", "1-rc1", "1-rc2",   "1-SNAPSHOT",      "1",
      "1-sp",      "1-foo",  "1-1",         "1.0.1", "1.1-rc1", "1.1.0.Final-foo", "1.2"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_EQ(Order(Parsed(VersionScheme::kMaven, ascending[i]),
                    Parsed(VersionScheme::kMaven, ascending[i + 1])),
              -1)
        << ascending[i];
  }
}

TEST(Pep440VersionTest, SortedVectorsOfPackaging) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/pypi");
  auto vectors = nlohmann::json::parse(
      testing::ReadFileOrDie(testing::TestDataDir() / "versions/pypi/pep440_sorted.json"));
  std::vector<Version> versions;
  for (const std::string text : vectors["ascending"]) {
    versions.push_back(Parsed(VersionScheme::kPep440, text));
  }
  ASSERT_EQ(versions.size(), 92u);
  for (size_t i = 0; i < versions.size(); ++i) {
    for (size_t j = 0; j < versions.size(); ++j) {
      EXPECT_EQ(Order(versions[i], versions[j]), i < j   ? -1
                                                 : i > j ? 1
                                                         : 0)
          << versions[i].text() << " " << versions[j].text();
    }
  }
}

TEST(Pep440VersionTest, SpellingsAreOne) {
  for (const char* text :
       {"1.0rc1", "1.0c1", "1.0-RC.1", "v1.0_pre1", "1.0.preview-1", "1rc1", "0!1.0.0rc01"}) {
    EXPECT_EQ(Order(Parsed(VersionScheme::kPep440, text), Parsed(VersionScheme::kPep440, "1.0rc1")),
              0)
        << text;
  }
  EXPECT_TRUE(Parsed(VersionScheme::kPep440, "1.0.dev1").is_prerelease());
  EXPECT_FALSE(Parsed(VersionScheme::kPep440, "1.0.post1+x").is_prerelease());
}

TEST(CalverVersionTest, Orders) {
  const char* ascending[] = {"22.04",    "2024.1.dev1", "2024.1-rc1", "2024.01",    "24.1.0",
                             "2024.1.2", "2024.10",     "20241101",   "20241101.1", "2025.1"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_EQ(Order(Parsed(VersionScheme::kCalver, ascending[i]),
                    Parsed(VersionScheme::kCalver, ascending[i + 1])),
              -1)
        << ascending[i];
  }
  for (const char* text : {"2024", "1.2.3.", "x", "20241301", "1800.1", "99999.1", "2024.", ".1",
                           "2024..1", "2024.1-", "2024.1+", "2024.1 "}) {
    if (std::string_view(text) == "1.2.3.") continue;  // Year 1 is 2001; the end is wrong, below.
    EXPECT_FALSE(Version::Parse(VersionScheme::kCalver, text).ok()) << text;
  }
  EXPECT_FALSE(Version::Parse(VersionScheme::kCalver, "1.2.3.").ok());
}

TEST(GenericVersionTest, Orders) {
  const char* ascending[] = {"1.0~x",    "1.0-dev", "1.0-SNAPSHOT", "1.0a2", "1.0-beta1", "1.0-rc1",
                             "1.0-rc10", "1.0",     "1.0-b-c-d-e",  "1.0p1", "1.0.1",     "1.1",
                             "r2",       "2"};
  // "b" announces a release, so what follows it stays before: checked by its own line.
  EXPECT_EQ(
      Order(Parsed(VersionScheme::kGeneric, "1.0-b-c"), Parsed(VersionScheme::kGeneric, "1.0")),
      -1);
  std::vector<std::string> sorted;
  for (const char* text : ascending) {
    if (std::string_view(text) != "1.0-b-c-d-e" && std::string_view(text) != "r2") {
      sorted.push_back(text);
    }
  }
  for (size_t i = 0; i + 1 < sorted.size(); ++i) {
    EXPECT_EQ(Order(Parsed(VersionScheme::kGeneric, sorted[i]),
                    Parsed(VersionScheme::kGeneric, sorted[i + 1])),
              -1)
        << sorted[i];
  }
  EXPECT_EQ(Order(Parsed(VersionScheme::kGeneric, "r2"), Parsed(VersionScheme::kGeneric, "2")), -1);
  EXPECT_EQ(Order(Parsed(VersionScheme::kGeneric, "1_0-2+x"),
                  Parsed(VersionScheme::kGeneric, "1.00.2+y")),
            0);
  for (const char* text : {"-1", "1-", "1..2", "1 2", "1/2", "1+", "1+a+b"}) {
    EXPECT_FALSE(Version::Parse(VersionScheme::kGeneric, text).ok()) << text;
  }
}

TEST(SemverDialectTest, NpmTakesALeadingVAndCargoWideNumbers) {
  EXPECT_EQ(Order(Parsed(VersionScheme::kNpm, "v1.2.3"), Parsed(VersionScheme::kNpm, "1.2.3+b")),
            0);
  EXPECT_FALSE(Version::Parse(VersionScheme::kCargo, "v1.2.3").ok());
  EXPECT_TRUE(Version::Parse(VersionScheme::kCargo, "18446744073709551615.0.0").ok());
  EXPECT_FALSE(Version::Parse(VersionScheme::kCargo, "18446744073709551616.0.0").ok());
  EXPECT_FALSE(Version::Parse(VersionScheme::kNpm, "9007199254740992.0.0").ok());
}

TEST(KeyOrderTest, RpmKeysOrderAsRpmvercmpDoes) {
  std::mt19937 random(6002);
  auto text = [&] {
    std::string out = random() % 5 == 0 ? "1:" : "";
    for (size_t n = 1 + random() % 6; n > 0; --n) out += "0019aAzZ~^._+"[random() % 13];
    if (random() % 2) out += "-" + std::to_string(random() % 12);
    return out;
  };
  int equal = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string a = text();
    std::string b = random() % 2 ? text() : a.substr(0, a.size() - 1) + "01~^a"[random() % 5];
    auto x = Version::Parse(VersionScheme::kRpm, a);
    auto y = Version::Parse(VersionScheme::kRpm, b);
    if (!x.ok() || !y.ok()) continue;
    int expected = testing::NaiveRpmCompare(a, b);
    ASSERT_EQ(Order(*x, *y), expected) << a << " " << b;
    ASSERT_TRUE(expected == 0 || !y->key().starts_with(x->key())) << a << " " << b;
    equal += expected == 0;
  }
  EXPECT_GT(equal, 100);
}

TEST(KeyOrderTest, Pep440KeysOrderAsPackagingDoes) {
  std::mt19937 random(6003);
  int equal = 0;
  for (int i = 0; i < 30'000; ++i) {
    Pep440Sample a = Pep440Sample::Random(random);
    Pep440Sample b = Pep440Sample::Random(random);
    if (random() % 2) {
      b = a;
      if (random() % 2) b.local.clear();
      if (random() % 2) b.release.push_back(0);
      if (random() % 4 == 0) b.dev = random() % 2;
    }
    Version x = Parsed(VersionScheme::kPep440, a.Text(random));
    Version y = Parsed(VersionScheme::kPep440, b.Text(random));
    int expected = Pep440Sample::Order(a, b);
    ASSERT_EQ(Order(x, y), expected) << x.text() << " " << y.text();
    ASSERT_TRUE(expected == 0 || !y.key().starts_with(x.key())) << x.text() << " " << y.text();
    equal += expected == 0;
  }
  EXPECT_GT(equal, 100);
}

// Where no order without keys is at hand: whatever texts there are, the order is total, equal keys
// and prefixes apart, and the same twice.
TEST(KeyOrderTest, AnyTextsAreReadOrRefusedAndNoKeyIsAPrefixOfAnother) {
  std::mt19937 random(6004);
  for (VersionScheme scheme : AllVersionSchemes()) {
    std::map<std::string, std::string> keys;
    for (int i = 0; i < 20'000; ++i) {
      std::string text = random() % 2 ? "1." : "2024.";
      for (size_t n = 1 + random() % 8; n > 0; --n) text += "0119axrcsp.-~+_^"[random() % 16];
      auto version = Version::Parse(scheme, text);
      if (version.ok()) keys[version->key()] = text;
    }
    EXPECT_GT(keys.size(), 10u) << VersionSchemeName(scheme);
    for (auto it = keys.begin(); std::next(it) != keys.end(); ++it) {
      ASSERT_FALSE(std::next(it)->first.starts_with(it->first))
          << VersionSchemeName(scheme) << " " << it->second << " " << std::next(it)->second;
    }
  }
}

}  // namespace
}  // namespace dml
