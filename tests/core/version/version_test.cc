#include "core/version/version.h"

#include <cctype>
#include <random>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/test_data.h"

namespace dml {
namespace {

using nlohmann::json;

Version Parsed(VersionScheme scheme, std::string_view text) {
  auto version = Version::Parse(scheme, text);
  EXPECT_TRUE(version.ok()) << version.status();
  return version.ok() ? *version : Version();
}
Version Deb(std::string_view text) { return Parsed(VersionScheme::kDeb, text); }
Version Semver(std::string_view text) { return Parsed(VersionScheme::kSemver, text); }

int Sign(std::weak_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }
int Order(const Version& a, const Version& b) { return Sign(Compare(a, b)); }
int Sign(int order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

json Vectors(const char* path) {
  return json::parse(testing::ReadFileOrDie(testing::TestDataDir() / path));
}

// dpkg's comparison as its manual describes it, written down without keys.
int DebOrder(char c) {
  if (c == '~') return -1;
  if (std::isdigit(c) || c == 0) return 0;
  return std::isalpha(c) ? c : c + 256;
}

int NaiveDebPart(const char* a, const char* b) {
  while (*a || *b) {
    while ((*a && !std::isdigit(*a)) || (*b && !std::isdigit(*b))) {
      if (int diff = DebOrder(*a) - DebOrder(*b)) return diff;
      if (*a) ++a;
      if (*b) ++b;
    }
    while (*a == '0') ++a;
    while (*b == '0') ++b;
    int first_diff = 0;
    for (; std::isdigit(*a) && std::isdigit(*b); ++a, ++b) {
      if (first_diff == 0) first_diff = *a - *b;
    }
    if (std::isdigit(*a)) return 1;
    if (std::isdigit(*b)) return -1;
    if (first_diff != 0) return first_diff;
  }
  return 0;
}

struct DebParts {
  unsigned long epoch = 0;
  std::string upstream;
  std::string revision;

  explicit DebParts(std::string text) {
    if (size_t colon = text.find(':'); colon != std::string::npos) {
      epoch = std::stoul(text.substr(0, colon));
      text.erase(0, colon + 1);
    }
    size_t dash = text.rfind('-');
    upstream = text.substr(0, dash);
    if (dash != std::string::npos) revision = text.substr(dash + 1);
  }
};

int NaiveDebCompare(const std::string& a, const std::string& b) {
  DebParts x(a), y(b);
  if (x.epoch != y.epoch) return x.epoch < y.epoch ? -1 : 1;
  int order = NaiveDebPart(x.upstream.c_str(), y.upstream.c_str());
  return order ? order : NaiveDebPart(x.revision.c_str(), y.revision.c_str());
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, separator);) out.push_back(part);
  return out;
}

bool IsNumber(const std::string& text) {
  return text.find_first_not_of("0123456789") == std::string::npos;
}

int NaiveNumber(const std::string& a, const std::string& b) {  // No leading zeros.
  return a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : Sign(a.compare(b));
}

// Clause 11 of semver.org 2.0.0.
int NaiveSemverCompare(std::string a, std::string b) {
  a = a.substr(0, a.find('+'));
  b = b.substr(0, b.find('+'));
  auto core_a = Split(a.substr(0, a.find('-')), '.');
  auto core_b = Split(b.substr(0, b.find('-')), '.');
  for (int i = 0; i < 3; ++i) {
    if (int order = NaiveNumber(core_a[i], core_b[i])) return order;
  }
  bool pre_a = a.find('-') != std::string::npos;
  bool pre_b = b.find('-') != std::string::npos;
  if (!pre_a || !pre_b) return pre_a ? -1 : pre_b ? 1 : 0;
  auto ids_a = Split(a.substr(a.find('-') + 1), '.');
  auto ids_b = Split(b.substr(b.find('-') + 1), '.');
  for (size_t i = 0; i < std::min(ids_a.size(), ids_b.size()); ++i) {
    bool number_a = IsNumber(ids_a[i]);
    bool number_b = IsNumber(ids_b[i]);
    if (number_a != number_b) return number_a ? -1 : 1;
    int order = number_a ? NaiveNumber(ids_a[i], ids_b[i]) : Sign(ids_a[i].compare(ids_b[i]));
    if (order) return order;
  }
  return ids_a.size() < ids_b.size() ? -1 : ids_a.size() > ids_b.size() ? 1 : 0;
}

std::string RandomText(std::mt19937& random, std::string_view alphabet, size_t max) {
  std::string out;
  for (size_t n = random() % (max + 1); n > 0; --n) out += alphabet[random() % alphabet.size()];
  return out;
}

std::string RandomDeb(std::mt19937& random) {
  std::string out;
  if (random() % 4 == 0) out += std::to_string(random() % 3) + ":";
  out += RandomText(random, "019", 1) + std::to_string(random() % 3);
  out += RandomText(random, "0019aAz~~+.", 6);
  if (random() % 2 == 0) out += "-" + RandomText(random, "019", 2) + "0";
  if (random() % 4 == 0) out += RandomText(random, "01aZ~+.", 4);
  return out;
}

std::string RandomSemver(std::mt19937& random) {
  auto number = [&] { return std::to_string(random() % 3 == 0 ? random() % 1200 : random() % 3); };
  std::string out = number() + "." + number() + "." + number();
  if (random() % 2 == 0) {
    const char* separator = "-";
    for (size_t n = 1 + random() % 3; n > 0; --n, separator = ".") {
      std::string text = RandomText(random, "01aB-", 3);
      out += separator + (text.empty() || IsNumber(text) ? number() : text);
    }
  }
  if (random() % 4 == 0) out += "+b." + number();
  return out;
}

TEST(VersionSchemeTest, NamesRoundTripAndUnknownIsAnError) {
  for (VersionScheme scheme : AllVersionSchemes()) {
    auto parsed = ParseVersionScheme(VersionSchemeName(scheme));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, scheme);
  }
  EXPECT_EQ(VersionSchemeRevision(VersionScheme::kSemver), "semver@2");
  EXPECT_EQ(VersionSchemeRevision(VersionScheme::kDeb), "deb@1");
  for (const char* name : {"", "Deb", "pypi", "semver@2"}) {
    EXPECT_EQ(Reason(ParseVersionScheme(name).status()), "VERSION_SCHEME_UNKNOWN") << name;
  }
}

