#include "core/package/package_spec.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/paths.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json Minimal() {
  return {{"schema", "dml.package/v1"},
          {"package", "acme/app"},
          {"version", "1.2.3"},
          {"versionScheme", "semver"},
          {"license", {{"declared", "MIT"}}}};
}

std::string FieldOf(const absl::Status& status) {
  auto violations = FieldViolations(status);
  return violations.empty() ? "" : violations[0].field;
}

void ExpectRefused(const std::function<void(json&)>& change, std::string_view field,
                   std::string_view reason = "PACKAGE_SPEC_INVALID") {
  json document = Minimal();
  change(document);
  absl::Status status = ParsePackageSpec(document.dump()).status();
  EXPECT_EQ(Reason(status), reason) << document.dump().substr(0, 300);
  EXPECT_EQ(FieldOf(status), field) << document.dump().substr(0, 300);
}

PackageSpec MustParse(const json& document) {
  auto spec = ParsePackageSpec(document.dump());
  EXPECT_TRUE(spec.ok()) << spec.status() << document.dump();
  return spec.ok() ? *std::move(spec) : PackageSpec{};
}

Version MakeVersion(VersionScheme scheme, std::string_view text) {
  return *Version::Parse(scheme, text);
}
VersionRange Range(std::string_view vers) { return *VersionRange::ParseVers(vers); }

// Every member used, with and without its default.
PackageSpec FullSpec() {
  constexpr VersionScheme kSemver = VersionScheme::kSemver, kDeb = VersionScheme::kDeb;
  PackageSpec spec;
  spec.package = {"acme", "payments-api"};
  spec.version = MakeVersion(kSemver, "2.4.1-rc.1+build.7");
  spec.platform = {"linux", "arm", "v7"};
  spec.title = "Payments";
  spec.description = "Takes payments.\n\tFor \xe2\x82\xac and more.";
  spec.homepage = "https://example.org/payments";
  spec.purl = "pkg:generic/acme/payments-api@2.4.1-rc.1";
  spec.declared_license = "(MIT OR Apache-2.0) AND LicenseRef-acme";
  spec.unmapped_licenses = {"acme-special"};
  spec.labels = {{"tier", "front"}, {"acme.com/owner", "team \"7\""}};
  spec.provides = {{RelationKind::kPackage, "acme/payments", std::nullopt},
                   {RelationKind::kPackage, "debian/payments", MakeVersion(kDeb, "1:2.4-1")},
                   {RelationKind::kService, "acme.payments.v1", MakeVersion(kSemver, "1.3.0")}};
  spec.requires_all = {{{{RelationKind::kPackage, "debian/libc6", Range("vers:deb/>=2.36")},
                         {RelationKind::kPackage, "debian/musl", VersionRange::All()}},
                        RelationScope::kNode,
                        "Depends: libc6 (>= 2.36) | musl"},
                       {{{RelationKind::kService, "ledger", Range("vers:semver/>=2.3.0|<3.0.0")}},
                        RelationScope::kEveryPeer,
                        ""}};
  spec.conflicts = {{{RelationKind::kPackage, "acme/old", VersionRange::All()},
                     RelationScope::kEnvironment,
                     "Conflicts: old"}};
  spec.breaks = {{{RelationKind::kSchema, "db", Range("vers:semver/<4.0.0")}}};
  spec.replaces = {{{RelationKind::kPackage, "acme/old", Range("vers:semver/*")}}};
  spec.coexists = {{"ledger", VersionUnit::kMinor, 1, 0, RelationScope::kEnvironment, "skew"},
                   {"proxy", VersionUnit::kMajor, 0, 2, RelationScope::kNode, ""}};
  spec.upgrade = UpgradeRules{
      Range("vers:semver/>=2.2.0|<2.4.1"),
      VersionUnit::kMinor,
      {{{RelationKind::kService, "ledger", Range("vers:semver/>=2.4.0")}, "the ledger first"}},
      Range("vers:semver/>=2.3.0"),
      "payments-db",
      "release notes 2.4"};
  return spec;
}

