// What the daemon writes, the client reads.
#include <gtest/gtest.h>

#include "client/options.h"
#include "core/os/file.h"
#include "core/trust/root_walk.h"
#include "server/auth/bootstrap.h"
#include "server/auth/issue.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using testing::ScratchFolder;

class ProfileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = Bootstrap({folder_.path(), {}, testing::WallClock()});
    ASSERT_TRUE(made.ok()) << made.status();
    const BootstrapOptions options{folder_.path(), {}, testing::WallClock()};
    auto root = EnsureFirstRoot(options, made->origin, made->log_keys.current->public_key(), {});
    ASSERT_TRUE(root.ok()) << root.status();
    origin_ = made->origin;
    log_key_ = made->log_keys.current->public_key().ToPem();
  }

  void ExpectReadable(const std::filesystem::path& profile, const std::string& certificate) {
    auto options = LoadProfile(profile);
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->target, "127.0.0.1:7443");
    EXPECT_EQ(options->ca_pem, folder_.Read("tls/ca.pem"));
    EXPECT_EQ(options->certificate_pem, certificate);
    EXPECT_EQ(options->log_origin, origin_);
    EXPECT_EQ(options->log_key_pem, log_key_);
    EXPECT_EQ(options->root_json, folder_.Read("client/root.json"));
    EXPECT_TRUE(OpenPinnedRoot(options->root_json).ok());
    EXPECT_FALSE(options->insecure_loopback);
  }

  ScratchFolder folder_, other_;
  std::string origin_, log_key_;
};

TEST_F(ProfileTest, OfTheAdministrator) {
  ASSERT_TRUE(WriteAdminProfile(folder_.path(), "127.0.0.1:7443", false).ok());
  ExpectReadable(folder_.path() / "client/profile.yaml", folder_.Read("client/admin.pem"));
}

TEST_F(ProfileTest, InTheUsersFolder) {
  const auto target = other_.path() / "dml/profile.yaml";
  ASSERT_TRUE(InstallUserProfile(folder_.path(), "127.0.0.1:7443", false, target).ok());
  ExpectReadable(target, folder_.Read("client/admin.pem"));
}

TEST_F(ProfileTest, OfAnotherPerson) {
  auto profile = IssueCertificate(
      {folder_.path(), "alice", Role::kReader, other_.path() / "alice", "127.0.0.1:7443", 10},
      testing::WallClock());
  ASSERT_TRUE(profile.ok()) << profile.status();
  ExpectReadable(*profile, other_.Read("alice/alice.pem"));
}

TEST_F(ProfileTest, WithoutTls) {
  ASSERT_TRUE(WriteAdminProfile(folder_.path(), "127.0.0.1:7443", true).ok());
  auto options = LoadProfile(folder_.path() / "client/profile.yaml");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->insecure_loopback);
}

}  // namespace
}  // namespace dml
