#include "core/license/license_terms.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "tests/core/license/random_license.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using testing::LicenseTree;
using testing::RandomLicenseTree;

LicenseExpression Parse(std::string_view text) {
  return LicenseExpression::Parse(text, BundledLicenseList()).value();
}
Digest Part(std::string_view text) { return LicensePartDigest(Parse(text)); }

TEST(LicenseTermsTest, NamesAndLicenses) {
  const LicenseTerms terms =
      TermsOf(Parse("(Apache-1.0+ OR GPL-2.0 WITH Classpath-exception-2.0) AND LicenseRef-a"));
  EXPECT_THAT(terms.names, ElementsAre("Apache-1.0", "Apache-1.0+", "Classpath-exception-2.0",
                                       "GPL-2.0", "LicenseRef-a"));
  EXPECT_THAT(terms.licenses, ElementsAre(LicenseKey{{"Apache-1.0", true}, ""},
                                          LicenseKey{{"GPL-2.0", false}, "Classpath-exception-2.0"},
                                          LicenseKey{{"LicenseRef-a", false}, ""}));
  EXPECT_EQ(terms.parts.size(), 5u) << "three licenses, the OR, the whole";
}

TEST(LicenseTermsTest, WholeValuesAreFoundByTheirWords) {
  EXPECT_THAT(TermsOf(Parse("NONE")).names, ElementsAre("NONE"));
  const LicenseTerms terms = TermsOf(Parse("NOASSERTION"));
  EXPECT_THAT(terms.names, ElementsAre("NOASSERTION"));
  EXPECT_THAT(terms.licenses, ElementsAre(LicenseKey{{"NOASSERTION", false}, ""}));
  EXPECT_THAT(terms.parts, ElementsAre(Part("NOASSERTION")));
  EXPECT_NE(Part("NONE"), Part("NOASSERTION"));
}

TEST(LicenseTermsTest, PartsAreEqualByMeaningOnly) {
  EXPECT_EQ(Part("MIT OR ISC"), Part("isc or (mit)"));
  EXPECT_EQ(Part("GPL-2.0 AND MIT"), Part("MIT AND GPL-2.0-only"));
  EXPECT_EQ(Part("MIT AND MIT"), Part("MIT"));
  EXPECT_NE(Part("MIT OR ISC"), Part("MIT AND ISC"));
  EXPECT_NE(Part("GPL-2.0-only"), Part("GPL-2.0-or-later"));
  EXPECT_NE(Part("GPL-2.0-only"), Part("GPL-2.0-only WITH Classpath-exception-2.0"));
  EXPECT_NE(Part("MIT AND (ISC OR Zlib)"), Part("(MIT AND ISC) OR Zlib"));
}

// The same tree with its operands in another order.
LicenseTree Shuffled(LicenseTree tree, std::mt19937_64& random) {
  for (LicenseTree& operand : tree.operands) operand = Shuffled(std::move(operand), random);
  std::ranges::shuffle(tree.operands, random);
  return tree;
}

TEST(LicenseTermsTest, EveryOperandIsAPartInAnyOrder) {
  const std::vector<std::string> leaves = {
      "MIT",          "ISC",
      "Zlib",         "GPL-2.0-or-later",
      "LicenseRef-x", "GPL-2.0-only WITH Classpath-exception-2.0"};
  std::mt19937_64 random(5);
  for (int i = 0; i < 500; ++i) {
    LicenseTree tree = RandomLicenseTree(random, 3, leaves);
    const std::set<Digest> parts = TermsOf(Parse(RandomText(Shuffled(tree, random), random))).parts;
    while (true) {
      const LicenseExpression expression = Parse(FullyParenthesized(tree));
      EXPECT_TRUE(parts.contains(LicensePartDigest(expression))) << expression.ToString();
      if (tree.operands.empty()) break;
      // An operand of the same kind is no node of its own: AND in AND is one AND.
      const LicenseTree::Kind kind = tree.kind;
      LicenseTree next = tree.operands[testing::Pick(random, tree.operands.size())];
      if (next.kind == kind) break;
      tree = std::move(next);
    }
  }
}

}  // namespace
}  // namespace dml
