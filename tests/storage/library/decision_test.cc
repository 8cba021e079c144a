#include "storage/library/decision.h"

#include <gtest/gtest.h>

#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::Envelope;
using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

constexpr char kPolicy[] =
    "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\n"
    "signatures: {threshold: 1}\nlicenses: {allow: [MIT]}\n";

class GateTest : public ::testing::Test {
 protected:
  GateTest() {
    EXPECT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
    EXPECT_TRUE(library_
                    .Commit(PolicySet{"production",
                                      {Sha256(std::string_view(kPolicy)), sizeof kPolicy - 1},
                                      ""},
                            {kPolicy})
                    .ok());
  }
  // A spec whose publication's envelope comes late in the order of digests.
  PackageSpec LateSpec() const {
    for (int i = 0;; ++i) {
      PackageSpec spec = SpecBuilder("acme/api", "1." + std::to_string(i)).Build();
      spec.declared_license = "MIT";
      const auto published = std::get<VersionPublished>(library_.PublishCommand(spec).payload);
      if (published.attestations[0].envelope.digest.bytes()[0] >= 0xF0) return spec;
    }
  }
  absl::Status AttachResult(const VariantRecord& variant, int run) {
    const std::string envelope =
        Envelope(library_.publisher(), variant.manifest.digest, kTestResultPredicate,
                 "{\"run\":" + std::to_string(run) + "}");
    AttestationRef ref{{Sha256(envelope), envelope.size()},
                       std::string(kTestResultPredicate),
                       variant.manifest.digest,
                       {library_.publisher().public_key().id()}};
    return library_.Commit(AttestationAttached{variant.name, ref}, {envelope}).status();
  }
  VariantRecord Find(const PackageSpec& spec) {
    return LibraryView(*library_->Read()).FindVariant(NameOf(spec)).value().value();
  }

  TestLibrary library_;
  TrustCache trust_;
  PolicyCache policies_;
};

// attack 16: no amount of other evidence hides the publication.
TEST_F(GateTest, ReadsAllAttestationsOfAVariantUpToTheLimit) {
  const PackageSpec spec = LateSpec();
  ASSERT_TRUE(library_.Publish(spec).ok());
  const VariantRecord variant = Find(spec);
  EXPECT_EQ(variant.attestation_count, 1u);
  const uint32_t places = kMaxVariantAttestations - kPlacesForPublications - 1;
  for (uint32_t run = 0; run < places; ++run) {
    ASSERT_TRUE(AttachResult(variant, static_cast<int>(run)).ok()) << run;
  }
  EXPECT_EQ(Reason(AttachResult(variant, -1)), "ATTESTATION_LIMIT");
  EXPECT_EQ(Find(spec).attestation_count, kMaxVariantAttestations - kPlacesForPublications);

  const VariantName names[] = {NameOf(spec)};
  auto decision = EvaluateGate(*library_->Read(), trust_, policies_, names, "production");
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->result.decision, Decision::kAllow);
  EXPECT_TRUE(library_->VerifyViews().value().differing_keys.empty());
}

TEST_F(GateTest, AnEnvelopeTwiceInOnePublicationCountsOnce) {
  const PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
  Command command = library_.PublishCommand(spec);
  auto& attestations = std::get<VersionPublished>(command.payload).attestations;
  attestations.push_back(attestations[0]);
  ASSERT_TRUE(library_->Commit(command).ok());
  EXPECT_EQ(Find(spec).attestation_count, 1u);
}

// A document is read once, and the ones used last are kept.
TEST_F(GateTest, PoliciesAreCachedByTheirDigest) {
  PolicyCache cache;
  const auto state = library_->Read();
  auto parse = [&](std::string_view document) {
    return cache.Parse(*state, document).value_or(PolicyInForce()).policy;
  };
  const auto first = parse(kPolicy);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(parse(kPolicy), first) << "parsed again";
  auto record = LibraryView(*state).FindPolicyInForce("production").value().value();
  EXPECT_EQ(cache.Get(*state, record.document)->policy, first) << "one digest, one policy";
  EXPECT_EQ(Reason(cache.Parse(*state, "schema: dml.policy/v1").status()), "POLICY_INVALID");
  EXPECT_EQ(Reason(cache.Parse(*state, std::string(kMaxPolicyBytes + 1, ' ')).status()),
            "POLICY_INVALID");
  EXPECT_EQ(cache.size(), 1u) << "what is no policy is not kept";
  for (size_t i = 0; i < 2 * kMaxCachedPolicies; ++i) {
    ASSERT_NE(parse(fmt::format("{}# {}\n", kPolicy, i)), nullptr);
    EXPECT_EQ(parse(kPolicy), first) << "the one in use was dropped";
  }
  EXPECT_EQ(cache.size(), kMaxCachedPolicies);
}

}  // namespace
}  // namespace dml
