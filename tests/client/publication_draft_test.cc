#include "client/publication_draft.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "tests/client/fake_library.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

using testing::FakeLibrary;
using testing::TempDir;

constexpr char kSpec[] = R"({"schema":"dml.package/v1","package":"acme/api","version":"1.0.0",)"
                         R"("versionScheme":"semver","license":{"declared":"MIT"}})";

class PublicationDraftTest : public ::testing::Test {
 protected:
  PublicationDraftTest() { library_.Trust(key_.public_key(), "acme"); }

  std::vector<LocalFile> Files(const std::string& place, const std::string& bytes) {
    return {{dir_.Write(place + "/a", bytes), "bin/a"}};
  }
  std::string Sign(const std::string& statement) const {
    const Signer* keys[] = {&key_};
    return FormatEnvelope(*SignEnvelope(kInTotoPayloadType, statement, keys));
  }
  std::string Publish(const std::vector<LocalFile>& files, std::vector<std::string> envelopes) {
    Client client = *Client::Create(library_.Options());
    const PublishInput input{kSpec, files, {}, std::move(envelopes)};
    return Reason(PublishPackage(client, input, nullptr).status());
  }

  TempDir dir_;
  FakeLibrary library_;
  const PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

TEST_F(PublicationDraftTest, TheSameContentIsTheSameStatementAnywhere) {
  const auto one = DraftPublication(kSpec, Files("one", "content"));
  const auto two = DraftPublication(kSpec, Files("two", "content"));
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(one->statement, two->statement);
  EXPECT_EQ(one->variant.ResourceName(), "packages/acme/api/versions/1.0.0/variants/any");
  EXPECT_NE(DraftPublication(kSpec, Files("two", "c0ntent"))->statement, one->statement);
  const auto read = ReadPublicationDraft(one->statement);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->variant, one->variant);
  EXPECT_EQ(read->manifest.digest, one->manifest.digest);
}

TEST_F(PublicationDraftTest, WhatIsNoPublicationIsRefused) {
  EXPECT_EQ(Reason(ReadPublicationDraft("{}").status()), "STATEMENT_INVALID");
  Statement statement{{{"", Sha256("x")}}, "https://example.org/test", "{}"};
  EXPECT_EQ(Reason(ReadPublicationDraft(*FormatStatement(statement)).status()),
            "PUBLICATION_INVALID");
  const VariantName name{{"acme", "api"}, "1.0.0", {}};
  statement.predicate_type = kPublicationPredicate;
  statement.predicate_json = FormatPublicationPredicate({name, "application/json"});
  EXPECT_EQ(Reason(ReadPublicationDraft(*FormatStatement(statement)).status()),
            "PUBLICATION_INVALID");
  statement.predicate_json = FormatPublicationPredicate({name, std::string(kManifestMediaType)});
  EXPECT_TRUE(ReadPublicationDraft(*FormatStatement(statement)).ok());
  statement.subjects.push_back({"", Sha256("y")});
  EXPECT_EQ(Reason(ReadPublicationDraft(*FormatStatement(statement)).status()),
            "PUBLICATION_INVALID");
  std::vector<LocalFile> twice = Files("one", "content");
  twice.push_back(twice[0]);
  EXPECT_EQ(Reason(DraftPublication(kSpec, twice).status()), "FILE_NAME_REPEATED");
  EXPECT_EQ(Reason(DraftPublication(kSpec, {{dir_.path() / "missing", "a"}}).status()),
            "FILE_NOT_FOUND");
}

// Without a key, what was signed elsewhere must be what is sent; nothing is sent otherwise.
TEST_F(PublicationDraftTest, OnlyWhatWasSignedIsPublished) {
  const std::vector<LocalFile> files = Files("one", "content");
  const std::string signed_elsewhere = Sign(DraftPublication(kSpec, files)->statement);
  EXPECT_EQ(Publish(files, {}), "PUBLISHER_KEY_MISSING");
  EXPECT_EQ(Publish(Files("two", "c0ntent"), {signed_elsewhere}), "PUBLICATION_MISSING");
  EXPECT_EQ(Publish(files, {Sign("{}")}), "PUBLICATION_MISSING");
  EXPECT_EQ(library_.calls["UploadBlobs"], 0);
  EXPECT_EQ(library_.calls["PublishVersion"], 0);
  EXPECT_EQ(Publish(files, {Sign("{}"), signed_elsewhere}), "");
  EXPECT_EQ(library_.calls["PublishVersion"], 1);
}

// A publication may have to wait for a scan of all its files: it has a deadline of its own.
TEST_F(PublicationDraftTest, APublicationMayTakeLongerThanOtherCalls) {
  ClientOptions options = library_.Options();
  options.unary_timeout = std::chrono::minutes(1);
  options.publish_timeout = std::chrono::hours(5);
  Client client = *Client::Create(options);
  const auto before = std::chrono::system_clock::now();
  const PublishInput input{kSpec, Files("one", "content"), {&key_}, {}};
  ASSERT_TRUE(PublishPackage(client, input, nullptr).ok());
  EXPECT_GT(library_.publish_deadline, before + std::chrono::hours(4));
  EXPECT_LT(library_.publish_deadline, before + std::chrono::hours(6));
  options.publish_timeout = {};
  EXPECT_EQ(Reason(options.Validate()), "CLIENT_OPTIONS_INVALID");
}

}  // namespace
}  // namespace dml