TEST(VersionTest, TextIsVerbatimAndTheDefaultIsEmpty) {
  EXPECT_EQ(Deb("0:1.00-0").text(), "0:1.00-0");
  EXPECT_EQ(Semver("1.2.3+b").scheme(), VersionScheme::kSemver);
  EXPECT_TRUE(Version().empty());
  EXPECT_EQ(Version().key(), "");
}

TEST(VersionTest, SchemesAreNotMixed) {
  EXPECT_NE(Order(Semver("1.0.0"), Deb("1.0.0")), 0);
  EXPECT_EQ(Order(Semver("9.0.0"), Deb("1")), Order(Semver("1.0.0"), Deb("9")));
}

TEST(VersionTest, ErrorsNameThePositionAndWhatIsWrong) {
  struct Case {
    VersionScheme scheme;
    const char* text;
    const char* message;
  };
  for (const Case& c : std::vector<Case>{
           {VersionScheme::kSemver, "1.2", "position 4: '.' expected"},
           {VersionScheme::kSemver, "1.02.3", "position 3: a number with a leading zero"},
           {VersionScheme::kSemver, "1.2.3-a..b", "position 9: an identifier"},
           {VersionScheme::kSemver, "1.2.3-a.01", "position 9: a numeric identifier"},
           {VersionScheme::kSemver, "1.2.3 ", "position 6: unexpected character"},
           {VersionScheme::kSemver, "v1.2.3", "position 1: a number expected"},
           {VersionScheme::kDeb, "", "the text is empty"},
           {VersionScheme::kDeb, "1:a", "position 3: the upstream version starts with no digit"},
           {VersionScheme::kDeb, "1x:1", "position 2: the epoch before ':' is not a number"},
           {VersionScheme::kDeb, "2147483648:1", "position 1: the epoch is greater"},
           {VersionScheme::kDeb, "1.0_1-1", "position 4: this character is not allowed"},
           {VersionScheme::kDeb, "1.0-1:1", "position 2: the epoch"},
           {VersionScheme::kDeb, "1.0-", "position 5: the revision is empty"}}) {
    auto version = Version::Parse(c.scheme, c.text);
    ASSERT_FALSE(version.ok()) << c.text;
    EXPECT_EQ(Reason(version.status()), "VERSION_INVALID");
    EXPECT_NE(Message(version.status()).find(c.message), std::string_view::npos)
        << version.status();
  }
}

