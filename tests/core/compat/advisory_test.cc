#include "core/compat/advisory.h"

#include <gmock/gmock.h>

#include "core/compat/advisory_envelope.h"
#include "core/compat/amend.h"
#include "core/compat/closed_world.h"
#include "core/compat/resolver.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SpecBuilder;
using testing::Target;

constexpr std::string_view kDocument = R"({
  "schema": "dml.advisory/v1",
  "id": "DSA-5678-1",
  "revision": 3,
  "authority": "Debian Security Team",
  "effect": "DENY",
  "affects": [
    {
      "package": "debian/curl",
      "range": "vers:deb/<7.88.1-10"
    },
    {
      "package": "debian/libcurl4"
    }
  ],
  "validFrom": "2026-01-01T00:00:00Z",
  "validUntil": "2027-01-01T00:00:00Z",
  "severity": "HIGH",
  "aliases": [
    "CVE-2024-2398"
  ],
  "text": "Leaks memory.\nUpgrade.",
  "references": [
    "https://example.org/1"
  ]
}
)";

TEST(AdvisoryTest, IsReadAndWritten) {
  const auto advisory = ParseAdvisory(kDocument);
  ASSERT_TRUE(advisory.ok()) << advisory.status();
  EXPECT_EQ(advisory->id, "DSA-5678-1");
  EXPECT_EQ(advisory->revision, 3u);
  EXPECT_EQ(advisory->effect, AdvisoryEffect::kDeny);
  EXPECT_EQ(advisory->severity, AdvisorySeverity::kHigh);
  EXPECT_TRUE(advisory->affects[1].range.IsAll());
  EXPECT_EQ(FormatTime(*advisory->valid_until), "2027-01-01T00:00:00Z");
  EXPECT_THAT(AdvisoryPackages(*advisory), ElementsAre("debian/curl", "debian/libcurl4"));
  EXPECT_EQ(FormatAdvisory(*advisory), kDocument);
}

// A document with these members in place of the effect's.
std::string Document(const std::string& members) {
  return R"({"schema": "dml.advisory/v1", "id": "A-1", "revision": 1, "authority": "us",
             "affects": [{"package": "acme/lib"}], "text": "so it is", )" +
         members + "}";
}

TEST(AdvisoryTest, EveryEffectComesBackAsItWas) {
  for (const char* members :
       {R"("effect": "REQUIRE", "requires": [{"anyOf": [{"kind": "ABI", "name": "x"},
            {"name": "acme/y", "range": "vers:deb/>=2"}], "scope": "ENVIRONMENT"}])",
        R"("effect": "RELAX", "relaxes": [{"advisory": "CVE-1"}, {"relation": "CONFLICTS",
            "name": "acme/y"}, {"relation": "REQUIRES", "kind": "SERVICE", "name": "pay"}])",
        R"("effect": "SUPERSEDE", "supersededBy": {"package": "acme/new"})",
        R"("effect": "DENY", "withdrawn": "another package")"}) {
    const auto advisory = ParseAdvisory(Document(members));
    ASSERT_TRUE(advisory.ok()) << advisory.status();
    const std::string text = FormatAdvisory(*advisory);
    const auto again = ParseAdvisory(text);
    ASSERT_TRUE(again.ok()) << again.status() << text;
    EXPECT_EQ(FormatAdvisory(*again), text);
    EXPECT_EQ(again->effect, advisory->effect);
  }
}

struct Bad {
  const char* from;
  const char* to;
  const char* reason;
  const char* words;
};

class BadAdvisoryTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadAdvisoryTest, IsRefusedWithThePath) {
  std::string text(kDocument);
  const size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string_view(GetParam().from).size(), GetParam().to);
  const auto advisory = ParseAdvisory(text);
  EXPECT_EQ(Reason(advisory.status()), GetParam().reason) << advisory.status();
  EXPECT_THAT(std::string(Message(advisory.status())), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadAdvisoryTest,
    ::testing::Values(
        Bad{"dml.advisory/v1", "dml.advisory/v2", "ADVISORY_INVALID", "schema"},
        Bad{"DSA-5678-1", "-1", "ADVISORY_ID_INVALID", "id"},
        Bad{"DSA-5678-1", "a/b", "ADVISORY_ID_INVALID", "id"},
        Bad{"\"revision\": 3", "\"revision\": 0", "ADVISORY_INVALID", "revision"},
        Bad{"Debian Security Team", "", "ADVISORY_INVALID", "authority"},
        Bad{"\"DENY\"", "\"FORBID\"", "ADVISORY_INVALID", "effect"},
        Bad{"\"DENY\"", "\"REQUIRE\"", "ADVISORY_INVALID", "requires"},
        Bad{"\"DENY\"", "\"RELAX\"", "ADVISORY_INVALID", "relaxes"},
        Bad{"\"DENY\"", "\"SUPERSEDE\"", "ADVISORY_INVALID", "supersededBy"},
        Bad{"debian/curl", "curl", "NAME_INVALID", "affects[0].package"},
        Bad{"vers:deb/<7.88.1-10", "<7", "VERSION_RANGE_INVALID", "affects[0].range"},
        Bad{"2026-01-01T00:00:00Z", "yesterday", "ADVISORY_INVALID", "validFrom"},
        Bad{"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "ADVISORY_INVALID", "validUntil"},
        Bad{"HIGH", "AWFUL", "ADVISORY_INVALID", "severity"},
        Bad{"CVE-2024-2398", "CVE 1", "ADVISORY_ID_INVALID", "aliases"},
        Bad{"Leaks memory.", "\\u0007", "ADVISORY_INVALID", "text"},
        Bad{"https://example.org/1", "", "ADVISORY_INVALID", "references"},
        Bad{"\"severity\"", "\"severety\"", "ADVISORY_INVALID", "severety"},
        Bad{"\"severity\": \"HIGH\"", "\"withdrawn\": \"\"", "ADVISORY_INVALID", "withdrawn"}));

TEST(AdvisoryTest, LimitsComeFirst) {
  EXPECT_EQ(Reason(ParseAdvisory(std::string(kMaxAdvisoryBytes + 1, ' ')).status()),
            "ADVISORY_INVALID");
  EXPECT_EQ(
      Reason(
          ParseAdvisory(Document(R"("effect": "REQUIRE", "requires": [{"anyOf": []}])")).status()),
      "ADVISORY_INVALID");
}

TEST(AdvisoryTest, AnEnvelopeIsOverAnAdvisory) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const Signer* keys[] = {&key};
  auto sealed = [&](std::string_view type, std::string_view payload) {
    return FormatEnvelope(SignEnvelope(type, payload, keys).value());
  };
  EXPECT_EQ(OpenAdvisory(sealed(kAdvisoryPayloadType, kDocument))->advisory.id, "DSA-5678-1");
  EXPECT_EQ(Reason(OpenAdvisory(sealed(kInTotoPayloadType, kDocument)).status()),
            "PAYLOAD_TYPE_UNEXPECTED");
  EXPECT_EQ(Reason(OpenAdvisory(sealed(kAdvisoryPayloadType, "{}")).status()), "ADVISORY_INVALID");
  EXPECT_EQ(Reason(OpenAdvisory("{}").status()), "ENVELOPE_INVALID");
}

// What advisories make of a package spec.
class AmendTest : public ::testing::Test {
 protected:
  void Add(const std::string& id, const std::string& affected_range, const std::string& members,
           const std::string& more = "") {
    const auto advisory = ParseAdvisory(
        R"({"schema": "dml.advisory/v1", "id": ")" + id +
        R"(", "revision": 1, "authority": "us", "affects": [{"package": "acme/lib", "range": ")" +
        affected_range + R"("}], "text": "so it is", )" + members + more + "}");
    ASSERT_TRUE(advisory.ok()) << advisory.status();
    advisories_.push_back({std::make_shared<const Advisory>(*advisory), {"sue"}});
  }
  std::optional<PackageSpec> Amended(const PackageSpec& spec, bool superseded_too = false) const {
    return ApplyAdvisories(spec, advisories_, now_, superseded_too);
  }
  std::vector<Violation> Check(const PackageSpec& spec,
                               std::vector<PackageSpec> others = {}) const {
    others.push_back(Amended(spec).value_or(spec));
    std::vector<const PackageSpec*> set;
    for (const PackageSpec& item : others) set.push_back(&item);
    return CheckClosedSet(set);
  }

  const Timestamp now_ = *ParseTime("2026-06-01T00:00:00Z");
  std::vector<SignedAdvisory> advisories_;
};

TEST_F(AmendTest, DeniesTheVersionsThatItAffects) {
  Add("A-1", "vers:deb/<2", R"("effect": "DENY", "aliases": ["CVE-1"])");
  EXPECT_THAT(Check(SpecBuilder("acme/lib", "2").Build()), IsEmpty());
  EXPECT_THAT(Check(SpecBuilder("acme/other", "1").Build()), IsEmpty());
  const auto found = Check(SpecBuilder("acme/lib", "1").Requires({Target("acme/lib")}).Build());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, ViolationKind::kDenied);
  EXPECT_EQ(found[0].index, 1u) << "after its own";
  EXPECT_EQ(found[0].source, "advisory A-1 (CVE-1) of us, signed by sue: so it is");
  const Finding finding = ToFinding(found[0], Severity::kError, "the set");
  EXPECT_EQ(finding.rule, "compatibility.denied");
  EXPECT_EQ(finding.message,
            "may not be used [advisory A-1 (CVE-1) of us, signed by sue: so it is]");
  EXPECT_NE(finding.remedy, "");
}

