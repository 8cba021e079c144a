#include "core/trust/authority.h"

#include <random>

#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using testing::KeyRing;
using testing::kNow;
using testing::Pattern;
using testing::TimeOf;

constexpr std::string_view kType = "application/vnd.test+json";
constexpr std::string_view kBody = "{}";

class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest() : root_(testing::SmallRoot(ring_)) {}

  Authority Of(uint32_t threshold, const std::vector<std::string>& names) {
    return {{}, SigningRole::kPublisher, threshold, ring_.List(names)};
  }
  std::string Verify(const DsseEnvelope& envelope, const Authority& authority) {
    return Reason(VerifyThreshold(envelope, kType, authority).status());
  }
  DsseEnvelope Sign(const std::vector<std::string>& names) {
    return ring_.Sign(kType, kBody, names);
  }

  Delegation Delegate(const std::string& name, const std::vector<std::string>& patterns,
                      const std::vector<std::string>& names, bool terminating = false) {
    Delegation out{name, SigningRole::kPublisher, {}, ring_.Role(1, names), terminating};
    for (const std::string& pattern : patterns) out.subjects.push_back(Pattern(pattern));
    return out;
  }
  // A document of the delegation at `chain`, signed.
  DsseEnvelope Document(const std::vector<std::string>& chain,
                        const std::vector<Delegation>& delegations,
                        const std::vector<std::string>& keys, const std::vector<std::string>& by,
                        const char* expires = "2027-01-01T00:00:00Z") {
    DelegationDocument document{chain, 1, TimeOf(expires), ring_.List(keys), delegations};
    absl::StatusOr<std::string> text = FormatDelegationDocument(document);
    EXPECT_TRUE(text.ok()) << text.status();
    return ring_.Sign(kDelegationPayloadType, text.value_or(""), by);
  }
  TrustDomain Domain(const std::vector<DsseEnvelope>& documents, Timestamp now = kNow) {
    absl::StatusOr<TrustDomain> out = TrustDomain::Create(root_, documents, now);
    EXPECT_TRUE(out.ok()) << out.status();
    return *std::move(out);
  }
  // The chains of the authorities over a package, in order: "acme acme/web".
  static std::string Chains(const TrustDomain& domain, std::string_view subject) {
    std::string out;
    for (const Authority& authority : domain.AuthoritiesFor(SigningRole::kPublisher, subject)) {
      std::string chain;
      for (const std::string& name : authority.chain) chain += (chain.empty() ? "" : "/") + name;
      out += (out.empty() ? "" : " ") + (chain.empty() ? "root" : chain);
    }
    return out;
  }

  KeyRing ring_;
  TrustRoot root_;
};

// attack 4, T9
TEST_F(AuthorityTest, DifferentHoldersCountAndNothingElse) {
  const Authority two = Of(2, {"pat", "pat.2", "ann"});
  EXPECT_EQ(Verify(Sign({"pat", "ann"}), two), "");
  EXPECT_EQ(Verify(Sign({"pat.2", "ann"}), two), "");
  EXPECT_EQ(Verify(Sign({"pat", "pat.2"}), two), "THRESHOLD_NOT_MET") << "one person, two keys";
  EXPECT_EQ(Verify(Sign({"pat", "pat"}), two), "THRESHOLD_NOT_MET") << "one key, two signatures";
  EXPECT_EQ(Verify(Sign({"pat", "eve"}), two), "THRESHOLD_NOT_MET") << "a stranger";
  EXPECT_EQ(Verify(Sign({"pat"}), two), "THRESHOLD_NOT_MET");
  const absl::StatusOr<Vouchers> vouchers =
      VerifyThreshold(Sign({"eve", "ann", "pat", "pat.2"}), kType, two);
  ASSERT_TRUE(vouchers.ok()) << vouchers.status();
  EXPECT_EQ(vouchers->holders, (std::set<std::string>{"ann", "pat"}));
  EXPECT_EQ(vouchers->key_ids.size(), 3u);
}

// attack 7, 8: no signature and no key are never enough, whatever a threshold says.
TEST_F(AuthorityTest, NothingVouchesForNothing) {
  EXPECT_EQ(Verify({std::string(kType), std::string(kBody), {}}, Of(1, {"pat"})),
            "THRESHOLD_NOT_MET");
  EXPECT_EQ(Verify(Sign({"pat"}), Of(1, {})), "THRESHOLD_NOT_MET");
  EXPECT_EQ(Verify(Sign({"pat"}), Of(0, {})), "THRESHOLD_NOT_MET");
  EXPECT_EQ(Verify(Sign({}), Of(0, {"pat"})), "THRESHOLD_NOT_MET");
}

