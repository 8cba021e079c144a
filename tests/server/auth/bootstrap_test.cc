#include "server/auth/bootstrap.h"

#include <map>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/crypto/tls_material.h"
#include "core/crypto/x509.h"
#include "core/os/file.h"
#include "server/auth/issue.h"
#include "server/auth/key_pair_files.h"
#include "server/auth/listen_address_file.h"
#include "tests/core/crypto/openssl_cli.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::ScratchFolder;
using testing::WallClock;

BootstrapOptions Options(const ScratchFolder& folder) {
  return {folder.path(), {"dml.example.com", "192.0.2.7"}, WallClock()};
}

mode_t Mode(const fs::path& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

// All files below a folder with their content.
std::map<std::string, std::string> Contents(const ScratchFolder& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), folder.path()).string();
    out[name] = folder.Read(name);
  }
  return out;
}

// attack 33
TEST(BootstrapTest, MakesEverythingOnceWithStrictModes) {
  ScratchFolder folder;
  auto first = Bootstrap(Options(folder));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->origin.starts_with("dml.local/"));
  EXPECT_EQ(first->origin.size(), std::string("dml.local/").size() + 16);
  for (const char* name : {"keys", "tls", "client"}) EXPECT_EQ(Mode(folder.path() / name), 0700);
  for (const char* name : {"keys/ca.key", "keys/server.key", "keys/log.key", "client/admin.key"}) {
    EXPECT_EQ(Mode(folder.path() / name), 0600) << name;
  }
  const auto before = Contents(folder);
  EXPECT_EQ(before.size(), 10u);  // Four keys, three certificates, log.pem, origin.

  auto second = Bootstrap(Options(folder));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->origin, first->origin);
  EXPECT_EQ(Contents(folder), before);
}

TEST(BootstrapTest, TwoLibrariesShareNothing) {
  ScratchFolder one, two;
  auto first = Bootstrap(Options(one));
  auto second = Bootstrap(Options(two));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->origin, second->origin);
  EXPECT_FALSE(first->log_keys.current->public_key() == second->log_keys.current->public_key());
  EXPECT_NE(SpiffeTrustDomain(first->origin), SpiffeTrustDomain(second->origin));
}

TEST(BootstrapTest, CertificatesAreWhatTheyShouldBe) {
  ScratchFolder folder;
  auto made = Bootstrap(Options(folder));
  ASSERT_TRUE(made.ok()) << made.status();
  auto admin = ParseClientIdentity(folder.Read("client/admin.pem"));
  ASSERT_TRUE(admin.ok()) << admin.status();
  EXPECT_EQ(admin->spiffe_id, "spiffe://" + SpiffeTrustDomain(made->origin) + "/principals/admin");
  EXPECT_EQ(admin->organizational_units, std::vector<std::string>{"admin"});

  DML_SKIP_WITHOUT_OPENSSL();
  const std::string verify = "verify -x509_strict -CAfile tls/ca.pem -purpose sslserver ";
  for (const char* name : {"localhost", "dml.example.com"}) {
    EXPECT_TRUE(
        testing::RunOpenSsl(folder, verify + "-verify_hostname " + name + " tls/server.pem"));
  }
  for (const char* ip : {"127.0.0.1", "::1", "192.0.2.7"}) {
    EXPECT_TRUE(testing::RunOpenSsl(folder, verify + "-verify_ip " + ip + " tls/server.pem"));
  }
  EXPECT_FALSE(testing::RunOpenSsl(folder, verify + "-verify_hostname other tls/server.pem"));
}

// Every state that a crash can leave: the files appear one after another in this order.
TEST(BootstrapTest, FinishesAfterACrashAtAnyPoint) {
  ScratchFolder whole;
  ASSERT_TRUE(Bootstrap(Options(whole)).ok());
  const auto contents = Contents(whole);
  const std::vector<std::string> order = {
      "keys/log.key",         "client/log.pem",   "origin",
      "keys/ca.key.new",      "tls/ca.pem",       "keys/ca.key",
      "keys/server.key.new",  "tls/server.pem",   "keys/server.key",
      "client/admin.key.new", "client/admin.pem", "client/admin.key"};
  for (size_t crash = 0; crash <= order.size(); ++crash) {
    ScratchFolder folder;
    for (const char* name : {"keys", "tls", "client"}) {
      ASSERT_TRUE(MakePrivateDirectory(folder.path() / name).ok());
    }
    for (size_t i = 0; i < crash; ++i) {
      std::string source = order[i];
      if (source.ends_with(".new")) source.resize(source.size() - 4);
      ASSERT_TRUE(
          WriteFileAtomically(folder.path() / order[i], AsBytes(contents.at(source)), 0600).ok());
    }
    const auto left = Contents(folder);
    auto made = Bootstrap(Options(folder));
    ASSERT_TRUE(made.ok()) << crash << ": " << made.status();
    const auto after = Contents(folder);
    for (const auto& [name, bytes] : left) {
      if (name.ends_with(".new")) continue;
      EXPECT_EQ(after.at(name), bytes) << name << " was overwritten, crash " << crash;
    }
    for (const auto& [name, bytes] : contents) EXPECT_TRUE(after.contains(name)) << name;
    auto authority = ReadKeyPair(folder.path() / "tls/ca.pem", folder.path() / "keys/ca.key");
    ASSERT_TRUE(authority.ok()) << authority.status();
    auto issued = IssueClientCertificate(*authority, {"d", "p", {}}, {WallClock(), 1});
    EXPECT_TRUE(issued.ok()) << "key and certificate of the authority differ, crash " << crash;
  }
}

