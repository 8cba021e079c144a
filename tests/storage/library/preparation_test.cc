#include "storage/library/preparation.h"

#include <gtest/gtest.h>

#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::Envelope;
using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

class PrepareAttachTest : public ::testing::Test {
 protected:
  PrepareAttachTest() {
    EXPECT_TRUE(library_.Publish(spec_).ok());
    library_.Register(second_, "quinn", "publisher", "acme");
    manifest_ = LibraryView(*library_->Read()).FindVariant(NameOf(spec_)).value()->manifest.digest;
  }
  absl::StatusOr<Command> Attach(std::string_view type, std::string predicate) {
    return PrepareAttach(*library_->Read(), *library_.Domain(), BundledLicenseList(), NameOf(spec_),
                         Envelope(second_, manifest_, type, std::move(predicate)));
  }

  TestLibrary library_;
  PackageSpec spec_ = SpecBuilder("acme/api", "1.0").Build();
  PrivateKey second_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  Digest manifest_;
};

// attack 17: what the envelope says is checked, not only that it is signed.
TEST_F(PrepareAttachTest, APublicationThatPublishesSomethingElseIsRefused) {
  EXPECT_EQ(Reason(Attach(kPublicationPredicate, R"({"this":"publishes nothing"})").status()),
            "PUBLICATION_INVALID");
  PublicationPredicate other{NameOf(SpecBuilder("acme/other", "1.0").Build()),
                             std::string(kManifestMediaType)};
  EXPECT_EQ(Reason(Attach(kPublicationPredicate, FormatPublicationPredicate(other)).status()),
            "PUBLICATION_MISMATCH");
}

TEST_F(PrepareAttachTest, ASecondPublishersPublicationCountsTowardTheThreshold) {
  PublicationPredicate same{NameOf(spec_), std::string(kManifestMediaType)};
  auto command = Attach(kPublicationPredicate, FormatPublicationPredicate(same));
  ASSERT_TRUE(command.ok()) << command.status();
  command->author = "quinn";
  ASSERT_TRUE(library_->Commit(*command).ok());
  EXPECT_EQ(Reason(library_->Commit(*command).status()), "ATTESTATION_EXISTS");
}

TEST_F(PrepareAttachTest, AKeyOfAnotherNamespaceAttachesNothing) {
  PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  ASSERT_TRUE(library_.Commit(NamespaceCreated{"other", "", {}}).ok());
  library_.Register(stranger, "mal", "publisher", "other");
  auto command =
      PrepareAttach(*library_->Read(), *library_.Domain(), BundledLicenseList(), NameOf(spec_),
                    Envelope(stranger, manifest_, kTestResultPredicate, R"({"result":"PASSED"})"));
  EXPECT_EQ(Reason(command.status()), "SIGNATURE_MISSING");
}

TEST_F(PrepareAttachTest, OtherPredicatesAreKeptAsTheyAre) {
  EXPECT_TRUE(Attach(kTestResultPredicate, R"({"result":"PASSED"})").ok());
}

// attack 14: without a key nothing is added to a variant.
TEST_F(PrepareAttachTest, OneStatementInAnotherEnvelopeAddsNothing) {
  const std::string envelope =
      Envelope(second_, manifest_, kTestResultPredicate, R"({"result":"PASSED"})");
  auto attach = [&](std::string bytes) {
    return PrepareAttach(*library_->Read(), *library_.Domain(), BundledLicenseList(), NameOf(spec_),
                         std::move(bytes));
  };
  Command command = attach(envelope).value();
  ASSERT_TRUE(library_->Commit(command).ok());

  EXPECT_EQ(Reason(attach(envelope + "\n").status()), "ATTESTATION_EXISTS");
  DsseEnvelope copy = ParseEnvelope(envelope).value();
  copy.signatures.push_back({"", "of nobody"});
  EXPECT_EQ(Reason(attach(FormatEnvelope(copy)).status()), "ATTESTATION_EXISTS");
  // The very same bytes may be a retry, which the sequencer tells by its request id.
  ASSERT_TRUE(attach(envelope).ok());
  EXPECT_EQ(Reason(library_->Commit(*attach(envelope)).status()), "ATTESTATION_EXISTS");

  // A further signer of the same statement does add something.
  const Signer* both[] = {&second_, &library_.publisher()};
  EXPECT_TRUE(attach(FormatEnvelope(*SignEnvelope(kInTotoPayloadType, copy.payload, both))).ok());
}