TEST(PackageSpecTest, GoldenDocumentInBothDirections) {
  std::filesystem::path folder = testing::SourceDir() / "tests/golden/package";
  std::string golden = testing::ReadFileOrDie(folder / "package_spec.json");
  EXPECT_EQ(FormatPackageSpec(FullSpec()), golden);
  auto spec = ParsePackageSpec(golden);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(FormatPackageSpec(*spec), golden);
  EXPECT_EQ(spec->package, FullSpec().package);
  EXPECT_EQ(spec->version.text(), "2.4.1-rc.1+build.7");
  EXPECT_EQ(spec->platform, FullSpec().platform);
  EXPECT_EQ(spec->description, FullSpec().description);
  EXPECT_EQ(spec->labels, FullSpec().labels);
  ASSERT_EQ(spec->provides.size(), 3u);
  EXPECT_FALSE(spec->provides[0].version.has_value());
  EXPECT_EQ(spec->provides[1].version->scheme(), VersionScheme::kDeb);
  ASSERT_EQ(spec->requires_all.size(), 2u);
  EXPECT_EQ(spec->requires_all[0].any_of[0].range, Range("vers:deb/>=2.36"));
  EXPECT_TRUE(spec->requires_all[0].any_of[1].range.IsAll());
  EXPECT_EQ(spec->requires_all[1].scope, RelationScope::kEveryPeer);
  EXPECT_EQ(spec->conflicts[0].scope, RelationScope::kEnvironment);
  EXPECT_EQ(spec->breaks[0].target.kind, RelationKind::kSchema);
  EXPECT_FALSE(spec->replaces[0].target.range.IsAll()) << "every version of one scheme only";
}

TEST(PackageSpecTest, SkewAndUpgradeRules) {
  PackageSpec spec = MustParse(Minimal());
  EXPECT_TRUE(spec.coexists.empty());
  EXPECT_FALSE(spec.upgrade.has_value());
  json document = Minimal();
  document["coexists"] = json::array({{{"service", "api"}, {"unit", "MINOR"}, {"newer", 3}}});
  document["upgrade"] = {{"noSkip", "MINOR"}, {"after", json::array({{{"name", "base"}}})}};
  spec = MustParse(document);
  ASSERT_EQ(spec.coexists.size(), 1u);
  EXPECT_EQ(spec.coexists[0].older, 0u);
  EXPECT_EQ(spec.coexists[0].newer, 3u);
  EXPECT_EQ(spec.coexists[0].scope, RelationScope::kEnvironment);
  ASSERT_TRUE(spec.upgrade.has_value());
  EXPECT_TRUE(spec.upgrade->from.IsAll());
  EXPECT_TRUE(spec.upgrade->rollback_to.IsAll());
  EXPECT_EQ(spec.upgrade->no_skip, VersionUnit::kMinor);
  EXPECT_EQ(spec.upgrade->after[0].target.name, "acme/base");
  EXPECT_EQ(spec.upgrade->point_of_no_return, "");

  const json skew = {{"service", "api"}, {"unit", "MINOR"}};
  auto with = [&](const char* key, const json& value) {
    return [=](json& d) {
      d["coexists"] = json::array({skew});
      d["coexists"][0][key] = value;
    };
  };
  ExpectRefused(with("unit", "WEEK"), "coexists[0].unit");
  ExpectRefused(with("service", ""), "coexists[0].service");
  ExpectRefused(with("older", 1001), "coexists[0].older");
  ExpectRefused(with("older", -1), "coexists[0].older");
  ExpectRefused(with("scope", "EVERY_PEER"), "coexists[0].scope");
  ExpectRefused(with("extra", 1), "coexists[0].extra");
  auto rule = [](const char* key, const json& value) {
    return [=](json& d) { d["upgrade"] = {{key, value}}; };
  };
  ExpectRefused(rule("from", "2"), "upgrade.from", "VERSION_RANGE_INVALID");
  ExpectRefused(rule("rollbackTo", "2"), "upgrade.rollbackTo", "VERSION_RANGE_INVALID");
  ExpectRefused(rule("noSkip", "minor"), "upgrade.noSkip");
  ExpectRefused(rule("pointOfNoReturn", ""), "upgrade.pointOfNoReturn");
  ExpectRefused(rule("after", json::array({{{"range", "vers:deb/1"}}})), "upgrade.after[0].name");
  ExpectRefused([](json& d) { d["upgrade"] = "MINOR"; }, "upgrade");
}

