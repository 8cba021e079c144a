#include "core/compat/resolve_document.h"

#include <gmock/gmock.h>

namespace dml {
namespace {

using ::testing::HasSubstr;

TEST(ResolveDocumentTest, SaysAllThatIsAskedFor) {
  const auto request = ParseResolveDocument(R"(schema: dml.resolve/v1
wanted:
  - {name: acme/app, range: "vers:semver/>=2.0.0"}
  - {kind: SERVICE, name: payments}
pins:
  - {package: acme/lib, range: "vers:semver/<3.0.0", source: ticket 42}
inUse: [packages/acme/lib/versions/2.1.0/variants/linux-amd64]
mode: MINIMAL_CHANGE
platform: linux-amd64
)");
  ASSERT_TRUE(request.ok()) << request.status();
  ASSERT_EQ(request->wanted.size(), 2u);
  EXPECT_EQ(request->wanted[0].name, "acme/app");
  EXPECT_EQ(request->wanted[0].range.ToVers(), "vers:semver/>=2.0.0");
  EXPECT_EQ(request->wanted[1].kind, RelationKind::kService);
  EXPECT_TRUE(request->wanted[1].range.IsAll());
  ASSERT_EQ(request->constraints.size(), 1u);
  EXPECT_EQ(request->constraints[0].kind, ResolveConstraint::Kind::kPin);
  EXPECT_EQ(request->constraints[0].package.ToString(), "acme/lib");
  EXPECT_EQ(request->constraints[0].source, "ticket 42");
  ASSERT_EQ(request->in_use.size(), 1u);
  EXPECT_EQ(request->in_use[0].version, "2.1.0");
  EXPECT_EQ(request->mode, ResolveMode::kMinimalChange);
  EXPECT_EQ(request->platform.VariantId(), "linux-amd64");
}

TEST(ResolveDocumentTest, IsJsonToo) {
  const auto request =
      ParseResolveDocument(R"({"schema": "dml.resolve/v1", "wanted": [{"name": "acme/app"}]})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->mode, ResolveMode::kNewest);
  EXPECT_EQ(request->platform, Platform{});
}

struct Bad {
  const char* text;
  const char* reason;
  const char* words;  // With the line.
};

class BadResolveDocumentTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadResolveDocumentTest, IsRefusedWithTheLine) {
  const auto request = ParseResolveDocument(GetParam().text);
  EXPECT_EQ(Reason(request.status()), GetParam().reason) << request.status();
  EXPECT_THAT(std::string(Message(request.status())), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadResolveDocumentTest,
    ::testing::Values(
        Bad{"", "RESOLVE_REQUEST_INVALID", "resolve request"},
        Bad{"schema: dml.resolve/v2\n", "RESOLVE_REQUEST_INVALID", "line 1"},
        Bad{"schema: dml.resolve/v1\nwants: []\n", "RESOLVE_REQUEST_INVALID", "line 2"},
        Bad{"schema: dml.resolve/v1\nwanted:\n- {name: App}\n", "NAME_INVALID", "line 3"},
        Bad{"schema: dml.resolve/v1\nwanted:\n- {kind: THING, name: a/b}\n",
            "RESOLVE_REQUEST_INVALID", "line 3"},
        Bad{"schema: dml.resolve/v1\nwanted:\n- {kind: ABI, name: \"a b\"}\n", "NAME_INVALID",
            "line 3"},
        Bad{"schema: dml.resolve/v1\nwanted:\n- name: a/b\n  range: '>=2'\n",
            "VERSION_RANGE_INVALID", "line 4"},
        Bad{"schema: dml.resolve/v1\npins:\n- {package: a/b}\n", "RESOLVE_REQUEST_INVALID",
            "line 3"},
        Bad{"schema: dml.resolve/v1\npins:\n- {package: a/b, range: 'vers:deb/1', source: "
            "\"a\\nb\"}\n",
            "RESOLVE_REQUEST_INVALID", "line 3"},
        Bad{"schema: dml.resolve/v1\ninUse: [a/b]\n", "NAME_INVALID", "line 2"},
        Bad{"schema: dml.resolve/v1\nmode: BEST\n", "RESOLVE_REQUEST_INVALID", "line 2"},
        Bad{"schema: dml.resolve/v1\nplatform: Linux\n", "NAME_INVALID", "line 2"}));

TEST(ResolveDocumentTest, LimitsComeFirst) {
  std::string text = "schema: dml.resolve/v1\nwanted:\n";
  for (size_t i = 0; i <= kMaxResolveWanted; ++i) text += "- {name: a/b}\n";
  EXPECT_EQ(Reason(ParseResolveDocument(text).status()), "RESOLVE_REQUEST_INVALID");
  EXPECT_EQ(Reason(ParseResolveDocument(std::string(kMaxResolveDocumentBytes + 1, ' ')).status()),
            "RESOLVE_REQUEST_INVALID");
}

}  // namespace
}  // namespace dml