TEST(VersionTest, HostileTextIsRefusedAndShownEscaped) {
  for (VersionScheme scheme : AllVersionSchemes()) {
    for (const std::string& text :
         {std::string("1.0.0\0", 6), std::string("1.0.0\n"), std::string("1.0.0-\x80\xff"),
          std::string(257, '1'), std::string(1 << 20, '1'), std::string("1.0.0-é")}) {
      auto version = Version::Parse(scheme, text);
      ASSERT_FALSE(version.ok());
      EXPECT_LT(Message(version.status()).size(), 400u);
      for (char c : Message(version.status())) EXPECT_GE(static_cast<unsigned char>(c), ' ');
    }
  }
}

TEST(VersionTest, NumbersOfAnyLengthCompareAsNumbers) {
  EXPECT_EQ(Order(Deb("1." + std::string(100, '9')), Deb("1.1" + std::string(100, '0'))), -1);
  // The count of digits takes a second byte from 255 on.
  for (size_t n = 250; n < 256; ++n) {
    EXPECT_EQ(Order(Deb(std::string(n, '9')), Deb("1" + std::string(n, '0'))), -1) << n;
    EXPECT_EQ(Order(Deb(std::string(n, '1')), Deb(std::string(n, '2'))), -1) << n;
  }
  EXPECT_EQ(Order(Semver("1.0.0-20230101123456789"), Semver("1.0.0-20230101123456790")), -1);
  EXPECT_EQ(Order(Semver("9007199254740991.0.0"), Semver("9007199254740991.0.0+x")), 0);
  EXPECT_FALSE(Version::Parse(VersionScheme::kSemver, "9007199254740992.0.0").ok());
}

TEST(VersionTest, SemverOrderOfTheSpecification) {
  const char* ascending[] = {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                             "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
                             "1.0.0-rc.1",  "1.0.0",         "1.0.1-0",
                             "1.0.1",       "1.2.0",         "1.10.0",
                             "2.0.0",       "10.0.0"};
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(Order(Semver(ascending[i]), Semver(ascending[j])), Sign(i <=> j))
          << ascending[i] << " " << ascending[j];
    }
  }
}

TEST(VersionTest, DebVectorsOfDpkg) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/deb");
  std::istringstream lines(
      testing::ReadFileOrDie(testing::TestDataDir() / "versions/deb/dpkg_compare.tsv"));
  int cases = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    auto columns = Split(line, '\t');
    ASSERT_EQ(columns.size(), 3u) << line;
    int expected = columns[1] == "<" ? -1 : columns[1] == ">" ? 1 : 0;
    EXPECT_EQ(Order(Deb(columns[0]), Deb(columns[2])), expected) << line;
    EXPECT_EQ(Sign(NaiveDebCompare(columns[0], columns[2])), expected) << "oracle: " << line;
    ++cases;
  }
  EXPECT_EQ(cases, 43);
  json sorted = Vectors("versions/deb/dpkg_sorted.json");
  for (const auto& list : sorted["ascending"]) {
    for (size_t i = 1; i < list.size(); ++i) {
      EXPECT_EQ(Order(Deb(list[i - 1].get<std::string>()), Deb(list[i].get<std::string>())), -1);
    }
  }
}

