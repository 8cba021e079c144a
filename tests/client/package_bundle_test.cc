#include "client/package_bundle.h"

#include <gtest/gtest.h>

#include "tests/client/published_variant.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

using testing::KeyRing;
using testing::PublishedVariant;

class PackageBundleTest : public ::testing::Test {
 protected:
  BundleTrust KeysOf(const std::string& log, const std::vector<std::string>& publishers) {
    BundleTrust out;
    out.log_key.emplace(keys_[log].public_key());
    for (const std::string& name : publishers) out.publishers.push_back(keys_[name].public_key());
    return out;
  }
  // A root where `publishers` may publish everything.
  BundleTrust RootOf(uint32_t threshold, const std::vector<std::string>& publishers) {
    TrustRoot root = testing::SmallRoot(keys_);
    for (const TrustKey& key : keys_.List(publishers)) {
      if (FindTrustKey(root.keys, key.key.id()) == nullptr) root.keys.push_back(key);
    }
    std::ranges::sort(root.keys, {}, [](const TrustKey& key) { return key.key.id(); });
    root.roles[SigningRole::kPublisher] = keys_.Role(threshold, publishers);
    return Domain(std::move(root));
  }
  static BundleTrust Domain(TrustRoot root, const std::vector<DsseEnvelope>& delegations = {}) {
    auto domain = TrustDomain::Create(std::move(root), delegations, testing::kNow);
    EXPECT_TRUE(domain.ok()) << domain.status();
    BundleTrust out;
    out.domain.emplace(*std::move(domain));
    return out;
  }
  static BundleVerdict Verify(const PackageBundle& bundle, const BundleTrust& trust,
                              const std::vector<std::filesystem::path>& paths = {}) {
    auto verdict = VerifyPackageBundle(bundle, trust, paths);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.value_or(BundleVerdict{});
  }
  // The one step that failed.
  static std::string Failed(const BundleVerdict& verdict) {
    std::string out;
    for (const VerificationStep& step : verdict.report.steps) {
      if (!step.passed) out += (out.empty() ? "" : ", ") + step.what;
    }
    EXPECT_EQ(verdict.report.passed, out.empty());
    return out;
  }

  KeyRing keys_;
  testing::TempDir folder_;
  const PublishedVariant variant_;
  PackageBundle bundle_ = variant_.Bundle(keys_["pat"], keys_["ci-log"]);
};

TEST_F(PackageBundleTest, ProvesAVariantToWhoTrustsTheKeys) {
  const BundleVerdict verdict = Verify(bundle_, KeysOf("ci-log", {"eve", "pat"}));
  EXPECT_EQ(Failed(verdict), "");
  EXPECT_EQ(verdict.variant, variant_.name);
  EXPECT_EQ(verdict.log_origin, "library.example/dml");
  EXPECT_EQ(verdict.log_index, 1u);
  EXPECT_FALSE(verdict.report.files_checked);
}

TEST_F(PackageBundleTest, ProvesAVariantToWhoTrustsTheRoot) {
  EXPECT_EQ(Failed(Verify(bundle_, RootOf(1, {"pat"}))), "");
}

TEST_F(PackageBundleTest, FilesAreTheVariantsOrRefused) {
  const BundleTrust trust = KeysOf("ci-log", {"pat"});
  const auto right = folder_.Write("any-name", variant_.file);
  const auto wrong = folder_.Write("wrong", variant_.file + "x");
  BundleVerdict verdict = Verify(bundle_, trust, {right});
  EXPECT_EQ(Failed(verdict), "");
  EXPECT_TRUE(verdict.report.files_checked);
  EXPECT_EQ(Failed(Verify(bundle_, trust, {right, wrong})), "file " + wrong.string());
  folder_.Write("whole/bin/tool", variant_.file);
  EXPECT_EQ(Failed(Verify(bundle_, trust, {folder_ / "whole"})), "");
  folder_.Write("whole/bin/more", "");
  EXPECT_NE(Failed(Verify(bundle_, trust, {folder_ / "whole"})), "");
  EXPECT_FALSE(VerifyPackageBundle(bundle_, trust, {{folder_ / "nothing"}}).ok());
}

