// The ceremony of the trust root, as people do it: file by file, each with their own key.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/package_bundle.h"
#include "core/os/file.h"
#include "core/trust/root_walk.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

class RootCommandTest : public ::testing::Test {
 protected:
  RootCommandTest() {
    for (const char* name : {"pat", "ann", "bob", "log", "eve"}) {
      Do({"key", "generate", "--out", Path(name)});
    }
  }

  std::string Path(const std::string& name) const { return dir_.path() / name; }
  std::string Read(const std::string& name) const { return *ReadFile(Path(name), 1 << 20); }
  void Write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(Path(name), AsBytes(text), 0600).ok());
  }

  // Runs a command that must end with this code; its JSON, that of the error included.
  Json Do(std::vector<std::string> words, int code = 0) {
    words.insert(words.begin(), {"--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), code) << ::testing::PrintToString(words) << err.str();
    return Json::parse(code == 0 || code == 3 ? out.str() : err.str(), nullptr, false);
  }
  std::string Refused(const std::vector<std::string>& words, int code = 2) {
    return Do(words, code)["error"]["reason"];
  }

  // Root 1: pat alone.
  void Begin() {
    Do({"root", "init", "--origin", "library.example/dml", "--log-key", Path("log.pub"), "--holder",
        "pat", "--key", Path("pat.pub"), "--out", Path("root-1")});
    Do({"root", "sign", Path("root-1"), "--key", Path("pat")});
  }
  // Root 2: two of pat, ann and bob.
  void Grow() {
    Do({"root", "add-key", Path("root-1"), "--out", Path("root-2"), "--role", "root", "--holder",
        "ann", "--key", Path("ann.pub")});
    Do({"root", "add-key", Path("root-2"), "--role", "root", "--holder", "bob", "--key",
        Path("bob.pub"), "--threshold", "2"});
    Do({"root", "sign", Path("root-2"), "--key", Path("pat")});
    Do({"root", "sign", Path("root-2"), "--key", Path("bob")});
  }
  Json Verify(const std::vector<std::string>& names, int code = 0) {
    std::vector<std::string> words = {"root", "verify"};
    for (const std::string& name : names) words.push_back(Path(name));
    return Do(words, code);
  }

  testing::TempDir dir_;
};

TEST_F(RootCommandTest, OnePersonStartsWithOneKey) {
  Do({"root", "init", "--origin", "library.example/dml", "--log-key", Path("log.pub"), "--holder",
      "pat", "--key", Path("pat"), "--out", Path("root-1")});
  Json shown = Do({"root", "show", Path("root-1")});
  EXPECT_EQ(shown["signed"], false);
  EXPECT_THAT(shown["missing"].get<std::string>(), HasSubstr("dml root sign"));
  shown = Do({"root", "sign", Path("root-1"), "--key", Path("pat")});
  EXPECT_EQ(shown["signed"], true);
  EXPECT_EQ(shown["root"]["version"], 1);
  const Json verified = Verify({"root-1"});
  EXPECT_EQ(verified["trusted"], true);
  EXPECT_EQ(verified["digest"], shown["digest"]);
  absl::StatusOr<TrustedRoot> root = OpenPinnedRoot(Read("root-1"));
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(root->root.roles.size(), 11u) << "all of a person, and the log's";
  EXPECT_FALSE(root->root.roles.contains(SigningRole::kPermit));
}

TEST_F(RootCommandTest, ADraftThatNobodySignedIsNotSet) {
  Begin();
  Do({"root", "renew", Path("root-1"), "--out", Path("root-2")});
  const Json error = Do({"root", "set", Path("root-2")}, 2)["error"];
  EXPECT_EQ(error["reason"], "SIGNATURE_MISSING");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("draft that nobody has signed"));
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("dml root sign"));
  Do({"delegation", "init", "acme", "--out", Path("acme")});
  EXPECT_THAT(Do({"root", "set", Path("acme")}, 2)["error"]["message"].get<std::string>(),
              HasSubstr("dml delegation sign"));
}

