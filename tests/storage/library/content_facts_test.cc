// What the library knows of a variant, for the content rules of policies.
#include "storage/library/content_facts.h"

#include <gtest/gtest.h>

#include "core/trust/statement.h"
#include "storage/views/library_view.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::NameOf;
using testing::SpecBuilder;
using testing::TestLibrary;

class ContentFactsTest : public ::testing::Test {
 protected:
  ContentFactsTest() {
    library_.Register(tim_, "tim", "tester", "*");
    EXPECT_TRUE(library_.Publish(spec_).ok());
    rules_.demands_sbom = true;
    rules_.builders = {"https://ci.test/*"};
  }
  VariantRecord Record() {
    return LibraryView(*library_->Read()).FindVariant(NameOf(spec_))->value();
  }
  void Attach(std::string_view type, std::string predicate) {
    const Digest manifest = Record().manifest.digest;
    const std::string envelope = testing::Envelope(tim_, manifest, type, std::move(predicate));
    const AttestationRef ref{
        {Sha256(envelope), envelope.size()}, std::string(type), manifest, {tim_.public_key().id()}};
    const auto done = library_.Commit(AttestationAttached{NameOf(spec_), ref}, {envelope});
    EXPECT_TRUE(done.ok()) << done.status();
  }
  ContentFacts Facts() {
    const auto facts = ReadContentFacts(*library_->Read(), Record(), rules_);
    EXPECT_TRUE(facts.ok()) << facts.status();
    return facts.value_or(ContentFacts());
  }

  const PrivateKey tim_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PackageSpec spec_ = SpecBuilder("acme/api", "1.0.0").Build();
  TestLibrary library_;
  ContentRules rules_;
};

TEST_F(ContentFactsTest, EvidenceCountsUntilItsKeyIsRevoked) {
  EXPECT_FALSE(Facts().evidence.contains(std::string(kSpdxPredicate)));
  Attach(kSpdxPredicate, "{}");
  Attach(kProvenancePredicate, R"({"runDetails":{"builder":{"id":"https://ci.test/1"}}})");
  EXPECT_TRUE(Facts().evidence.contains(std::string(kSpdxPredicate)));
  EXPECT_EQ(Facts().builders, (std::set<std::string>{"https://ci.test/1"}));
  ASSERT_TRUE(library_.Commit(KeyRevoked{tim_.public_key().id(), "stolen"}).ok());
  EXPECT_FALSE(Facts().evidence.contains(std::string(kSpdxPredicate)));
  EXPECT_TRUE(Facts().builders.empty());
}

TEST_F(ContentFactsTest, ProvenanceThatNamesNoBuilderNamesNone) {
  for (const char* predicate :
       {"{}", R"({"runDetails":1})", R"({"runDetails":{"builder":[]}})",
        R"({"runDetails":{"builder":{"id":7}}})", R"({"runDetails":{"builder":{"id":""}}})",
        R"({"builder":{"id":"https://ci.test/1"}})"}) {
    Attach(kProvenancePredicate, predicate);
  }
  EXPECT_TRUE(Facts().builders.empty());
}

TEST_F(ContentFactsTest, ScansAreTheLastOnes) {
  rules_ = {};
  EXPECT_FALSE(Facts().scanned.has_value());
  const ScanReport clean{ScanVerdict::kClean, "ClamAV 1.0.9", "27465", ""};
  ASSERT_TRUE(library_.Commit(VariantScanned{NameOf(spec_), clean}).ok());
  EXPECT_TRUE(Facts().is_clean);
  EXPECT_EQ(Facts().scanned, Record().scan_time);
  const ScanReport partial{ScanVerdict::kNotFullyScanned, "ClamAV 1.0.9", "27466", ""};
  ASSERT_TRUE(library_.Commit(VariantScanned{NameOf(spec_), partial}).ok());
  EXPECT_FALSE(Facts().is_clean);
}

}  // namespace
}  // namespace dml
