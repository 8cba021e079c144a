// What tests of bad input share: a library with one published version in it, documents that are
// right but for what a test changes, and the proof that a refusal changed nothing.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/connection.h"
#include "client/status_codec.h"
#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"

namespace dml::testing {

/// The documents of one publish.
struct Documents {
  std::string manifest, spec;
  std::vector<std::string> envelopes;
};

class BadInputTest : public ::testing::Test {
 protected:
  BadInputTest()
      : library_(folder_.path() / "data"), key_(PrivateKey::Generate(KeyAlgorithm::kEd25519)) {}

  void SetUp() override {
    ASSERT_TRUE(library_.Start());
    client_.emplace(library_.NewClient());
    ASSERT_TRUE(client_->CreateNamespace("acme", "", {}).ok());
    ASSERT_TRUE(client_->CreateNamespace("other", "", {}).ok());
    ASSERT_TRUE(
        testing::RegisterKey(*client_, key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"})
            .ok());
    auto tool = UploadFile(*client_, "acme", WriteBytes(folder_.path() / "tool", kTool), {});
    ASSERT_TRUE(tool.ok()) << tool.status();
    tool_ = *tool;
    const absl::Status published = Publish(MakeDocuments(SpecJson("acme/base", "1.0.0")));
    ASSERT_TRUE(published.ok()) << published;
    size_before_ = JournalSize();
  }

  // Nothing stored, nothing lost: whatever a test sent.
  void TearDown() override {
    if (!client_.has_value() || HasFatalFailure()) return;
    EXPECT_EQ(JournalSize(), size_before_) << "a refused request left an entry";
    const std::filesystem::path out = folder_.path() / "out";
    auto base = DownloadVariant(*client_, NameOfVersion("acme/base", "1.0.0"), out, {}, {});
    EXPECT_TRUE(base.ok()) << base.status();
    EXPECT_EQ(ReadBytes(out / "bin" / "tool"), kTool);
    auto views = client_->VerifyViews();
    EXPECT_TRUE(views.ok() && views->consistent) << views.status();
  }

  uint64_t JournalSize() {
    auto status = client_->GetStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    return status.ok() ? status->journal_size : 0;
  }

  template <typename Service>
  typename Service::Stub stub() {
    return typename Service::Stub(client_->connection().channel());
  }

  /// A manifest of this spec with the file bin/tool, or with `files`.
  std::string MakeManifest(const std::string& spec,
                           std::optional<std::vector<ManifestFile>> files = {}) const {
    Manifest manifest;
    manifest.config = {Sha256(spec), spec.size()};
    manifest.files = files.value_or(std::vector<ManifestFile>{{"bin/tool", tool_}});
    return FormatManifest(manifest);
  }
  /// The signed statement that `manifest` is this variant.
  static std::string MakePublication(const std::string& manifest, const VariantName& name,
                                     const PrivateKey& key) {
    Statement statement;
    statement.subjects = {{name.ResourceName(), Sha256(manifest)}};
    statement.predicate_type = std::string(kPublicationPredicate);
    statement.predicate_json = FormatPublicationPredicate({name, std::string(kManifestMediaType)});
    const Signer* keys[] = {&key};
    return FormatEnvelope(*SignEnvelope(kInTotoPayloadType, *FormatStatement(statement), keys));
  }
  /// Signed for the version that the spec names, or for "acme/base" 9.9.9 where it names none.
  Documents MakeDocuments(const std::string& spec, std::string manifest = "") const {
    if (manifest.empty()) manifest = MakeManifest(spec);
    absl::StatusOr<PackageSpec> read = ParsePackageSpec(spec);
    const VariantName name = read.ok()
                                 ? VariantName{read->package, read->version.text(), read->platform}
                                 : NameOfVersion("acme/base", "9.9.9");
    return {manifest, spec, {MakePublication(manifest, name, key_)}};
  }
  absl::Status Publish(const Documents& documents) {
    return client_->PublishDocuments(documents.manifest, documents.spec, documents.envelopes)
        .status();
  }

  /// Refused with this code and reason, and a violation of this field ("": none is looked for).
  static void ExpectRefused(const absl::Status& status, absl::StatusCode code,
                            std::string_view reason, std::string_view field = "") {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Reason(status), reason) << status;
    EXPECT_GT(Message(status).size(), 10u) << "says nothing";
    if (field.empty()) return;
    std::string fields;
    for (const FieldViolation& violation : FieldViolations(status)) {
      fields += violation.field + "\n";
    }
    EXPECT_NE(fields.find(std::string(field) + "\n"), std::string::npos)
        << "violations: " << fields << status;
  }
  static void ExpectInvalid(const absl::Status& status, std::string_view reason,
                            std::string_view field = "") {
    ExpectRefused(status, absl::StatusCode::kInvalidArgument, reason, field);
  }

  inline static const std::string kTool = "#!/bin/sh\necho base\n";

  ScratchFolder folder_;
  RunningLibrary library_;
  PrivateKey key_;
  std::optional<Client> client_;
  BlobRef tool_;
  uint64_t size_before_ = 0;
};

}  // namespace dml::testing
