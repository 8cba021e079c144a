// What is wrong around the library: certificates, disks, and data directories of others.
#include <unistd.h>

#include <sys/mount.h>

#include "core/crypto/random.h"
#include "core/crypto/x509.h"
#include "server/runtime/program.h"
#include "tests/integration/support/bad_input.h"

namespace dml {
namespace {

using testing::NameOfVersion;
using testing::RunningLibrary;
using testing::ScratchFolder;
using testing::SpecJson;
using testing::WriteBytes;

class BadEnvironmentTest : public testing::BadInputTest {};

TEST_F(BadEnvironmentTest, CertificatesThatHaveExpiredOrAreOfStrangers) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const CertificateWithKey own{
      testing::ReadBytes(library_.data_dir() / "tls" / "ca.pem"),
      *PrivateKey::FromPkcs8Pem(testing::ReadBytes(library_.data_dir() / "keys" / "ca.key"))};
  const CertificateWithKey foreign = *MakeCertificateAuthority("elsewhere", {now, 30});
  const ClientName admin{"test.example", "mallory", {"admin"}};
  auto try_with = [&](const CertificateWithKey& certificate) {
    ClientOptions options = library_.AdminOptions();
    options.certificate_pem = certificate.certificate_pem;
    options.private_key_pem = *certificate.key.ToPkcs8Pem();
    return RunningLibrary::NewClient(options).CreateNamespace("mine", "", {}).status();
  };
  // One's own dates are looked at before the library is asked.
  ClientOptions expired = library_.AdminOptions();
  const CertificateWithKey old =
      *IssueClientCertificate(own, admin, {now - std::chrono::days(3), 1});
  expired.certificate_pem = old.certificate_pem;
  expired.private_key_pem = *old.key.ToPkcs8Pem();
  EXPECT_EQ(Reason(Client::Create(expired).status()), "CERTIFICATE_EXPIRED");
  // The handshake ends before there is a call to answer.
  EXPECT_EQ(try_with(*IssueClientCertificate(foreign, admin, {now, 1})).code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(BadEnvironmentTest, ACallerWithoutTheRole) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const CertificateWithKey own{
      testing::ReadBytes(library_.data_dir() / "tls" / "ca.pem"),
      *PrivateKey::FromPkcs8Pem(testing::ReadBytes(library_.data_dir() / "keys" / "ca.key"))};
  const CertificateWithKey reader =
      *IssueClientCertificate(own, {"test.example", "rita", {"reader"}}, {now, 1});
  ClientOptions options = library_.AdminOptions();
  options.certificate_pem = reader.certificate_pem;
  options.private_key_pem = *reader.key.ToPkcs8Pem();
  Client client = RunningLibrary::NewClient(options);
  EXPECT_TRUE(client.GetVariant(NameOfVersion("acme/base", "1.0.0")).ok());
  ExpectRefused(client.CreateNamespace("mine", "", {}).status(),
                absl::StatusCode::kPermissionDenied, "ROLE_REQUIRED");
  ExpectRefused(client.PublishDocuments("", "", {}).status(), absl::StatusCode::kPermissionDenied,
                "ROLE_REQUIRED");
}

TEST_F(BadEnvironmentTest, ADataDirectoryInUse) {
  EXPECT_EQ(library_.Launch()->Wait(), kExitDataDirectory);
}

TEST_F(BadEnvironmentTest, ADataDirectoryOfANewerVersion) {
  client_.reset();  // An idle connection answers a farewell seconds later.
  EXPECT_EQ(library_.Stop(), kExitOk);
  const std::filesystem::path format = library_.data_dir() / "format";
  const std::string ours = testing::ReadBytes(format);
  WriteBytes(format, "{\"format\":2,\"features\":[\"later\"]}\n");
  EXPECT_EQ(library_.Launch()->Wait(), kExitDataDirectory);
  EXPECT_EQ(testing::ReadBytes(format), "{\"format\":2,\"features\":[\"later\"]}\n");
  WriteBytes(format, ours);
  ASSERT_TRUE(library_.Start());
  client_.emplace(library_.NewClient());
}

/// A small file system in memory, for as long as it lives.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, "size=24m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  bool Grow() const {
    return ::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT, "size=128m,mode=0700") == 0;
  }

 private:
  const std::filesystem::path path_;
  bool mounted_ = false;
};

