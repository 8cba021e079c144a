#include "core/compat/nodes_document.h"

#include <gmock/gmock.h>

namespace dml {
namespace {

using ::testing::HasSubstr;

TEST(NodesDocumentTest, SaysWhatRunsWhere) {
  const auto nodes = ParseNodesDocument(R"(schema: dml.nodes/v1
nodes:
  - name: web
    platform: linux-amd64
    count: 3
    runs: [packages/acme/api/versions/2.4.1/variants/linux-amd64]
    target: [packages/acme/api/versions/2.5.0/variants/linux-amd64]
  - name: spare
)");
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_EQ(nodes->size(), 2u);
  EXPECT_EQ((*nodes)[0].platform.VariantId(), "linux-amd64");
  EXPECT_EQ((*nodes)[0].count, 3u);
  ASSERT_EQ((*nodes)[0].runs.size(), 1u);
  EXPECT_EQ((*nodes)[0].runs[0].version, "2.4.1");
  ASSERT_EQ((*nodes)[0].target.size(), 1u);
  EXPECT_EQ((*nodes)[0].target[0].version, "2.5.0");
  EXPECT_EQ((*nodes)[1].count, 1u);
  EXPECT_TRUE((*nodes)[1].runs.empty());
}

struct Bad {
  const char* text;
  const char* reason;
  const char* words;
};

class BadNodesDocumentTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadNodesDocumentTest, IsRefusedWithTheLine) {
  const auto nodes = ParseNodesDocument(GetParam().text);
  EXPECT_EQ(Reason(nodes.status()), GetParam().reason) << nodes.status();
  EXPECT_THAT(std::string(Message(nodes.status())), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadNodesDocumentTest,
    ::testing::Values(
        Bad{"[]", "NODES_INVALID", "nodes"},
        Bad{"schema: dml.nodes/v2\n", "NODES_INVALID", "line 1"},
        Bad{"schema: dml.nodes/v1\nnode: []\n", "NODES_INVALID", "line 2"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {}\n", "NODES_INVALID", "line 3"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {name: ''}\n", "NODES_INVALID", "line 3"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {name: a}\n- {name: a}\n", "NODES_INVALID", "line 4"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {name: a, platform: X}\n", "NAME_INVALID", "line 3"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {name: a, count: 0}\n", "NODES_INVALID", "line 3"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {name: a, runs: [acme/api]}\n", "NAME_INVALID",
            "line 3"},
        Bad{"schema: dml.nodes/v1\nnodes:\n- {name: a, target: [1]}\n", "NODES_INVALID",
            "line 3"}));

TEST(NodesDocumentTest, LimitsComeFirst) {
  EXPECT_EQ(Reason(ParseNodesDocument(std::string(kMaxNodesDocumentBytes + 1, ' ')).status()),
            "NODES_INVALID");
}

}  // namespace
}  // namespace dml
