#include "core/evidence/deploy_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

DeployReport Sample() {
  DeployReport out;
  out.permit = "0f8fad5b-d9cb-469f-a165-708677289511";
  out.environment = "production/eu";
  out.node = "web-1";
  out.time = *ParseTime("2026-06-01T12:00:00Z");
  out.items = {{{*PackageName::Parse("acme/tool"), "1.0.0", *Platform::Parse("linux-amd64")},
                Sha256("manifest"),
                2,
                4096}};
  return out;
}

TEST(DeployReportTest, IsWrittenInOneWay) {
  const std::string text = FormatDeployReport(Sample()).value();
  EXPECT_EQ(
      text,
      R"({"environment":"production/eu","items":[{"bytes":4096,"files":2,"manifest":")" +
          Sha256("manifest").ToString() +
          R"(","variant":"packages/acme/tool/versions/1.0.0/variants/linux-amd64"}],"node":"web-1",)"
          R"("permit":"0f8fad5b-d9cb-469f-a165-708677289511","time":"2026-06-01T12:00:00Z"})");
  EXPECT_EQ(ParseDeployReport(text).value(), Sample());
  DeployReport all = Sample();
  all.node.clear();
  all.items.clear();
  EXPECT_EQ(ParseDeployReport(FormatDeployReport(all).value()).value(), all);
}

TEST(DeployReportTest, IsReadStrictly) {
  const nlohmann::json good = nlohmann::json::parse(FormatDeployReport(Sample()).value());
  for (const auto& [name, value] : good.items()) {
    nlohmann::json changed = good;
    changed[name] = 7;
    EXPECT_FALSE(ParseDeployReport(changed.dump()).ok()) << name;
    if (name == "node") continue;
    changed.erase(name);
    EXPECT_FALSE(ParseDeployReport(changed.dump()).ok()) << name;
  }
  nlohmann::json more = good;
  more["outcome"] = "fine";
  EXPECT_EQ(Reason(ParseDeployReport(more.dump()).status()), "DEPLOY_REPORT_INVALID");
}

}  // namespace
}  // namespace dml