class FullDiskTest : public ::testing::Test {
 protected:
  // Publishes "acme/big" with half a megabyte that does not compress.
  absl::Status PublishBig(Client& client, int number) {
    const std::string bytes = Content(number);
    PublishInput input;
    input.spec_json = SpecJson("acme/big", fmt::format("1.{}.0", number));
    input.files = {{WriteBytes(folder_.path() / "input", bytes), "blob"}};
    input.keys = {&key_};
    return PublishPackage(client, input, {}).status();
  }
  static std::string Content(int number) {
    std::string bytes;
    for (int i = 0; bytes.size() < 512 << 10; ++i) {
      bytes += Sha256(fmt::format("{} {}", number, i)).raw();
    }
    return bytes;
  }
  void ExpectThere(Client& client, int number) {
    const std::filesystem::path out = folder_.path() / fmt::format("out{}", RandomHex(4));
    auto got = DownloadVariant(client, NameOfVersion("acme/big", fmt::format("1.{}.0", number)),
                               out, {}, {});
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_TRUE(testing::ReadBytes(out / "blob") == Content(number));
  }

  ScratchFolder folder_;
  PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

TEST_F(FullDiskTest, RefusesWritesServesReadsAndLosesNothing) {
  SmallDisk disk(folder_.path() / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  RunningLibrary library(folder_.path() / "disk" / "data");
  ASSERT_TRUE(library.Start());
  std::optional<Client> client(library.NewClient());
  ASSERT_TRUE(client->CreateNamespace("acme", "", {}).ok());
  ASSERT_TRUE(client->RegisterKey(key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"}).ok());

  int published = 0;
  absl::Status status;
  while (published < 100 && (status = PublishBig(*client, published)).ok()) ++published;
  ASSERT_GT(published, 3);
  ASSERT_LT(published, 100) << "the disk was never full";
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Reason(status), "DISK_FULL") << status;
  ExpectThere(*client, 0);
  ExpectThere(*client, published - 1);

  // With room again and a new start, all is there and it goes on.
  client.reset();
  EXPECT_EQ(library.Stop(), kExitOk);
  ASSERT_TRUE(disk.Grow());
  ASSERT_TRUE(library.Start());
  client.emplace(library.NewClient());
  for (int i = 0; i < published; ++i) ExpectThere(*client, i);
  EXPECT_TRUE(PublishBig(*client, published + 1).ok());
  auto views = client->VerifyViews();
  EXPECT_TRUE(views.ok() && views->consistent) << views.status();
}

// Whatever a full disk lets through or not: what the catalog shows, the log proves.
TEST_F(FullDiskTest, ShowsNothingThatIsNotProven) {
  SmallDisk disk(folder_.path() / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  RunningLibrary library(folder_.path() / "disk" / "data");
  ASSERT_TRUE(library.Start());
  ClientOptions options = library.AdminOptions();
  options.state_file = folder_.path() / "checkpoint";  // On a disk with room.
  Client client = RunningLibrary::NewClient(options);
  ASSERT_TRUE(client.CreateNamespace("acme", "", {}).ok());
  ASSERT_TRUE(client.RegisterKey(key_.public_key().ToPem(), "pat", {"publisher"}, {"acme"}).ok());
  std::ofstream filler(folder_.path() / "disk" / "filler", std::ios::binary);
  const std::string block(4096, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
  absl::Status status;
  for (int i = 0; i < 50 && status.ok(); ++i) {
    PublishInput input;
    input.spec_json = SpecJson("acme/small", fmt::format("1.{}.0", i));
    input.keys = {&key_};
    status = PublishPackage(client, input, {}).status();
    if (client.GetPackage({"acme", "small"}).ok()) {
      for (const VariantRecord& record :
           testing::AllItems<VariantRecord>([&](const ListOptions& page) {
             return client.ListVariants({"acme", "small"}, page);
           })) {
        EXPECT_TRUE(client.ProveEntry(record.published_index).ok())
            << record.name.ResourceName() << " after " << status;
      }
    }
  }
  EXPECT_TRUE(status.ok() || Reason(status) == "DISK_FULL") << status;
}

}  // namespace
}  // namespace dml
