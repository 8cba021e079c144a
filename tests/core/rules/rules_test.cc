#include "core/rules/rules.h"

#include <map>

#include <gtest/gtest.h>

#include "core/crypto/keys.h"
#include "core/crypto/sha256.h"
#include "core/rules/retention.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

// One namespace, one variant in it, and keys.
class FakeState : public LibraryState {
 public:
  Lookup<NamespaceRecord> FindNamespace(std::string_view name) const override {
    if (name != "acme") return std::nullopt;
    return NamespaceRecord{.name = "acme"};
  }
  Lookup<RetentionRecord> FindRetention(std::string_view) const override { return retention; }
  Lookup<VariantRecord> FindNthLiveVersion(const PackageName&, uint32_t n) const override {
    if (n == 0 || n > live.size()) return std::nullopt;
    VariantRecord record = variant;
    record.name.version = live[n - 1];
    return record;
  }
  Lookup<PackageRecord> FindPackage(const PackageName&) const override { return std::nullopt; }
  Lookup<VariantRecord> FindEqualVersion(const PackageName&, const Version&) const override {
    return std::nullopt;
  }
  Lookup<VariantRecord> FindVariant(const VariantName& name) const override {
    if (name != variant.name) return std::nullopt;
    return variant;
  }
  Lookup<AttestationRecord> FindAttestation(const VariantName&, const Digest&) const override {
    return std::nullopt;
  }
  Lookup<KeyRecord> FindKey(const Digest& id) const override {
    auto it = keys.find(id);
    if (it == keys.end()) return std::nullopt;
    return it->second;
  }
  Lookup<RootRecord> FindRoot() const override { return root; }
  Lookup<DelegationRecord> FindDelegation(const std::vector<std::string>&) const override {
    return std::nullopt;
  }
  Lookup<LicenseDataRecord> FindLicenseData(LicenseDataKind kind) const override {
    if (!license_data.has_value() || license_data->set.kind != kind) return std::nullopt;
    return license_data;
  }
  Lookup<AdvisoryRecord> FindAdvisory(std::string_view id) const override {
    if (!advisory.has_value() || advisory->set.id != id) return std::nullopt;
    return advisory;
  }
  Lookup<GrantRecord> FindGrant(std::string_view principal,
                                const AccessGrant& grant) const override {
    for (const GrantRecord& record : grants) {
      if (record.principal == principal && record.grant == grant) return record;
    }
    return std::nullopt;
  }
  Lookup<TokenRecord> FindToken(std::string_view id) const override {
    if (!token.has_value() || token->id != id) return std::nullopt;
    return token;
  }
  Lookup<HoldRecord> FindHold(const VariantName& name, std::string_view hold_name) const override {
    if (!hold.has_value() || hold->placed.variant != name || hold->placed.name != hold_name) {
      return std::nullopt;
    }
    return hold;
  }
  Lookup<MediaRecord> FindMedia(std::string_view) const override { return media; }
  Lookup<EnvironmentRecord> FindEnvironment(std::string_view name) const override {
    if (name != "production") return std::nullopt;
    return EnvironmentRecord{.name = "production"};
  }
  Lookup<NodeRecord> FindNode(std::string_view, std::string_view) const override {
    return std::nullopt;
  }
  Lookup<PolicyRecord> FindPolicy(std::string_view) const override { return std::nullopt; }
  absl::StatusOr<bool> HasDocument(const Digest&) const override { return false; }
  Found<EntitlementRecord> FindEntitlement(std::string_view) const override { return std::nullopt; }
  Found<SeatUsage> FindSeatUsage(std::string_view) const override { return std::nullopt; }
  Found<LeaseRecord> FindLease(std::string_view) const override { return std::nullopt; }
  absl::StatusOr<std::vector<LeaseRecord>> LeasesEnding(std::string_view, Timestamp,
                                                        Timestamp) const override {
    return std::vector<LeaseRecord>();
  }
  absl::StatusOr<std::vector<LeaseRecord>> LeasesOf(std::string_view) const override {
    return std::vector<LeaseRecord>();
  }
  Maybe<ReleaseRecord> FindRelease(const Digest&) const override { return std::nullopt; }
  Maybe<ReleaseRecord> FindRelease(std::string_view, std::string_view) const override {
    return std::nullopt;
  }
  Maybe<ReleaseEnvelopeRecord> FindReleaseEnvelope(const Digest&, const Digest&) const override {
    return std::nullopt;
  }
  Maybe<DeploymentRecord> FindDeployment(const Digest&, std::string_view) const override {
    return std::nullopt;
  }
  FoundPermit<PermitRecord> FindPermit(std::string_view) const override { return std::nullopt; }
  FoundPermit<PermitUseRecord> FindPermitUse(std::string_view, std::string_view) const override {
    return std::nullopt;
  }

