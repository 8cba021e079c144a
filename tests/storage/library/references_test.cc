// References in a library: how they get there, and what they are good for.
#include "storage/library/references.h"

#include <gmock/gmock.h>

#include "core/compat/resolver.h"
#include "core/package/references.h"
#include "storage/library/decision.h"
#include "storage/library/library_packages.h"
#include "storage/library/preparation.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/relation_index.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NameOf;
using testing::SpecBuilder;
using testing::Target;
using testing::TestLibrary;

PackageSpec Reference(SpecBuilder builder) {
  PackageSpec out = builder.Build();
  out.is_reference = true;
  return out;
}

class ReferencesTest : public ::testing::Test {
 protected:
  std::string Sealed(const std::vector<std::string>& specs, const PrivateKey& key,
                     const std::string& ns = "acme") {
    ReferenceBatch batch{ns, "Packages", {}};
    for (const std::string& spec : specs) batch.specs.push_back(Sha256(spec));
    const Signer* keys[] = {&key};
    return FormatEnvelope(
        SignEnvelope(kReferenceBatchPayloadType, FormatReferenceBatch(batch), keys).value());
  }
  absl::StatusOr<ReferencesPrepared> Prepare(const std::vector<std::string>& specs,
                                             const std::string& envelope) {
    return PrepareReferences(*library_->Read(), *library_.Domain(), envelope, specs);
  }
  // The reason of an error, "" for success; what came of it is in prepared_.
  std::string Publish(const std::vector<PackageSpec>& specs) {
    std::vector<std::string> documents;
    for (const PackageSpec& spec : specs) documents.push_back(FormatPackageSpec(spec));
    return PublishDocuments(documents, Sealed(documents, library_.publisher()));
  }
  std::string PublishDocuments(const std::vector<std::string>& documents,
                               const std::string& envelope) {
    auto prepared = Prepare(documents, envelope);
    last_ = prepared.status();
    if (!prepared.ok()) return Reason(last_);
    prepared_ = *std::move(prepared);
    if (!prepared_.command.has_value()) return "";
    Command command = *prepared_.command;
    command.author = "tester";
    last_ = library_->Commit(std::move(command)).status();
    return Reason(last_);
  }

  TestLibrary library_;
  ReferencesPrepared prepared_;
  absl::Status last_;
  TrustCache trust_;
  SpecCache specs_;
};

TEST_F(ReferencesTest, AreVersionsForPlanning) {
  ASSERT_EQ(
      Publish({Reference(SpecBuilder("acme/app", "1").Requires({Target("acme/lib")})),
               Reference(SpecBuilder("acme/lib", "1")), Reference(SpecBuilder("acme/lib", "2"))}),
      "")
      << last_;
  EXPECT_EQ(prepared_.published, 3u);
  const auto state = library_->Read();
  const LibraryView view(*state);
  const auto record = view.FindVariant(NameOf(SpecBuilder("acme/lib", "2").Build()));
  ASSERT_TRUE(record.ok() && record->has_value());
  EXPECT_EQ((*record)->state, VariantState::kPublished);
  EXPECT_EQ((*record)->file_count, 0u);
  EXPECT_EQ((*record)->attestation_count, 1u);
  EXPECT_EQ(view.FindPackage({"acme", "lib"})->value().version_count, 2u);
  EXPECT_EQ(view.FindPackage({"acme", "lib"})->value().latest, "2");
  const auto who = RelationIndex(*state).Relations(RelationKind::kPackage, "acme/lib", {}, {});
  ASSERT_TRUE(who.ok());
  EXPECT_EQ(who->items.size(), 1u);
  auto packages = *LibraryPackages::Open(*state, trust_, specs_, {});
  ResolveRequest request;
  request.wanted.push_back(Target("acme/app"));
  SolveBudget budget;
  const auto resolution = Resolve(*packages, request, budget);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->solvable, Solvable::kYes);
  EXPECT_EQ(resolution->packages.size(), 2u);
}

