#include "core/release/compose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/release/release_builder.h"
#include "tests/support/paths.h"
#include "tests/support/test_data.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Install;
using ::testing::IsEmpty;
using testing::ReleaseOf;
using testing::Remove;
using ::testing::StartsWith;
using testing::Upgrade;
using testing::Variant;

// Items without what only the library knows.
std::vector<ReleaseItem> WithoutManifests(std::vector<ReleaseItem> items) {
  for (ReleaseItem& item : items) item.manifest = {};
  return items;
}

TEST(PlanItemsTest, StepsFromWhatIsInUse) {
  const std::vector<VariantName> wanted = {Variant("acme/new@1.0.0"), Variant("acme/same@1.0.0"),
                                           Variant("acme/up@2.0.0"), Variant("acme/up@2.0.0")};
  const std::vector<VariantName> in_use = {Variant("acme/up@1.0.0"), Variant("acme/same@1.0.0"),
                                           Variant("acme/gone@3.0.0")};
  EXPECT_EQ(*PlanItems(wanted, in_use, UnwantedAction::kKeep),
            WithoutManifests({Install("acme/new@1.0.0"), Upgrade("acme/up@2.0.0", "1.0.0")}));
  EXPECT_EQ(*PlanItems(wanted, in_use, UnwantedAction::kRemove),
            WithoutManifests({Install("acme/new@1.0.0"), Upgrade("acme/up@2.0.0", "1.0.0"),
                              Remove("acme/gone@3.0.0")}));
  EXPECT_THAT(*PlanItems(in_use, in_use, UnwantedAction::kRemove), IsEmpty());
}

TEST(PlanItemsTest, PlatformsAreApart) {
  VariantName arm = Variant("acme/a@1.0.0");
  arm.platform.arch = "arm64";
  const std::vector<VariantName> in_use = {arm};
  const std::vector<VariantName> wanted = {Variant("acme/a@2.0.0")};
  EXPECT_EQ(*PlanItems(wanted, in_use, UnwantedAction::kKeep),
            WithoutManifests({Install("acme/a@2.0.0")}));
}

TEST(PlanItemsTest, RefusesTwoVersionsOfOnePackage) {
  const std::vector<VariantName> two = {Variant("acme/a@1.0.0"), Variant("acme/a@2.0.0")};
  EXPECT_EQ(Message(PlanItems(two, {}, UnwantedAction::kKeep).status()),
            "acme/a is wanted in two versions, 1.0.0 and 2.0.0");
  EXPECT_EQ(Message(PlanItems({}, two, UnwantedAction::kKeep).status()),
            "acme/a is in use in two versions, 1.0.0 and 2.0.0");
}

TEST(PlanItemsTest, FromLockfileAndRelease) {
  const auto lockfile = ParseLockfile(
      testing::ReadFileOrDie(testing::SourceDir() / "tests/golden/package/lockfile.json"));
  ASSERT_TRUE(lockfile.ok()) << lockfile.status();
  const std::vector<VariantName> locked = VariantsOf(*lockfile);
  ASSERT_EQ(locked.size(), lockfile->packages.size());
  EXPECT_EQ(PlanItems(locked, {}, UnwantedAction::kKeep)->size(), locked.size());

  const Release release = ReleaseOf({Install("acme/a@1.0.0"), Remove("acme/b@1.0.0")});
  EXPECT_THAT(VariantsOf(release), ElementsAre(Variant("acme/a@1.0.0")));
}

TEST(ResolveManifestsTest, FillsInWhatIsMissing) {
  Release release = ReleaseOf({Install("acme/a@1.0.0"), Install("acme/b@1.0.0")});
  release.items[1].manifest = {};
  const VariantName b = release.items[1].variant;
  const Release unresolved = release;
  EXPECT_EQ(Reason(ResolveManifests({}, release)), "VARIANT_NOT_FOUND");
  EXPECT_TRUE(ResolveManifests({{b, testing::ManifestOf(b)}}, release).ok());
  EXPECT_EQ(release.items[1].manifest, testing::ManifestOf(b));
  EXPECT_EQ(release.items[0].manifest, unresolved.items[0].manifest) << "what is there stays";
}

