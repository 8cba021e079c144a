// GetLicenseReport over gRPC: what a notice has to tell, in pages.
#include <gmock/gmock.h>

#include "tests/server/support/license_world.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kProperties = R"(categories:
  - {name: copyleft-strong}
  - {name: "property:include-in-notice-file"}
  - {name: "property:distribute-source-code"}
categorizations:
  - {id: GPL-2.0-only, categories: [copyleft-strong, "property:distribute-source-code"]}
  - {id: MIT, categories: ["property:include-in-notice-file"]}
)";

class LicenseReportTest : public testing::LicenseWorld {
 protected:
  LicenseReportTest() {
    app_ = Publish("acme/app", "MIT OR GPL-2.0-only");
    lib_ = Publish("acme/lib", "GPL-2.0-only WITH Classpath-exception-2.0 AND MIT");
  }
  void LoadTexts(const Texts& texts) {
    std::string items;
    for (const auto& [id, text] : texts) {
      items += fmt::format(R"({}{{"id":"{}","text":"{}"}})", items.empty() ? "" : ",", id, text);
    }
    Load(LicenseDataKind::kTexts,
         fmt::format(R"({{"schema":"dml.license-texts/v1","texts":[{}]}})", items));
  }
  v1::GetLicenseReportRequest Ask(const std::vector<std::string>& variants) {
    v1::GetLicenseReportRequest request;
    for (const std::string& name : variants) request.add_variants(name);
    return request;
  }
  // All items of all pages, in short; the reason of an error alone.
  std::vector<std::string> Report(v1::GetLicenseReportRequest request) {
    std::vector<std::string> out;
    do {
      const std::string reason = Call(&Stub::GetLicenseReport, request, response_);
      if (!reason.empty()) return {reason};
      for (const auto& item : response_.items()) out.push_back(InShort(item));
      request.set_page_token(response_.next_page_token());
    } while (!request.page_token().empty());
    EXPECT_EQ(out.size(), response_.item_count());
    return out;
  }
  static std::string InShort(const v1::LicenseReportItem& item) {
    if (item.has_component()) {
      return item.component().name() + ": " + item.component().license();
    }
    if (item.has_text()) return item.text().id() + " = " + item.text().text();
    if (!item.has_obligation()) return item.missing_text() + " missing";
    std::string out = item.obligation().word() + " of";
    for (const std::string& license : item.obligation().licenses()) out += " " + license;
    return out + fmt::format(" in {}", item.obligation().components_size());
  }

  std::string app_, lib_;
  v1::GetLicenseReportResponse response_;
};

TEST_F(LicenseReportTest, TellsComponentsObligationsTextsAndWhatIsMissing) {
  EXPECT_THAT(
      Report(Ask({lib_})),
      ElementsAre("acme/lib: GPL-2.0-only WITH Classpath-exception-2.0 AND MIT",
                  "unknown of GPL-2.0-only WITH Classpath-exception-2.0 MIT in 1",
                  "Classpath-exception-2.0 missing", "GPL-2.0-only missing", "MIT missing"));
  EXPECT_EQ(response_.license_properties_version(), "");
  Load(LicenseDataKind::kProperties, std::string(kProperties));
  LoadTexts({{"mit", "Permission"}, {"GPL-2.0-only", "Copyleft"}, {"ISC", "not asked for"}});
  EXPECT_THAT(Report(Ask({app_, lib_, app_})),
              ElementsAre("acme/app: MIT OR GPL-2.0-only",
                          "acme/lib: GPL-2.0-only WITH Classpath-exception-2.0 AND MIT",
                          "notice of MIT in 2", "source-offer of GPL-2.0-only in 1",
                          "same-license of GPL-2.0-only in 1",
                          "unknown of GPL-2.0-only WITH Classpath-exception-2.0 in 1",
                          "GPL-2.0-only = Copyleft", "MIT = Permission",
                          "Classpath-exception-2.0 missing"));
  EXPECT_EQ(response_.license_texts_version(), "data");
  EXPECT_THAT(response_.document_namespace(),
              StartsWith("https://dml.test/library/license-reports/"));
}

TEST_F(LicenseReportTest, ThePolicyChoosesTheBranchAndTheContextSaysWhatIsOwed) {
  Load(LicenseDataKind::kProperties, std::string(kProperties));
  SetPolicy("production", R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 1}
licenses:
  allow: [GPL-2.0-only]
  contexts: [{environment: production, provision: INTERNAL}]
)");
  auto request = Ask({app_});
  request.set_environment("environments/production");
  EXPECT_THAT(Report(request), ElementsAre("acme/app: GPL-2.0-only", "GPL-2.0-only missing"))
      << "what is not given to others obliges to nothing";
  EXPECT_EQ(response_.context().provision(), v1::LICENSE_PROVISION_INTERNAL);
  EXPECT_EQ(response_.policy_revision(), 1u);
  request.mutable_context()->set_provision(v1::LICENSE_PROVISION_DISTRIBUTED);
  EXPECT_THAT(Report(request),
              ElementsAre("acme/app: GPL-2.0-only", "source-offer of GPL-2.0-only in 1",
                          "same-license of GPL-2.0-only in 1", "GPL-2.0-only missing"));
}

TEST_F(LicenseReportTest, PagesEndEarlyForLargeTextsAndLoseNothing) {
  LoadTexts({{"MIT", std::string(900'000, 'm')},
             {"GPL-2.0-only", std::string(900'000, 'g')},
             {"Classpath-exception-2.0", std::string(900'000, 'c')}});
  auto request = Ask({lib_});
  size_t pages = 0;
  size_t items = 0;
  do {
    ASSERT_EQ(Call(&Stub::GetLicenseReport, request, response_), "");
    items += response_.items_size();
    request.set_page_token(response_.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(items, response_.item_count());
  EXPECT_EQ(pages, 2u);
  request.set_page_size(2);
  EXPECT_EQ(Report(request).size(), items);
}

TEST_F(LicenseReportTest, AnObligationOfManyComesInParts) {
  std::vector<std::string> variants;
  for (int i = 0; i < 5; ++i) {
    variants.push_back(Publish("acme/p" + std::to_string(i),
                               fmt::format("LicenseRef-{}{}", i, std::string(16'000, 'x'))));
  }
  size_t parts = 0;
  for (const std::string& item : Report(Ask(variants))) parts += item.starts_with("unknown of");
  EXPECT_EQ(parts, 2u);
}

TEST_F(LicenseReportTest, RefusesWhatIsNoSetAndWhatTheCallerMayNotSee) {
  EXPECT_THAT(Report(Ask({})), ElementsAre("SET_EMPTY"));
  auto request = Ask({app_});
  request.set_page_token("x");
  EXPECT_THAT(Report(request), ElementsAre("PAGE_TOKEN_INVALID"));
  request = Ask({app_});
  request.mutable_context()->set_combination(static_cast<v1::LicenseCombination>(9));
  EXPECT_THAT(Report(request), ElementsAre("LICENSE_CONTEXT_UNKNOWN"));
  request = Ask({app_});
  request.set_environment("environments/none");
  EXPECT_THAT(Report(request), ElementsAre("ENVIRONMENT_NOT_FOUND"));
  Be({{"reader", "namespaces/other"}});
  EXPECT_THAT(Report(Ask({app_})), ElementsAre("ROLE_REQUIRED"));
}

}  // namespace
}  // namespace dml
