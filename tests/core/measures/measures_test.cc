#include "core/measures/measures.h"

#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "tests/support/paths.h"

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using enum DeploymentEvent;

constexpr char kPlace[] = "production";

// A journal that is written entry by entry, at times that are said.
class MeasuresTest : public ::testing::Test {
 protected:
  void At(const char* time) { now_ = *ParseTime(time); }
  absl::Status Add(EntryPayload payload) {
    Entry entry;
    entry.index = history_.size();
    entry.time = now_;
    entry.author = "tester";
    entry.payload = std::move(payload);
    journal_.push_back(entry);
    return history_.Add(entry, Reader());
  }
  void Do(EntryPayload payload) {
    const absl::Status status = Add(std::move(payload));
    EXPECT_TRUE(status.ok()) << status;
  }
  History::ReadBlob Reader() {
    return [this](const BlobRef& ref) -> absl::StatusOr<std::string> {
      const auto found = blobs_.find(ref.digest);
      if (found == blobs_.end()) return DataLoss(ErrorReason("METADATA_MISSING"), "no such blob");
      return found->second;
    };
  }
  BlobRef Keep(const std::string& text) {
    blobs_[Sha256(text)] = text;
    return {Sha256(text), text.size()};
  }

  void Publish(const std::string& name, const std::string& version,
               AdmissionState admission = AdmissionState::kAccepted) {
    VersionPublished published;
    published.variant = {{"acme", name}, version, {}};
    published.admission = admission;
    Do(published);
  }
  // Of one item; sealed for production.
  Digest Seal(const std::string& name, const std::string& version,
              ReleaseType type = ReleaseType::kMinor, std::optional<ReleaseWindow> window = {}) {
    Release release;
    release.name = name;
    release.version = version;
    release.type = type;
    release.environments = {kPlace};
    release.window = window;
    ReleaseItem item;
    item.variant = {{"acme", name}, version, {}};
    item.manifest = {Sha256(name + version), 8};
    release.items = {item};
    ReleaseSealed sealed;
    sealed.name = name;
    sealed.version = version;
    sealed.environments = {kPlace};
    sealed.document = Keep(FormatRelease(release).value());
    Do(sealed);
    return sealed.document.digest;
  }
  void Approve(const Digest& release) {
    ReleaseApproved approved;
    approved.release = release;
    approved.environment = kPlace;
    Do(approved);
  }
  void Permit(const Digest& release, bool allowed = true, hours valid = hours(24)) {
    PermitDecided decided;
    decided.id = fmt::format("permit-{}", history_.size());
    decided.allowed = allowed;
    if (!allowed) decided.errors = {{"approval.missing", 1}, {"timing.freeze", 2}};
    decided.release = release;
    decided.environment = kPlace;
    decided.expires = now_ + valid;
    Do(decided);
  }
  // To nodes a and b, one after the other.
  void Start(const Digest& release) {
    RolloutPlan plan;
    plan.waves = {{{}, 50}, {{}, 100}};
    Do(RolloutStarted{release, kPlace, "permit", plan, Keep("0 a\n1 b\n"), Digest()});
  }
  void Report(const Digest& release, const char* node, NodeStage stage) {
    Do(NodeReported{release, kPlace, node, stage, "says so", {}});
  }
  void Confirm(const Digest& release, const char* node) {
    for (const NodeStage stage :
         {NodeStage::kStaged, NodeStage::kInstalled, NodeStage::kActive, NodeStage::kConfirmed}) {
      Report(release, node, stage);
    }
  }
  void Deploy(const Digest& release) {
    Approve(release);
    Permit(release);
    Start(release);
    Confirm(release, "a");
    Confirm(release, "b");
  }

  std::map<std::string, Measure> Ask(const MeasuresQuestion& question = {}) {
    const auto periods = ComputeMeasures(history_, question);
    EXPECT_TRUE(periods.ok()) << periods.status();
    std::map<std::string, Measure> out;
    if (!periods.ok() || periods->size() != 1) return out;
    for (const Measure& measure : periods->front().measures) {
      out[measure.part.empty() ? measure.id : measure.id + "/" + measure.part] = measure;
    }
    return out;
  }
  static std::string Share(const Measure& measure) {
    return fmt::format("{}/{}", measure.count, measure.total);
  }