// attack 16
TEST_F(AuthorityTest, ASignatureIsOverItsTypeAndItsBytes) {
  const Authority pat = Of(1, {"pat"});
  DsseEnvelope envelope = Sign({"pat"});
  EXPECT_EQ(Reason(VerifyThreshold(envelope, "text/plain", pat).status()),
            "PAYLOAD_TYPE_UNEXPECTED");
  envelope.payload_type = "text/plain";
  EXPECT_EQ(Reason(VerifyThreshold(envelope, "text/plain", pat).status()), "THRESHOLD_NOT_MET");
  envelope = Sign({"pat"});
  envelope.payload += " ";
  EXPECT_EQ(Verify(envelope, pat), "THRESHOLD_NOT_MET");
}

TEST_F(AuthorityTest, KeyIdsAreHintsOnly) {
  const Authority two = Of(2, {"pat", "ann"});
  DsseEnvelope envelope = Sign({"pat", "ann"});
  std::swap(envelope.signatures[0].key_id, envelope.signatures[1].key_id);
  EXPECT_EQ(Verify(envelope, two), "");
  envelope.signatures[0].key_id.clear();
  EXPECT_EQ(Verify(envelope, two), "");
  envelope.signatures[1].signature = envelope.signatures[0].signature;
  EXPECT_EQ(Verify(envelope, two), "THRESHOLD_NOT_MET") << "pat's signature under ann's name";
}

TEST_F(AuthorityTest, AKeySignsInItsOwnSchemeOnly) {
  EXPECT_EQ(Verify(Sign({"pat.p256"}), Of(1, {"pat.p256"})), "");
  EXPECT_EQ(Verify(Sign({"pat.p1363"}), Of(1, {"pat.p1363"})), "");
  Authority other = Of(1, {"pat.p256"});
  other.keys[0].scheme = SignatureScheme::kEcdsaP256P1363;
  EXPECT_EQ(Verify(Sign({"pat.p256"}), other), "THRESHOLD_NOT_MET");
  other = Of(1, {"pat.p1363"});
  other.keys[0].scheme = SignatureScheme::kEcdsaP256Der;
  EXPECT_EQ(Verify(Sign({"pat.p1363"}), other), "THRESHOLD_NOT_MET");
}

TEST_F(AuthorityTest, AThresholdHoldsExactlyWhereEnoughHoldersSigned) {
  std::mt19937 random(11);
  const std::vector<std::string> all = {"a", "a.2", "b", "b.2", "b.3", "c", "d", "x", "y"};
  int good = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<std::string> trusted;
    std::vector<std::string> signers;
    std::set<std::string> holders;
    for (const std::string& name : all) {
      const bool trusts = name < "x" && random() % 4 != 0;
      const bool signs = random() % 3 != 0;
      if (trusts) trusted.push_back(name);
      for (int times = signs ? 1 + static_cast<int>(random() % 2) : 0; times > 0; --times) {
        signers.push_back(name);
      }
      if (trusts && signs) holders.insert(name.substr(0, 1));
    }
    std::shuffle(signers.begin(), signers.end(), random);
    const uint32_t threshold = 1 + random() % 4;
    const bool enough = holders.size() >= threshold;
    EXPECT_EQ(Verify(Sign(signers), Of(threshold, trusted)), enough ? "" : "THRESHOLD_NOT_MET");
    good += enough ? 1 : 0;
  }
  EXPECT_GT(good, 50);
  EXPECT_LT(good, 350);
}

// attack T10
TEST_F(AuthorityTest, ADelegationCoversWhatAllAboveItCover) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob"});
  root_.delegations = {Delegate("acme", {"acme/*"}, {"bob"})};
  const TrustDomain domain = Domain({Document(
      {"acme"}, {Delegate("web", {"acme/web-*", "other/*"}, {"eve"})}, {"eve"}, {"bob"})});
  EXPECT_EQ(Chains(domain, "acme/web-api"), "acme acme/web");
  EXPECT_EQ(Chains(domain, "acme/tool"), "acme");
  EXPECT_EQ(Chains(domain, "other/tool"), "");
  auto verify = [&](const char* by, const char* subject) {
    return Reason(domain.Verify(Sign({by}), kType, SigningRole::kPublisher, subject).status());
  };
  EXPECT_EQ(verify("bob", "acme/tool"), "");
  EXPECT_EQ(verify("eve", "acme/web-api"), "");
  EXPECT_EQ(verify("eve", "acme/tool"), "THRESHOLD_NOT_MET");
  EXPECT_EQ(verify("eve", "other/tool"), "ROLE_NOT_HELD");
  EXPECT_EQ(verify("pat", "acme/tool"), "THRESHOLD_NOT_MET") << "the root role is another role";
  EXPECT_EQ(Reason(domain.Verify(Sign({"bob"}), kType, SigningRole::kTester, "acme/tool").status()),
            "ROLE_NOT_HELD");
}