TEST_F(PackageBundleTest, NothingIsProvenToWhoTrustsNobody) {
  EXPECT_EQ(Reason(VerifyPackageBundle(bundle_, {}, {}).status()), "TRUST_REQUIRED");
  EXPECT_EQ(Reason(VerifyPackageBundle(bundle_, KeysOf("ci-log", {}), {}).status()),
            "TRUST_REQUIRED");
}

// Each attacker has some keys and makes of them what they can.
TEST_F(PackageBundleTest, AttackersFindNoWay) {
  const PublishedVariant other("1.0.0", "another program\n");
  struct Attack {
    std::string what;
    PackageBundle bundle;
    std::string fails;
  };
  std::vector<Attack> attacks;
  auto attack = [&](const std::string& what, const std::string& fails) -> PackageBundle& {
    return attacks.emplace_back(Attack{what, bundle_, fails}).bundle;
  };
  attack("arbitrary package: a publisher that nobody knows", "publication").attestations = {
      variant_.Publication(keys_["eve"])};
  attack("no signature", "publication").attestations = {};
  attack("the publication of another manifest", "publication").attestations = {
      other.Publication(keys_["pat"])};
  PackageBundle& version = attack("a publication under another version's name", "publication");
  version.attestations = {PublishedVariant("2.0.0").Publication(keys_["pat"])};
  PackageBundle& type = attack("signature over another payload type", "publication");
  DsseEnvelope envelope = *ParseEnvelope(bundle_.attestations[0]);
  envelope = keys_.Sign("application/vnd.other+json", envelope.payload, {"pat"});
  envelope.payload_type = kInTotoPayloadType;
  type.attestations = {FormatEnvelope(envelope)};
  attack("a log that nobody knows", "journal entry").log_proof =
      FormatLogProof(variant_.Proof(keys_["eve"]));
  attack("the daemon's log key alone: what no publisher signed", "publication") =
      other.Bundle(keys_["ci-log"], keys_["ci-log"]);
  attack("the entry of another package", "journal entry").log_proof =
      FormatLogProof(other.Proof(keys_["ci-log"]));
  PackageBundle& moved = attack("the entry at another place", "journal entry");
  LogProof proof = variant_.Proof(keys_["ci-log"]);
  proof.index = 0;
  moved.log_proof = FormatLogProof(proof);
  attack("mix-and-match: another spec", "documents").spec = other.spec + " ";
  attack("mix-and-match: another manifest", "publication, journal entry").manifest = other.manifest;
  for (const Attack& a : attacks) {
    SCOPED_TRACE(a.what);
    EXPECT_EQ(Failed(Verify(a.bundle, KeysOf("ci-log", {"pat"}))), a.fails);
    EXPECT_EQ(Failed(Verify(a.bundle, RootOf(1, {"pat"}))), a.fails);
  }
}

TEST_F(PackageBundleTest, TheRootsThresholdCountsPersons) {
  auto publish = [&](const std::vector<std::string>& by) {
    PackageBundle out = bundle_;
    const DsseEnvelope envelope = *ParseEnvelope(bundle_.attestations[0]);
    out.attestations = {FormatEnvelope(keys_.Sign(kInTotoPayloadType, envelope.payload, by))};
    return out;
  };
  const BundleTrust two = RootOf(2, {"pat", "pat.2", "ann"});
  EXPECT_EQ(Failed(Verify(publish({"pat"}), two)), "publication") << "compromise below threshold";
  EXPECT_EQ(Failed(Verify(publish({"pat", "pat"}), two)), "publication") << "a key twice";
  EXPECT_EQ(Failed(Verify(publish({"pat", "pat.2"}), two)), "publication") << "a person twice";
  EXPECT_EQ(Failed(Verify(publish({"pat", "ann"}), two)), "");
}

