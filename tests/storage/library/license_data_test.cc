// Signed license data: how a library comes by it, and what it refuses.
#include "storage/library/license_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "storage/library/decision.h"
#include "storage/library/policies.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

constexpr std::string_view kProperties =
    "categories: [{name: free}]\n"
    "categorizations: [{id: MIT, categories: [free]}]\n";
constexpr std::string_view kNoFree =
    "categories: [{name: other}]\n"
    "categorizations: [{id: MIT, categories: [other]}]\n";
constexpr std::string_view kPolicy =
    "schema: dml.policy/v1\ncontent: {allowedNamespaces: [acme]}\n"
    "signatures: {threshold: 1}\n"
    "licenses: {rules: [{id: free, outcome: ALLOW, categories: [free]}]}\n";

// MIT and ISC against each other.
std::string Matrix(std::string_view mit_of_isc) {
  return fmt::format(
      R"({{"timeformat": "t", "timestamp": "T", "licenses": [
        {{"name": "MIT", "compatibilities": [
          {{"name": "MIT", "compatibility": "Same", "explanation": "same"}},
          {{"name": "ISC", "compatibility": "{}", "explanation": "e"}}]}},
        {{"name": "ISC", "compatibilities": [
          {{"name": "MIT", "compatibility": "Yes", "explanation": "e"}},
          {{"name": "ISC", "compatibility": "Same", "explanation": "same"}}]}}]}})",
      mit_of_isc);
}

class LibraryLicenseDataTest : public ::testing::Test {
 protected:
  LibraryLicenseDataTest() { library_.Register(key_, "lea", "license-data", "*"); }

  std::string Claim(const LicenseDataClaim& claim, std::string_view content,
                    const PrivateKey& key) {
    return testing::Envelope(key, Sha256(content), kLicenseDataPredicate,
                             FormatLicenseDataClaim(claim));
  }
  // "" where it was set, else the reason.
  std::string Set(const LicenseDataClaim& claim, std::string_view content) {
    return SetBy(Claim(claim, content, key_), content);
  }
  std::string SetBy(const std::string& envelope, std::string_view content) {
    auto change = PrepareSetLicenseData(*library_->Read(), *library_.Domain(), envelope,
                                        std::string(content));
    last_ = change.status();
    if (!change.ok()) return Reason(change.status());
    changes_ = change->changes;
    return Reason(library_->Commit(std::move(change->command)).status());
  }
  LicenseData Data() { return **policies_.Data(*library_->Read()); }
  void SetPolicy(std::string_view document) {
    ASSERT_TRUE(library_.Commit(EnvironmentCreated{"production", "", {}}).ok());
    const BlobRef ref{Sha256(document), document.size()};
    ASSERT_TRUE(library_.Commit(PolicySet{"production", ref, ""}, {std::string(document)}).ok());
  }

  const PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  TestLibrary library_;
  PolicyCache policies_;
  absl::Status last_;
  std::vector<std::string> changes_;
};

TEST_F(LibraryLicenseDataTest, EachKindHasItsOwnLastOne) {
  EXPECT_EQ(Data().list.get(), &BundledLicenseList());
  ASSERT_EQ(Set({LicenseDataKind::kMatrix, "OSADL", 1}, Matrix("No")), "");
  EXPECT_THAT(changes_, ElementsAre("+ MIT", "+ ISC"));
  ASSERT_EQ(Set({LicenseDataKind::kProperties, "props", 5}, kProperties), "");
  EXPECT_EQ(Data().matrix_version(), "OSADL of T");
  EXPECT_EQ(Data().properties_version(), "props");
  ASSERT_EQ(Set({LicenseDataKind::kMatrix, "OSADL 2", 2}, Matrix("Yes")), "");
  EXPECT_THAT(changes_, ElementsAre("MIT <- ISC: No, now Yes"));
  EXPECT_EQ(Data().matrix_version(), "OSADL 2 of T");

  auto matrices = ListView(*library_->Read()).LicenseData(LicenseDataKind::kMatrix, {});
  ASSERT_TRUE(matrices.ok()) << matrices.status();
  ASSERT_EQ(matrices->items.size(), 2u) << "what was replaced stays to be read";
  EXPECT_EQ(matrices->items[0].set.version, "OSADL");
  EXPECT_EQ(ListView(*library_->Read()).LicenseData(std::nullopt, {})->items.size(), 3u);
  EXPECT_TRUE(library_->VerifyViews().value().differing_keys.empty());
}

