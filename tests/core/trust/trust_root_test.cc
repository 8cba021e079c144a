#include "core/trust/trust_root.h"

#include <nlohmann/json.hpp>

#include "tests/core/trust/trust_builder.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

using testing::KeyRing;
using testing::Pattern;
using testing::TimeOf;
using Json = nlohmann::json;

class TrustRootTest : public ::testing::Test {
 protected:
  TrustRoot Full() {
    TrustRoot root = testing::SmallRoot(ring_);
    root.version = 7;
    root.previous_origin = "old.example/dml";
    root.log_start_size = 12345;
    root.keys = ring_.List({"pat", "ann", "bob.p256", "eve.p1363", "ci-log", "ci-build"});
    root.roles[SigningRole::kPublisher] = ring_.Role(1, {"pat"});
    root.delegations = {{"acme",
                         SigningRole::kPublisher,
                         {Pattern("acme/*")},
                         ring_.Role(2, {"bob.p256", "eve.p1363", "ci-build"}),
                         true},
                        {"acme-test",
                         SigningRole::kTester,
                         {Pattern("acme/*"), Pattern("b/*")},
                         ring_.Role(1, {"ci-build"}),
                         false}};
    return root;
  }
  Json Document() { return Json::parse(*FormatTrustRoot(Full())); }
  static std::string Parse(const Json& document) {
    return Reason(ParseTrustRoot(document.dump()).status());
  }

  KeyRing ring_;
};

TEST_F(TrustRootTest, WhatWasWrittenIsRead) {
  const TrustRoot root = Full();
  absl::StatusOr<std::string> text = FormatTrustRoot(root);
  ASSERT_TRUE(text.ok()) << text.status();
  absl::StatusOr<TrustRoot> again = ParseTrustRoot(*text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(*again == root);
  EXPECT_EQ(*FormatTrustRoot(*again), *text);

  DelegationDocument document{{"acme", "web"}, 3, root.expires, root.keys, root.delegations};
  text = FormatDelegationDocument(document);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(*ParseDelegationDocument(*text) == document);
}

TEST_F(TrustRootTest, TheFormatIsTheGoldenOne) {
  const std::string root = testing::GoldenText("trust/root.json", *FormatTrustRoot(Full()));
  absl::StatusOr<TrustRoot> read = ParseTrustRoot(root);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->version, 7u);
  EXPECT_EQ(read->keys.size(), 6u);
  EXPECT_EQ(read->delegations.size(), 2u);
  EXPECT_EQ(*FormatTrustRoot(*read), root);
}

// attack 8
TEST_F(TrustRootTest, ThresholdsThatSayNothingOrCannotBeMetAreRefused) {
  for (const Json& threshold : {Json(0), Json(-1), Json(1.5), Json("2"), Json(nullptr), Json(3),
                                Json(17), Json(uint64_t{1} << 40)}) {
    Json document = Document();
    document["roles"]["root"]["threshold"] = threshold;
    EXPECT_EQ(Parse(document), "ROOT_INVALID") << threshold;
    document = Document();
    document["delegations"][0]["threshold"] = threshold == 3 ? Json(4) : threshold;
    EXPECT_EQ(Parse(document), "ROOT_INVALID") << threshold;
  }
}

// Two keys of one person are one person.
TEST_F(TrustRootTest, AThresholdIsOfHoldersNotOfKeys) {
  TrustRoot root = testing::SmallRoot(ring_);
  root.keys = ring_.List({"pat", "pat.2", "ci-log"});
  root.roles[SigningRole::kRoot] = ring_.Role(2, {"pat", "pat.2"});
  EXPECT_EQ(Reason(FormatTrustRoot(root).status()), "ROOT_INVALID");
  root.roles[SigningRole::kRoot].threshold = 1;
  EXPECT_TRUE(FormatTrustRoot(root).ok());
}

// attack 4
TEST_F(TrustRootTest, AKeyThatIsThereTwiceIsRefused) {
  Json document = Document();
  document["keys"].push_back(document["keys"].back());
  EXPECT_EQ(Parse(document), "ROOT_INVALID");
  document = Document();
  Json other = document["keys"].back();
  other["holder"] = "somebody-else";
  document["keys"].push_back(other);
  EXPECT_EQ(Parse(document), "ROOT_INVALID") << "nor under another name";
  document = Document();
  document["roles"]["root"]["keys"].push_back(document["roles"]["root"]["keys"].back());
  EXPECT_EQ(Parse(document), "ROOT_INVALID");
}