TEST_F(PackageBundleTest, DelegationsGoAsFarAsTheirPatterns) {
  TrustRoot root = testing::SmallRoot(keys_);
  root.keys = keys_.List({"pat", "ann", "ci-log", "bob"});
  for (const char* pattern : {"acme/*", "other/*"}) {
    root.delegations = {{"team",
                         SigningRole::kPublisher,
                         {testing::Pattern(pattern)},
                         keys_.Role(1, {"bob"}),
                         false}};
    const PackageBundle bundle = variant_.Bundle(keys_["bob"], keys_["ci-log"]);
    EXPECT_EQ(Failed(Verify(bundle, Domain(root))),
              std::string_view(pattern) == "acme/*" ? "" : "publication");
  }
}

TEST_F(PackageBundleTest, ARootIsOfOneLogFromASizeOn) {
  BundleTrust trust = RootOf(1, {"pat"});
  PackageBundle elsewhere = bundle_;
  elsewhere.log_proof = FormatLogProof(variant_.Proof(keys_["ci-log"], "elsewhere.example/dml"));
  EXPECT_EQ(Failed(Verify(elsewhere, trust)), "journal entry");
  TrustRoot root = trust.domain->root();
  root.log_start_size = 2;
  EXPECT_EQ(Failed(Verify(bundle_, Domain(root))), "");
  root.log_start_size = 3;  // The key was stolen and another took its place.
  EXPECT_EQ(Failed(Verify(bundle_, Domain(root))), "journal entry");
}

TEST_F(PackageBundleTest, OneChangedBitIsRefused) {
  const BundleTrust trust = KeysOf("ci-log", {"pat"});
  for (std::string PackageBundle::* member : {&PackageBundle::manifest, &PackageBundle::spec}) {
    for (size_t i = 0; i < (bundle_.*member).size(); i += 9) {
      PackageBundle changed = bundle_;
      (changed.*member)[i] = static_cast<char>((changed.*member)[i] ^ 1);
      EXPECT_NE(Failed(Verify(changed, trust)), "") << i;
    }
  }
}

TEST_F(PackageBundleTest, TheDocumentIsReadStrictly) {
  auto text = FormatPackageBundle(bundle_);
  ASSERT_TRUE(text.ok()) << text.status();
  auto read = ParsePackageBundle(*text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, bundle_);
  for (size_t size = 0; size + 1 < text->size(); size += 7) {
    EXPECT_EQ(Reason(ParsePackageBundle(text->substr(0, size)).status()), "PACKAGE_BUNDLE_INVALID");
  }
  for (
      const char* bad :
      {"[]", R"({"schema":"dml.package-bundle/v2"})",
       R"({"schema":"dml.package-bundle/v1","manifest":"","spec":"","attestations":[1],"logProof":""})",
       R"({"schema":"dml.package-bundle/v1","manifest":"","spec":"","logProof":"","more":1})"}) {
    EXPECT_EQ(Reason(ParsePackageBundle(bad).status()), "PACKAGE_BUNDLE_INVALID") << bad;
  }
  bundle_.attestations.assign(100, std::string(1 << 20, 'x'));
  EXPECT_EQ(Reason(FormatPackageBundle(bundle_).status()), "PACKAGE_BUNDLE_TOO_LARGE");
}

TEST_F(PackageBundleTest, GoldenBothWays) {
  const std::string golden = testing::GoldenFile("package-bundle.json");
  const PackageBundle made = variant_.Bundle(testing::GoldenKey(), testing::GoldenKey());
  EXPECT_EQ(*FormatPackageBundle(made), golden);
  auto read = ParsePackageBundle(golden);
  ASSERT_TRUE(read.ok()) << read.status();
  BundleTrust trust;
  trust.log_key.emplace(testing::GoldenKey().public_key());
  trust.publishers = {testing::GoldenKey().public_key()};
  EXPECT_EQ(Failed(Verify(*read, trust)), "");
}

}  // namespace
}  // namespace dml
