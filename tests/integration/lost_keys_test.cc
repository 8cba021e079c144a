// Lost keys that others, or the daemon itself, replace: docs/operations.md, "Recovery".
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::ReadBytes;

class LostKeysTest : public testing::CommandLibrary {
 protected:
  std::string Data(const std::string& name) const { return library_.data_dir() / name; }
  std::string RootKey() const { return Data("client/root.key"); }
  int Dmld(Words words) {
    words.insert(words.begin() + 1, {"--data-dir", library_.data_dir().string()});
    return testing::ChildDaemon(words, folder_.path() / "home").Wait();
  }
  std::string IdOf(const std::string& public_key) {
    return Do({"key", "show", public_key})["id"].get<std::string>();
  }
};

// Two of three hold the root; one is lost (or stolen), and the other two replace it.
TEST_F(LostKeysTest, TheOtherHoldersOfTheRootReplaceOne) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Do({"root", "fetch", "--out", Path("root-a")});
  for (const char* name : {"bea", "cid", "cid-2", "dan"}) {
    Do({"key", "generate", "--out", Path(name)});
  }
  Do({"root", "add-key", Path("root-a"), "--out", Path("root-b"), "--role", "root", "--holder",
      "bea", "--key", Path("bea.pub")});
  Do({"root", "add-key", Path("root-b"), "--role", "root", "--holder", "cid", "--key",
      Path("cid.pub"), "--threshold", "2"});
  for (const std::string& key : {RootKey(), Path("bea")}) {
    Do({"root", "sign", Path("root-b"), "--key", key, "--previous", Path("root-a")});
  }
  Do({"root", "set", Path("root-b")});

  Do({"root", "rotate", Path("root-b"), IdOf(Path("cid.pub")), "--key", Path("cid-2.pub"), "--out",
      Path("root-c")});
  for (const std::string& key : {RootKey(), Path("bea")}) {
    Do({"root", "sign", Path("root-c"), "--key", key, "--previous", Path("root-b")});
  }
  Do({"root", "set", Path("root-c")});
  const std::string now = Do({"root", "fetch", "--out", Path("root-now")})["root"].dump();
  EXPECT_EQ(now.find(IdOf(Path("cid.pub")).substr(7)), std::string::npos);
  // The key that was replaced counts for nothing more.
  Do({"root", "add-key", Path("root-now"), "--out", Path("root-d"), "--role", "tester", "--holder",
      "dan", "--key", Path("dan.pub")});
  EXPECT_EQ(Do({"root", "sign", Path("root-d"), "--key", Path("cid")}, 2)["error"]["reason"],
            "ROLE_NOT_HELD");
}

TEST_F(LostKeysTest, AServersKeyIsMadeAnew) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  EXPECT_EQ(library_.Stop(), 0);
  const std::string before = ReadBytes(Data("tls/server.pem"));
  ASSERT_TRUE(fs::remove(Data("keys/server.key")));
  EXPECT_EQ(Dmld({"renew-certificate"}), 0);
  EXPECT_NE(ReadBytes(Data("tls/server.pem")), before);
  ASSERT_TRUE(library_.Start());
  Do({"namespace", "list"});
}

TEST_F(LostKeysTest, AnAdministratorsKeyIsMadeAnew) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  EXPECT_EQ(library_.Stop(), 0);
  for (const char* file : {"client/admin.key", "client/admin.pem"}) {
    ASSERT_TRUE(fs::remove(Data(file))) << file;
  }
  ASSERT_TRUE(library_.Start());
  Do({"namespace", "create", "second"});
}

// Without the authority's key the library serves, and issues no certificate.
TEST_F(LostKeysTest, AnAuthoritysKeyIsNeededToIssueAlone) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  EXPECT_EQ(library_.Stop(), 0);
  ASSERT_TRUE(fs::remove(Data("keys/ca.key")));
  ASSERT_TRUE(library_.Start());
  Do({"namespace", "create", "second"});
  EXPECT_NE(Dmld({"issue-certificate", "--name", "bea", "--role", "reader", "--out", Path("bea")}),
            0);
}

}  // namespace
}  // namespace dml