TEST_F(ReferencesTest, TheGateRefusesThem) {
  constexpr std::string_view kPolicy =
      "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\n"
      "signatures: {threshold: 1}\nlicenses: {allow: [MIT]}\n";
  ASSERT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
  ASSERT_TRUE(library_
                  .Commit(PolicySet{"production", {Sha256(kPolicy), kPolicy.size()}, ""},
                          {std::string(kPolicy)})
                  .ok());
  PackageSpec spec = Reference(SpecBuilder("acme/lib", "1"));
  spec.declared_license = "MIT";
  ASSERT_EQ(Publish({spec}), "");
  const VariantName names[] = {NameOf(spec)};
  PolicyCache policies;
  const GateDecision decision =
      EvaluateGate(*library_->Read(), trust_, policies, names, "production").value();
  EXPECT_EQ(decision.result.decision, Decision::kDeny);
  ASSERT_EQ(decision.result.findings.size(), 1u) << "and nothing else is wrong with it";
  EXPECT_EQ(decision.result.findings[0].rule, "content.reference");
  EXPECT_FALSE(IsOverridable("content.reference"));
}

TEST_F(ReferencesTest, WhatIsThereStays) {
  ASSERT_TRUE(library_.Publish(SpecBuilder("acme/lib", "1").Build()).ok());
  const PackageSpec second = Reference(SpecBuilder("acme/lib", "2"));
  ASSERT_EQ(Publish({second}), "");
  const uint64_t size = library_->checkpoint()->checkpoint.size;
  ASSERT_EQ(Publish({second}), "");
  EXPECT_EQ(prepared_.present, 1u);
  EXPECT_EQ(library_->checkpoint()->checkpoint.size, size) << "nothing is entered for nothing";
  PackageSpec semver = Reference(SpecBuilder("acme/lib", "semver:3.0.0"));
  ASSERT_EQ(Publish({semver}), "");
  ASSERT_EQ(prepared_.refused.size(), 1u);
  EXPECT_EQ(Reason(prepared_.refused[0].why), "VERSION_SCHEME_FIXED");
  PackageSpec changed = Reference(SpecBuilder("acme/lib", "2"));
  changed.title = "another";
  ASSERT_EQ(
      Publish({Reference(SpecBuilder("acme/lib", "1")), changed,
               Reference(SpecBuilder("acme/lib", "2-0")), Reference(SpecBuilder("acme/lib", "3")),
               Reference(SpecBuilder("acme/lib", "3-0"))}),
      "");
  EXPECT_EQ(prepared_.published, 1u);
  std::vector<std::string> refused;
  for (const ReferenceRefusal& item : prepared_.refused) {
    refused.push_back(item.variant.version + " " + std::string(Reason(item.why)));
  }
  EXPECT_THAT(refused, ElementsAre("1 VERSION_BOUND", "2 VERSION_BOUND", "2-0 VERSION_EQUAL_EXISTS",
                                   "3-0 VERSION_EQUAL_EXISTS"));
}

