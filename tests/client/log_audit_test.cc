#include "client/log_audit.h"

#include <gtest/gtest.h>

#include "core/crypto/keys.h"
#include "core/crypto/sha256.h"
#include "core/wire/entry.h"

namespace dml {
namespace {

constexpr char kOrigin[] = "dml.test/library";

class LogAuditTest : public ::testing::Test {
 protected:
  LogAuditTest() { Add(LibraryCreated{kOrigin, std::string(key_.spki_der())}); }

  // One second after the entry before, by "ann", without request id.
  Entry NewEntry(EntryPayload payload) const {
    Entry entry;
    entry.index = audit_.size();
    entry.time = FromMicros(1'000'000 * static_cast<int64_t>(1 + audit_.size()));
    entry.author = "ann";
    entry.payload = std::move(payload);
    return entry;
  }
  void Add(const Entry& entry) { audit_.Add(*wire::EncodeEntry(entry)); }
  void Add(EntryPayload payload) { Add(NewEntry(std::move(payload))); }
  std::vector<std::string> Rules() const {
    std::vector<std::string> out;
    for (const LogFault& fault : audit_.faults()) out.push_back(fault.rule);
    return out;
  }
  static VersionPublished Version(const std::string& version) {
    VersionPublished out;
    out.variant = {*PackageName::Parse("acme/tool"), version, {}};
    out.manifest = {Sha256("manifest"), 8};
    out.spec = {Sha256("spec"), 4};
    out.attestations = {{{Sha256("envelope"), 8}, "type", Sha256("manifest"), {}}};
    return out;
  }