constexpr std::string_view kTickets = R"({
 "schema": "dml.changes/v1",
 "changes": [
  {"id": "CHG-2", "title": "Pay by card", "kind": "FEATURE", "risk": "HIGH",
   "problems": ["P-2", "P-1"], "authorizedBy": "p-1", "link": "https://changes.example/2",
   "packages": ["acme/b", "acme/a"]},
  {"id": "CHG-0", "title": "All of it", "packages": ["*"]},
  {"id": "CHG-9", "title": "Nothing of it"}
 ]
})";

TEST(TicketChangesTest, AreAddedToTheItemsThatTheyConcern) {
  const auto changes = ParseTicketChanges(kTickets);
  ASSERT_TRUE(changes.ok()) << changes.status();
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_THAT((*changes)[0].change.problems, ElementsAre("P-1", "P-2"));
  EXPECT_THAT((*changes)[0].packages, ElementsAre("acme/a", "acme/b"));
  Release release =
      ReleaseOf({Install("acme/a@1.0.0"), Install("acme/b@1.0.0"), Install("acme/c@1.0.0")});
  ASSERT_TRUE(AddChanges(*changes, release).ok());
  EXPECT_THAT(release.items[0].changes, ElementsAre("CHG-0", "CHG-1", "CHG-2"));
  EXPECT_THAT(release.items[2].changes, ElementsAre("CHG-0", "CHG-1"));
  EXPECT_EQ(release.changes.size(), 4u);
  EXPECT_TRUE(FormatRelease(release).ok()) << "it can be sealed";
  EXPECT_EQ(Message(AddChanges(*changes, release)), "change 'CHG-2' is there already");
}

TEST(TicketChangesTest, ReadsYaml) {
  const auto changes = ParseTicketChanges(
      "schema: dml.changes/v1\nchanges:\n  - {id: A-1, title: One, packages: [acme/a]}\n");
  ASSERT_TRUE(changes.ok()) << changes.status();
  EXPECT_EQ((*changes)[0].change.title, "One");
}

TEST(TicketChangesTest, RefusesBadOnes) {
  const auto refused = [](std::string_view change, std::string_view message) {
    const absl::Status status =
        ParseTicketChanges(fmt::format("schema: dml.changes/v1\nchanges:\n  - {}\n", change))
            .status();
    EXPECT_FALSE(status.ok()) << change;
    EXPECT_THAT(std::string(Message(status)), StartsWith("changes: line 3: changes[0]"));
    EXPECT_THAT(std::string(Message(status)), HasSubstr(std::string(message)));
  };
  refused("{title: One}", "'id' is missing");
  refused("{id: A}", "'title' is missing");
  refused("{id: A, title: One, packages: [acme]}", "packages");
  refused("{id: A, title: One, packages: [acme/a, acme/a]}", "none twice");
  refused("{id: A, title: One, kind: BIG}", "kind");
  refused("{id: A, title: One, state: OPEN}", "unknown member 'state'");
  refused("A", "must be an object");
  EXPECT_EQ(Reason(ParseTicketChanges("[]").status()), "CHANGES_INVALID");
  EXPECT_EQ(Reason(ParseTicketChanges("{schema: dml.changes/v2, changes: []}").status()),
            "CHANGES_INVALID");
}

TEST(TicketChangesTest, RefusesWhatDoesNotFitTheRelease) {
  Release release = ReleaseOf({Install("acme/a@1.0.0")});
  TicketChange other;
  other.change = testing::Change("CHG-5");
  other.packages = {"acme/z"};
  const absl::Status status = AddChanges({&other, 1}, release);
  EXPECT_EQ(Reason(status), "RELEASE_INVALID");
  EXPECT_THAT(std::string(Message(status)), HasSubstr("concerns acme/z"));

  std::vector<TicketChange> many(kMaxReleaseChanges);
  for (size_t i = 0; i < many.size(); ++i) many[i].change = testing::Change(fmt::format("N-{}", i));
  EXPECT_THAT(std::string(Message(AddChanges(many, release))), HasSubstr("at most 1000"));
  many.pop_back();
  EXPECT_TRUE(AddChanges(many, release).ok());
}

}  // namespace
}  // namespace dml