  Timestamp now_ = *ParseTime("2027-03-01T00:00:00Z");
  std::map<Digest, std::string> blobs_;
  std::vector<Entry> journal_;
  History history_;
};

// A month: one release goes well, one fails and is backed out, one that nobody planned mends it.
class AMonthTest : public MeasuresTest {
 protected:
  AMonthTest() {
    At("2027-03-01T00:00:00Z");
    Do(LibraryCreated{"dml.test/library", "spki"});
    Publish("api", "1.0.0");
    At("2027-03-02T00:00:00Z");
    good_ = Seal("api", "1.0.0");
    At("2027-03-03T12:00:00Z");
    Deploy(good_);
    At("2027-03-10T00:00:00Z");
    Publish("api", "1.1.0");
    bad_ = Seal("api", "1.1.0");
    Approve(bad_);
    Permit(bad_, false);
    Permit(bad_);
    Start(bad_);
    Confirm(bad_, "a");
    Report(bad_, "b", NodeStage::kStaged);
    Report(bad_, "b", NodeStage::kFailed);
    At("2027-03-10T02:00:00Z");
    Report(bad_, "a", NodeStage::kBackedOut);
    Report(bad_, "b", NodeStage::kBackedOut);
    At("2027-03-11T00:00:00Z");
    Publish("api", "1.1.1");
    mend_ = Seal("api", "1.1.1", ReleaseType::kEmergency);
    At("2027-03-11T06:00:00Z");
    Deploy(mend_);
    At("2027-03-31T23:59:00Z");
    Do(NamespaceCreated{"other", "", {}});
  }
  Digest good_;
  Digest bad_;
  Digest mend_;
};

TEST_F(AMonthTest, HowItWent) {
  auto measures = Ask();
  EXPECT_EQ(Share(measures["change-fail-rate"]), "1/3");
  EXPECT_EQ(Share(measures["releases-without-incident"]), "2/2");
  EXPECT_EQ(Share(measures["policy-compliance"]), "3/3");
  EXPECT_EQ(Share(measures["deployment-frequency"]), "2/31");
  EXPECT_EQ(Share(measures["rework-rate"]), "1/2");
  EXPECT_EQ(Share(measures["items-per-deployment"]), "2/2");
  const Measure lead = measures["change-lead-time"];
  EXPECT_EQ(lead.count, 2u);
  EXPECT_EQ(lead.median, hours(6)) << "the lower one of two in the middle";
  EXPECT_EQ(lead.longest, hours(60));
  const Measure recovery = measures["recovery-time"];
  EXPECT_EQ(recovery.count, 1u);
  EXPECT_EQ(recovery.median, hours(2)) << "it was back before another was there";
  EXPECT_EQ(measures["recovery-open"].count, 0u);
  EXPECT_EQ(measures["back-outs/1 of 2 nodes failed"].count, 1u);
  EXPECT_EQ(measures["permits/issued"].count, 3u);
  EXPECT_EQ(measures["permits/denied"].count, 1u);
  EXPECT_EQ(measures["permits/expired"].count, 0u);
  EXPECT_EQ(measures["permits/denied by timing.freeze"].count, 1u) << "decisions, not findings";
  EXPECT_EQ(measures["node-failures"].count, 1u);
}

TEST_F(AMonthTest, WhatNobodyKnowsIsNotZero) {
  auto measures = Ask();
  for (const char* id :
       {"nodes-library-only", "unauthorized-digests", "unauthorized-reversions", "inventory-age"}) {
    EXPECT_EQ(measures[id].unknown_reason, "nodes have signed no inventories") << id;
  }
  auto of_a_service = Ask({.service = "acme/api"});
  EXPECT_NE(of_a_service["license-position"].unknown_reason, "");
  auto of_a_place = Ask({.environment = kPlace});
  EXPECT_NE(of_a_place["quarantine-age"].unknown_reason, "");
}

