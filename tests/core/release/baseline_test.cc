#include "core/release/baseline.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

VariantName Named(const std::string& package, const std::string& version) {
  return {*PackageName::Parse(package), version, *Platform::Parse("linux-amd64")};
}

TEST(BaselineTest, IsWrittenInOneWay) {
  const std::vector<VariantName> variants = {Named("b/x", "1.0.0"), Named("a/y", "2.0.0"),
                                             Named("b/x", "1.0.0")};
  const std::string text = FormatBaseline(variants).value();
  EXPECT_EQ(text,
            "packages/a/y/versions/2.0.0/variants/linux-amd64\n"
            "packages/b/x/versions/1.0.0/variants/linux-amd64\n");
  EXPECT_EQ(ParseBaseline(text).value(), (std::vector{variants[1], variants[0]}));
  EXPECT_EQ(FormatBaseline({}).value(), "");
  EXPECT_TRUE(ParseBaseline("").value().empty());
}

TEST(BaselineTest, IsReadStrictlyAndHasLimits) {
  const std::string a = "packages/a/y/versions/2.0.0/variants/linux-amd64\n";
  const std::string b = "packages/b/x/versions/1.0.0/variants/linux-amd64\n";
  for (const std::string& bad :
       {b + a, a + a, a.substr(0, a.size() - 1), "\n" + a, std::string("packages/a\n")}) {
    EXPECT_EQ(Reason(ParseBaseline(bad).status()), "BASELINE_INVALID") << bad;
  }
  std::vector<VariantName> many;
  for (size_t i = 0; i <= kMaxBaselineVariants; ++i) {
    many.push_back(Named("a/y", "1.0." + std::to_string(i)));
  }
  EXPECT_EQ(Reason(FormatBaseline(many).status()), "BASELINE_INVALID");
  many.pop_back();
  EXPECT_TRUE(FormatBaseline(many).ok());
  EXPECT_EQ(Reason(ParseBaseline(std::string(kMaxBaselineBytes + 1, 'a')).status()),
            "BASELINE_INVALID");
}

}  // namespace
}  // namespace dml
