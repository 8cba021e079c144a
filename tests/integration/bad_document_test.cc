// Publishes that must not happen: names, documents and signatures that are not right.
#include "client/policies.h"
#include "tests/integration/support/bad_input.h"

namespace dml {
namespace {

using testing::Documents;
using testing::NameOfVersion;
using testing::SpecJson;
constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kExists = absl::StatusCode::kAlreadyExists;

class BadDocumentTest : public testing::BadInputTest {
 protected:
  absl::Status PublishSpec(const std::string& spec) { return Publish(MakeDocuments(spec)); }

  // Publishes "acme/next" with a file of this name; `title` is what stands in the JSON text.
  absl::Status PublishPath(const std::string& title) {
    const std::string spec = SpecJson("acme/next", "1.0.0");
    std::string manifest = MakeManifest(spec);
    const size_t at = manifest.find("bin/tool");
    manifest.replace(at, std::string("bin/tool").size(), title);
    return Publish(MakeDocuments(spec, manifest));
  }
};

TEST_F(BadDocumentTest, NamesThatAreTooLongOrNoNames) {
  ExpectInvalid(client_->CreateNamespace(std::string(64, 'n'), "", {}).status(), "NAME_INVALID",
                "namespace");
  ExpectInvalid(client_->CreateNamespace("Acme", "", {}).status(), "NAME_INVALID", "namespace");
  ExpectInvalid(client_->CreateEnvironment(std::string(300, 'e'), "", {}).status(), "NAME_INVALID",
                "environment");
  ExpectInvalid(client_->CreateNamespace("n", std::string(1 << 20, 'd'), {}).status(),
                "TEXT_TOO_LONG", "description");
  ExpectInvalid(PublishSpec(SpecJson("acme/" + std::string(129, 'p'), "1.0.0")), "NAME_INVALID",
                "spec.package");
  ExpectInvalid(PublishSpec(SpecJson("acme/a/b", "1.0.0")), "NAME_INVALID", "spec.package");
  ExpectInvalid(PublishSpec(SpecJson("acme/../b", "1.0.0")), "NAME_INVALID", "spec.package");
}

// attack 12
TEST_F(BadDocumentTest, PathTricksInFileNames) {
  const std::string long_name(1025, 'f');
  for (const std::string& title :
       {std::string("../tool"), std::string("/etc/passwd"), std::string("bin/../../tool"),
        std::string("bin//tool"), std::string("./tool"), std::string("%2e%2e/tool"),
        std::string("..%2ftool"), std::string(R"(bin\\tool)"), std::string("C:tool"),
        std::string(R"(bin/to\u0000ol)"), std::string(R"(bin/to\nol)"), std::string("bin/"),
        long_name}) {
    SCOPED_TRACE(title.substr(0, 40));
    ExpectInvalid(PublishPath(title), "PATH_INVALID",
                  "manifest.layers[0].annotations.org.opencontainers.image.title");
  }
}

TEST_F(BadDocumentTest, TextThatIsNotUtf8) {
  EXPECT_EQ(PublishPath("bin/\xff\xfe").code(), absl::StatusCode::kInvalidArgument);
  ExpectInvalid(PublishSpec(SpecJson("acme/next", "1.0.0", "MIT", ",\"title\":\"\xc3(\"")),
                "PACKAGE_SPEC_INVALID", "spec");
  // In a string field it never reaches a handler: gRPC itself answers for what it cannot parse.
  EXPECT_EQ(client_->CreateNamespace("ns", "\xc3(", {}).status().code(),
            absl::StatusCode::kInternal);
}

TEST_F(BadDocumentTest, LicensesAndVersionsThatAreNone) {
  ExpectInvalid(PublishSpec(SpecJson("acme/next", "1.0.0", "MIT OR")), "LICENSE_EXPRESSION_INVALID",
                "spec.license.declared");
  ExpectInvalid(PublishSpec(SpecJson("acme/next", "1.0.0", "Not-A-License")),
                "LICENSE_EXPRESSION_INVALID", "spec.license.declared");
  for (const char* version : {"1", "v1.0.0", "1.0.0 ", "1.0.0/x", "", "1.0.01"}) {
    ExpectInvalid(PublishSpec(SpecJson("acme/next", version)), "VERSION_INVALID", "spec.version");
  }
  const std::string range =
      R"(,"requires":[{"anyOf":[{"name":"acme/base","range":"vers:deb/>>"}]}])";
  ExpectInvalid(PublishSpec(SpecJson("acme/next", "1.0.0", "MIT", range)), "VERSION_RANGE_INVALID",
                "spec.requires[0].anyOf[0].range");
}

TEST_F(BadDocumentTest, FieldsThatNobodyKnows) {
  ExpectInvalid(PublishSpec(SpecJson("acme/next", "1.0.0", "MIT", R"(,"licence":"MIT")")),
                "PACKAGE_SPEC_INVALID", "spec.licence");
  ExpectInvalid(PublishSpec(SpecJson("acme/next", "1.0.0", "MIT", R"(,"version":"2.0.0")")),
                "PACKAGE_SPEC_INVALID");
  const std::string spec = SpecJson("acme/next", "1.0.0");
  std::string manifest = MakeManifest(spec);
  manifest.insert(1, R"("manifests":[],)");
  ExpectInvalid(Publish(MakeDocuments(spec, manifest)), "MANIFEST_INVALID", "manifest.manifests");
  ExpectInvalid(Publish(MakeDocuments(spec, "[]")), "MANIFEST_INVALID");
  ExpectInvalid(Publish(MakeDocuments(spec, std::string(200000, '['))), "MANIFEST_INVALID");
}

TEST_F(BadDocumentTest, AManifestOfFilesThatAreAbsent) {
  const std::string spec = SpecJson("acme/next", "1.0.0");
  const BlobRef absent{Sha256("never sent"), 10};
  ExpectRefused(Publish(MakeDocuments(spec, MakeManifest(spec, {{{"bin/tool", absent}}}))),
                kNotFound, "BLOB_NOT_FOUND", "manifest.layers[0]");
  const BlobRef resized{tool_.digest, tool_.size + 1};
  ExpectRefused(Publish(MakeDocuments(spec, MakeManifest(spec, {{{"bin/tool", resized}}}))),
                kNotFound, "BLOB_NOT_FOUND", "manifest.layers[0]");
}

TEST_F(BadDocumentTest, AManifestOfAnotherSpec) {
  const std::string signed_spec = SpecJson("acme/next", "1.0.0");
  Documents documents = MakeDocuments(signed_spec);
  documents.spec = SpecJson("acme/next", "1.0.0", "0BSD");
  ExpectInvalid(Publish(documents), "MANIFEST_SPEC_MISMATCH", "manifest.config");
}

TEST_F(BadDocumentTest, ASecondManifestForAPublishedVersion) {
  const std::string spec = SpecJson("acme/base", "1.0.0");
  ExpectRefused(Publish(MakeDocuments(spec)), kExists, "VERSION_EXISTS");
  const std::string other = SpecJson("acme/base", "1.0.0", "Apache-2.0");
  ExpectRefused(Publish(MakeDocuments(other)), kExists, "VERSION_BOUND");
  ExpectRefused(PublishSpec(SpecJson("acme/base", "1.0.0+build")), kExists, "VERSION_EQUAL_EXISTS");
}

TEST_F(BadDocumentTest, ANamespaceThatIsNotThere) {
  const std::string spec = SpecJson("nowhere/next", "1.0.0");
  const std::vector<ManifestFile> none;
  ExpectRefused(Publish(MakeDocuments(spec, MakeManifest(spec, none))), kNotFound,
                "NAMESPACE_NOT_FOUND");
}

// attack 7
TEST_F(BadDocumentTest, NoSignature) {
  Documents documents = MakeDocuments(SpecJson("acme/next", "1.0.0"));
  documents.envelopes = {};
  ExpectRefused(Publish(documents), kDenied, "PUBLICATION_MISSING", "envelopes");
  DsseEnvelope envelope = *ParseEnvelope(MakeDocuments(documents.spec).envelopes[0]);
  envelope.signatures.clear();
  documents.envelopes = {FormatEnvelope(envelope)};
  ExpectRefused(Publish(documents), kDenied, "SIGNATURE_MISSING", "envelopes[0]");
  documents.envelopes = {"{}"};
  EXPECT_FALSE(Publish(documents).ok());
}

TEST_F(BadDocumentTest, ABadSignature) {
  Documents documents = MakeDocuments(SpecJson("acme/next", "1.0.0"));
  DsseEnvelope envelope = *ParseEnvelope(documents.envelopes[0]);
  envelope.signatures[0].signature[7] ^= 1;
  documents.envelopes = {FormatEnvelope(envelope)};
  ExpectRefused(Publish(documents), kDenied, "SIGNATURE_MISSING", "envelopes[0]");
}

TEST_F(BadDocumentTest, AnUnknownKey) {
  Documents documents = MakeDocuments(SpecJson("acme/next", "1.0.0"));
  const PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  documents.envelopes = {
      MakePublication(documents.manifest, NameOfVersion("acme/next", "1.0.0"), stranger)};
  ExpectRefused(Publish(documents), kDenied, "SIGNATURE_MISSING", "envelopes[0]");
}

// attack 16
TEST_F(BadDocumentTest, AKeyOfAnotherNamespaceOrRole) {
  const PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey tester = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  ASSERT_TRUE(
      testing::RegisterKey(*client_, other.public_key().ToPem(), "olga", {"publisher"}, {"other"})
          .ok());
  ASSERT_TRUE(
      testing::RegisterKey(*client_, tester.public_key().ToPem(), "tess", {"tester"}, {"acme"})
          .ok());
  size_before_ += 2;
  Documents documents = MakeDocuments(SpecJson("acme/next", "1.0.0"));
  for (const PrivateKey* key : {&other, &tester}) {
    documents.envelopes = {
        MakePublication(documents.manifest, NameOfVersion("acme/next", "1.0.0"), *key)};
    ExpectRefused(Publish(documents), kDenied, "SIGNATURE_MISSING", "envelopes[0]");
  }
}

TEST_F(BadDocumentTest, ARevokedKey) {
  const PrivateKey lost = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  ASSERT_TRUE(
      testing::RegisterKey(*client_, lost.public_key().ToPem(), "leo", {"publisher"}, {"acme"})
          .ok());
  ASSERT_TRUE(client_->RevokeKey(lost.public_key().id(), "laptop stolen").ok());
  size_before_ += 2;
  Documents documents = MakeDocuments(SpecJson("acme/next", "1.0.0"));
  documents.envelopes = {
      MakePublication(documents.manifest, NameOfVersion("acme/next", "1.0.0"), lost)};
  ExpectRefused(Publish(documents), kDenied, "SIGNATURE_MISSING", "envelopes[0]");
}

TEST_F(BadDocumentTest, ASignatureOverSomethingElse) {
  Documents documents = MakeDocuments(SpecJson("acme/next", "1.0.0"));
  const Documents base = MakeDocuments(SpecJson("acme/base", "1.0.0"));
  documents.envelopes = base.envelopes;
  ExpectInvalid(Publish(documents), "ATTESTATION_OF_OTHER_SUBJECT", "envelopes[0]");
  // Signed for these very bytes, but as another version.
  documents.envelopes = {
      MakePublication(documents.manifest, NameOfVersion("acme/next", "2.0.0"), key_)};
  ExpectInvalid(Publish(documents), "PUBLICATION_MISMATCH", "envelopes[0]");
}

TEST_F(BadDocumentTest, ARequestIdOfAnotherRequest) {
  const MutationOptions again{.request_id = "9f8b2c44-2d63-4a57-8e56-6d0e4f3f7a10"};
  ASSERT_TRUE(client_->CreateNamespace("first", "", {}, again).ok());
  size_before_ += 1;
  ExpectRefused(client_->CreateNamespace("second", "", {}, again).status(), kExists,
                "REQUEST_ID_REUSED");
  ExpectInvalid(
      client_->CreateNamespace("third", "", {}, {.request_id = std::string(65, 'a')}).status(),
      "REQUEST_ID_INVALID", "request_id");
}

TEST_F(BadDocumentTest, APolicyThatIsNone) {
  ASSERT_TRUE(client_->CreateEnvironment("production", "", {}).ok());
  size_before_ += 1;
  for (const char* policy : {"", "schema: dml.policy/v9", "schema: dml.policy/v1\nunknown: 1\n",
                             "a: &a [*a, *a]", "\xff"}) {
    EXPECT_FALSE(PolicyClient(*client_).Set("production", {.document = policy}).ok()) << policy;
  }
  ExpectRefused(
      PolicyClient(*client_).Set("nowhere", {.document = "schema: dml.policy/v1"}).status(),
      absl::StatusCode::kInvalidArgument, "POLICY_INVALID");
}

}  // namespace
}  // namespace dml