// attack: a batch says one thing and brings another, or is not signed by who may.
TEST_F(ReferencesTest, ABatchIsWhatItsPublisherSigned) {
  const std::string lib = FormatPackageSpec(Reference(SpecBuilder("acme/lib", "1")));
  const std::string evil = FormatPackageSpec(Reference(SpecBuilder("acme/evil", "1")));
  const std::string envelope = Sealed({lib}, library_.publisher());
  EXPECT_EQ(PublishDocuments({evil}, envelope), "REFERENCES_INVALID");
  EXPECT_EQ(PublishDocuments({lib, evil}, envelope), "REFERENCES_INVALID");
  EXPECT_EQ(PublishDocuments({}, envelope), "REFERENCES_INVALID");
  const PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  EXPECT_EQ(PublishDocuments({lib}, Sealed({lib}, stranger)), "THRESHOLD_NOT_MET");
  library_.Register(stranger, "sue", "advisory", "*");
  EXPECT_EQ(PublishDocuments({lib}, Sealed({lib}, stranger)), "THRESHOLD_NOT_MET");
  EXPECT_EQ(PublishDocuments({lib}, Sealed({lib}, library_.publisher(), "other")),
            "NAMESPACE_NOT_FOUND");
  EXPECT_EQ(PublishDocuments({lib, lib}, Sealed({lib, lib}, library_.publisher())),
            "REFERENCES_INVALID");
  const std::string plain = FormatPackageSpec(SpecBuilder("acme/lib", "1").Build());
  EXPECT_EQ(PublishDocuments({plain}, Sealed({plain}, library_.publisher())), "REFERENCES_INVALID");
  const std::string semver =
      FormatPackageSpec(Reference(SpecBuilder("acme/other", "semver:1.0.0")));
  EXPECT_EQ(PublishDocuments({lib, semver}, Sealed({lib, semver}, library_.publisher())),
            "REFERENCES_INVALID")
      << "two schemes";
  EXPECT_EQ(PublishDocuments({lib}, envelope), "") << last_;
}

TEST_F(ReferencesTest, ARuleRefusesWhatPreparationWouldNotMake) {
  ASSERT_EQ(Publish({Reference(SpecBuilder("acme/a", "1")), Reference(SpecBuilder("acme/b", "1"))}),
            "");
  auto entry = std::get<ReferencesPublished>(prepared_.command->payload);
  const auto refused = [&](const ReferencesPublished& changed) {
    return Reason(library_.Commit(changed, prepared_.command->metadata).status());
  };
  EXPECT_EQ(refused(entry), "VERSION_EXISTS");
  std::swap(entry.references[0], entry.references[1]);
  EXPECT_EQ(refused(entry), "REFERENCES_INVALID") << "out of order";
  entry.references.clear();
  EXPECT_EQ(refused(entry), "REFERENCES_INVALID");
  entry.references = {{{{"acme", "c"}, "1", {}}, {Sha256("x"), 1}}};
  entry.key_ids.clear();
  EXPECT_EQ(refused(entry), "PUBLISHER_SIGNATURE_MISSING");
  entry.ns = "other";
  EXPECT_EQ(refused(entry), "REFERENCES_INVALID");
}

TEST_F(ReferencesTest, NeitherPublishedAloneNorClaimedByAStatement) {
  const PackageSpec spec = Reference(SpecBuilder("acme/lib", "1"));
  const Command command = library_.PublishCommand(spec);
  ContentStore& content = library_->content();
  const std::string envelopes[] = {command.metadata[2]};
  const auto prepared =
      PreparePublish(*library_->Read(), *library_.Domain(), BundledLicenseList(), content,
                     command.metadata[1], command.metadata[0], envelopes);
  EXPECT_EQ(Reason(prepared.status()), "REFERENCE_ALONE");
  const std::string claim =
      testing::Envelope(library_.publisher(), Sha256("m"), kReferencesPredicate, "{}");
  EXPECT_EQ(Reason(CheckEnvelope(*library_.Domain(), claim, Sha256("m"), {"acme", "lib"}).status()),
            "PREDICATE_RESERVED");
}

TEST_F(ReferencesTest, ARevokedKeyVouchesForNothing) {
  ASSERT_EQ(Publish({Reference(SpecBuilder("acme/lib", "1"))}), "");
  library_.trust().root().roles.clear();
  const auto state = library_->Read();
  PublicationReader publications(*state, nullptr);
  const auto signers = publications.SignersOf(NameOf(SpecBuilder("acme/lib", "1").Build()));
  ASSERT_TRUE(signers.ok());
  EXPECT_TRUE(signers->signatures.empty());
}

}  // namespace
}  // namespace dml
