#include "storage/library/preparation.h"

#include <gtest/gtest.h>

#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

std::string Envelope(const PrivateKey& key, const Digest& subject, std::string_view predicate_type,
                     std::string predicate) {
  Statement statement{{{"", subject}}, std::string(predicate_type), std::move(predicate)};
  const PrivateKey* keys[] = {&key};
  return FormatEnvelope(
      SignEnvelope(kInTotoPayloadType, FormatStatement(statement).value(), keys).value());
}

class PrepareAttachTest : public ::testing::Test {
 protected:
  PrepareAttachTest() {
    EXPECT_TRUE(library_.Publish(spec_).ok());
    EXPECT_TRUE(library_
                    .Commit(KeyRegistered{
                        second_.public_key().spki_der(), "quinn", {"publisher"}, {"acme"}})
                    .ok());
    manifest_ = LibraryView(*library_->Read()).FindVariant(NameOf(spec_)).value()->manifest.digest;
  }
  absl::StatusOr<Command> Attach(std::string_view type, std::string predicate) {
    return PrepareAttach(*library_->Read(), NameOf(spec_),
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
  ASSERT_TRUE(
      library_
          .Commit(KeyRegistered{stranger.public_key().spki_der(), "mal", {"publisher"}, {"other"}})
          .ok());
  auto command =
      PrepareAttach(*library_->Read(), NameOf(spec_),
                    Envelope(stranger, manifest_, kTestResultPredicate, R"({"result":"PASSED"})"));
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(Reason(library_->Commit(*command).status()), "SIGNATURE_MISSING");
}

TEST_F(PrepareAttachTest, OtherPredicatesAreKeptAsTheyAre) {
  EXPECT_TRUE(Attach(kTestResultPredicate, R"({"result":"PASSED"})").ok());
}

}  // namespace
}  // namespace dml