TEST_F(AMonthTest, EveryMeasureIsDefinedAndEveryDefinitionMeasured) {
  std::set<std::string> measured;
  const auto periods = ComputeMeasures(history_, {});
  for (const Measure& measure : periods->front().measures) {
    measured.insert(measure.id);
    EXPECT_NE(FindMeasureDefinition(measure.id), nullptr) << measure.id;
  }
  std::set<std::string> defined;
  MeasureLevel level = MeasureLevel::kStrategic;
  for (const MeasureDefinition& definition : MeasureDefinitions()) {
    EXPECT_TRUE(defined.emplace(definition.id).second) << definition.id;
    EXPECT_GE(definition.level, level) << definition.id;
    level = definition.level;
    EXPECT_FALSE(definition.title.empty() || definition.definition.empty()) << definition.id;
  }
  EXPECT_EQ(measured, defined);
  EXPECT_EQ(FindMeasureDefinition("none"), nullptr);
}

TEST(MeasureDefinitionsTest, AreThoseOfTheManual) {
  std::ifstream file(testing::SourceDir() / "docs/measures.md");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  for (const MeasureDefinition& definition : MeasureDefinitions()) {
    const std::string line =
        fmt::format("| `{}`: {} | `{}` | {} |\n", definition.id, definition.title,
                    MeasureUnitName(definition.unit), definition.definition);
    EXPECT_THAT(manual, ::testing::HasSubstr(line));
  }
}

TEST_F(AMonthTest, ByServiceEnvironmentAndWhoSees) {
  EXPECT_EQ(Ask({.service = "acme/api"})["change-fail-rate"].total, 3u);
  EXPECT_EQ(Ask({.service = "acme/*"})["change-fail-rate"].total, 3u);
  EXPECT_EQ(Ask({.service = "acme/other"})["change-fail-rate"].total, 0u);
  EXPECT_EQ(Ask({.environment = kPlace})["change-fail-rate"].total, 3u);
  EXPECT_EQ(Ask({.environment = "production/eu"})["change-fail-rate"].total, 0u);
  EXPECT_EQ(Ask({.sees = [](std::string_view) { return false; }})["permits/issued"].count, 0u);
  EXPECT_NE(Ask({.sees_library = false})["quarantine-age"].unknown_reason, "");
}

TEST_F(AMonthTest, ByPeriod) {
  const auto weeks = ComputeMeasures(history_, {.by = MeasureSpan::kWeek});
  ASSERT_EQ(weeks->size(), 5u);
  EXPECT_EQ(FormatTime((*weeks)[0].until), "2027-03-08T00:00:00Z") << "a Monday";
  std::vector<uint64_t> deployed;
  for (const MeasuredPeriod& week : *weeks) {
    for (const Measure& measure : week.measures) {
      if (measure.id == "deployment-frequency") deployed.push_back(measure.count);
    }
  }
  EXPECT_THAT(deployed, ElementsAre(1, 1, 0, 0, 0));
  EXPECT_EQ(ComputeMeasures(history_, {.by = MeasureSpan::kDay})->size(), 31u);
  EXPECT_EQ(ComputeMeasures(history_, {.by = MeasureSpan::kMonth})->size(), 1u);
  const auto months = ComputeMeasures(history_, {.from = *ParseTime("2027-12-31T12:00:00Z"),
                                                 .until = *ParseTime("2028-03-01T00:00:00Z"),
                                                 .by = MeasureSpan::kMonth});
  ASSERT_EQ(months->size(), 3u) << "a leap year";
  EXPECT_EQ(FormatTime((*months)[2].until), "2028-03-01T00:00:00Z");
  EXPECT_EQ(Reason(ComputeMeasures(history_, {.from = now_, .until = now_}).status()),
            "PERIOD_INVALID");
  EXPECT_EQ(Reason(ComputeMeasures(history_, {.from = *ParseTime("2000-01-01T00:00:00Z"),
                                              .by = MeasureSpan::kDay})
                       .status()),
            "PERIOD_INVALID");
}

TEST_F(AMonthTest, FoldedAgainItIsTheSame) {
  History again;
  for (const Entry& entry : journal_) ASSERT_TRUE(again.Add(entry, Reader()).ok());
  for (const MeasureSpan by : {MeasureSpan::kAll, MeasureSpan::kDay}) {
    EXPECT_EQ(*ComputeMeasures(again, {.by = by}), *ComputeMeasures(history_, {.by = by}));
  }
  EXPECT_EQ(Reason(again.Add(journal_.front(), Reader())), "JOURNAL_INCONSISTENT");
}

