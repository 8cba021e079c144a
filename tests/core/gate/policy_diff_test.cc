#include "core/gate/policy_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gate/policy.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kBefore = R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme, debian]}
signatures: {threshold: 1}
licenses: {allow: [MIT]}
size: [{items: 5}, {types: [MAJOR], items: 9}]
)";

TEST(PolicyDiffTest, NotationAndOrderMakeNone) {
  EXPECT_THAT(*DiffPolicies(kBefore, R"({"size": [{"items": 5}, {"items": 9, "types": ["MAJOR"]}],
      "licenses": {"allow": ["MIT"], "deny": []}, "signatures": {"threshold": 1},
      "content": {"allowedNamespaces": ["debian", "acme"]}, "schema": "dml.policy/v1"})"),
              IsEmpty());
}

TEST(PolicyDiffTest, NamesWhatIsDifferent) {
  EXPECT_THAT(*DiffPolicies(kBefore, R"(schema: dml.policy/v1
content: {allowedNamespaces: [acme]}
signatures: {threshold: 2}
licenses: {}
size: [{items: 5}]
risk: [{highest: 7}]
)"),
              ElementsAre(PolicyDifference{"content.allowedNamespaces", R"(["acme","debian"])",
                                           R"(["acme"])"},
                          PolicyDifference{"licenses.allow", R"(["MIT"])", ""},
                          PolicyDifference{"risk[0].highest", "", "7"},
                          PolicyDifference{"signatures.threshold", "1", "2"},
                          PolicyDifference{"size[1].items", "9", ""},
                          PolicyDifference{"size[1].types", R"(["MAJOR"])", ""}));
}

TEST(PolicyDiffTest, RefusesWhatIsNoPolicy) {
  const absl::Status status = DiffPolicies(kBefore, "schema: dml.policy/v1\nx: 1\n").status();
  EXPECT_EQ(Reason(status), "POLICY_INVALID");
  EXPECT_THAT(std::string(Message(status)), HasSubstr("after: policy: line 2: unknown member 'x'"));
  EXPECT_THAT(std::string(Message(DiffPolicies("", kBefore).status())), HasSubstr("before: "));
}

}  // namespace
}  // namespace dml
