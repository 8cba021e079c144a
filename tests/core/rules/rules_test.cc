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
  Lookup<EnvironmentRecord> FindEnvironment(std::string_view) const override {
    return std::nullopt;
  }
  Lookup<NodeRecord> FindNode(std::string_view, std::string_view) const override {
    return std::nullopt;
  }
  Lookup<PolicyRecord> FindPolicy(std::string_view) const override { return std::nullopt; }

  VariantRecord variant;
  std::optional<RetentionRecord> retention;
  std::vector<std::string> live;  // Versions of the package, highest first.
  std::map<Digest, KeyRecord> keys;
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
    key.roles = std::move(roles);
    key.namespaces = std::move(namespaces);
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

TEST_F(RulesTest, AKeyIsRegisteredOnlyForNamespacesThatThereAre) {
  const std::string spki(PrivateKey::Generate(KeyAlgorithm::kEd25519).public_key().spki_der());
  auto register_for = [&](std::vector<std::string> namespaces) {
    return Decide(KeyRegistered{spki, "pat", {"publisher"}, std::move(namespaces)}, state_, now_);
  };
  EXPECT_TRUE(register_for({"acme"}).ok());
  EXPECT_TRUE(register_for({"*"}).ok()) << "also those to come";
  const absl::Status refused = register_for({"acme", "acne"});
  EXPECT_EQ(refused.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(refused), "NAMESPACE_NOT_FOUND");
  EXPECT_NE(Message(refused).find("dml namespace create acne"), std::string_view::npos);
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