  Sought<RolloutRecord> FindRollout(const Digest&, std::string_view) const override {
    return std::nullopt;
  }
  Sought<RolloutNodeRecord> FindRolloutNode(const Digest&, std::string_view,
                                            std::string_view) const override {
    return std::nullopt;
  }

  VariantRecord variant;
  std::optional<RetentionRecord> retention;
  std::vector<std::string> live;  // Versions of the package, highest first.
  std::map<Digest, KeyRecord> keys;
  std::optional<RootRecord> root;
  std::optional<LicenseDataRecord> license_data;
  std::optional<AdvisoryRecord> advisory;
  std::vector<GrantRecord> grants;
  std::optional<TokenRecord> token;
  std::optional<HoldRecord> hold;
  std::optional<MediaRecord> media;
};

class RulesTest : public ::testing::Test {
 protected:
  RulesTest() {
    state_.variant.name = {{"acme", "api"}, "1.0.0", {}};
    state_.variant.manifest = {Sha256("manifest"), 8};
    state_.variant.attestation_count = 1;
    AddKey("publisher", {"publisher"}, {"acme"});
    AddKey("tester", {"tester"}, {"acme"});
    AddKey("everywhere", {"publisher"}, {"*"});
    AddKey("elsewhere", {"publisher", "tester"}, {"other"});
    AddKey("revoked", {"publisher", "tester"}, {"acme"});
    state_.keys[Sha256("revoked")].revoked = true;
  }

  void AddKey(const std::string& name, std::vector<std::string> roles,
              std::vector<std::string> namespaces) {
    KeyRecord key;
    for (const std::string& role : roles) {
      for (const std::string& ns : namespaces) {
        key.grants.push_back({role, "", {}});
        if (ns != "*") key.grants.back().subjects = {ns + "/*"};
      }
    }
    state_.keys[Sha256(name)] = std::move(key);
  }
  std::string Attach(std::string_view type, const std::vector<std::string>& signers) const {
    AttestationRef ref{{Sha256("envelope"), 8}, std::string(type), Sha256("manifest"), {}};
    for (const std::string& signer : signers) ref.key_ids.push_back(Sha256(signer));
    return Reason(Decide(AttestationAttached{state_.variant.name, ref}, state_, now_));
  }

  std::string Collect(std::vector<VariantName> variants) const {
    return Reason(Decide(PayloadCollected{std::move(variants), {}}, state_, now_));
  }
  std::string CollectIt() const { return Collect({state_.variant.name}); }
  void Retain(const RetentionPolicy& policy) {
    ASSERT_TRUE(ValidateRetention(policy).ok());
    state_.retention.emplace();
    state_.retention->policy = policy;
  }

  FakeState state_;
  Timestamp now_ = FromMicros(1767225600000000);
};

