// Entitlements and leases in the library: what must be there, and what is refused.
#include <gtest/gtest.h>

#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "tests/support/entitlement_terms.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::Amended;
using testing::Granted;
using testing::SpecBuilder;
using testing::TestLibrary;

class SeatsTest : public ::testing::Test {
 protected:
  SeatsTest() {
    EXPECT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
    EXPECT_TRUE(library_.Commit(EnvironmentCreated{"test", "", {}}).ok());
    terms_.id = "db";
    terms_.product = "database";
    terms_.vendor = "vendor";
    terms_.quantity = 10;
    terms_.start = *ParseTime("2026-01-01T00:00:00Z");
    terms_.expiry = *ParseTime("2027-01-01T00:00:00Z");
    terms_.environments = {"production"};
    terms_.contract_digest = Sha256("contract").ToString();
  }

  std::string Try(EntryPayload payload) {
    std::vector<std::string> metadata = testing::MetadataOf(payload);
    return Reason(library_.Commit(std::move(payload), std::move(metadata)).status());
  }
  void RegisterContract() {
    EXPECT_EQ(
        Try(MediaRegistered{
            "acme/contract", MediaKind::kDocument, "t", "vault", "pat", 1, Sha256("contract"), {}}),
        "");
  }
  void Grant() {
    RegisterContract();
    ASSERT_EQ(Try(Granted(terms_)), "");
  }
  std::string Etag() {
    return LibraryView(*library_->Read()).FindEntitlement("db").value().value().Etag();
  }
  Lease FindLease(const std::string& id) {
    return LibraryView(*library_->Read()).FindLease(id).value().value().lease;
  }

  TestLibrary library_;
  Entitlement terms_;
};

TEST_F(SeatsTest, TheContractMustBeInTheLibrary) {
  EXPECT_EQ(Try(Granted(terms_)), "CONTRACT_NOT_FOUND");
  RegisterContract();
  EXPECT_EQ(Try(Granted(terms_)), "");
  // Or it is a published package, by its manifest.
  const PackageSpec spec = SpecBuilder("acme/contract-2", "1.0.0").Build();
  Command publish = library_.PublishCommand(spec);
  const Digest manifest = std::get<VersionPublished>(publish.payload).manifest.digest;
  terms_.id = "db2";
  terms_.contract_digest = manifest.ToString();
  EXPECT_EQ(Try(Granted(terms_)), "CONTRACT_NOT_FOUND");
  ASSERT_TRUE(library_->Commit(std::move(publish)).ok());
  EXPECT_EQ(Try(Granted(terms_)), "");
}

TEST_F(SeatsTest, TermsThatNobodySignedAreRefused) {
  RegisterContract();
  EXPECT_EQ(Try(EntitlementGranted{terms_}), "ENTITLEMENT_NOT_SIGNED");
  EntitlementGranted granted = Granted(terms_);
  granted.revision = 0;
  EXPECT_EQ(Try(granted), "ENTITLEMENT_NOT_SIGNED") << "revisions count from 1 on";
  ASSERT_EQ(Try(Granted(terms_)), "");
  EXPECT_EQ(Try(EntitlementAmended{terms_, Etag()}), "ENTITLEMENT_NOT_SIGNED");
}

TEST_F(SeatsTest, EarlierTermsDoNotComeBack) {
  Grant();
  ASSERT_EQ(Try(Amended(terms_, Etag(), 7)), "");
  for (const uint64_t revision : {7, 6, 1}) {
    EXPECT_EQ(Try(Amended(terms_, Etag(), revision)), "ENTITLEMENT_REVISION_UNEXPECTED");
  }
  EXPECT_EQ(Try(Amended(terms_, Etag(), 8)), "");
  const auto record = LibraryView(*library_->Read()).FindEntitlement("db").value().value();
  EXPECT_EQ(record.revision, 8u);
  EXPECT_EQ(record.envelope.digest, Sha256(testing::kSomeEnvelope));
}

TEST_F(SeatsTest, NamesThatAreNotThereAreRefused) {
  Grant();
  terms_.id = "other";
  terms_.environments = {"production", "moon"};
  EXPECT_EQ(Try(Granted(terms_)), "ENVIRONMENT_NOT_FOUND");
  EXPECT_EQ(Try(SeatsReserved{"r", "moon", hours(1), {{"db", "n", 1}}}), "ENVIRONMENT_NOT_FOUND");
  EXPECT_EQ(Try(SeatsReserved{"r", "production", hours(1), {{"none", "n", 1}}}),
            "ENTITLEMENT_NOT_FOUND");
  EXPECT_EQ(Try(SeatsReserved{"r", "test", hours(1), {{"db", "n", 1}}}), "ENTITLEMENT_ENVIRONMENT");
  EXPECT_EQ(Try(LeaseCommitted{"r/0", hours(1)}), "LEASE_NOT_FOUND");
  EXPECT_EQ(Try(LeaseReleased{"r", false, ""}), "LEASE_NOT_FOUND");
}