TEST_F(RootCommandTest, NothingIsValidForNoTime) {
  Begin();
  EXPECT_EQ(Refused({"root", "renew", Path("root-1"), "--valid-for", "0s", "--out", Path("x")}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Refused({"root", "init", "--origin", "library.example/dml", "--log-key",
                     Path("log.pub"), "--holder", "pat", "--key", Path("pat.pub"), "--out",
                     Path("x"), "--valid-for", "0d"}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Refused({"delegation", "init", "acme", "--valid-for", "0h", "--out", Path("x")}),
            "ARGUMENT_INVALID");
}

TEST_F(RootCommandTest, ItGrowsToTwoOfThree) {
  Begin();
  Grow();
  EXPECT_EQ(Verify({"root-1", "root-2"})["version"], 2);
  // A third needs two of them.
  Do({"root", "renew", Path("root-2"), "--valid-for", "30d", "--out", Path("root-3")});
  Json shown = Do({"root", "sign", Path("root-3"), "--key", Path("ann")});
  EXPECT_EQ(shown["signed"], false);
  EXPECT_THAT(shown["missing"].get<std::string>(), HasSubstr("1 of 2"));
  EXPECT_THAT(shown["missing"].get<std::string>(), HasSubstr("bob, pat"));
  EXPECT_EQ(Verify({"root-1", "root-2", "root-3"}, 3)["reason"], "THRESHOLD_NOT_MET");
  shown = Do({"root", "sign", Path("root-3"), "--key", Path("ann")});
  EXPECT_EQ(shown["signed"], false) << "whoever signs again counts once";
  Do({"root", "sign", Path("root-3"), "--key", Path("bob")});
  EXPECT_EQ(Verify({"root-1", "root-2", "root-3"})["version"], 3);
  EXPECT_EQ(Verify({"root-1", "root-3"}, 3)["reason"], "ROOT_VERSION_UNEXPECTED");
}

// dml verify judges a chain of roots as dml root verify does: what does not follow is not verified.
TEST_F(RootCommandTest, WhatDoesNotFollowProvesNoPackage) {
  Begin();
  Grow();
  Do({"root", "renew", Path("root-2"), "--valid-for", "30d", "--out", Path("root-3")});
  Write("bundle", *FormatPackageBundle({"{}", "{}", {}, "-"}));
  auto verify = [&](const std::vector<std::string>& roots, int code) {
    std::vector<std::string> words = {"verify", "--bundle", Path("bundle")};
    for (const std::string& root : roots) words.insert(words.end(), {"--root", Path(root)});
    return Do(words, code);
  };
  EXPECT_EQ(verify({"root-2", "root-3"}, 2)["error"]["reason"], "ENVELOPE_INVALID")
      << "a draft is no root yet";
  Do({"root", "sign", Path("root-3"), "--key", Path("ann")});
  const Json few = verify({"root-2", "root-3"}, 3);
  EXPECT_EQ(few["passed"], false);
  ASSERT_EQ(few["steps"].size(), 1u) << few;
  EXPECT_EQ(few["steps"][0]["what"], "trust root");
  EXPECT_THAT(few["steps"][0]["detail"].get<std::string>(), HasSubstr("1 of 2"));
  Do({"root", "sign", Path("root-3"), "--key", Path("bob")});
  const Json skipped = verify({"root-1", "root-3"}, 3);
  EXPECT_THAT(skipped["steps"][0]["detail"].get<std::string>(), HasSubstr("after root 1"));
  EXPECT_EQ(verify({"root-1", "root-2", "root-3"}, 3)["steps"][0]["what"], "documents")
      << "these follow, and the bundle is judged";
}

TEST_F(RootCommandTest, AKeyIsRotatedByThoseBeforeAndAfter) {
  Begin();
  const std::string id = Do({"key", "show", Path("pat.pub")})["id"];
  Do({"root", "rotate", Path("root-1"), id, "--key", Path("ann.pub"), "--out", Path("root-2")});
  EXPECT_EQ(Refused({"root", "sign", Path("root-2"), "--key", Path("pat")}), "ROLE_NOT_HELD");
  Do({"root", "sign", Path("root-2"), "--key", Path("ann")});
  EXPECT_EQ(Verify({"root-1", "root-2"}, 3)["reason"], "THRESHOLD_NOT_MET");
  EXPECT_EQ(Do({"root", "show", Path("root-2")})["signed"], true);
  EXPECT_EQ(Do({"root", "show", Path("root-2"), "--previous", Path("root-1")})["signed"], false);
  const Json shown =
      Do({"root", "sign", Path("root-2"), "--key", Path("pat"), "--previous", Path("root-1")});
  EXPECT_EQ(shown["signed"], true);
  EXPECT_EQ(shown["root"]["keys"].size(), 2u);
  EXPECT_EQ(shown["root"]["keys"][0]["kind"] == "PERSON" ? shown["root"]["keys"][0]["holder"]
                                                         : shown["root"]["keys"][1]["holder"],
            "pat");
  EXPECT_EQ(Verify({"root-1", "root-2"})["version"], 2);
}

TEST_F(RootCommandTest, ATeamGetsItsPartOfARole) {
  Begin();
  Do({"root", "add-key", Path("root-1"), "--out", Path("root-2"), "--role", "publisher",
      "--delegation", "acme", "--subject", "acme/*", "--holder", "ann", "--key", Path("ann.pub")});
  const Json shown = Do({"root", "add-key", Path("root-2"), "--role", "publisher", "--delegation",
                         "acme", "--holder", "ci", "--machine", "--key", Path("bob.pub")});
  ASSERT_EQ(shown["root"]["delegations"].size(), 1u);
  EXPECT_EQ(shown["root"]["delegations"][0]["keys"].size(), 2u);
  EXPECT_EQ(shown["root"]["delegations"][0]["subjects"], Json::array({"acme/*"}));
  EXPECT_EQ(Refused({"root", "add-key", Path("root-2"), "--role", "publisher", "--delegation",
                     "acme", "--subject", "b/*", "--holder", "eve", "--key", Path("eve.pub")}),
            "ARGUMENT_INVALID");
  const std::string id = Do({"key", "show", Path("ann.pub")})["id"];
  EXPECT_EQ(Do({"root", "remove-key", Path("root-2"), id})["root"]["delegations"][0]["keys"].size(),
            1u);
}

TEST_F(RootCommandTest, WhatCannotBeIsRefusedAndChangesNoFile) {
  Begin();
  const std::string before = Read("root-1");
  const std::string pat = Do({"key", "show", Path("pat.pub")})["id"];
  EXPECT_EQ(Refused({"root", "renew", Path("root-1")}), "ARGUMENT_INVALID")
      << "a signed root is not overwritten";
  EXPECT_EQ(Refused({"root", "sign", Path("root-1"), "--key", Path("eve")}), "ROLE_NOT_HELD");
  EXPECT_EQ(Refused({"root", "sign", Path("root-1"), "--key", Path("pat.pub")}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Refused({"root", "remove-key", Path("root-1"), pat, "--out", Path("none")}),
            "ROOT_INVALID")
      << "nobody would be left";
  EXPECT_EQ(Refused({"root", "add-key", Path("root-1"), "--out", Path("none"), "--role", "root",
                     "--holder", "ann", "--key", Path("ann.pub"), "--threshold", "3"}),
            "ROOT_INVALID");
  EXPECT_EQ(Refused({"root", "add-key", Path("root-1"), "--out", Path("none"), "--role", "root",
                     "--machine", "--holder", "ci", "--key", Path("ann.pub")}),
            "ROOT_INVALID");
  EXPECT_EQ(Refused({"root", "add-key", Path("root-1"), "--out", Path("none"), "--role", "root",
                     "--holder", "eve", "--key", Path("pat.pub")}),
            "KEY_HELD_OTHERWISE")
      << "a key has one holder";
  EXPECT_EQ(Refused({"root", "rotate", Path("root-1"), "sha256:" + std::string(64, 'a'), "--key",
                     Path("ann.pub"), "--out", Path("none")}),
            "KEY_NOT_FOUND");
  EXPECT_EQ(Refused({"root", "show", Path("nowhere")}), "FILE_NOT_FOUND");
  EXPECT_EQ(Refused({"root", "show", Path("pat.pub")}), "ROOT_INVALID");
  EXPECT_FALSE(std::filesystem::exists(Path("none")));
  EXPECT_EQ(Read("root-1"), before);
}

// attack 13: what can be read and not be written as it is here is an error, and no crash.
TEST_F(RootCommandTest, ARootThatIsTooLargeToShowIsRefused) {
  Begin();
  Json root = Do({"root", "show", Path("root-1")})["root"];
  const std::vector<std::string> subjects(20, "acme/tool");
  for (int i = 0; i < 1000; ++i) {
    root["delegations"].push_back({{"name", "d" + std::to_string(i)},
                                   {"role", "publisher"},
                                   {"subjects", subjects},
                                   {"threshold", 1},
                                   {"keys", root["roles"]["root"]["keys"]}});
  }
  Write("large", root.dump());
  ASSERT_LT(Read("large").size(), kMaxTrustDocumentBytes);
  ASSERT_TRUE(ParseTrustRoot(Read("large")).ok());
  EXPECT_EQ(Refused({"root", "show", Path("large")}), "ROOT_INVALID");
  EXPECT_EQ(Refused({"root", "sign", Path("large"), "--key", Path("pat")}), "ROOT_INVALID");
}

// attack 6, T1
TEST_F(RootCommandTest, AChangedRootIsNotTrusted) {
  Begin();
  Grow();
  Write("draft", *FormatTrustRoot(OpenPinnedRoot(Read("root-1"))->root));
  EXPECT_EQ(Refused({"root", "verify", Path("draft")}), "ENVELOPE_INVALID");
  std::string bad = Read("root-2");
  bad[bad.find("\"payload\":\"") + 300] ^= 1;
  Write("bad", bad);
  const Json verified = Verify({"root-1", "bad"}, 3);
  EXPECT_EQ(verified["trusted"], false);
  EXPECT_EQ(verified["version"], 1);
}

}  // namespace
}  // namespace dml
