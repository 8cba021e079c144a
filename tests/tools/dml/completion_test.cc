// Help and completion, for every command there is.
#include "tools/dml/completion.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/dml/command.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::vector<std::string> Words(const std::string& path) {
  std::vector<std::string> out;
  std::istringstream in(path);
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

const CompletionNode& NodeOf(const std::vector<CompletionNode>& nodes, const std::string& path) {
  for (const CompletionNode& node : nodes) {
    if (node.path == path) return node;
  }
  ADD_FAILURE() << "no command" << path;
  return nodes.front();
}

std::vector<std::string> Texts(const CompletionNode& node) {
  std::vector<std::string> out;
  for (const CompletionNode::Word& word : node.words) out.push_back(word.text);
  return out;
}

TEST(CommandsTest, AreAllThere) {
  CommandTree tree;
  std::vector<CompletionNode> nodes = CompletionNodes(tree.root());
  std::vector<std::string> paths;
  for (const CompletionNode& node : nodes) paths.push_back(node.path);
  for (const char* path : {" status",
                           " version",
                           " version compare",
                           " version contains",
                           " version relation",
                           " version parse",
                           " version sort",
                           " namespace create",
                           " namespace list",
                           " namespace show",
                           " namespace retention set",
                           " namespace retention show",
                           " package publish",
                           " package get",
                           " package show",
                           " package list",
                           " package search",
                           " package withdraw",
                           " package verify",
                           " package attach",
                           " package sign",
                           " import deb",
                           " key generate",
                           " key register",
                           " key list",
                           " key revoke",
                           " key show",
                           " attest sign",
                           " attest verify",
                           " root export-tuf",
                           " environment create",
                           " environment list",
                           " node create",
                           " node list",
                           " policy init",
                           " policy set",
                           " policy show",
                           " policy check",
                           " license eval",
                           " license find",
                           " license parse",
                           " license compare",
                           " compat check",
                           " compat who-requires",
                           " compat who-provides",
                           " compat compare",
                           " compat installable",
                           " compat solve",
                           " gate evaluate",
                           " log checkpoint",
                           " log entries",
                           " log prove",
                           " admin status",
                           " admin verify-views",
                           " admin storage",
                           " admin collect",
                           " admin scrub",
                           " completion bash",
                           " completion zsh",
                           " completion fish"}) {
    EXPECT_THAT(paths, Contains(path));
  }
}

TEST(CommandsTest, EveryHelpEndsWithAnExampleOfThatCommand) {
  CommandTree tree;
  for (const CompletionNode& node : CompletionNodes(tree.root())) {
    std::vector<std::string> args = Words(node.path);
    args.push_back("--help");
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(args, out, err), 0) << node.path;
    EXPECT_EQ(err.str(), "");
    std::string help = out.str();
    size_t example = help.rfind("Example:\n");
    ASSERT_NE(example, std::string::npos) << node.path;
    EXPECT_THAT(help.substr(example), HasSubstr("dml" + (node.path.empty() ? " " : node.path)));
    // Two lines and the end: nothing comes after the example.
    EXPECT_LE(std::count(help.begin() + static_cast<ptrdiff_t>(example), help.end(), '\n'), 3)
        << help.substr(example);
  }
}

TEST(CommandsTest, EveryCommandAndOptionIsDescribed) {
  CommandTree tree;
  for (const CompletionNode& node : CompletionNodes(tree.root())) {
    for (const CompletionNode::Word& word : node.words) {
      EXPECT_FALSE(word.description.empty()) << node.path << " " << word.text;
    }
  }
}

TEST(CompletionTest, KnowsWordsOptionsAndGroups) {
  CommandTree tree;
  std::vector<CompletionNode> nodes = CompletionNodes(tree.root());
  EXPECT_THAT(Texts(NodeOf(nodes, "")), Contains("package"));
  EXPECT_THAT(Texts(NodeOf(nodes, " package")), Contains("publish"));
  EXPECT_THAT(Texts(NodeOf(nodes, " package get")), Contains("--out"));
  EXPECT_THAT(Texts(NodeOf(nodes, " package get")), Contains("--output"));
  EXPECT_THAT(Texts(NodeOf(nodes, " license eval")), Contains("--policy"));
  EXPECT_THAT(Texts(NodeOf(nodes, " namespace retention")), Contains("set"));
  EXPECT_THAT(Texts(NodeOf(nodes, " admin collect")), Contains("--dry-run"));
}

TEST(CompletionTest, NoWordIsOfferedTwice) {
  CommandTree tree;
  for (const CompletionNode& node : CompletionNodes(tree.root())) {
    std::vector<std::string> words = Texts(node);
    std::sort(words.begin(), words.end());
    EXPECT_EQ(std::adjacent_find(words.begin(), words.end()), words.end()) << node.path;
  }
}

TEST(CompletionTest, EveryCommandIsInEveryScript) {
  CommandTree tree;
  std::string bash = BashCompletion(tree.root());
  std::string zsh = ZshCompletion(tree.root());
  std::string fish = FishCompletion(tree.root());
  for (const CompletionNode& node : CompletionNodes(tree.root())) {
    EXPECT_THAT(bash, HasSubstr("\"" + node.path + "\") words=\""));
    EXPECT_THAT(zsh, HasSubstr("\"" + node.path + "\") candidates=("));
    EXPECT_THAT(fish, HasSubstr("(__dml_command) = \"" + node.path + "\""));
  }
  EXPECT_THAT(fish, HasSubstr("-l no-color -d"));
  EXPECT_THAT(fish, HasSubstr("-l profile -r -d"));
  EXPECT_THAT(fish, HasSubstr("-l output -x -a 'table json' -d"));
  EXPECT_THAT(zsh, HasSubstr("candidates=(ed25519 ecdsa-p256)"));
}

// What bash offers for a command line, by running its script there.
std::string Offered(const std::string& words) {
  std::ostringstream script;
  std::ostringstream err;
  EXPECT_EQ(RunDml({"completion", "bash"}, script, err), 0);
  std::string command = script.str() + "\nCOMP_WORDS=(" + words +
                        ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_dml\n"
                        "echo \"${COMPREPLY[*]}\"\n";
  std::string quoted = "'";
  for (char c : command) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  FILE* pipe = ::popen(("bash --norc -c " + quoted + "'").c_str(), "r");
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0);
  return out;
}

TEST(CompletionTest, WorksInBash) {
  EXPECT_EQ(Offered("dml pol"), "policy\n");
  EXPECT_EQ(Offered("dml package wi"), "withdraw\n");
  EXPECT_EQ(Offered("dml --output json package get acme/api@1 --ov"), "--overwrite\n");
  EXPECT_EQ(Offered("dml --output ''"), "table json\n");
  EXPECT_EQ(Offered("dml package get --output j"), "json\n");
  EXPECT_EQ(Offered("dml key generate --algorithm ec"), "ecdsa-p256\n");
  EXPECT_EQ(Offered("dml --profile ''"), "\n");
  EXPECT_EQ(
      Offered("dml package ''"),
      "publish get verify bundle show list search withdraw attach statement sign --help --profile "
      "--output --quiet "
      "--no-color --page-size --page-token --all\n");
}

}  // namespace
}  // namespace dml
