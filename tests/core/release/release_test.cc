#include "core/release/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/core/release/release_builder.h"
#include "tests/support/paths.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Golden() {
  return testing::ReadFileOrDie(testing::SourceDir() / "tests/golden/release/release.json");
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void ExpectRefused(const std::string& text, std::string_view message,
                   std::string_view reason = "RELEASE_INVALID") {
  const absl::Status status = ParseRelease(text).status();
  EXPECT_EQ(Reason(status), reason) << text << status;
  EXPECT_THAT(std::string(Message(status)), StartsWith("release: ")) << message;
  EXPECT_THAT(std::string(Message(status)), HasSubstr(std::string(message)));
}

// A golden document with one part changed.
std::string With(const std::function<void(json&)>& change) {
  json document = json::parse(Golden());
  change(document);
  return document.dump(1);
}

TEST(ReleaseTest, GoldenInBothDirections) {
  const auto release = ParseSealedRelease(Golden());
  ASSERT_TRUE(release.ok()) << release.status();
  EXPECT_EQ(release->name, "payments");
  EXPECT_EQ(release->version, "2.4.0");
  EXPECT_EQ(release->type, ReleaseType::kMajor);
  EXPECT_THAT(release->environments, ElementsAre("production/eu", "staging"));
  ASSERT_TRUE(release->window.has_value());
  EXPECT_EQ(FormatTime(release->window->from), "2027-03-27T22:00:00Z");
  EXPECT_EQ(FormatTime(release->window->until), "2027-03-28T02:00:00Z");
  ASSERT_EQ(release->items.size(), 4u);
  const ReleaseItem& api = release->items[0];
  EXPECT_EQ(api.variant, testing::Variant("acme/payments-api@2.4.0"));
  EXPECT_EQ(api.manifest, (BlobRef{Sha256("api"), 3}));
  EXPECT_EQ(api.action, ReleaseAction::kUpgrade);
  EXPECT_EQ(api.previous, testing::Variant("acme/payments-api@1.9.3"));
  EXPECT_THAT(api.changes, ElementsAre("CHG-1", "CHG-2"));
  EXPECT_EQ(api.nodes, (Labels{{"role", "api"}, {"zone", "ä"}}));
  EXPECT_EQ(release->items[1].configuration, (BlobRef{Sha256("port: 1"), 7}));
  ASSERT_EQ(release->changes.size(), 3u);
  const ReleaseChange& card = release->changes[0];
  EXPECT_EQ(card.kind, ChangeKind::kFeature);
  EXPECT_EQ(card.risk, ChangeRisk::kMedium);
  EXPECT_THAT(card.problems, ElementsAre("PRB-7", "PRB-8"));
  EXPECT_EQ(card.key, Sha256("key"));
  EXPECT_EQ(release->changes[2].authorized_by, "");
  EXPECT_EQ(release->changes[2].kind, ChangeKind::kUnknown);
  EXPECT_EQ(release->evidence.size(), 2u);
  EXPECT_EQ(release->risk, (RiskAcceptance{"p-3", 120}));
  EXPECT_EQ(release->back_out, Sha256("2.3.0"));
  EXPECT_EQ(*FormatRelease(*release), Golden());
}

TEST(ReleaseTest, SealedIsOneWayOfWriting) {
  for (const std::string& text :
       {json::parse(Golden()).dump(), json::parse(Golden()).dump(2) + "\n", Golden() + "\n",
        Replaced(Golden(), "\"name\"", " \"name\""), Replaced(Golden(), "ä", "\\u00e4")}) {
    EXPECT_TRUE(ParseRelease(text).ok());
    EXPECT_EQ(Reason(ParseSealedRelease(text).status()), "RELEASE_NOT_CANONICAL") << text;
  }
  const absl::Status status =
      ParseSealedRelease(Replaced(Golden(), " \"evidence\"", "  \"evidence\"")).status();
  const std::string before = Golden().substr(0, Golden().find("\"evidence\""));
  EXPECT_THAT(std::string(Message(status)),
              HasSubstr(fmt::format("line {} ", std::ranges::count(before, '\n') + 1)));
}