TEST_F(LibraryLicenseDataTest, OnlyTheRoleLicenseDataVouches) {
  const LicenseDataClaim claim{LicenseDataKind::kProperties, "props", 1};
  EXPECT_EQ(SetBy(Claim(claim, kProperties, library_.publisher()), kProperties),
            "THRESHOLD_NOT_MET");
  EXPECT_EQ(SetBy(Claim(claim, "other bytes", key_), kProperties), "SUBJECT_UNEXPECTED");
  EXPECT_EQ(SetBy(testing::Envelope(key_, Sha256(kProperties), kTestResultPredicate,
                                    FormatLicenseDataClaim(claim)),
                  kProperties),
            "PREDICATE_UNEXPECTED");
  EXPECT_EQ(SetBy(testing::Envelope(key_, Sha256(kProperties), kLicenseDataPredicate,
                                    R"({"kind":"properties","version":"props"})"),
                  kProperties),
            "CLAIM_INVALID");
  EXPECT_EQ(Data().properties, nullptr);
  ASSERT_TRUE(library_.Commit(KeyRevoked{key_.public_key().id(), "stolen"}).ok());
  EXPECT_EQ(Set(claim, kProperties), "THRESHOLD_NOT_MET");
}

// A signed document is not rolled back to an older one, whoever sends it.
TEST_F(LibraryLicenseDataTest, RevisionsGoUp) {
  const LicenseDataClaim second{LicenseDataKind::kProperties, "second", 2};
  ASSERT_EQ(Set(second, kProperties), "");
  EXPECT_EQ(Set({LicenseDataKind::kProperties, "first", 1}, kNoFree),
            "LICENSE_DATA_REVISION_UNEXPECTED");
  EXPECT_EQ(Set({LicenseDataKind::kProperties, "other", 2}, kNoFree),
            "LICENSE_DATA_REVISION_UNEXPECTED");
  EXPECT_EQ(Set(second, kProperties), "LICENSE_DATA_EXISTS");
  EXPECT_EQ(Set({LicenseDataKind::kProperties, "third", 4}, kNoFree), "");
  EXPECT_EQ(Data().properties_version(), "third");
}

TEST_F(LibraryLicenseDataTest, WhatCannotBeUsedReplacesNothing) {
  ASSERT_EQ(Set({LicenseDataKind::kMatrix, "OSADL", 1}, Matrix("No")), "");
  EXPECT_EQ(Set({LicenseDataKind::kMatrix, "OSADL", 2}, Matrix("")), "LICENSE_MATRIX_INVALID");
  ASSERT_FALSE(FieldViolations(last_).empty());
  EXPECT_EQ(Set({LicenseDataKind::kMatrix, "OSADL", 2}, "{}"), "LICENSE_MATRIX_INVALID");
  EXPECT_EQ(Data().matrix->at(0, 1).answer, MatrixAnswer::kNo) << "the one before stays";
  // A list without ISC would leave the matrix without meaning.
  EXPECT_EQ(Set({LicenseDataKind::kList, "short", 1},
                R"({"version": "short", "licenses": ["MIT"], "deprecatedLicenses": [],
                    "exceptions": [], "deprecatedExceptions": [], "families": []})"),
            "LICENSE_MATRIX_INVALID");
  EXPECT_EQ(Data().list.get(), &BundledLicenseList());
}

TEST_F(LibraryLicenseDataTest, PoliciesGoByItAndKeepIt) {
  ASSERT_EQ(Set({LicenseDataKind::kProperties, "props", 1}, kProperties), "");
  SetPolicy(kPolicy);
  PackageSpec spec = SpecBuilder("acme/api", "1.0").Build();
  spec.declared_license = "MIT";
  ASSERT_TRUE(library_.Publish(spec).ok());
  const VariantName names[] = {NameOf(spec)};
  TrustCache trust;
  auto decide = [&] {
    return *EvaluateGate(*library_->Read(), trust, policies_, names, "production");
  };
  const GateDecision decision = decide();
  EXPECT_EQ(decision.result.decision, Decision::kAllow);
  EXPECT_EQ(decision.license_list_version, BundledLicenseList().version());
  EXPECT_EQ(decision.license_properties_version, "props");

  EXPECT_EQ(Set({LicenseDataKind::kProperties, "none", 2}, kNoFree), "LICENSE_DATA_IN_USE");
  EXPECT_THAT(std::string(Message(last_)), HasSubstr("the policy of production"));
  EXPECT_EQ(decide().license_properties_version, "props");

  // Where the category stays and MIT leaves it, the verdict follows at once.
  EXPECT_EQ(Set({LicenseDataKind::kProperties, "props 2", 2},
                "categories: [{name: free}]\n"
                "categorizations: [{id: ISC, categories: [free]}]\n"),
            "");
  EXPECT_EQ(decide().result.decision, Decision::kDeny);
  EXPECT_EQ(decide().license_properties_version, "props 2");
}

TEST_F(LibraryLicenseDataTest, ACommandIsForTheDataThatItWasMadeBy) {
  const std::string matrix = Matrix("No");
  const LicenseDataClaim claim{LicenseDataKind::kMatrix, "OSADL", 1};
  auto change = PrepareSetLicenseData(*library_->Read(), *library_.Domain(),
                                      Claim(claim, matrix, key_), matrix);
  ASSERT_TRUE(change.ok()) << change.status();
  ASSERT_EQ(Set({LicenseDataKind::kProperties, "props", 1}, kProperties), "");
  EXPECT_EQ(library_->Commit(std::move(change->command)).status().code(),
            absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace dml
