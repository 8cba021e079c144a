// What is wrong around the library: certificates, disks, and data directories of others.
#include <sstream>

#include "core/crypto/x509.h"
#include "dml/v1/content.grpc.pb.h"
#include "server/runtime/program.h"
#include "tests/integration/support/bad_input.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using testing::NameOfVersion;
using testing::RunningLibrary;
using testing::ScratchFolder;
using testing::SpecJson;
using testing::WriteBytes;

class BadEnvironmentTest : public testing::BadInputTest {
 protected:
  // A call without the client library's own checks.
  static grpc::StatusCode RawCall(const ClientOptions& options) {
    const grpc::SslCredentialsOptions tls{options.ca_pem, options.private_key_pem,
                                          options.certificate_pem};
    auto stub =
        v1::ContentService::NewStub(grpc::CreateChannel(options.target, grpc::SslCredentials(tls)));
    grpc::ClientContext context;
    v1::GetCapabilitiesResponse response;
    return stub->GetCapabilities(&context, {}, &response).error_code();
  }
};

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
  // Who does not look at them gets no further than the handshake.
  EXPECT_EQ(RawCall(library_.AdminOptions()), grpc::StatusCode::OK);
  EXPECT_EQ(RawCall(expired), grpc::StatusCode::UNAVAILABLE);
  // The handshake ends before there is a call to answer.
  EXPECT_EQ(try_with(*IssueClientCertificate(foreign, admin, {now, 1})).code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(BadEnvironmentTest, ACertificateThatSoonExpiresIsWarnedOf) {
  for (const auto& [days, warned] : {std::pair("3", true), std::pair("40", false)}) {
    const std::filesystem::path out = folder_.path() / "issued" / days;
    std::filesystem::create_directories(out.parent_path());
    testing::ChildDaemon issue({"issue-certificate", "--data-dir", library_.data_dir().string(),
                                "--name", "rita", "--role", "reader", "--out", out.string(),
                                "--days", days, "--server", library_.AdminOptions().target},
                               folder_.path() / "home");
    ASSERT_EQ(issue.Wait(), 0);
    std::ostringstream text;
    std::ostringstream err;
    EXPECT_EQ(RunDml({"--profile", out / "profile.yaml", "status"}, text, err), 0) << err.str();
    EXPECT_EQ(err.str().find("expires on") != std::string::npos, warned) << err.str();
    // attack 23: figures of the whole library are no reader's, for they show what others hold.
    EXPECT_EQ(text.str().find("stored"), std::string::npos) << text.str();
  }
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

}  // namespace
}  // namespace dml