// attack 16
TEST_F(RulesTest, AnAttestationNeedsAKeyOfTheNamespaceThatMayMakeTheClaim) {
  EXPECT_EQ(Attach(kTestResultPredicate, {}), "SIGNATURE_MISSING");
  EXPECT_EQ(Attach(kTestResultPredicate, {"unknown"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Attach(kTestResultPredicate, {"elsewhere"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Attach(kTestResultPredicate, {"revoked"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Attach(kTestResultPredicate, {"elsewhere", "tester"}), "");
  EXPECT_EQ(Attach(kTestResultPredicate, {"publisher"}), "");

  EXPECT_EQ(Attach(kPublicationPredicate, {"tester"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Attach(kPublicationPredicate, {"elsewhere", "tester"}), "SIGNATURE_MISSING");
  EXPECT_EQ(Attach(kPublicationPredicate, {"publisher"}), "");
  EXPECT_EQ(Attach(kPublicationPredicate, {"everywhere"}), "");
}

// attack 14
TEST_F(RulesTest, AttestationsOfAVariantAreBoundedAndPublicationsKeepTheirPlaces) {
  state_.variant.attestation_count = kMaxVariantAttestations - kPlacesForPublications - 1;
  EXPECT_EQ(Attach(kTestResultPredicate, {"tester"}), "");
  ++state_.variant.attestation_count;
  EXPECT_EQ(Attach(kTestResultPredicate, {"tester"}), "ATTESTATION_LIMIT");
  EXPECT_EQ(Attach(kPublicationPredicate, {"publisher"}), "");
  state_.variant.attestation_count = kMaxVariantAttestations - 1;
  EXPECT_EQ(Attach(kPublicationPredicate, {"publisher"}), "");
  for (uint32_t count : {kMaxVariantAttestations, kMaxVariantAttestations + 5000}) {
    state_.variant.attestation_count = count;
    EXPECT_EQ(Attach(kPublicationPredicate, {"publisher"}), "ATTESTATION_LIMIT");
    EXPECT_EQ(Attach(kTestResultPredicate, {"publisher"}), "ATTESTATION_LIMIT");
  }
}

TEST_F(RulesTest, LicenseDataGoesUpByKind) {
  LicenseDataSet set{LicenseDataKind::kMatrix, 2, "OSADL", {Sha256("e"), 1}, {Sha256("c"), 1}};
  auto decide = [&] { return Reason(Decide(set, state_, now_)); };
  EXPECT_EQ(decide(), "");
  state_.license_data = LicenseDataRecord{set, 7, now_, "lea"};
  EXPECT_EQ(decide(), "LICENSE_DATA_EXISTS");
  set.version = "another";
  EXPECT_EQ(decide(), "LICENSE_DATA_REVISION_UNEXPECTED");
  set.revision = 1;
  EXPECT_EQ(decide(), "LICENSE_DATA_REVISION_UNEXPECTED");
  set.kind = LicenseDataKind::kProperties;
  EXPECT_EQ(decide(), "") << "of a kind of its own";
  set.revision = 0;
  EXPECT_EQ(decide(), "LICENSE_DATA_INVALID");
  set.revision = 3;
  set.version = "";
  EXPECT_EQ(decide(), "LICENSE_DATA_INVALID");
  set.version = std::string(kMaxLicenseDataVersionBytes + 1, 'x');
  EXPECT_EQ(decide(), "TEXT_TOO_LONG");
}

TEST_F(RulesTest, AdvisoriesGoUpByIdAndEnd) {
  AdvisorySet set{"A-1", 2, false, {"acme/lib", "acme/tls"}, {Sha256("e"), 1}, {Sha256("key")}};
  auto decide = [&] { return Reason(Decide(set, state_, now_)); };
  EXPECT_EQ(decide(), "");
  set.withdrawn = true;
  EXPECT_EQ(decide(), "ADVISORY_NOT_FOUND");
  set.withdrawn = false;
  state_.advisory = AdvisoryRecord{set, 7, now_, "sue"};
  EXPECT_EQ(decide(), "ADVISORY_EXISTS");
  set.withdrawn = true;
  EXPECT_EQ(decide(), "ADVISORY_REVISION_UNEXPECTED");
  set.revision = 3;
  EXPECT_EQ(decide(), "");
  set.packages = {"acme/tls", "acme/lib"};
  EXPECT_EQ(decide(), "ADVISORY_INVALID") << "not in order";
  set.packages = {"acme/lib", "acme/lib"};
  EXPECT_EQ(decide(), "ADVISORY_INVALID") << "twice";
  set.packages.clear();
  EXPECT_EQ(decide(), "ADVISORY_INVALID");
  set.packages = {"lib"};
  EXPECT_EQ(decide(), "NAME_INVALID");
  set.packages = {"acme/lib"};
  set.key_ids.clear();
  EXPECT_EQ(decide(), "THRESHOLD_NOT_MET");
  set.key_ids = {Sha256("key")};
  set.revision = 0;
  EXPECT_EQ(decide(), "ADVISORY_INVALID");
  set.revision = 3;
  set.id = "a b";
  EXPECT_EQ(decide(), "ADVISORY_ID_INVALID");
}

// attack 38: who a role goes to is in the entry, and so is where it holds.
TEST_F(RulesTest, ARoleIsGrantedOnceAndOnlyWhereThereIsSomething) {
  auto grant = [&](const std::string& principal, const AccessGrant& what) {
    return Reason(Decide(RoleGranted{principal, what}, state_, now_));
  };
  EXPECT_EQ(grant("spiffe://x/principals/pat", {"publisher", "namespaces/acme"}), "");
  EXPECT_EQ(grant("spiffe://x/principals/pat", {"deployer", "environments/production"}), "");
  EXPECT_EQ(grant("https://login.example#42", {"reader", ""}), "");
  const std::string pat = "spiffe://x/principals/pat";
  EXPECT_EQ(grant(pat, {"publisher", "namespaces/acne"}), "NAMESPACE_NOT_FOUND");
  EXPECT_EQ(grant(pat, {"publisher", "environments/test"}), "ENVIRONMENT_NOT_FOUND");
  EXPECT_EQ(grant(pat, {"publisher", "acme"}), "SCOPE_INVALID");
  EXPECT_EQ(grant(pat, {"Publisher", ""}), "ROLE_UNKNOWN");
  EXPECT_EQ(grant("", {"reader", ""}), "PRINCIPAL_INVALID");
  // What nobody can turn out to be.
  for (const char* nobody : {"pat", "pat moss", "spiffe://x", "spiffe://x/principals/pat moss",
                             "https://login.example#", "#42", "CN=pat"}) {
    EXPECT_EQ(grant(nobody, {"reader", ""}), "PRINCIPAL_INVALID") << nobody;
  }
  EXPECT_EQ(grant("token:6f1d0c2a9b3e4857", {"admin", ""}), "PRINCIPAL_INVALID");
  state_.grants.push_back({pat, {"reader", ""}});
  EXPECT_EQ(grant(pat, {"reader", ""}), "ROLE_GRANTED");
  auto revoke = [&](const AccessGrant& what, const std::string& reason) {
    return Reason(Decide(RoleRevoked{pat, what, reason}, state_, now_));
  };
  EXPECT_EQ(revoke({"reader", ""}, "left"), "");
  EXPECT_EQ(revoke({"reader", ""}, ""), "REASON_REQUIRED");
  EXPECT_EQ(revoke({"admin", ""}, "left"), "GRANT_NOT_FOUND");
}

TEST_F(RulesTest, ATokenEndsAndIsRevokedOnce) {
  TokenIssued token{
      "6f1d0c2a9b3e4857", Sha256("secret"), {{"reader", ""}}, now_ + std::chrono::hours(1)};
  auto issue = [&] { return Reason(Decide(token, state_, now_)); };
  EXPECT_EQ(issue(), "");
  token.expires = now_;
  EXPECT_EQ(issue(), "EXPIRY_INVALID");
  token.expires = now_ + std::chrono::days(5000);
  EXPECT_EQ(issue(), "EXPIRY_INVALID");
  token.expires = now_ + std::chrono::hours(1);
  token.grants.clear();
  EXPECT_EQ(issue(), "ROLE_REQUIRED");
  token.grants = {{"root", ""}};
  EXPECT_EQ(issue(), "ROLE_UNKNOWN");
  token.grants = {{"reader", ""}};
  token.id = "6f1d";
  EXPECT_EQ(issue(), "TOKEN_INVALID");
  state_.token = TokenRecord{.id = "6f1d0c2a9b3e4857"};
  token.id = state_.token->id;
  EXPECT_EQ(issue(), "TOKEN_EXISTS");
  auto revoke = [&](const std::string& id) {
    return Reason(Decide(TokenRevoked{id, "found in a log"}, state_, now_));
  };
  EXPECT_EQ(revoke("0000000000000000"), "TOKEN_NOT_FOUND");
  EXPECT_EQ(revoke(token.id), "");
  state_.token->revoked = true;
  EXPECT_EQ(revoke(token.id), "TOKEN_REVOKED");
}

TEST_F(RulesTest, NoEntryLetsAKeyVouchButTheRoots) {
  EXPECT_EQ(Reason(Decide(KeyRegistered{"spki", "pat", {"publisher"}, {"*"}}, state_, now_)),
            "ROOT_REQUIRED");
}

// attacks T8 and 9
TEST_F(RulesTest, RootsFollowOneAnother) {
  const RootSet first{1, {Sha256("one"), 3}};
  EXPECT_EQ(Reason(Decide(first, state_, now_)), "");
  state_.root = RootRecord{.version = 4, .envelope = {Sha256("four"), 4}};
  auto set = [&](uint64_t version, const std::string& text) {
    return Reason(Decide(RootSet{version, {Sha256(text), text.size()}}, state_, now_));
  };
  EXPECT_EQ(set(5, "five"), "");
  EXPECT_EQ(set(6, "six"), "ROOT_VERSION_UNEXPECTED");
  EXPECT_EQ(set(3, "three"), "ROOT_VERSION_UNEXPECTED");
  EXPECT_EQ(set(4, "four"), "ROOT_EXISTS");
  EXPECT_EQ(set(4, "for"), "ROOT_VERSION_UNEXPECTED") << "another of its version";
}

TEST_F(RulesTest, QuarantineIsAWayInAndOut) {
  auto decide = [&](AdmissionState admission, const std::string& reason = "because") {
    return Reason(
        Decide(AdmissionDecided{state_.variant.name, admission, reason, {}}, state_, now_));
  };
  EXPECT_EQ(decide(AdmissionState::kQuarantined), "");
  EXPECT_EQ(decide(AdmissionState::kRejected), "");
  EXPECT_EQ(decide(AdmissionState::kAccepted), "ADMISSION_UNCHANGED");
  EXPECT_EQ(decide(AdmissionState::kQuarantined, ""), "REASON_REQUIRED");
  state_.variant.state = VariantState::kQuarantined;
  EXPECT_EQ(decide(AdmissionState::kAccepted), "");
  EXPECT_EQ(decide(AdmissionState::kRejected), "");
  EXPECT_EQ(decide(AdmissionState::kQuarantined), "ADMISSION_UNCHANGED");
  EXPECT_EQ(Reason(Decide(VersionWithdrawn{state_.variant.name, "hm"}, state_, now_)),
            "VERSION_QUARANTINED")
      << "withdrawn, it could be read";
  for (AdmissionState admission :
       {AdmissionState::kAccepted, AdmissionState::kQuarantined, AdmissionState::kRejected}) {
    state_.variant.state = VariantState::kRejected;
    EXPECT_EQ(decide(admission), "VERSION_REJECTED");
    state_.variant.state = VariantState::kWithdrawn;
    EXPECT_EQ(decide(admission), "VERSION_WITHDRAWN");
  }
}

TEST_F(RulesTest, WhatIsHeldOrInQuarantineIsNotCollected) {
  Retain({.keep = RetentionKeep::kOnlyHeld});
  EXPECT_EQ(CollectIt(), "");
  state_.variant.hold_count = 1;
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE");
  state_.variant.hold_count = 0;
  state_.variant.state = VariantState::kQuarantined;
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE");

  const HoldPlaced hold{"case-4711", state_.variant.name, "court order"};
  EXPECT_EQ(Reason(Decide(hold, state_, now_)), "");
  state_.hold = HoldRecord{hold};
  EXPECT_EQ(Reason(Decide(hold, state_, now_)), "HOLD_EXISTS");
  const VariantName& name = state_.variant.name;
  EXPECT_EQ(Reason(Decide(HoldReleased{"case-4711", name, "closed"}, state_, now_)), "");
  EXPECT_EQ(Reason(Decide(HoldReleased{"case-1", name, "closed"}, state_, now_)), "HOLD_NOT_FOUND");
  state_.variant.payload_collected = true;
  EXPECT_EQ(Reason(Decide(HoldPlaced{"case-2", name, "late"}, state_, now_)), "PAYLOAD_COLLECTED");
}

TEST_F(RulesTest, CopiesAreWhereTheyAre) {
  MediaRegistered item{.name = "acme/dvd", .title = "OS", .location = "vault", .custodian = "pat"};
  item.copies = 3;
  EXPECT_EQ(Reason(Decide(item, state_, now_)), "");
  MediaRegistered bad = item;
  bad.custodian.clear();
  EXPECT_EQ(Reason(Decide(bad, state_, now_)), "TEXT_REQUIRED");
  bad = item;
  bad.name = "other/dvd";
  EXPECT_EQ(Reason(Decide(bad, state_, now_)), "NAMESPACE_NOT_FOUND");
  bad = item;
  bad.copies = 0;
  EXPECT_EQ(Reason(Decide(bad, state_, now_)), "COPIES_INVALID");

  auto record = [&](CustodyAction action, uint32_t copies) {
    CustodyRecorded custody{"acme/dvd", action, copies, "ann", "", ""};
    return Reason(Decide(custody, state_, now_));
  };
  EXPECT_EQ(record(CustodyAction::kMoved, 1), "MEDIA_NOT_FOUND");
  // Copy 1 is there, 2 is out, 3 is destroyed.
  state_.media = MediaRecord{.item = item, .copies_out = 1, .copies_destroyed = 1};
  state_.media->held = {{{1, 1}, CopyState::kIn, "pat", "vault", "", 5},
                        {{2, 2}, CopyState::kOut, "ann", "vault", "site B", 6},
                        {{3, 3}, CopyState::kDestroyed, "pat", "vault", "", 7}};
  EXPECT_EQ(Reason(Decide(item, state_, now_)), "MEDIA_EXISTS");
  EXPECT_EQ(record(CustodyAction::kCheckedOut, 0), "COPIES_INVALID");
  EXPECT_EQ(record(CustodyAction::kCheckedOut, 1), "");
  EXPECT_EQ(record(CustodyAction::kCheckedOut, 2), "COPIES_INVALID");
  EXPECT_EQ(record(CustodyAction::kCheckedIn, 1), "");
  EXPECT_EQ(record(CustodyAction::kCheckedIn, 2), "COPIES_INVALID");
  EXPECT_EQ(record(CustodyAction::kDestroyed, 1), "");
  // Which ones they are may be said, and must be true.
  auto name = [&](CustodyAction action, std::vector<CopyRange> which, uint32_t copies) {
    CustodyRecorded custody{"acme/dvd", action, copies, "ann", "", "", std::move(which)};
    return Reason(Decide(custody, state_, now_));
  };
  EXPECT_EQ(name(CustodyAction::kMoved, {{1, 1}}, 1), "");
  EXPECT_EQ(name(CustodyAction::kMoved, {{2, 2}}, 1), "COPIES_ELSEWHERE");
  EXPECT_EQ(name(CustodyAction::kCheckedIn, {{2, 2}}, 1), "");
  EXPECT_EQ(name(CustodyAction::kCheckedIn, {{1, 1}}, 1), "COPIES_ELSEWHERE");
  EXPECT_EQ(name(CustodyAction::kDestroyed, {{3, 3}}, 1), "COPIES_ELSEWHERE");
  EXPECT_EQ(name(CustodyAction::kMoved, {{1, 1}}, 2), "COPIES_INVALID") << "not as many";
  EXPECT_EQ(name(CustodyAction::kMoved, {{4, 4}}, 1), "COPIES_INVALID") << "no such copy";
  EXPECT_EQ(name(CustodyAction::kMoved, {{1, 1}, {1, 1}}, 2), "COPIES_INVALID") << "twice";
  EXPECT_EQ(name(CustodyAction::kMoved, {{0, 1}}, 2), "COPIES_INVALID");
  EXPECT_EQ(name(CustodyAction::kMoved, {{2, 1}}, 1), "COPIES_INVALID");
  state_.media->held = {{{1, 3}, CopyState::kOut, "ann", "vault", "", 5}};
  EXPECT_EQ(record(CustodyAction::kMoved, 1), "COPIES_ELSEWHERE");
  CustodyRecorded blank{"acme/dvd", CustodyAction::kCheckedIn, 1, " \t", "", ""};
  EXPECT_EQ(Reason(Decide(blank, state_, now_)), "TEXT_REQUIRED");
}

// attack 27
TEST_F(RulesTest, WithoutARetentionPolicyNothingIsCollected) {
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE");
  state_.variant.state = VariantState::kWithdrawn;
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE") << "withdrawn ones neither";
}

// attack 27
TEST_F(RulesTest, ALiveVersionIsCollectedOnlyOutsideItsRetention) {
  state_.live = {"3.0.0", "2.0.0", "1.0.0"};
  Retain({.keep = RetentionKeep::kMatching, .keep_versions = 3});
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE");
  Retain({.keep = RetentionKeep::kMatching, .keep_versions = 4});
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE") << "there are fewer";
  Retain({.keep = RetentionKeep::kMatching, .keep_versions = 2});
  EXPECT_EQ(CollectIt(), "");

  const std::chrono::seconds day = std::chrono::days(1);
  Retain({.keep = RetentionKeep::kMatching, .keep_age = day});
  state_.variant.published_time = now_ - day;
  EXPECT_EQ(CollectIt(), "");
  state_.variant.published_time += std::chrono::microseconds(1);
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE");
  Retain({.keep = RetentionKeep::kMatching, .keep_versions = 2, .keep_age = day});
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE") << "either keeps it";

  Retain({.keep = RetentionKeep::kOnlyHeld});
  EXPECT_EQ(CollectIt(), "");
  state_.variant.state = VariantState::kWithdrawn;
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE") << "withdrawn ones are another question";
}

TEST_F(RulesTest, ARetentionPolicyReplacesTheOneThatItsAuthorSaw) {
  auto set = [&](std::string etag) {
    return Decide(NamespaceRetentionSet{"acme", {}, std::move(etag)}, state_, now_);
  };
  EXPECT_TRUE(set("").ok());
  EXPECT_EQ(Reason(set("7")), "ETAG_MISMATCH");
  Retain({.keep = RetentionKeep::kOnlyHeld});
  state_.retention->index = 7;
  EXPECT_TRUE(set("7").ok());
  const absl::Status stale = set("6");
  EXPECT_EQ(stale.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Reason(stale), "ETAG_MISMATCH");
  EXPECT_EQ(Reason(set("")), "ETAG_MISMATCH");
}

TEST_F(RulesTest, AWithdrawnVersionIsCollectedAfterItsGrace) {
  state_.variant.state = VariantState::kWithdrawn;
  Retain({.collect_withdrawn = true, .withdrawn_grace = std::chrono::hours(2)});
  state_.variant.withdrawn_time = now_ - std::chrono::hours(2);
  EXPECT_EQ(CollectIt(), "");
  state_.variant.withdrawn_time += std::chrono::microseconds(1);
  EXPECT_EQ(CollectIt(), "PAYLOAD_IN_USE");
  Retain({.collect_withdrawn = true});
  EXPECT_EQ(CollectIt(), "");
}

TEST_F(RulesTest, VariantsOfACollectionExistAscendAndAreCollectedOnce) {
  Retain({.keep = RetentionKeep::kOnlyHeld});
  VariantName other = state_.variant.name;
  other.version = "0.9.0";
  EXPECT_EQ(Collect({}), "NOTHING_TO_COLLECT");
  EXPECT_EQ(Collect({other}), "VARIANT_NOT_FOUND");
  EXPECT_EQ(Collect({state_.variant.name, state_.variant.name}), "VARIANTS_NOT_ASCENDING");
  EXPECT_EQ(Collect({state_.variant.name, other}), "VARIANTS_NOT_ASCENDING");
  state_.variant.payload_collected = true;
  EXPECT_EQ(CollectIt(), "PAYLOAD_COLLECTED");
}

TEST_F(RulesTest, ARetentionPolicyNeedsItsNamespaceAndSaysOneThing) {
  auto set = [&](std::string ns, RetentionPolicy policy) {
    return Decide(NamespaceRetentionSet{std::move(ns), policy}, state_, now_);
  };
  EXPECT_TRUE(set("acme", {}).ok());
  EXPECT_EQ(Reason(set("acne", {})), "NAMESPACE_NOT_FOUND");
  const absl::Status refused = set("acme", {.keep_versions = 1});
  EXPECT_EQ(Reason(refused), "RETENTION_INVALID");
  ASSERT_EQ(FieldViolations(refused).size(), 1u);
  EXPECT_EQ(FieldViolations(refused)[0].field, "retention.keep");
}

}  // namespace
}  // namespace dml