TEST_F(SeatsTest, AllSeatsOfARequestOrNone) {
  Grant();
  EXPECT_EQ(Try(SeatsReserved{"r", "production", hours(1), {{"db", "a", 6}, {"db", "b", 5}}}),
            "SEATS_EXHAUSTED");
  EXPECT_FALSE(LibraryView(*library_->Read()).FindLease("r/0").value().has_value());
  EXPECT_EQ(Try(SeatsReserved{"r", "production", hours(1), {{"db", "a", 6}, {"db", "b", 4}}}), "");
  EXPECT_EQ(FindLease("r/1").holder, "b");
  EXPECT_EQ(Try(SeatsReserved{"s", "production", hours(1), {{"db", "c", 1}}}), "SEATS_EXHAUSTED");
  EXPECT_EQ(Try(LeaseReleased{"r/1", false, ""}), "");
  EXPECT_EQ(Try(SeatsReserved{"s", "production", hours(1), {{"db", "c", 4}}}), "");
}

TEST_F(SeatsTest, AnEntitlementIsNotCutBelowWhatIsLeased) {
  Grant();
  ASSERT_EQ(Try(SeatsReserved{"r", "production", hours(5), {{"db", "a", 6}}}), "");
  const Entitlement granted = terms_;
  terms_.quantity = 5;
  EXPECT_EQ(Try(Amended(terms_, Etag(), 2)), "ENTITLEMENT_BELOW_LEASED");
  terms_ = granted;
  terms_.expiry = *ParseTime("2026-01-01T01:00:00Z");
  EXPECT_EQ(Try(Amended(terms_, Etag(), 2)), "ENTITLEMENT_BELOW_LEASED");
  terms_ = granted;
  terms_.environments = {"test"};
  EXPECT_EQ(Try(Amended(terms_, Etag(), 2)), "ENTITLEMENT_BELOW_LEASED");
  terms_ = granted;
  terms_.quantity = 6;
  const std::string etag = Etag();
  EXPECT_EQ(Try(Amended(terms_, etag, 2)), "");
  EXPECT_EQ(Try(Amended(terms_, etag, 3)), "ETAG_MISMATCH") << "seen before the last one";
  EXPECT_EQ(FindLease("r/0").state, LeaseState::kReserved) << "and what is leased stays";
}

TEST_F(SeatsTest, TakingBackNeedsAReason) {
  Grant();
  ASSERT_EQ(Try(SeatsReserved{"r", "production", hours(5), {{"db", "a", 6}}}), "");
  EXPECT_EQ(Try(LeaseReleased{"r/0", true, ""}), "REASON_REQUIRED");
  EXPECT_EQ(Try(LeaseReleased{"r/0", true, std::string(2000, 'x')}), "TEXT_TOO_LONG");
  EXPECT_EQ(Try(LeaseReleased{"r/0", true, "burnt"}), "");
  EXPECT_EQ(FindLease("r/0").ended_by, LeaseEnd::kForced);
  EXPECT_EQ(LibraryView(*library_->Read()).FindLease("r/0").value()->force_reason, "burnt");
  EXPECT_EQ(Try(LeaseReleased{"r/0", false, ""}), "LEASE_ENDED");
}

TEST_F(SeatsTest, ListsArePagedById) {
  Grant();
  terms_.id = "app";
  ASSERT_EQ(Try(Granted(terms_)), "");
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(
        Try(SeatsReserved{
            fmt::format("r{}", i), "production", hours(5), {{"db", "a", 1}, {"app", "b", 1}}}),
        "");
  }
  auto snapshot = library_->Read();
  ListView list(*snapshot);
  auto entitlements = list.Entitlements({1, ""}).value();
  ASSERT_EQ(entitlements.items.size(), 1u);
  EXPECT_EQ(entitlements.items[0].terms.id, "app");
  entitlements = list.Entitlements({1, entitlements.next_key}).value();
  EXPECT_EQ(entitlements.items[0].terms.id, "db");
  EXPECT_EQ(entitlements.next_key, "");

  std::vector<std::string> ids;
  PageRequest page{2, ""};
  do {
    auto found = list.Leases("app", page).value();
    for (const LeaseRecord& record : found.items) ids.push_back(record.lease.id);
    page.after_key = found.next_key;
  } while (!page.after_key.empty());
  EXPECT_EQ(ids, (std::vector<std::string>{"r0/1", "r1/1", "r2/1", "r3/1", "r4/1"}));
  EXPECT_EQ(list.Leases("", {100, ""}).value().items.size(), 10u);
  EXPECT_EQ(Reason(list.Leases("db", {2, list.Leases("app", {2, ""}).value().next_key}).status()),
            "PAGE_TOKEN_INVALID");
}

}  // namespace
}  // namespace dml