TEST(ReleaseTest, RefusesWithLineAndMember) {
  ExpectRefused(Replaced(Golden(), "\"CONFIGURE\"", "\"RESTART\""),
                "items[3].action: member 'action' is 'RESTART'; it must be one of INSTALL");
  const std::string text = Replaced(Golden(), "\"upTo\"", "\"upto\"");
  const std::string before = text.substr(0, text.find("\"upto\""));
  ExpectRefused(text, fmt::format("release: line {}: risk.upto: unknown member 'upto'; did you "
                                  "mean 'upTo'?",
                                  std::ranges::count(before, '\n') + 1));
  ExpectRefused("{", "malformed JSON at line 1");
  ExpectRefused("schema: dml.release/v1\n", "malformed JSON");
  ExpectRefused(std::string(kMaxReleaseBytes + 1, ' '), "at most 1048576 are allowed");
}

TEST(ReleaseTest, RefusesEachBadMember) {
  struct Bad {
    std::function<void(json&)> change;
    std::string message;
    std::string reason = "RELEASE_INVALID";
  };
  const std::vector<Bad> all = {
      {[](json& d) { d["schema"] = "dml.release/v2"; }, "schema"},
      {[](json& d) { d["name"] = "acme/payments"; }, "name", "NAME_INVALID"},
      {[](json& d) { d["version"] = "1..2"; }, "version", "NAME_INVALID"},
      {[](json& d) { d["type"] = "HUGE"; }, "type"},
      {[](json& d) { d.erase("type"); }, "member 'type' is missing"},
      {[](json& d) { d["environments"] = json::array(); }, "is empty or missing"},
      {[](json& d) { d["environments"] = {"staging", "production"}; }, "ascending order"},
      {[](json& d) { d["environments"] = {"staging", "staging"}; }, "none twice"},
      {[](json& d) { d["environments"] = {"Staging"}; }, "environments", "NAME_INVALID"},
      {[](json& d) { d["window"]["until"] = d["window"]["from"]; }, "is not after 'from'"},
      {[](json& d) { d["window"]["from"] = "2027-03-27T22:00:00+01:00"; }, "not a time in UTC"},
      {[](json& d) { d["window"]["from"] = "2027-02-29T00:00:00Z"; }, "not a time in UTC"},
      {[](json& d) { d["window"].erase("until"); }, "'until' is missing"},
      {[](json& d) { d["items"] = json::array(); }, "is empty or missing"},
      {[](json& d) { d["items"].push_back(d["items"][0]); }, "or its manifest, is there twice"},
      {[](json& d) { d["items"][1]["manifest"] = d["items"][0]["manifest"]; }, "is there twice"},
      {[](json& d) { d["items"][0].erase("manifest"); }, "'manifest' is missing"},
      {[](json& d) { d["items"][0]["manifest"]["digest"] = Digest().ToString(); }, "no manifest"},
      {[](json& d) { d["items"][0]["manifest"]["digest"] = "md5:00"; }, "", "DIGEST_INVALID"},
      {[](json& d) { d["items"][0]["variant"] = "acme/api"; }, "items[0]", "NAME_INVALID"},
      {[](json& d) { d["items"][0].erase("previous"); }, "is for UPGRADE"},
      {[](json& d) { d["items"][1]["previous"] = d["items"][0]["previous"]; }, "is for UPGRADE"},
      {[](json& d) { d["items"][3].erase("configuration"); }, "CONFIGURE needs one"},
      {[](json& d) { d["items"][2]["configuration"] = d["items"][1]["configuration"]; },
       "REMOVE has none"},
      {[](json& d) { d["items"][0]["changes"] = {"CHG-2", "CHG-1"}; }, "ascending order"},
      {[](json& d) { d["items"][0]["changes"] = {"CHG-9"}; }, "not in the release"},
      {[](json& d) { d["items"][0]["nodes"] = {{"Role", "x"}}; }, "nodes", "LABEL_INVALID"},
      {[](json& d) { d["items"][0]["nodes"] = {{"role", 1}}; }, "must be a string"},
      {[](json& d) { d["changes"].push_back(d["changes"][0]); }, "change 'CHG-2' is there twice"},
      {[](json& d) { d["changes"][0]["id"] = ""; }, "is empty"},
      {[](json& d) { d["changes"][0]["title"] = "a\nb"; }, "control character"},
      {[](json& d) { d["changes"][0]["kind"] = "UNKNOWN"; }, "changes[0].kind"},
      {[](json& d) { d["changes"][0]["risk"] = "low"; }, "changes[0].risk"},
      {[](json& d) { d["changes"][0]["problems"] = {"B", "A"}; }, "ascending order"},
      {[](json& d) { d["changes"][0]["problems"] = {""}; }, "an element that is empty"},
      {[](json& d) { d["changes"][0].erase("authorizedBy"); }, "'authorizedBy' must name"},
      {[](json& d) { d["changes"][0]["authorizedBy"] = ""; }, "is empty"},
      {[](json& d) { d["evidence"] = {"b", "a"}; }, "ascending order"},
      {[](json& d) { d["risk"]["upTo"] = kMaxRiskScore + 1; }, "from 0 to 1000000"},
      {[](json& d) { d["risk"]["acceptedBy"] = ""; }, "is empty"},
      {[](json& d) { d.erase("backOut"); }, "'backOut' is missing"},
      {[](json& d) { d["backOut"] = {{"to", "NOWHERE"}}; }, "BASELINE, RELEASE"},
      {[](json& d) { d["backOut"] = {{"to", "RELEASE"}}; }, "'release' is missing"},
      {[](json& d) { d["backOut"]["to"] = "BASELINE"; }, "unknown member 'release'"},
      {[](json& d) { d["approved"] = true; }, "unknown member 'approved'"},
  };
  for (const Bad& bad : all) ExpectRefused(With(bad.change), bad.message, bad.reason);
}