TEST_F(AMonthTest, WhatIsFoundLaterCounts) {
  EXPECT_EQ(Ask()["findings-open"].count, 0u);
  Do(ReleaseReevaluated{mend_, kPlace, 10, 2, 2, Keep("found")});
  auto measures = Ask();
  EXPECT_EQ(measures["findings-open"].count, 2u);
  EXPECT_EQ(Share(measures["releases-without-incident"]), "1/2");
  Do(RolloutSteered{mend_, kPlace, RolloutAction::kBackOut, "a hole", ""});
  EXPECT_EQ(Ask()["recovery-open"].count, 1u) << "it goes back, and is not there yet";
  Report(mend_, "a", NodeStage::kBackedOut);
  Report(mend_, "b", NodeStage::kBackedOut);
  measures = Ask();
  EXPECT_EQ(measures["findings-open"].count, 0u) << "it is not there any more";
  EXPECT_EQ(measures["recovery-open"].count, 0u);
  EXPECT_EQ(measures["back-outs/a hole"].count, 1u);
  EXPECT_EQ(Share(measures["change-fail-rate"]), "2/3") << "failed later";
}

TEST_F(AMonthTest, OverridesAndTheirReviews) {
  const Digest release = Seal("api", "1.0.0", ReleaseType::kPatch);
  ReleaseOverridden overridden;
  overridden.release = release;
  overridden.environment = kPlace;
  overridden.expires = now_ + hours(4);
  Do(overridden);
  Deploy(release);
  auto measures = Ask();
  EXPECT_EQ(Share(measures["overrides"]), "0/1");
  EXPECT_EQ(Share(measures["policy-compliance"]), "3/4");
  Do(ReleaseMoved{release, kPlace, kReview, "all good", ""});
  EXPECT_EQ(Share(Ask()["overrides"]), "1/1");
}

TEST_F(MeasuresTest, WhatWaitsAndWhatIsLate) {
  Publish("api", "1.0.0");
  Publish("api", "2.0.0", AdmissionState::kQuarantined);
  Publish("api", "3.0.0", AdmissionState::kQuarantined);
  const ReleaseWindow window = {*ParseTime("2027-03-05T00:00:00Z"),
                                *ParseTime("2027-03-06T00:00:00Z")};
  const Digest late = Seal("api", "1.0.0", ReleaseType::kMinor, window);
  At("2027-03-03T00:00:00Z");
  Do(AdmissionDecided{{{"acme", "api"}, "3.0.0", {}}, AdmissionState::kAccepted, "looked", {}});
  auto measures = Ask();
  EXPECT_EQ(measures["approvals-waiting"].count, 1u);
  EXPECT_EQ(measures["approvals-waiting"].longest, hours(48));
  EXPECT_EQ(Share(measures["releases-late"]), "0/0") << "its time is still to come";
  EXPECT_EQ(measures["quarantine-age"].count, 1u);
  EXPECT_EQ(measures["quarantine-age"].median, hours(48));
  EXPECT_EQ(measures["quarantine-time"].median, hours(48));
  At("2027-03-06T00:00:01Z");
  Deploy(late);
  measures = Ask();
  EXPECT_EQ(Share(measures["releases-late"]), "1/1") << "a second late";
  EXPECT_EQ(measures["approvals-waiting"].count, 0u);
  Permit(late, true, hours(1));
  const Digest unused = Seal("api", "2.0.0");
  Permit(unused, true, hours(1));
  At("2027-03-07T00:00:00Z");
  Do(NamespaceCreated{"other", "", {}});
  EXPECT_EQ(Ask()["permits/expired"].count, 1u) << "nothing started by it";
  Permit(unused, true, hours(1));
  Do(PermitRevoked{fmt::format("permit-{}", history_.size() - 1), "a hole"});
  At("2027-03-08T00:00:00Z");
  Do(NamespaceCreated{"another", "", {}});
  measures = Ask();
  EXPECT_EQ(measures["permits/revoked"].count, 1u);
  EXPECT_EQ(measures["permits/expired"].count, 1u);
}