// Whoever publishes in a namespace is told of those to whom it was delegated, not of the root's
// own.
TEST_F(AuthorityTest, ARefusalNamesTheLastDelegation) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob", "cat"});
  root_.roles[SigningRole::kPublisher] = ring_.Role(1, {"pat"});
  root_.delegations = {Delegate("acme-publisher", {"acme/*"}, {"bob", "cat"})};
  root_.delegations[0].keys.threshold = 2;
  const absl::Status refused =
      Domain({}).Verify(Sign({"bob"}), kType, SigningRole::kPublisher, "acme/tool").status();
  EXPECT_EQ(Reason(refused), "THRESHOLD_NOT_MET");
  EXPECT_NE(Message(refused).find("1 of 2 different holders of the role publisher by delegation "
                                  "acme-publisher have signed: bob; still needed: 1 of cat"),
            std::string_view::npos)
      << refused;
  EXPECT_EQ(Domain({}).FindKey(ring_["cat"].public_key().id())->holder, "cat");
  EXPECT_EQ(Domain({}).FindKey(ring_["eve"].public_key().id()), nullptr);
}

// attack 10
TEST_F(AuthorityTest, OrderIsPrecedenceAndTerminatingEndsTheSearch) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob", "cat", "dan"});
  root_.roles[SigningRole::kPublisher] = ring_.Role(1, {"pat"});
  root_.delegations = {Delegate("first", {"acme/*"}, {"bob"}),
                       Delegate("core", {"acme/core-*"}, {"cat"}, /*terminating=*/true),
                       Delegate("last", {"acme/*"}, {"dan"})};
  const DsseEnvelope first =
      Document({"first"},
               {Delegate("team", {"acme/*"}, {"eve"}), Delegate("stop", {"acme/x"}, {"eve"}, true)},
               {"eve"}, {"bob"});
  EXPECT_EQ(Chains(Domain({first}), "acme/tool"), "root first first/team last");
  EXPECT_EQ(Chains(Domain({first}), "acme/core-1"), "root first first/team core");
  EXPECT_EQ(Chains(Domain({first}), "acme/x"), "root first first/team first/stop")
      << "what terminates below ends the search above too";
  EXPECT_EQ(Chains(Domain({}), "acme/x"), "root first last");
}

// attack 10: two ways to one holder are no two holders.
TEST_F(AuthorityTest, ADiamondCountsNobodyTwice) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob", "cat"});
  root_.delegations = {Delegate("left", {"acme/*"}, {"bob"}),
                       Delegate("right", {"acme/*"}, {"cat"})};
  auto pass_on = [&](const char* from, const char* by, uint32_t threshold) {
    Delegation shared = Delegate("shared", {"acme/*"}, {"eve", "fay"});
    shared.keys.threshold = threshold;
    return Document({from}, {shared}, {"eve", "fay"}, {by});
  };
  const TrustDomain two = Domain({pass_on("left", "bob", 2), pass_on("right", "cat", 2)});
  EXPECT_EQ(Chains(two, "acme/tool"), "left left/shared right right/shared");
  auto verify = [](const TrustDomain& domain, const DsseEnvelope& envelope) {
    return Reason(domain.Verify(envelope, kType, SigningRole::kPublisher, "acme/tool").status());
  };
  EXPECT_EQ(verify(two, Sign({"eve"})), "THRESHOLD_NOT_MET") << "one by the left, one by the right";
  EXPECT_EQ(verify(two, Sign({"eve", "fay"})), "");
  // Each way has its own threshold: the lower one of the two is not lent to the other's document.
  const TrustDomain mixed = Domain({pass_on("left", "bob", 2), pass_on("right", "cat", 1)});
  const auto vouchers = mixed.Verify(Sign({"eve"}), kType, SigningRole::kPublisher, "acme/tool");
  ASSERT_TRUE(vouchers.ok()) << vouchers.status();
  EXPECT_EQ(vouchers->chain, (std::vector<std::string>{"right", "shared"}));
}