TEST(ReleaseTest, ADraftIsYamlInAnyOrderWithoutManifests) {
  const auto draft = ParseReleaseDraft(R"(schema: dml.release/v1
name: payments
version: 1.0.0
type: PATCH
environments: [staging, production]
items:
  - variant: packages/acme/api/versions/1.0.0/variants/linux-amd64
    action: INSTALL
    changes: [CHG-2, CHG-1]
changes:
  - {id: CHG-2, title: Two, problems: [B, A]}
  - {id: CHG-1, title: One, authorizedBy: p-1}
evidence: [z, a]
backOut: {to: BASELINE}
)");
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_THAT(draft->environments, ElementsAre("production", "staging"));
  EXPECT_THAT(draft->items[0].changes, ElementsAre("CHG-1", "CHG-2"));
  EXPECT_THAT(draft->changes[0].problems, ElementsAre("A", "B"));
  EXPECT_THAT(draft->evidence, ElementsAre("a", "z"));
  EXPECT_EQ(draft->items[0].manifest, BlobRef());
  EXPECT_EQ(Reason(FormatRelease(*draft).status()), "RELEASE_INVALID") << "it cannot be sealed yet";
  EXPECT_EQ(*ParseReleaseDraft(*FormatReleaseDraft(*draft)), *draft);

  Release complete = *draft;
  complete.items[0].manifest = testing::ManifestOf(complete.items[0].variant);
  EXPECT_EQ(*ParseSealedRelease(*FormatRelease(complete)), complete);
}

TEST(ReleaseTest, ADraftIsReadAsStrictly) {
  const std::string draft = "schema: dml.release/v1\nname: a\nversion: '1'\ntype: PATCH\n";
  const absl::Status status =
      ParseReleaseDraft(draft + "environments: [a, a]\nitems: []\nbackOut: {to: BASELINE}\n")
          .status();
  EXPECT_THAT(std::string(Message(status)), StartsWith("release: line 5: environments: "));
  EXPECT_EQ(Message(ParseReleaseDraft(draft + "owner: me\n").status()),
            "release: line 5: owner: unknown member 'owner'; known are: backOut, changes, "
            "environments, evidence, items, name, risk, schema, type, version, window");
}

TEST(ReleaseTest, CoversWhatIsBelow) {
  EXPECT_TRUE(CoversEnvironment("production", "production"));
  EXPECT_TRUE(CoversEnvironment("production", "production/eu"));
  EXPECT_FALSE(CoversEnvironment("production", "production-test"));
  EXPECT_FALSE(CoversEnvironment("production/eu", "production"));
}

TEST(ReleaseTest, ReadsTypes) {
  for (const char* word : {"MAJOR", "MINOR", "PATCH", "EMERGENCY"}) {
    EXPECT_EQ(ReleaseTypeName(*ParseReleaseType(word)), word);
  }
  for (const char* word : {"", "major", "BIG", "MAJOR "}) {
    EXPECT_EQ(Reason(ParseReleaseType(word).status()), "RELEASE_INVALID") << word;
  }
}

}  // namespace
}  // namespace dml