TEST(PackageSpecTest, DefaultsOfTheSmallestDocument) {
  PackageSpec spec = MustParse(Minimal());
  EXPECT_EQ(spec.platform, Platform{});
  EXPECT_EQ(spec.declared_license, "MIT");
  json document = Minimal();
  document["provides"] = {{{"name", "api"}, {"version", "2.0.0"}}};
  document["requires"] = {{{"anyOf", {{{"name", "base"}}}}}};
  document["breaks"] = {{{"name", "other/thing"}, {"range", "vers:deb/<2"}}};
  spec = MustParse(document);
  EXPECT_EQ(spec.provides[0].kind, RelationKind::kPackage);
  EXPECT_EQ(spec.provides[0].name, "acme/api") << "a bare name lies in the spec's namespace";
  EXPECT_EQ(spec.provides[0].version->scheme(), VersionScheme::kSemver);
  EXPECT_EQ(spec.requires_all[0].any_of[0].name, "acme/base");
  EXPECT_TRUE(spec.requires_all[0].any_of[0].range.IsAll());
  EXPECT_EQ(spec.requires_all[0].scope, RelationScope::kNode);
  EXPECT_EQ(spec.breaks[0].target.name, "other/thing");
}

TEST(PackageSpecTest, LicenseIsKeptInCanonicalText) {
  json document = Minimal();
  document["license"]["declared"] = "(mit and (apache-2.0))";
  EXPECT_EQ(MustParse(document).declared_license, "MIT AND Apache-2.0");
  document["license"]["declared"] = "NOASSERTION";
  EXPECT_EQ(MustParse(document).declared_license, "NOASSERTION");
  ExpectRefused([](json& d) { d["license"]["declared"] = ""; }, "license.declared",
                "LICENSE_EXPRESSION_INVALID");
  ExpectRefused([](json& d) { d["license"]["declared"] = "MIT WITH"; }, "license.declared",
                "LICENSE_EXPRESSION_INVALID");
  // Whether a list has it is for whoever has that list.
  document["license"]["declared"] = "(Newest-1.0 OR mit)";
  EXPECT_EQ(MustParse(document).declared_license, "Newest-1.0 OR MIT");
  ExpectRefused([](json& d) { d["license"].erase("declared"); }, "license.declared");
  ExpectRefused([](json& d) { d.erase("license"); }, "license");
  ExpectRefused([](json& d) { d["license"] = "MIT"; }, "license");
  ExpectRefused([](json& d) { d["license"]["unmapped"] = {"a", ""}; }, "license.unmapped");
}

TEST(PackageSpecTest, RefusesBadMembersWithTheirPath) {
  for (auto key : {"schema", "package", "version", "versionScheme"}) {
    ExpectRefused([&](json& d) { d.erase(key); }, key);
    ExpectRefused([&](json& d) { d[key] = 1; }, key);
    ExpectRefused([&](json& d) { d[key] = nullptr; }, key);
  }
  ExpectRefused([](json& d) { d["schema"] = "dml.package/v2"; }, "schema");
  ExpectRefused([](json& d) { d["package"] = "../app"; }, "package", "NAME_INVALID");
  ExpectRefused([](json& d) { d["package"] = "app"; }, "package", "NAME_INVALID");
  ExpectRefused([](json& d) { d["version"] = "1.2"; }, "version", "VERSION_INVALID");
  ExpectRefused([](json& d) { d["version"] = "1.2.3-" + std::string(200, 'a'); }, "version",
                "NAME_INVALID");
  ExpectRefused([](json& d) { d["versionScheme"] = "pypi"; }, "versionScheme");
  ExpectRefused([](json& d) { d["platform"] = {{"os", "linux"}}; }, "platform.arch");
  ExpectRefused([](json& d) { d["platform"] = {{"os", "li-nux"}, {"arch", "x"}}; }, "platform",
                "NAME_INVALID");
  ExpectRefused([](json& d) { d["platform"] = {{"os", ""}, {"arch", ""}}; }, "platform");
  ExpectRefused([](json& d) { d["title"] = "a\nb"; }, "title");
  ExpectRefused([](json& d) { d["title"] = std::string(257, 'a'); }, "title");
  ExpectRefused([](json& d) { d["description"] = "\x1b[2J"; }, "description");
  ExpectRefused([](json& d) { d["homepage"] = "javascript:alert(1)"; }, "homepage");
  ExpectRefused([](json& d) { d["homepage"] = "https://a b"; }, "homepage");
  ExpectRefused([](json& d) { d["purl"] = "deb/debian/curl"; }, "purl");
  ExpectRefused([](json& d) { d["labels"] = {{"A", "x"}}; }, "labels.A", "LABEL_INVALID");
  ExpectRefused([](json& d) { d["licence"] = json::object(); }, "licence");
  json document = Minimal();
  document["licence"] = 1;
  EXPECT_THAT(Message(ParsePackageSpec(document.dump()).status()),
              HasSubstr("did you mean 'license'?"));
}