TEST_F(TrustRootTest, WhatNobodyUnderstandsIsRefused) {
  auto with = [&](auto change) {
    Json document = Document();
    change(document);
    return Parse(document);
  };
  EXPECT_EQ(with([](Json&) {}), "");
  EXPECT_EQ(with([](Json& d) { d["schema"] = "dml.root/v2"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["more"] = 1; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["roles"]["auditor"] = d["roles"]["root"]; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["roles"].erase("root"); }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["roles"].erase("log"); }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["version"] = 0; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["version"] = uint64_t{1} << 53; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["expires"] = "2027-01-01"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["expires"] = "2027-01-01T00:00:00+00:00"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["origin"] = "a b"; }), "NOTE_INVALID");
  EXPECT_EQ(with([](Json& d) { d["previousOrigin"] = d["origin"]; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["delegations"][0]["role"] = "root"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["delegations"][0]["role"] = "king"; }), "ROLE_UNKNOWN");
  EXPECT_EQ(with([](Json& d) { d["delegations"][0]["subjects"] = Json::array(); }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["delegations"][0]["subjects"] = {"acme/../x", "A/*"}; }),
            "PATTERN_INVALID");
  EXPECT_EQ(with([](Json& d) { d["delegations"][0]["terminating"] = "yes"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["delegations"][1]["name"] = "acme"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["keys"][0]["holder"] = "p\xc3\xa4t"; }), "NAME_INVALID");
  EXPECT_EQ(with([](Json& d) { d["keys"][0]["holder"] = "Pat"; }), "NAME_INVALID");
  EXPECT_EQ(with([](Json& d) { d["keys"][0]["scheme"] = "rsa"; }), "ROOT_INVALID");
  EXPECT_EQ(with([](Json& d) { d["keys"][0]["publicKey"] = "AAAA"; }), "KEY_UNSUPPORTED");
  EXPECT_EQ(with([](Json& d) { std::swap(d["keys"][0], d["keys"][1]); }), "ROOT_INVALID");
}

TEST_F(TrustRootTest, AKeySignsInOneSchemeAndThatMustBeItsOwn) {
  TrustRoot root = Full();
  for (TrustKey& key : root.keys) {
    const SignatureScheme scheme = key.scheme;
    const bool is_ed25519 = scheme == SignatureScheme::kEd25519;
    key.scheme = is_ed25519 ? SignatureScheme::kEcdsaP256Der : SignatureScheme::kEd25519;
    EXPECT_EQ(Reason(FormatTrustRoot(root).status()), "ROOT_INVALID");
    key.scheme = scheme;
  }
}

TEST_F(TrustRootTest, RolesOfPersonsTakeNoMachines) {
  TrustRoot root = testing::SmallRoot(ring_);
  root.roles[SigningRole::kRoot] = ring_.Role(1, {"pat", "ci-log"});
  EXPECT_EQ(Reason(FormatTrustRoot(root).status()), "ROOT_INVALID");
  root = testing::SmallRoot(ring_);
  root.delegations = {
      {"eu", SigningRole::kApprover, {Pattern("production/*")}, ring_.Role(1, {"ci-log"}), false}};
  EXPECT_EQ(Reason(FormatTrustRoot(root).status()), "ROOT_INVALID");
}

// attack T2, 14
TEST_F(TrustRootTest, SizesAndCountsAreBounded) {
  EXPECT_EQ(Reason(ParseTrustRoot(std::string(kMaxTrustDocumentBytes + 1, ' ')).status()),
            "ROOT_INVALID");
  Json document = Document();
  for (size_t i = 0; i <= kMaxDelegations; ++i) {
    Json item = document["delegations"][1];
    item["name"] = "d" + std::to_string(i);
    document["delegations"].push_back(item);
  }
  EXPECT_EQ(Parse(document), "ROOT_INVALID");
  document = Document();
  document["delegations"][0]["subjects"] = std::vector<std::string>(257, "a/*");
  EXPECT_EQ(Parse(document), "ROOT_INVALID");
}

}  // namespace
}  // namespace dml