TEST(VersionTest, DebValidityOfDpkg) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/deb");
  json vectors = Vectors("versions/deb/dpkg_validity.json");
  for (const std::string text : vectors["valid"]) {
    EXPECT_TRUE(Version::Parse(VersionScheme::kDeb, text).ok()) << text;
  }
  for (const std::string text : vectors["invalid"]) {
    EXPECT_FALSE(Version::Parse(VersionScheme::kDeb, text).ok()) << text;
  }
}

// Documented drift: node-semver takes a leading "v" or "=" and blanks; strict parsing refuses them.
bool IsLoose(const std::string& text) { return text.find_first_of("v= ") == 0; }

void CheckPairs(const char* path, int order, int expected_pairs) {
  int pairs = 0;
  for (const auto& pair : Vectors(path)) {
    std::string a = pair[0], b = pair[1];
    for (const std::string& text : {a, b}) {
      EXPECT_EQ(Version::Parse(VersionScheme::kSemver, text).ok(), !IsLoose(text)) << text;
    }
    if (IsLoose(a) || IsLoose(b)) continue;
    EXPECT_EQ(Order(Semver(a), Semver(b)), order) << a << " " << b;
    EXPECT_EQ(Order(Semver(b), Semver(a)), -order) << a << " " << b;
    EXPECT_EQ(NaiveSemverCompare(a, b), order) << "oracle: " << a << " " << b;
    ++pairs;
  }
  EXPECT_EQ(pairs, expected_pairs);
}

TEST(VersionTest, SemverVectorsOfNodeSemver) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/semver");
  CheckPairs("versions/semver/node-semver-comparisons.json", 1, 19);
  CheckPairs("versions/semver/node-semver-equality.json", 0, 2);
}

TEST(VersionTest, SemverValidityOfNodeSemver) {
  DML_SKIP_WITHOUT_TEST_DATA("versions/semver");
  for (const auto& item : Vectors("versions/semver/node-semver-valid-versions.json")) {
    std::string text = item[0];
    EXPECT_EQ(Version::Parse(VersionScheme::kSemver, text).ok(), !IsLoose(text)) << text;
  }
  for (const auto& item : Vectors("versions/semver/node-semver-invalid-versions.json")) {
    if (!item[0].is_string()) continue;  // Values of JavaScript that are no text.
    EXPECT_FALSE(Version::Parse(VersionScheme::kSemver, item[0].get<std::string>()).ok()) << item;
  }
}

template <typename Random, typename Naive>
void CheckKeysAgainst(VersionScheme scheme, Random random_version, Naive naive) {
  const uint32_t seed = 6001;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int equal = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string a = random_version(random);
    std::string b = random_version(random);
    // Near neighbors find more than strangers do.
    if (random() % 2 == 0) (b = a).insert(random() % (a.size() + 1), random() % 2 ? "0" : "1");
    auto x = Version::Parse(scheme, a);
    auto y = Version::Parse(scheme, b);
    if (!x.ok() || !y.ok()) continue;
    int expected = Sign(naive(a, b));
    ASSERT_EQ(Order(*x, *y), expected) << a << " " << b;
    ASSERT_EQ(x->key() == y->key(), expected == 0) << a << " " << b;
    // No key is a prefix of another one, so that keys can be followed by anything.
    ASSERT_TRUE(expected == 0 || !y->key().starts_with(x->key())) << a << " " << b;
    equal += expected == 0;
  }
  EXPECT_GT(equal, 100);
}

TEST(VersionTest, DebKeysOrderAsDpkgDoes) {
  CheckKeysAgainst(VersionScheme::kDeb, RandomDeb, NaiveDebCompare);
}

TEST(VersionTest, SemverKeysOrderAsTheSpecificationDoes) {
  CheckKeysAgainst(VersionScheme::kSemver, RandomSemver, NaiveSemverCompare);
}

}  // namespace
}  // namespace dml