class KeysToTryTest : public PrepareAttachTest {
 protected:
  std::vector<PrivateKey> Register(int count, const std::string& ns) {
    std::vector<PrivateKey> keys;
    for (int i = 0; i < count; ++i) {
      keys.push_back(PrivateKey::Generate(KeyAlgorithm::kEd25519));
      library_.trust().Give(keys.back().public_key(), "someone", SigningRole::kTester, ns);
    }
    const absl::Status set = library_.trust().Set(*library_);
    EXPECT_TRUE(set.ok()) << set;
    return keys;
  }
  absl::StatusOr<CheckedEnvelope> Check(const PrivateKey& key, const std::string& key_id) {
    DsseEnvelope envelope =
        ParseEnvelope(Envelope(key, manifest_, kTestResultPredicate, "{}")).value();
    envelope.signatures[0].key_id = key_id;
    return CheckEnvelope(*library_.Domain(), FormatEnvelope(envelope), manifest_, spec_.package);
  }
};

TEST_F(KeysToTryTest, WithoutAHintThoseThatNameTheNamespaceComeFirst) {
  Register(200, "*");
  Register(200, "other");
  for (const std::string& hint : {std::string(), std::string("release key"), std::string(64, 'f'),
                                  second_.public_key().id().hex()}) {
    EXPECT_TRUE(Check(second_, hint).ok()) << hint;
  }
}

TEST_F(KeysToTryTest, KeysOfOtherNamespacesAndRevokedOnesAreNot) {
  const std::vector<PrivateKey> others = Register(1, "other");
  EXPECT_EQ(Reason(Check(others[0], "").status()), "SIGNATURE_MISSING");
  ASSERT_TRUE(library_.Commit(KeyRevoked{second_.public_key().id(), "lost"}).ok());
  EXPECT_EQ(Reason(Check(second_, "").status()), "SIGNATURE_MISSING");
}

TEST_F(KeysToTryTest, WhereThereAreTooManyTheErrorSaysWhatToDo) {
  // A role has at most 256 keys; two of them together more than are tried.
  const std::vector<PrivateKey> of_namespace = Register(250, "acme");
  std::vector<PrivateKey> keys = Register(200, "*");
  std::sort(keys.begin(), keys.end(), [](const PrivateKey& a, const PrivateKey& b) {
    return a.public_key().id() < b.public_key().id();
  });
  EXPECT_TRUE(Check(of_namespace.front(), "").ok());
  const absl::Status refused = Check(keys.back(), "").status();
  EXPECT_EQ(Reason(refused), "KEY_ID_REQUIRED") << Message(refused);
  EXPECT_TRUE(Check(keys.back(), keys.back().public_key().id().hex()).ok());
}

