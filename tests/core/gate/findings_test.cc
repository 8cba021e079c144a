#include "core/gate/findings.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

const std::vector<Finding> kFindings = {
    {"content.withdrawn", Severity::kError, "packages/a/b", "it was withdrawn: \"x\"\n",
     "take 12:"},
    {"license.chosen", Severity::kInfo, "", "", ""},
    {"timing.closed", Severity::kWarning, "releases/p", "Größe", "wait"}};

TEST(FindingsTest, ComeBackAsTheyWere) {
  const std::string bytes = FormatFindings(kFindings);
  EXPECT_TRUE(bytes.starts_with("17:content.withdrawn1:312:packages/a/b22:it was")) << bytes;
  EXPECT_EQ(ParseFindings(bytes).value(), kFindings);
  EXPECT_EQ(FindingsDigest(kFindings), Sha256(bytes));
  EXPECT_EQ(FormatFindings({}), "");
  EXPECT_TRUE(ParseFindings("").value().empty());
}

TEST(FindingsTest, AreReadStrictly) {
  const std::string bytes = FormatFindings(kFindings);
  // Every part but the whole ones is no list of findings.
  size_t whole = 0;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const auto part = ParseFindings(std::string_view(bytes).substr(0, size));
    if (part.ok()) {
      ++whole;
      EXPECT_EQ(FormatFindings(*part), bytes.substr(0, size));
    } else {
      EXPECT_EQ(Reason(part.status()), "FINDINGS_INVALID");
    }
  }
  EXPECT_EQ(whole, kFindings.size() + 1);
  for (const char* bad : {"1:a1:40:0:0:", "1:a1:00:0:0:", "01:a1:10:0:0:", "1:a1:1-1:0:0:",
                          "99999999999999999999:a", "1a1:10:0:0:", ":"}) {
    EXPECT_EQ(Reason(ParseFindings(bad).status()), "FINDINGS_INVALID") << bad;
  }
}

}  // namespace
}  // namespace dml