TEST_F(MeasuresTest, SizeByThePolicyThatHeldThen) {
  Publish("api", "1.0.0");
  Do(PolicySet{"production", Keep(R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
size: [{types: [PATCH], items: 0}]
)"),
               ""});
  Deploy(Seal("api", "1.0.0", ReleaseType::kPatch));
  EXPECT_EQ(Share(Ask()["size-over-policy"]), "1/1");
  Publish("api", "1.1.0");
  Deploy(Seal("api", "1.1.0", ReleaseType::kMinor));
  EXPECT_EQ(Share(Ask()["size-over-policy"]), "1/2");
  Do(PolicySet{"production", Keep("nothing that this program reads"), ""});
  Publish("api", "1.2.0");
  Deploy(Seal("api", "1.2.0"));
  EXPECT_NE(Ask()["size-over-policy"].unknown_reason, "");
}

TEST_F(MeasuresTest, LicensesAsOfTheEndOfThePeriod) {
  Entitlement terms;
  terms.id = "db";
  terms.product = "Database";
  terms.vendor = "Vendor";
  terms.quantity = 10;
  terms.contract_digest = Sha256("contract").ToString();
  terms.start = now_;
  terms.expiry = now_ + hours(24 * 365);
  Do(EntitlementGranted{terms});
  Do(SeatsReserved{"r", kPlace, minutes(15), {{"db", "web-1", 4}}});
  Do(LeaseCommitted{"r/0", hours(48)});
  auto measures = Ask();
  EXPECT_EQ(measures["license-position/Database: entitled"].count, 10u);
  EXPECT_EQ(measures["license-position/Database: in use"].count, 4u);
  EXPECT_EQ(measures["license-position/Database: unused"].count, 6u);
  // A permit reserves its seats in its own entry, and returns those that nobody took.
  PermitDecided permit;
  permit.id = "p1";
  permit.allowed = true;
  permit.environment = kPlace;
  permit.expires = now_ + hours(1);
  permit.seats = {{"db", "web-2", 1}, {"db", "web-3", 2}};
  Do(permit);
  Do(LeaseCommitted{"permit-p1/0", hours(24)});
  measures = Ask();
  EXPECT_EQ(measures["license-position/Database: in use"].count, 5u);
  EXPECT_EQ(measures["license-position/Database: reserved"].count, 2u);
  Do(PermitRevoked{"p1", "a mistake"});
  EXPECT_EQ(Ask()["license-position/Database: reserved"].count, 0u);
  Do(LeaseReleased{"permit-p1/0", false, ""});
  At("2027-03-05T00:00:00Z");
  Do(NamespaceCreated{"other", "", {}});
  EXPECT_EQ(Ask()["license-position/Database: in use"].count, 0u) << "the lease ended by itself";
  measures = Ask({.until = *ParseTime("2027-03-02T00:00:00Z")});
  EXPECT_EQ(measures["license-position/Database: in use"].count, 4u) << "as it was then";
}

TEST_F(MeasuresTest, SeatsThatPermitsReserveAreReservedUntilTheyAreRevoked) {
  Entitlement terms;
  terms.id = "db";
  terms.product = "Database";
  terms.vendor = "Vendor";
  terms.quantity = 10;
  terms.contract_digest = Sha256("contract").ToString();
  terms.start = now_;
  terms.expiry = now_ + hours(24 * 365);
  Do(EntitlementGranted{terms});
  PermitDecided decided;
  decided.id = "p";
  decided.allowed = true;
  decided.environment = kPlace;
  decided.expires = now_ + hours(24);
  decided.seats = {{"db", "web-1", 4}, {"db", "web-2", 2}};
  Do(decided);
  Do(LeaseCommitted{"permit-p/0", hours(24)});
  auto measures = Ask();
  EXPECT_EQ(measures["license-position/Database: in use"].count, 4u);
  EXPECT_EQ(measures["license-position/Database: reserved"].count, 2u);
  Do(PermitRevoked{"p", "a hole"});
  measures = Ask();
  EXPECT_EQ(measures["license-position/Database: in use"].count, 4u) << "somebody took it";
  EXPECT_EQ(measures["license-position/Database: reserved"].count, 0u);
}

TEST_F(MeasuresTest, RefusesAJournalThatContradictsItself) {
  Do(LibraryCreated{"dml.test/library", "spki"});
  EXPECT_EQ(Reason(Add(NodeReported{Sha256("none"), kPlace, "a", NodeStage::kStaged, "", {}})),
            "JOURNAL_INCONSISTENT");
}

}  // namespace
}  // namespace dml