TEST(BootstrapTest, RenewsTheServersPairAndNothingElse) {
  ScratchFolder folder;
  ASSERT_TRUE(Bootstrap(Options(folder)).ok());
  auto before = Contents(folder);
  const auto renewed = RenewServerCertificate(Options(folder));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_EQ(*renewed, folder.path() / "tls/server.pem");
  auto after = Contents(folder);
  for (const char* name : {"tls/server.pem", "keys/server.key"}) {
    EXPECT_NE(after[name], before[name]) << name;
    before.erase(name);
    after.erase(name);
  }
  EXPECT_EQ(after, before);
  EXPECT_EQ(Mode(folder.path() / "keys/server.key"), 0600);
  const absl::Status pair =
      CheckServerKey(folder.Read("tls/server.pem"), folder.Read("keys/server.key"));
  EXPECT_TRUE(pair.ok()) << pair;

  fs::remove(folder.path() / "keys/ca.key");
  before = Contents(folder);
  EXPECT_EQ(Reason(RenewServerCertificate(Options(folder)).status()), "CA_KEY_OFFLINE");
  EXPECT_EQ(Contents(folder), before);
}

TEST(BootstrapTest, RefusesToReplaceWhatIsGone) {
  ScratchFolder folder;
  ASSERT_TRUE(Bootstrap(Options(folder)).ok());
  const std::string log_key = folder.Read("keys/log.key");
  fs::remove(folder.path() / "keys/log.key");
  EXPECT_EQ(Reason(Bootstrap(Options(folder)).status()), "LOG_KEY_MISSING");
  EXPECT_FALSE(fs::exists(folder.path() / "keys/log.key"));
  ASSERT_TRUE(WriteFileAtomically(folder.path() / "keys/log.key", AsBytes(log_key), 0600).ok());

  fs::remove(folder.path() / "tls/server.pem");
  EXPECT_EQ(Reason(Bootstrap(Options(folder)).status()), "BOOTSTRAP_INCOMPLETE");
  fs::remove(folder.path() / "keys/server.key");  // Both gone: made anew.
  EXPECT_TRUE(Bootstrap(Options(folder)).ok());
}

TEST(BootstrapTest, RefusesToMakeUpAnotherOrigin) {
  ScratchFolder folder;
  auto made = Bootstrap(Options(folder));
  ASSERT_TRUE(made.ok()) << made.status();
  fs::remove(folder.path() / "origin");
  const auto before = Contents(folder);
  EXPECT_EQ(Reason(Bootstrap(Options(folder)).status()), "ORIGIN_MISSING");
  EXPECT_EQ(Contents(folder), before);
  // The checkpoint knows the name, even where nothing else is left.
  folder.Write("signed-checkpoint", made->origin + "\n7\nroot\n");
  for (const char* name : {"keys", "tls", "client"}) fs::remove_all(folder.path() / name);
  const absl::Status lost = Bootstrap(Options(folder)).status();
  EXPECT_EQ(Reason(lost), "ORIGIN_MISSING");
  EXPECT_NE(Message(lost).find(": " + made->origin), std::string_view::npos) << lost;
  EXPECT_EQ(Contents(folder).size(), 1u);
}

TEST(BootstrapTest, TheAuthoritysKeyMayBeOffline) {
  ScratchFolder folder;
  ASSERT_TRUE(Bootstrap(Options(folder)).ok());
  const std::string ca = folder.Read("tls/ca.pem");
  fs::remove(folder.path() / "keys/ca.key");
  EXPECT_TRUE(Bootstrap(Options(folder)).ok());
  EXPECT_EQ(folder.Read("tls/ca.pem"), ca);
  EXPECT_FALSE(fs::exists(folder.path() / "keys/ca.key"));

  fs::remove(folder.path() / "tls/server.pem");
  fs::remove(folder.path() / "keys/server.key");
  EXPECT_EQ(Reason(Bootstrap(Options(folder)).status()), "CA_KEY_OFFLINE");
}

