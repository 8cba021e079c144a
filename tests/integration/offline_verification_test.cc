// dml verify: a package is proven where no library is.
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

class OfflineVerificationTest : public testing::CommandLibrary {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin());
    Publish("1.0.0", "a program\n");
    Get("1.0.0");
    Do({"package", "bundle", "acme/tool@1.0.0", "--to", Path("bundle")});
    origin_ = Do({"status"})["origin"];
    std::filesystem::copy_file(library_.data_dir() / "client" / "log.pem", Path("log.pem"));
    ASSERT_EQ(library_.Stop(), 0);
    profile_ = Path("no-profile");  // And nobody to ask.
  }
  Words ByKeys(const std::string& path) {
    return {"verify",        path,    "--bundle",     Path("bundle"), "--log-key",
            Path("log.pem"), "--key", Path("ann.pub")};
  }

  std::string origin_;
};

TEST_F(OfflineVerificationTest, ByKeys) {
  for (const char* path : {"got-1.0.0", "got-1.0.0/tool"}) {
    const Json verdict = Do(ByKeys(Path(path)));
    EXPECT_EQ(verdict["passed"], true) << verdict;
    EXPECT_EQ(verdict["filesChecked"], true);
    EXPECT_EQ(verdict["logOrigin"], origin_);
  }
  testing::WriteBytes(Path("tampered"), "a Program\n");
  EXPECT_EQ(Do(ByKeys(Path("tampered")), 3)["passed"], false);
  EXPECT_EQ(Do({"verify", "--bundle", Path("bundle")}, 2)["error"]["reason"], "ARGUMENT_INVALID");
  Do({"key", "generate", "--out", Path("eve")});
  EXPECT_EQ(Do({"verify", "--bundle", Path("bundle"), "--log-key", Path("log.pem"), "--key",
                Path("eve.pub")},
               3)["passed"],
            false);
}

// The ceremony of one person, and then the proof by the root alone.
TEST_F(OfflineVerificationTest, ByTheRoot) {
  Do({"key", "generate", "--out", Path("pat")});
  Do({"root", "init", "--origin", origin_, "--log-key", Path("log.pem"), "--holder", "pat", "--key",
      Path("pat.pub"), "--out", Path("root-1.json")});
  Do({"root", "sign", Path("root-1.json"), "--key", Path("pat")});
  const Words by_first = {"verify",       Path("got-1.0.0"), "--bundle",
                          Path("bundle"), "--root",          Path("root-1.json")};
  EXPECT_EQ(Do(by_first, 3)["passed"], false) << "ann is no publisher of this root";
  Do({"root", "add-key", Path("root-1.json"), "--out", Path("root-2.json"), "--holder", "ann",
      "--key", Path("ann.pub"), "--role", "publisher", "--delegation", "acme", "--subject",
      "acme/*"});
  Do({"root", "sign", Path("root-2.json"), "--key", Path("pat"), "--previous",
      Path("root-1.json")});
  Words by_both = by_first;
  by_both.insert(by_both.end(), {"--root", Path("root-2.json")});
  const Json verdict = Do(by_both);
  EXPECT_EQ(verdict["passed"], true) << verdict;
  EXPECT_EQ(verdict["variant"], testing::NameOfVersion("acme/tool", "1.0.0").ResourceName());
}

}  // namespace
}  // namespace dml