// attack 11: one name below two delegators is two authorities, each with its own keys and subjects.
TEST_F(AuthorityTest, TheSameNameBelowTwoDelegatorsIsTwoThings) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob", "cat"});
  root_.delegations = {Delegate("left", {"acme/*"}, {"bob"}), Delegate("right", {"*/*"}, {"cat"})};
  const TrustDomain domain =
      Domain({Document({"left"}, {Delegate("team", {"*/*"}, {"eve"})}, {"eve"}, {"bob"}),
              Document({"right"}, {Delegate("team", {"zeta/*"}, {"fay"})}, {"fay"}, {"cat"})});
  EXPECT_EQ(Chains(domain, "acme/tool"), "left left/team right");
  EXPECT_EQ(Chains(domain, "zeta/tool"), "right right/team");
  auto verify = [&](const char* by, const char* subject) {
    return domain.Verify(Sign({by}), kType, SigningRole::kPublisher, subject).ok();
  };
  EXPECT_TRUE(verify("eve", "acme/tool"));
  EXPECT_FALSE(verify("fay", "acme/tool"));
  EXPECT_TRUE(verify("fay", "zeta/tool"));
  EXPECT_FALSE(verify("eve", "zeta/tool"));
}

TEST_F(AuthorityTest, ADelegationDocumentNeedsThoseWhomItSpeaksFor) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob"});
  root_.delegations = {Delegate("acme", {"acme/*"}, {"bob"})};
  const std::vector<Delegation> web = {Delegate("web", {"acme/*"}, {"eve"})};
  auto create = [&](const std::vector<DsseEnvelope>& documents) {
    return Reason(TrustDomain::Create(root_, documents, kNow).status());
  };
  EXPECT_EQ(create({Document({"acme"}, web, {"eve"}, {"eve"})}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(create({Document({"acme"}, web, {"eve"}, {"pat", "ann"})}), "THRESHOLD_NOT_MET");
  EXPECT_EQ(create({Document({"other"}, web, {"eve"}, {"bob"})}), "DELEGATION_UNKNOWN");
  EXPECT_EQ(create({Document({"acme", "web"}, web, {"eve"}, {"bob"})}), "DELEGATION_UNKNOWN");
  const DsseEnvelope good = Document({"acme"}, web, {"eve"}, {"bob"});
  EXPECT_EQ(create({good, good}), "DELEGATION_REPEATED");
  Delegation tester = web[0];
  tester.role = SigningRole::kTester;
  EXPECT_EQ(create({Document({"acme"}, {tester}, {"eve"}, {"bob"})}), "ROLE_NOT_HELD");
  EXPECT_EQ(create({Document({"acme", "web"}, {}, {"eve"}, {"eve"}), good}), "")
      << "the order in which they come does not matter";
}

// attack T5: a lapse stops one team, says so, and stops nobody else.
TEST_F(AuthorityTest, AnExpiredDelegationCountsAsAbsent) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob", "cat"});
  root_.delegations = {Delegate("acme", {"acme/*"}, {"bob"}),
                       Delegate("zeta", {"zeta/*"}, {"cat"})};
  const std::vector<DsseEnvelope> documents = {
      Document({"acme"}, {Delegate("web", {"acme/*"}, {"eve"})}, {"eve"}, {"bob"},
               "2026-06-01T00:00:00Z"),
      Document({"acme", "web"}, {Delegate("sub", {"acme/*"}, {"fay"})}, {"fay"}, {"eve"}),
      Document({"zeta"}, {Delegate("web", {"zeta/*"}, {"eve"})}, {"eve"}, {"cat"})};
  const TrustDomain before = Domain(documents, kNow - std::chrono::seconds(1));
  EXPECT_EQ(Chains(before, "acme/tool"), "acme acme/web acme/web/sub");
  EXPECT_TRUE(before.expired().empty());
  const TrustDomain after = Domain(documents);
  EXPECT_EQ(Chains(after, "acme/tool"), "acme");
  EXPECT_EQ(Chains(after, "zeta/tool"), "zeta zeta/web");
  ASSERT_EQ(after.expired().size(), 1u);
  const absl::Status refused =
      after.Verify(Sign({"eve"}), kType, SigningRole::kPublisher, "acme/tool").status();
  EXPECT_EQ(Reason(refused), "THRESHOLD_NOT_MET");
  EXPECT_NE(Message(refused).find("delegation acme expired on 2026-06-01T00:00:00Z"),
            std::string_view::npos)
      << refused;
}

// attack T2
TEST_F(AuthorityTest, TheSearchIsBounded) {
  root_.keys = ring_.List({"pat", "ann", "ci-log", "bob"});
  for (int i = 0; i < 1000; ++i) {
    root_.delegations.push_back(Delegate("d" + std::to_string(i), {"acme/*"}, {"bob"}));
  }
  EXPECT_EQ(Domain({}).AuthoritiesFor(SigningRole::kPublisher, "acme/tool").size(),
            kMaxDelegationsVisited);
}

}  // namespace
}  // namespace dml
