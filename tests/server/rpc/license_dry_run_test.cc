// DryRunPolicy over gRPC: what would change, and nothing does.
#include <gmock/gmock.h>

#include "tests/server/support/license_world.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Policy(std::string_view licenses) {
  return fmt::format(
      "schema: dml.policy/v1\ncontent: {{allowedNamespaces: [acme]}}\n"
      "signatures: {{threshold: 1}}\nlicenses: {{{}}}\n",
      licenses);
}

class LicenseDryRunTest : public testing::LicenseWorld {
 protected:
  LicenseDryRunTest() {
    EXPECT_TRUE(library().Commit(NamespaceCreated{"other", "", {}}).ok());
    Publish("acme/choice", "MIT OR ISC");
    Publish("acme/gpl", "GPL-3.0-only");
    Publish("acme/mit", "MIT");
    Publish("other/gpl", "GPL-3.0-only");
    SetPolicy("production", Policy("allow: [MIT, GPL-3.0-only]"));
  }
  v1::DryRunPolicyRequest Ask(const std::string& licenses) {
    v1::DryRunPolicyRequest request;
    request.set_environment("environments/production");
    request.set_policy_document(Policy(licenses));
    return request;
  }
  static std::string Word(const v1::LicensePolicyVerdict& verdict) {
    const std::string word = v1::LicenseOutcome_Name(verdict.outcome()).substr(16);
    return verdict.chosen().empty() ? word : word + " " + verdict.chosen();
  }
  // All changes of all pages of one item; the reason of an error alone.
  std::vector<std::string> Changes(v1::DryRunPolicyRequest request, int page_size = 1) {
    std::vector<std::string> out;
    request.set_page_size(page_size);
    judged_ = 0;
    do {
      const std::string reason = Call(&Stub::DryRunPolicy, request, response_);
      if (!reason.empty()) return {reason};
      judged_ += response_.judged_count();
      for (const auto& change : response_.changes()) {
        out.push_back(fmt::format("{}: {} -> {}",
                                  VariantName::Parse(change.variant())->package.ToString(),
                                  Word(change.before()), Word(change.after())));
      }
      request.set_page_token(response_.next_page_token());
    } while (!request.page_token().empty());
    return out;
  }

  uint64_t judged_ = 0;
  v1::DryRunPolicyResponse response_;
};

TEST_F(LicenseDryRunTest, TellsOtherOutcomesAndBranchesAndWhy) {
  EXPECT_THAT(Changes(Ask("allow: [MIT, GPL-3.0-only]")), IsEmpty());
  EXPECT_EQ(judged_, 4u);
  EXPECT_EQ(response_.policy_revision(), 1u);
  const uint64_t before = response_.index();
  EXPECT_THAT(Changes(Ask("allow: [ISC, MIT], deny: [GPL-3.0-only]")),
              ElementsAre("acme/choice: ALLOW MIT -> ALLOW ISC",
                          "acme/gpl: ALLOW GPL-3.0-only -> DENY GPL-3.0-only",
                          "other/gpl: ALLOW GPL-3.0-only -> DENY GPL-3.0-only"));
  EXPECT_EQ(response_.index(), before) << "nothing was written";
  ASSERT_EQ(Changes(Ask("allow: [ISC, MIT], deny: [GPL-3.0-only]"), 100).size(), 3u);
  EXPECT_THAT(response_.changes(1).after().explanation(), HasSubstr("GPL-3.0-only"));
}

TEST_F(LicenseDryRunTest, AFirstPolicyChangesEverything) {
  ASSERT_TRUE(library().Commit(EnvironmentCreated{"test", "", {}}).ok());
  auto request = Ask("allow: [MIT]");
  request.set_environment("environments/test");
  EXPECT_THAT(Changes(request), ElementsAre("acme/choice: UNSPECIFIED -> ALLOW MIT",
                                            "acme/gpl: UNSPECIFIED -> REVIEW GPL-3.0-only",
                                            "acme/mit: UNSPECIFIED -> ALLOW MIT",
                                            "other/gpl: UNSPECIFIED -> REVIEW GPL-3.0-only"));
  EXPECT_EQ(response_.policy_environment(), "");
}

TEST_F(LicenseDryRunTest, OnlyWhatTheCallerSeesIsJudged) {
  Be({{"reader", "environments/production"}, {"reader", "namespaces/other"}});
  EXPECT_THAT(Changes(Ask("deny: [GPL-3.0-only]")),
              ElementsAre("other/gpl: ALLOW GPL-3.0-only -> DENY GPL-3.0-only"));
  EXPECT_EQ(judged_, 1u);
  Be({{"reader", "environments/test"}});
  EXPECT_THAT(Changes(Ask("deny: [GPL-3.0-only]")), ElementsAre("ROLE_REQUIRED"));
}

TEST_F(LicenseDryRunTest, RefusesWhatIsNoPolicyAndNoEnvironment) {
  auto request = Ask("deny: [No-Such-License]");
  EXPECT_THAT(Changes(request), ElementsAre("POLICY_INVALID"));
  request.set_policy_document("");
  EXPECT_THAT(Changes(request), ElementsAre("POLICY_INVALID"));
  request = Ask("allow: [MIT]");
  request.set_environment("environments/none");
  EXPECT_THAT(Changes(request), ElementsAre("ENVIRONMENT_NOT_FOUND"));
  EXPECT_THAT(Changes(Ask("allow: [MIT]"), -1), ElementsAre("PAGE_SIZE_INVALID"));
}

}  // namespace
}  // namespace dml