  const PublicKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519).public_key();
  const PublicKey other_ = PrivateKey::Generate(KeyAlgorithm::kEd25519).public_key();
  LogAudit audit_{kOrigin};
};

using Faults = std::vector<std::string>;

TEST_F(LogAuditTest, AGoodLogHasNoFaultsAndItsRoot) {
  Add(NamespaceCreated{"acme", "", {}});
  Add(KeyRegistered{std::string(other_.spki_der()), "pat", {"publisher"}, {"*"}});
  VersionPublished version = Version("1.0.0");
  version.attestations[0].key_ids = {other_.id()};
  Add(version);
  Add(AttestationAttached{version.variant, {{Sha256("more"), 4}, "type", Sha256("manifest"), {}}});
  Add(VersionWithdrawn{version.variant, "broken"});
  Add(PayloadCollected{{version.variant}, {Sha256("list"), 4}});
  Add(KeyRevoked{other_.id(), "left"});
  Add(EnvironmentCreated{"production", "", {}});
  Add(EnvironmentCreated{"production/eu", "", {}});
  Add(NodeCreated{"production/eu", "n1", {}});
  Add(PolicySet{"production", {Sha256("policy"), 6}, ""});
  Add(NamespaceRetentionSet{"acme", {}, ""});
  Add(AuditRecorded{7, Sha256("line 7")});
  Add(AuditRecorded{8, Sha256("line 8")});
  EXPECT_EQ(Rules(), Faults{}) << audit_.faults()[0].what;
  EXPECT_EQ(audit_.size(), 15u);
  TreeAppender tree;
  LogAudit again(kOrigin);
  const std::string leaf = *wire::EncodeEntry([&] {
    Entry entry;
    entry.author = "dmld";
    entry.payload = LibraryCreated{kOrigin, std::string(key_.spki_der())};
    return entry;
  }());
  again.Add(leaf);
  tree.Append(LeafHash(AsBytes(leaf)), [](NodeId, const Digest&) {});
  EXPECT_EQ(again.Root(), tree.Root());
}

TEST_F(LogAuditTest, TheFirstEntryIsThisLibrarysAndTheOnlyOneOfItsKind) {
  Add(LibraryCreated{kOrigin, std::string(key_.spki_der())});
  EXPECT_EQ(Rules(), Faults{"LIBRARY_CREATED_TWICE"});
  for (const EntryPayload& first :
       std::initializer_list<EntryPayload>{LibraryCreated{"another", std::string(key_.spki_der())},
                                           NamespaceCreated{"acme", "", {}}}) {
    LogAudit audit(kOrigin);
    Entry entry;
    entry.author = "dmld";
    entry.payload = first;
    audit.Add(*wire::EncodeEntry(entry));
    audit.CheckOrigin();
    audit.CheckOrigin();
    ASSERT_EQ(audit.fault_count(), 1u);
    EXPECT_EQ(audit.faults()[0].rule, "LIBRARY_UNEXPECTED");
  }
}

TEST_F(LogAuditTest, ALogMovesFromTheNameThatItHasToTheOneThatIsAudited) {
  const OriginMove away{"library.example/two", kOrigin, std::string(kOrigin) + "\n5\n..."};
  Add(RootSet{1, {Sha256("r1"), 2}, away});
  audit_.CheckOrigin();
  EXPECT_EQ(Rules(), Faults{"LIBRARY_UNEXPECTED"}) << "what is audited is the log of before";
  Add(RootSet{2, {Sha256("r2"), 2}, OriginMove{"library.example/3", "library.example/two", ""}});
  EXPECT_EQ(audit_.fault_count(), 1u);
  Add(RootSet{3, {Sha256("r3"), 2}, OriginMove{"library.example/4", "library.example/two", ""}});
  Add(RootSet{4,
              {Sha256("r4"), 2},
              OriginMove{"library.example/5", "library.example/4", "library.example/x\n5\n..."}});
  EXPECT_EQ(Rules(), (Faults{"LIBRARY_UNEXPECTED", "ORIGIN_UNEXPECTED", "ORIGIN_UNEXPECTED"}));
  // A name that was left has another history.
  Add(RootSet{5, {Sha256("r5"), 2}, OriginMove{kOrigin, "library.example/5", ""}});
  ASSERT_EQ(audit_.fault_count(), 4u);
  EXPECT_NE(audit_.faults().back().what.find("a name that it left"), std::string::npos);
  audit_.CheckOrigin();
  EXPECT_EQ(audit_.fault_count(), 4u);
}

// attack: removed entry; one that was taken out shifts the indices of those after it.
TEST_F(LogAuditTest, IndicesFollowOneAnother) {
  Entry entry = NewEntry(NamespaceCreated{"acme", "", {}});
  entry.index = 2;
  Add(entry);
  EXPECT_EQ(Rules(), Faults{"INDEX_WRONG"});
}

// attack: lines taken off the end of the audit log, and others in their places
TEST_F(LogAuditTest, TheAuditLogOnlyGrows) {
  Add(AuditRecorded{7, Sha256("line 7")});
  Add(AuditRecorded{7, Sha256("another")});
  Add(AuditRecorded{5, Sha256("line 5")});
  EXPECT_EQ(Rules(), (Faults{"AUDIT_CUT", "AUDIT_CUT"}));
  Add(AuditRecorded{8, Sha256("line 8")});
  EXPECT_EQ(audit_.fault_count(), 2u);
}

TEST_F(LogAuditTest, TimesNeverDecrease) {
  Entry entry = NewEntry(NamespaceCreated{"acme", "", {}});
  entry.time = FromMicros(1'000'000);
  Add(entry);  // The same moment is fine.
  EXPECT_EQ(Rules(), Faults{});
  entry = NewEntry(NamespaceCreated{"acme2", "", {}});
  entry.time = FromMicros(999'999);
  Add(entry);
  EXPECT_EQ(Rules(), Faults{"TIME_DECREASES"});
}

// attack 19
TEST_F(LogAuditTest, WhatIsNoEntryIsAFaultAndTheLogGoesOn) {
  EXPECT_EQ(audit_.Add("no entry"), std::nullopt);
  EXPECT_EQ(audit_.Add(""), std::nullopt);
  EXPECT_EQ(audit_.Add(std::string(70'000, '\xff')), std::nullopt);
  EXPECT_EQ(Rules(),
            (Faults{"ENTRY_INVALID", "ENTRY_INVALID", "ENTRY_TOO_LARGE", "ENTRY_INVALID"}));
  Add(NamespaceCreated{"acme", "", {}});
  EXPECT_EQ(audit_.size(), 5u);
  EXPECT_EQ(audit_.fault_count(), 4u);
}

// attack 24
TEST_F(LogAuditTest, NamesAreBoundOnce) {
  Add(NamespaceCreated{"acme", "", {}});
  Add(Version("1.0.0"));
  VersionPublished again = Version("1.0.0");
  again.manifest = {Sha256("another"), 7};
  again.attestations[0].envelope = {Sha256("another envelope"), 16};
  Add(again);
  Add(NamespaceCreated{"acme", "", {}});
  Add(EnvironmentCreated{"e", "", {}});
  Add(EnvironmentCreated{"e", "", {}});
  Add(NodeCreated{"e", "n", {}});
  Add(NodeCreated{"e", "n", {}});
  Add(KeyRegistered{std::string(other_.spki_der()), "pat", {"publisher"}, {"*"}});
  Add(KeyRegistered{std::string(other_.spki_der()), "eve", {"publisher"}, {"*"}});
  EXPECT_EQ(Rules(), Faults(5, "NAME_BOUND_TWICE"));
}

TEST_F(LogAuditTest, WhatIsNamedIsThere) {
  Add(Version("1.0.0"));
  Add(VersionWithdrawn{Version("2.0.0").variant, "broken"});
  Add(AttestationAttached{Version("2.0.0").variant, {}});
  Add(PayloadCollected{{Version("2.0.0").variant}, {}});
  Add(EnvironmentCreated{"a/b", "", {}});
  Add(NodeCreated{"e", "n", {}});
  Add(PolicySet{"e", {}, ""});
  Add(NamespaceRetentionSet{"acme", {}, ""});
  EXPECT_EQ(Rules(), Faults(8, "NAME_UNKNOWN"));
}

TEST_F(LogAuditTest, RevokedKeysVouchForNothingMore) {
  Add(NamespaceCreated{"acme", "", {}});
  Add(KeyRegistered{std::string(other_.spki_der()), "pat", {"publisher"}, {"*"}});
  Add(KeyRevoked{other_.id(), "stolen"});
  VersionPublished version = Version("1.0.0");
  version.attestations[0].key_ids = {other_.id()};
  Add(version);
  Add(KeyRevoked{other_.id(), "again"});
  EXPECT_EQ(Rules(), Faults(2, "KEY_NOT_LIVE"));
}

TEST_F(LogAuditTest, TrustGoesOnStepByStep) {
  Add(RootSet{1, {Sha256("r1"), 2}});
  Add(RootSet{3, {Sha256("r3"), 2}});
  Add(RootSet{2, {Sha256("r2"), 2}});
  Add(RootSet{4, {Sha256("r4"), 2}});
  Add(DelegationSet{{"acme"}, 2, {Sha256("d2"), 2}});
  Add(DelegationSet{{"acme"}, 2, {Sha256("d2"), 2}});
  Add(DelegationSet{{"acme", "eu"}, 1, {Sha256("d1"), 2}});
  EXPECT_EQ(Rules(), Faults(3, "ROOT_SKIPPED"));
}

TEST_F(LogAuditTest, LicenseDataIsNotRolledBack) {
  auto add = [&](LicenseDataKind kind, uint64_t revision) {
    Add(LicenseDataSet{kind, revision, "v", {Sha256("e"), 1}, {Sha256("c"), 1}});
  };
  add(LicenseDataKind::kMatrix, 2);
  add(LicenseDataKind::kList, 1);
  add(LicenseDataKind::kMatrix, 2);
  add(LicenseDataKind::kMatrix, 1);
  add(LicenseDataKind::kMatrix, 7);
  EXPECT_EQ(Rules(), Faults(2, "LICENSE_DATA_SKIPPED"));
}

TEST_F(LogAuditTest, AdvisoriesGoUp) {
  AdvisorySet set{"A-1", 2, false, {"acme/lib"}, {Sha256("e"), 1}, {Sha256("key")}};
  Add(set);
  set.id = "A-2";
  set.revision = 1;
  Add(set);
  set.id = "A-1";
  Add(set);
  EXPECT_EQ(Rules(), Faults(1, "ADVISORY_SKIPPED"));
}

TEST_F(LogAuditTest, TokensMediaAndPermitsAreBoundOnce) {
  Add(TokenIssued{"t1", Sha256("s"), {{"reader", ""}}, WallClockNow()});
  Add(TokenRevoked{"t1", "lost"});
  Add(TokenRevoked{"t1", "lost"});
  Add(TokenRevoked{"t2", "lost"});
  MediaRegistered media;
  media.name = "acme/dvd";
  Add(media);
  Add(media);
  CustodyRecorded custody;
  custody.name = "acme/tape";
  Add(custody);
  EXPECT_EQ(Rules(),
            (Faults{"TOKEN_NOT_LIVE", "NAME_UNKNOWN", "NAME_BOUND_TWICE", "NAME_UNKNOWN"}));
}

TEST_F(LogAuditTest, NoMoreSeatsAreLeasedThanWereGranted) {
  Entitlement terms;
  terms.id = "acme-db";
  terms.product = "db";
  terms.vendor = "acme";
  terms.quantity = 2;
  terms.start = FromMicros(1);
  terms.expiry = FromMicros(1'000'000'000);
  terms.contract_digest = Sha256("contract").ToString();
  Add(EntitlementGranted{terms});
  SeatsReserved reserved;
  reserved.id = "r1";
  reserved.environment = "production";
  reserved.ttl = std::chrono::minutes(1);
  reserved.items = {{"acme-db", "n1", 2}};
  Add(reserved);
  EXPECT_EQ(Rules(), Faults{}) << audit_.faults()[0].what;
  reserved.id = "r2";
  reserved.items = {{"acme-db", "n2", 1}};
  Add(reserved);
  Add(LeaseCommitted{"r1/0", std::chrono::minutes(1)});
  Add(LeaseReleased{"r1/0", false, ""});
  Add(LeaseReleased{"r1/0", false, ""});
  reserved.id = "r3";
  Add(reserved);
  EXPECT_EQ(Rules(), Faults(2, "SEATS_INVALID")) << "one seat too many, and one freed twice";
}

TEST_F(LogAuditTest, SeatsOfPermitsCountToo) {
  Entitlement terms;
  terms.id = "acme-db";
  terms.product = "db";
  terms.vendor = "acme";
  terms.quantity = 2;
  terms.start = FromMicros(1);
  terms.expiry = FromMicros(1'000'000'000);
  terms.contract_digest = Sha256("contract").ToString();
  Add(EnvironmentCreated{"production", "", {}});
  Add(EntitlementGranted{terms});
  PermitDecided permit;
  permit.id = "p1";
  permit.allowed = true;
  permit.environment = "production";
  permit.expires = FromMicros(900'000'000);
  permit.seats = {{"acme-db", "n1", 1}, {"acme-db", "n2", 1}};
  Add(permit);
  Add(LeaseCommitted{"permit-p1/0", std::chrono::minutes(1)});
  EXPECT_EQ(Rules(), Faults{});
  permit.id = "p2";
  Add(permit);  // There are no seats left.
  EXPECT_EQ(Rules(), Faults(1, "SEATS_INVALID"));
  Add(PermitRevoked{"p1", "a mistake"});
  permit.id = "p3";
  permit.seats = {{"acme-db", "n3", 1}};
  Add(permit);  // What nobody took is free again.
  Add(LeaseReleased{"permit-p1/0", false, ""});
  EXPECT_EQ(Rules(), Faults(1, "SEATS_INVALID"));
}

TEST_F(LogAuditTest, TermsOfEntitlementsOnlyGetNewer) {
  Entitlement terms;
  terms.id = "acme-db";
  terms.product = "db";
  terms.vendor = "acme";
  terms.quantity = 2;
  terms.start = FromMicros(1);
  terms.expiry = FromMicros(1'000'000'000);
  terms.contract_digest = Sha256("contract").ToString();
  Add(EntitlementGranted{terms});
  Add(EntitlementAmended{terms, "0"});  // From before terms were signed.
  Add(EntitlementAmended{terms, "1", 1, {Sha256("claim"), 5}});
  Add(EntitlementAmended{terms, "2", 4, {Sha256("claim"), 5}});
  EXPECT_EQ(Rules(), Faults{});
  Add(EntitlementAmended{terms, "3", 4, {Sha256("claim"), 5}});
  Add(EntitlementAmended{terms, "4"});
  EXPECT_EQ(Rules(), Faults(2, "TERMS_SKIPPED"));
}

TEST_F(LogAuditTest, NothingIsPublishedUnsignedOrWithdrawnTwice) {
  Add(NamespaceCreated{"acme", "", {}});
  VersionPublished version = Version("1.0.0");
  version.attestations.clear();
  Add(version);
  Add(VersionWithdrawn{version.variant, "broken"});
  Add(VersionWithdrawn{version.variant, "broken"});
  EXPECT_EQ(Rules(), (Faults{"NOT_SIGNED", "WITHDRAWN_TWICE"}));
}

// attack: replayed request
TEST_F(LogAuditTest, ARequestIsMadeOnceWithinAWeek) {
  auto request = [&](const std::string& author, const std::string& ns, Timestamp time) {
    Entry entry = NewEntry(NamespaceCreated{ns, "", {}});
    entry.author = author;
    entry.request_id = "5c1d9a4e-0000-4000-8000-000000000001";
    entry.time = time;
    Add(entry);
  };
  const Timestamp start = FromMicros(10'000'000);
  request("ann", "a", start);
  request("bo", "b", start);
  EXPECT_EQ(Rules(), Faults{}) << "of two authors it is two requests";
  request("ann", "c", start + LogAudit::kRequestTime);
  EXPECT_EQ(Rules(), Faults{"REQUEST_REPEATED"});
  request("ann", "d", start + 2 * LogAudit::kRequestTime + std::chrono::seconds(1));
  EXPECT_EQ(audit_.fault_count(), 1u);
}

TEST_F(LogAuditTest, FaultsAreCountedBeyondWhatIsKept) {
  for (int i = 0; i < 200; ++i) audit_.Add("no entry");
  EXPECT_EQ(audit_.faults().size(), LogAudit::kMaxFaults);
  EXPECT_EQ(audit_.fault_count(), 200u);
}

}  // namespace
}  // namespace dml