// attacks 4 and T9: persons count, not keys, and fewer than the root demands are none.
TEST_F(PrepareAttachTest, PublishersTogetherMeetTheThresholdOfTheRoot) {
  const PrivateKey again = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.trust().Give(again.public_key(), "quinn", SigningRole::kPublisher, "acme");
  TrustRoot& root = library_.trust().root();
  root.roles.erase(SigningRole::kPublisher);
  root.delegations[0].keys.threshold = 2;
  const PrivateKey third = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  library_.trust().Give(third.public_key(), "rob", SigningRole::kPublisher, "acme");
  ASSERT_TRUE(library_.trust().Set(*library_).ok());

  const PackageSpec spec = SpecBuilder("acme/api", "2.0").Build();
  const std::string spec_bytes = FormatPackageSpec(spec);
  Manifest manifest;
  manifest.config = {Sha256(spec_bytes), spec_bytes.size()};
  const std::string bytes = FormatManifest(manifest);
  auto publication = [&](const PrivateKey& key) {
    return Envelope(key, Sha256(bytes), kPublicationPredicate,
                    FormatPublicationPredicate({NameOf(spec), std::string(kManifestMediaType)}));
  };
  auto publish = [&](const std::vector<std::string>& envelopes) {
    return Reason(PreparePublish(*library_->Read(), *library_.Domain(), BundledLicenseList(),
                                 library_->content(), bytes, spec_bytes, envelopes)
                      .status());
  };
  EXPECT_EQ(publish({publication(second_)}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(publish({publication(second_), publication(again)}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(publish({publication(library_.publisher())}), "SIGNATURE_MISSING");
  EXPECT_EQ(publish({publication(second_), publication(third)}), "");
  ASSERT_TRUE(library_.Commit(KeyRevoked{third.public_key().id(), "lost"}).ok());
  EXPECT_EQ(publish({publication(second_), publication(third)}), "SIGNATURE_MISSING");
}

// What a spec declares is judged by the list in force, which may be newer than the one built in.
TEST_F(PrepareAttachTest, ADeclaredLicenseIsOneOfTheListInForce) {
  const LicenseList newer = *LicenseList::Parse(
      R"({"version": "9.9", "licenses": ["MIT", "Newest-1.0"], "deprecatedLicenses": [],
          "exceptions": [], "deprecatedExceptions": [], "families": []})");
  auto publish = [&](const std::string& license, const LicenseList& list) {
    PackageSpec spec = SpecBuilder("acme/api", "2.0").Build();
    spec.declared_license = license;
    const std::string spec_bytes = FormatPackageSpec(spec);
    Manifest manifest;
    manifest.config = {Sha256(spec_bytes), spec_bytes.size()};
    const std::string bytes = FormatManifest(manifest);
    const std::vector<std::string> envelopes = {
        Envelope(library_.publisher(), Sha256(bytes), kPublicationPredicate,
                 FormatPublicationPredicate({NameOf(spec), std::string(kManifestMediaType)}))};
    return PreparePublish(*library_->Read(), *library_.Domain(), list, library_->content(), bytes,
                          spec_bytes, envelopes)
        .status();
  };
  EXPECT_EQ(Reason(publish("Newest-1.0 OR MIT", newer)), "");
  EXPECT_EQ(Reason(publish("newest-1.0", newer)), "LICENSE_NOT_CANONICAL");
  EXPECT_EQ(Reason(publish("Apache-2.0", newer)), "") << "the built-in list has it";
  EXPECT_EQ(Reason(publish("apache-2.0", newer)), "");
  EXPECT_EQ(Reason(publish("Expat", newer)), "LICENSE_EXPRESSION_INVALID");
  const absl::Status refused = publish("MIT OR Newest-1.0", BundledLicenseList());
  EXPECT_EQ(Reason(refused), "LICENSE_EXPRESSION_INVALID");
  EXPECT_NE(Message(refused).find("column 8: expected a license id"), std::string::npos) << refused;
}

// A root that changes between preparation and commit makes the command stale.
TEST_F(PrepareAttachTest, WhatWasPreparedUnderAnotherTrustIsNotCommitted) {
  auto command = Attach(kTestResultPredicate, R"({"result":"PASSED"})");
  ASSERT_TRUE(command.ok()) << command.status();
  ASSERT_TRUE(library_.Commit(KeyRevoked{second_.public_key().id(), "lost"}).ok());
  EXPECT_EQ(Reason(library_->Commit(*command).status()), "STATE_CHANGED");
}

}  // namespace
}  // namespace dml
