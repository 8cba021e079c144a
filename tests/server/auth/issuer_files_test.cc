#include "server/auth/issuer_files.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/jwt_maker.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using testing::JwtMaker;

constexpr char kOne[] = "https://one.example";
constexpr char kTwo[] = "https://two.example";

class IssuerFilesTest : public ::testing::Test {
 protected:
  IssuerFilesTest() {
    folder_.Write("one.json", one_.KeySet());
    folder_.Write("two.json", two_.KeySet());
  }
  absl::StatusOr<std::unique_ptr<IssuerFiles>> Open() const {
    return IssuerFiles::Open(
        {{kOne, "dml", folder_.path() / "one.json"}, {kTwo, "dml", folder_.path() / "two.json"}});
  }
  static bool Takes(const IssuerFiles& files, const std::string& token) {
    return VerifyJwt(token, files.Current(), testing::WallClock()).ok();
  }

  testing::ScratchFolder folder_;
  const JwtMaker one_, two_, next_;
};

TEST_F(IssuerFilesTest, TakesTheKeysOfAReplacedFile) {
  const auto files = Open();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_TRUE(Takes(**files, one_.Token(kOne)));
  EXPECT_FALSE(Takes(**files, one_.Token(kTwo))) << "each issuer has its own keys";
  EXPECT_FALSE((*files)->Check());
  folder_.Write("one.json", next_.KeySet());
  EXPECT_TRUE((*files)->Check());
  EXPECT_FALSE((*files)->Check());
  EXPECT_TRUE(Takes(**files, next_.Token(kOne)));
  EXPECT_FALSE(Takes(**files, one_.Token(kOne)));
  EXPECT_TRUE(Takes(**files, two_.Token(kTwo)));
}

// The one key that a provider has was stolen.
TEST_F(IssuerFilesTest, ASetWithoutKeysTakesAllOfThemOut) {
  const auto files = Open();
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_TRUE(Takes(**files, one_.Token(kOne)));
  folder_.Write("one.json", "{\"keys\":[]}");
  EXPECT_TRUE((*files)->Check());
  EXPECT_FALSE(Takes(**files, one_.Token(kOne)));
  EXPECT_TRUE(Takes(**files, two_.Token(kTwo)));
  folder_.Write("one.json", next_.KeySet());
  EXPECT_TRUE((*files)->Check());
  EXPECT_TRUE(Takes(**files, next_.Token(kOne)));
}

TEST_F(IssuerFilesTest, ABadFileLeavesItsIssuerWhatItHad) {
  const auto files = Open();
  ASSERT_TRUE(files.ok()) << files.status();
  for (const char* bad : {"", "{\"keys\":[", "{}"}) {
    folder_.Write("one.json", bad);
    EXPECT_FALSE((*files)->Check()) << bad;
    EXPECT_TRUE(Takes(**files, one_.Token(kOne))) << bad;
    EXPECT_EQ(Reason(Open().status()), "JWKS_INVALID") << bad;
  }
  std::filesystem::remove(folder_.path() / "one.json");
  folder_.Write("two.json", next_.KeySet());
  EXPECT_TRUE((*files)->Check()) << "the other is not held up";
  EXPECT_TRUE(Takes(**files, one_.Token(kOne)));
  EXPECT_TRUE(Takes(**files, next_.Token(kTwo)));
  const absl::Status missing = Open().status();
  EXPECT_EQ(Reason(missing), "JWKS_INVALID") << "what is wrong is the configuration";
  EXPECT_NE(Message(missing).find("one.json"), std::string_view::npos) << missing;
  ASSERT_EQ(FieldViolations(missing).size(), 1u);
  EXPECT_EQ(FieldViolations(missing)[0].field, "auth.jwtIssuers[0].jwksFile");
}

}  // namespace
}  // namespace dml