TEST_F(AmendTest, OnlyWhatIsValidNowAndNotWithdrawnCounts) {
  Add("A-1", "vers:all/*", R"("effect": "DENY", "validFrom": "2026-06-01T00:00:01Z")");
  Add("A-2", "vers:all/*", R"("effect": "DENY", "validUntil": "2026-06-01T00:00:00Z")");
  Add("A-3", "vers:all/*", R"("effect": "DENY", "withdrawn": "no")");
  EXPECT_FALSE(Amended(SpecBuilder("acme/lib", "1").Build()).has_value());
  Add("A-4", "vers:all/*", R"("effect": "DENY", "validFrom": "2026-06-01T00:00:00Z",
       "validUntil": "2026-06-01T00:00:01Z")");
  EXPECT_TRUE(Amended(SpecBuilder("acme/lib", "1").Build()).has_value());
}

TEST_F(AmendTest, RequiresWhatThePackageDoesNotSay) {
  Add("A-1", "vers:deb/1",
      R"("effect": "REQUIRE", "requires": [{"anyOf": [{"name": "acme/fix"}]}])");
  const PackageSpec lib = SpecBuilder("acme/lib", "1").Build();
  const auto found = Check(lib);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, ViolationKind::kMissing);
  EXPECT_THAT(found[0].source, HasSubstr("advisory A-1"));
  EXPECT_THAT(Check(lib, {SpecBuilder("acme/fix", "1").Build()}), IsEmpty());
}

TEST_F(AmendTest, RelaxesRelationsAndAdvisories) {
  const PackageSpec lib = SpecBuilder("acme/lib", "1")
                              .Requires({Target("acme/gone")})
                              .Conflicts(Target("acme/x"))
                              .Breaks(Target("acme/x"))
                              .Build();
  const std::vector<PackageSpec> others = {SpecBuilder("acme/x", "1").Build()};
  EXPECT_EQ(Check(lib, others).size(), 3u);
  Add("A-1", "vers:all/*", R"("effect": "RELAX", "relaxes": [
      {"relation": "REQUIRES", "name": "acme/gone"}, {"relation": "CONFLICTS", "name": "acme/x"}])");
  const auto found = Check(lib, others);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, ViolationKind::kBreaks);

  Add("A-2", "vers:all/*", R"("effect": "DENY", "aliases": ["CVE-1"])");
  EXPECT_EQ(Check(lib, others).size(), 2u);
  Add("V-1", "vers:deb/1", R"("effect": "RELAX", "relaxes": [{"advisory": "CVE-1"}])");
  EXPECT_EQ(Check(lib, others).size(), 1u) << "not affected";
  EXPECT_EQ(Check(SpecBuilder("acme/lib", "2").Build()).size(), 1u) << "another version";
}

TEST_F(AmendTest, WhatCannotBeComparedIsNotTakenForGood) {
  Add("A-1", "vers:semver/<1.0.0", R"("effect": "DENY", "aliases": ["CVE-1"])");
  const PackageSpec lib = SpecBuilder("acme/lib", "2").Build();
  EXPECT_EQ(Check(lib).size(), 1u);
  Add("V-1", "vers:semver/<1.0.0", R"("effect": "RELAX", "relaxes": [{"advisory": "CVE-1"}])");
  EXPECT_EQ(Check(lib).size(), 1u);
}

TEST_F(AmendTest, WhatIsSupersededIsNotTakenAnew) {
  Add("A-1", "vers:deb/1",
      R"("effect": "SUPERSEDE", "supersededBy": {"package": "acme/lib", "range": "vers:deb/>=2"})");
  const PackageSpec old = SpecBuilder("acme/lib", "1").Build();
  EXPECT_THAT(Check(old), IsEmpty()) << "it goes on where it is";
  const auto denied = Amended(old, true);
  ASSERT_TRUE(denied.has_value());
  MemoryPackageSource source;
  source.Add(*denied);
  source.Add(SpecBuilder("acme/lib", "2").Build());
  ResolveRequest request;
  request.wanted.push_back(Target("acme/lib", "vers:deb/1"));
  SolveBudget budget;
  const auto resolution = Resolve(source, request, budget);
  ASSERT_TRUE(resolution.ok());
  EXPECT_EQ(resolution->solvable, Solvable::kNo);
  EXPECT_THAT(resolution->reasons,
              ElementsAre(HasSubstr("acme/lib 1"),
                          HasSubstr("may not be used [advisory A-1 of us, signed by sue, "
                                    "superseded by acme/lib >= 2: so it is]")));
}

}  // namespace
}  // namespace dml