TEST(PackageSpecTest, RefusesBadRelationsWithTheirPath) {
  auto requirement = [](json target) { return json{{"anyOf", json::array({target})}}; };
  ExpectRefused(
      [&](json& d) {
        d["requires"] = {requirement({{"name", "a"}}),
                         requirement({{"name", "b"}, {"range", ">=2"}})};
      },
      "requires[1].anyOf[0].range", "VERSION_RANGE_INVALID");
  ExpectRefused(
      [&](json& d) { d["requires"] = json::array({requirement({{"name", "b"}, {"range", ""}})}); },
      "requires[0].anyOf[0].range", "VERSION_RANGE_INVALID");
  ExpectRefused([&](json& d) { d["requires"] = json::array({requirement({{"name", "A"}})}); },
                "requires[0].anyOf[0].name", "NAME_INVALID");
  ExpectRefused(
      [&](json& d) {
        d["requires"] = json::array({requirement({{"name", "x"}, {"kind", "abi"}})});
      },
      "requires[0].anyOf[0].kind");
  ExpectRefused(
      [&](json& d) { d["requires"] = json::array({requirement({{"name", ""}, {"kind", "ABI"}})}); },
      "requires[0].anyOf[0].name");
  ExpectRefused(
      [&](json& d) {
        d["requires"] = json::array({requirement({{"name", "a b"}, {"kind", "ABI"}})});
      },
      "requires[0].anyOf[0].name");
  ExpectRefused([](json& d) { d["requires"] = {{{"anyOf", json::array()}}}; }, "requires[0].anyOf");
  ExpectRefused([](json& d) { d["requires"] = {{{"scope", "NODE"}}}; }, "requires[0].anyOf");
  ExpectRefused([](json& d) { d["requires"] = {{{"name", "a"}}}; }, "requires[0].name");
  ExpectRefused([](json& d) { d["breaks"] = {{{"name", "a"}, {"scope", "WORLD"}}}; },
                "breaks[0].scope");
  ExpectRefused([](json& d) { d["conflicts"] = {{{"name", "a"}, {"version", "1"}}}; },
                "conflicts[0].version");
  ExpectRefused([](json& d) { d["provides"] = {{{"name", "a"}, {"version", "1"}}}; },
                "provides[0].version", "VERSION_INVALID");
  ExpectRefused([](json& d) { d["provides"] = {{{"name", "a"}, {"versionScheme", "deb"}}}; },
                "provides[0].versionScheme");
}

TEST(PackageSpecTest, CapsCounts) {
  ExpectRefused(
      [](json& d) {
        for (size_t i = 0; i <= kMaxSpecAlternatives; ++i) {
          d["requires"][0]["anyOf"].push_back({{"name", "a"}});
        }
      },
      "requires[0].anyOf");
  auto fill = [](json& d, size_t provides, size_t breaks) {
    for (size_t i = 0; i < provides; ++i) d["provides"].push_back({{"name", "a"}});
    for (size_t i = 0; i < breaks; ++i) d["breaks"].push_back({{"name", "a"}});
  };
  json document = Minimal();
  fill(document, kMaxSpecRelations - 10, 10);
  EXPECT_EQ(MustParse(document).breaks.size(), 10u);
  ExpectRefused([&](json& d) { fill(d, kMaxSpecRelations - 10, 11); }, "breaks[10]");
  ExpectRefused(
      [](json& d) {
        for (size_t i = 0; i <= kMaxSpecLabels; ++i) d["labels"][fmt::format("k{}", i)] = "";
      },
      "labels");
  ExpectRefused([](json& d) { d["description"] = std::string(kMaxSpecTextBytes + 1, 'a'); },
                "description");
  EXPECT_FALSE(ParsePackageSpec(std::string(kMaxPackageSpecBytes + 1, ' ')).ok());
  EXPECT_FALSE(ParsePackageSpec(std::string(kMaxPackageSpecBytes, '[')).ok());
}

class RandomSpec {
 public:
  explicit RandomSpec(unsigned seed) : random_(seed) {}