TEST(BootstrapTest, RefusesAKeyThatOthersCanRead) {
  ScratchFolder folder;
  ASSERT_TRUE(Bootstrap(Options(folder)).ok());
  fs::permissions(folder.path() / "keys/log.key", fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(Reason(Bootstrap(Options(folder)).status()), "FILE_NOT_PRIVATE");
}

TEST(UserProfileTest, IsWrittenOnceAndNeverOverwritten) {
  ScratchFolder folder, home;
  ASSERT_TRUE(Bootstrap(Options(folder)).ok());
  const fs::path target = home.path() / "config" / "dml" / "profile.yaml";
  auto first = InstallUserProfile(folder.path(), "127.0.0.1:7443", false, target);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*first, UserProfile::kOfThisLibrary);
  EXPECT_EQ(Mode(target), 0600);
  const std::string text = home.Read("config/dml/profile.yaml");
  EXPECT_NE(text.find((folder.path() / "client" / "admin.key").string()), std::string::npos);

  auto again = InstallUserProfile(folder.path(), "127.0.0.1:7443", false, target);
  EXPECT_TRUE(again.ok() && *again == UserProfile::kOfThisLibrary);
  auto moved = InstallUserProfile(folder.path(), "127.0.0.1:7444", false, target);
  EXPECT_TRUE(moved.ok() && *moved == UserProfile::kOfThisOrigin);
  EXPECT_EQ(home.Read("config/dml/profile.yaml"), text);
}

TEST(UserProfileTest, OfAnotherLibraryIsToldFromOneThatWasChanged) {
  ScratchFolder folder, home;
  auto made = Bootstrap(Options(folder));
  ASSERT_TRUE(made.ok()) << made.status();
  auto compare = [&](const std::string& text) {
    home.Write("profile.yaml", text);
    auto found =
        InstallUserProfile(folder.path(), "127.0.0.1:7443", false, home.path() / "profile.yaml");
    EXPECT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(home.Read("profile.yaml"), text);
    return found.value_or(UserProfile::kOfThisLibrary);
  };
  EXPECT_EQ(compare("server: dml.example.com:1\nlogOrigin: " + made->origin + "\n"),
            UserProfile::kOfThisOrigin);
  for (const char* other : {"server: localhost:1\nlogOrigin: dml.local/0123456789abcdef\n",
                            "server: localhost:1\n", "logOrigin: [1]\n", "", "}{", "[]\n"}) {
    EXPECT_EQ(compare(other), UserProfile::kOfOtherLibrary) << other;
  }
}

TEST(IssueTest, MakesAFolderForAnotherPerson) {
  ScratchFolder folder, out;
  auto made = Bootstrap(Options(folder));
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(
      EnsureFirstRoot(Options(folder), made->origin, made->log_keys.current->public_key(), {})
          .ok());
  ASSERT_TRUE(WriteListenAddress(folder.path(), "127.0.0.1:7443").ok());
  IssueRequest request{folder.path(), "alice", Role::kPublisher, out.path() / "alice", "", 30};
  auto profile = IssueCertificate(request, WallClock());
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(Mode(out.path() / "alice" / "alice.key"), 0600);
  auto identity = ParseClientIdentity(out.Read("alice/alice.pem"));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->spiffe_id,
            "spiffe://" + SpiffeTrustDomain(made->origin) + "/principals/alice");
  EXPECT_EQ(identity->organizational_units, std::vector<std::string>{"publisher"});
  EXPECT_EQ(out.Read("alice/ca.pem"), folder.Read("tls/ca.pem"));
  EXPECT_NE(out.Read("alice/profile.yaml").find("server: \"127.0.0.1:7443\""), std::string::npos);

  EXPECT_EQ(Reason(IssueCertificate(request, WallClock()).status()), "CERTIFICATE_EXISTS");
}

TEST(IssueTest, RefusesNamesThatAreNone) {
  ScratchFolder folder, out;
  ASSERT_TRUE(Bootstrap(Options(folder)).ok());
  for (const char* name : {"", "..", "a/b", "../../evil", "a b", "a\nb"}) {
    IssueRequest request{folder.path(), name, Role::kReader, out.path() / "x", "host:1", 30};
    EXPECT_EQ(Reason(IssueCertificate(request, WallClock()).status()), "CERTIFICATE_INVALID")
        << name;
    EXPECT_FALSE(fs::exists(out.path() / "x"));
  }
}

}  // namespace
}  // namespace dml
