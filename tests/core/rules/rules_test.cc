#include "core/rules/rules.h"

#include <map>

#include <gtest/gtest.h>

#include "core/crypto/keys.h"
#include "core/crypto/sha256.h"
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
    return Reason(Decide(AttestationAttached{state_.variant.name, ref}, state_));
  }

  FakeState state_;
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
    return Decide(KeyRegistered{spki, "pat", {"publisher"}, std::move(namespaces)}, state_);
  };
  EXPECT_TRUE(register_for({"acme"}).ok());
  EXPECT_TRUE(register_for({"*"}).ok()) << "also those to come";
  const absl::Status refused = register_for({"acme", "acne"});
  EXPECT_EQ(refused.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(refused), "NAMESPACE_NOT_FOUND");
  EXPECT_NE(Message(refused).find("dml namespace create acne"), std::string_view::npos);
}

}  // namespace
}  // namespace dml