  PackageSpec Make() {
    PackageSpec spec;
    spec.package = {Pick({"acme", "a.b"}), Pick({"app", "g++"})};
    spec.version = RandomVersion();
    if (Coin()) spec.platform = {"linux", "amd64", Coin() ? "v3" : ""};
    if (Coin()) spec.title = Pick({"T", "\xe2\x82\xac \"q\" \\"});
    if (Coin()) spec.description = "a\nb";
    if (Coin()) spec.labels = {{"k", Pick({"", "v"})}};
    spec.declared_license = Pick({"MIT", "NOASSERTION", "NONE", "MIT OR GPL-2.0-or-later"});
    if (Coin()) spec.unmapped_licenses = {"x"};
    for (size_t n = random_() % 4; n > 0; --n) {
      RelationTarget target = Target();
      spec.provides.push_back({target.kind, target.name, std::nullopt});
      if (Coin()) spec.provides.back().version = RandomVersion();
    }
    for (size_t n = random_() % 4; n > 0; --n) {
      Requirement& requirement = spec.requires_all.emplace_back();
      for (size_t k = 1 + random_() % 3; k > 0; --k) requirement.any_of.push_back(Target());
      requirement.scope = static_cast<RelationScope>(random_() % 3);
      if (Coin()) requirement.source = "Depends: x (>= 1)";
    }
    for (auto* relations : {&spec.conflicts, &spec.breaks, &spec.replaces}) {
      for (size_t n = random_() % 3; n > 0; --n) {
        relations->push_back(
            {Target(), static_cast<RelationScope>(random_() % 3), Pick({"", "s"})});
      }
    }
    return spec;
  }

 private:
  bool Coin() { return random_() % 2 == 0; }
  std::string Pick(std::vector<std::string> from) { return from[random_() % from.size()]; }
  Version RandomVersion() {
    return Coin() ? *Version::Parse(VersionScheme::kSemver, Pick({"1.2.3", "0.0.1-a+b"}))
                  : *Version::Parse(VersionScheme::kDeb, Pick({"1:2.0~rc1-1", "0"}));
  }
  RelationTarget Target() {
    auto kind = static_cast<RelationKind>(random_() % 5);
    return {kind, kind == RelationKind::kPackage ? Pick({"x/y", "debian/libc6"}) : "n(1)",
            Coin() ? VersionRange::All()
                   : *VersionRange::ParseVers(Pick({"vers:deb/>=1:2.36~x|<3:0", "vers:semver/1.0.0",
                                                    "vers:deb/*", "vers:none/*"}))};
  }

  std::mt19937 random_;
};

TEST(PackageSpecTest, WhatIsFormattedIsReadBack) {
  unsigned seed = 20240612;
  RandomSpec random(seed);
  for (int i = 0; i < 1000; ++i) {
    PackageSpec spec = random.Make();
    std::string text = FormatPackageSpec(spec);
    auto parsed = ParsePackageSpec(text);
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << ": " << parsed.status() << text;
    ASSERT_EQ(FormatPackageSpec(*parsed), text) << "seed " << seed;
    ASSERT_EQ(parsed->requires_all.size(), spec.requires_all.size());
    for (size_t k = 0; k < spec.requires_all.size(); ++k) {
      for (size_t j = 0; j < spec.requires_all[k].any_of.size(); ++j) {
        ASSERT_EQ(parsed->requires_all[k].any_of[j].range, spec.requires_all[k].any_of[j].range);
      }
    }
  }
}

TEST(PackageSpecTest, SurvivesMutations) {
  unsigned seed = 20240613;
  std::mt19937 random(seed);
  const std::string text = FormatPackageSpec(FullSpec());
  for (int i = 0; i < 5000; ++i) {
    std::string mutated = text;
    for (int k = 0; k < 2; ++k) mutated[random() % mutated.size()] = static_cast<char>(random());
    auto spec = ParsePackageSpec(mutated);
    if (!spec.ok()) {
      ASSERT_FALSE(Reason(spec.status()).empty()) << "seed " << seed << ": " << mutated;
    } else {
      ASSERT_TRUE(ParsePackageSpec(FormatPackageSpec(*spec)).ok()) << "seed " << seed << mutated;
    }
  }
}

TEST(PackageSpecTest, Names) {
  EXPECT_EQ(RelationKindName(RelationKind::kPackage), "PACKAGE");
  EXPECT_EQ(RelationKindName(RelationKind::kCapability), "CAPABILITY");
  EXPECT_EQ(RelationScopeName(RelationScope::kEveryPeer), "EVERY_PEER");
}

}  // namespace
}  // namespace dml
