#include "server/rpc/server_host.h"

#include <mutex>
#include <thread>
#include <unistd.h>

#include <absl/synchronization/notification.h>
#include <dml/v1/admin.grpc.pb.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "server/auth/tls.h"
#include "server/rpc/call_guard.h"
#include "server/runtime/self_probe.h"
#include "tests/core/crypto/openssl_cli.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

namespace fs = std::filesystem;
using testing::CallEmpty;
using testing::NewAuthority;
using testing::NewClient;
using testing::OpenChannel;
using testing::ScratchFolder;
using testing::WallClock;

constexpr char kGetStatus[] = "/dml.v1.AdminService/GetStatus";      // For readers.
constexpr char kVerifyViews[] = "/dml.v1.AdminService/VerifyViews";  // For administrators.

// Says who called, or fails at length.
class FakeAdminService final : public v1::AdminService::Service {
 public:
  explicit FakeAdminService(CallGuard& guard) : guard_(guard) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* response) override {
    return Handle(guard_, context, kGetStatus, [&](const Caller& caller) {
      response->set_principal(caller.principal());
      return absl::OkStatus();
    });
  }
  grpc::Status VerifyViews(grpc::ServerContext* context, const v1::VerifyViewsRequest*,
                           v1::VerifyViewsResponse*) override {
    return Handle(guard_, context, kVerifyViews, [](const Caller&) {
      absl::Status error = InvalidArgument(ErrorReason("LONG"), "{}", std::string(60'000, '%'));
      SetFieldViolations(error, std::vector<FieldViolation>(100, {"field", std::string(900, 'x')}));
      return error;
    });
  }

 private:
  CallGuard& guard_;
};

class ServerHostTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { AllowOnlyTls13(); }

  void SetUp() override {
    auto server =
        IssueServerCertificate(authority_, {{"localhost"}, {"127.0.0.1"}}, {WallClock(), 10});
    ASSERT_TRUE(server.ok()) << server.status();
    Write("ca.pem", authority_.certificate_pem);
    Write("server.pem", server->certificate_pem);
    Write("server.key", testing::KeyPem(server->key));
    options_.listen = *ParseListenAddress("127.0.0.1:0");
    auto host = Start();
    ASSERT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
  }

  void Write(const std::string& name, const std::string& text) {
    folder_.Write(name, text);
    fs::permissions(folder_.path() / name, fs::perms::owner_read | fs::perms::owner_write);
  }

  absl::StatusOr<std::unique_ptr<ServerHost>> Start() {
    DML_ASSIGN_OR_RETURN(
        auto store, TlsStore::Open({folder_.path() / "server.pem", folder_.path() / "server.key",
                                    folder_.path() / "ca.pem"}));
    stores_.push_back(std::move(store));
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(std::make_unique<FakeAdminService>(guard_));
    return ServerHost::Start(options_, MakeServerCredentials(*stores_.back()), std::move(services));
  }

  std::string address() const { return host_->address().ToString(); }
  std::shared_ptr<grpc::Channel> Channel(const CertificateWithKey* client) {
    return OpenChannel(address(), authority_.certificate_pem, client);
  }

  ScratchFolder folder_;
  CertificateWithKey authority_ = NewAuthority();
  std::mutex clock_mutex_;
  std::chrono::sys_seconds now_ = WallClock();
  Authenticator authenticator_{{false,
                                {},
                                [this] {
                                  std::lock_guard<std::mutex> lock(clock_mutex_);
                                  return now_;
                                }},
                               nullptr};
  CallGuard guard_{authenticator_};
  ServerHostOptions options_;
  std::vector<std::unique_ptr<TlsStore>> stores_;  // Outlive the hosts.
  std::unique_ptr<ServerHost> host_;
};

TEST_F(ServerHostTest, AGoodCertificateIsAdmitted) {
  const CertificateWithKey alice = NewClient(authority_, {"reader"});
  auto stub = v1::AdminService::NewStub(Channel(&alice));
  grpc::ClientContext context;
  v1::GetStatusResponse response;
  const grpc::Status status = stub->GetStatus(&context, {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.principal(), "spiffe://test.example/principals/alice");
}

TEST_F(ServerHostTest, TheWrongRoleIsNot) {
  const CertificateWithKey alice = NewClient(authority_, {"publisher"});
  EXPECT_EQ(CallEmpty(Channel(&alice), kVerifyViews).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

// attack 38
TEST_F(ServerHostTest, MetadataFromTheWireGivesNoIdentity) {
  const CertificateWithKey alice = NewClient(authority_, {"reader"});
  grpc::ClientContext context;
  for (const char* key : {"principal", "x-principal", "x-forwarded-user", "x509_pem_cert",
                          "x-forwarded-client-cert", "role", "roles"}) {
    context.AddMetadata(key, "spiffe://test.example/principals/admin");
    context.AddMetadata(key, "admin");
  }
  EXPECT_EQ(testing::CallRaw(Channel(&alice), kVerifyViews, context, "").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  // An authorization header that is none, or twice, is no caller, and not the certificate's either.
  for (int times : {1, 2}) {
    grpc::ClientContext with_token;
    for (int i = 0; i < times; ++i) with_token.AddMetadata("authorization", "Bearer x");
    EXPECT_EQ(testing::CallRaw(Channel(&alice), kGetStatus, with_token, "").error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(ServerHostTest, StrangersDoNotGetPastTheHandshake) {
  const CertificateWithKey foreign = NewAuthority();
  const CertificateWithKey mallory = NewClient(foreign, {"admin"});
  const Validity past{WallClock() - std::chrono::days(10), 1};
  const CertificateWithKey expired = NewClient(authority_, {"admin"}, past);
  for (const char* method : {kGetStatus, testing::kHealthCheck}) {
    EXPECT_EQ(CallEmpty(Channel(nullptr), method).error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(CallEmpty(Channel(&mallory), method).error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(CallEmpty(Channel(&expired), method).error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(CallEmpty(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()), method)
                  .error_code(),
              grpc::StatusCode::UNAVAILABLE);
  }
  const CertificateWithKey alice = NewClient(authority_, {"reader"});
  EXPECT_TRUE(CallEmpty(Channel(&alice), testing::kHealthCheck).ok());
}

TEST_F(ServerHostTest, ACertificateThatExpiresOnAnOpenConnectionIsRefused) {
  const CertificateWithKey alice = NewClient(authority_, {"reader"}, {WallClock(), 1});
  auto channel = Channel(&alice);
  EXPECT_TRUE(CallEmpty(channel, kGetStatus).ok());
  {
    std::lock_guard<std::mutex> lock(clock_mutex_);
    now_ += std::chrono::hours(25);
  }
  EXPECT_EQ(CallEmpty(channel, kGetStatus).error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ServerHostTest, ALongErrorStillArrivesAsItself) {
  const CertificateWithKey alice = NewClient(authority_, {"admin"});
  const grpc::Status status = CallEmpty(Channel(&alice), kVerifyViews);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_FALSE(status.error_details().empty());
}

TEST_F(ServerHostTest, SpeaksTls13Only) {
  DML_SKIP_WITHOUT_OPENSSL();
  const CertificateWithKey alice = NewClient(authority_, {"reader"});
  Write("alice.pem", alice.certificate_pem);
  Write("alice.key", testing::KeyPem(alice.key));
  const std::string connect = "s_client -connect " + address() +
                              " -CAfile ca.pem -cert alice.pem -key alice.key -alpn h2 "
                              "-verify_return_error </dev/null ";
  EXPECT_TRUE(testing::RunOpenSsl(folder_, connect + "-tls1_3"));
  EXPECT_FALSE(testing::RunOpenSsl(folder_, connect + "-tls1_2"));
}

TEST_F(ServerHostTest, AnAddressThatIsTakenIsNotShared) {
  options_.listen = host_->address();
  const absl::Status status = Start().status();
  EXPECT_EQ(Reason(status), "ADDRESS_IN_USE");
  EXPECT_NE(Message(status).find(address()), std::string_view::npos);
}

TEST_F(ServerHostTest, OtherProblemsOfStartingHaveTheirReason) {
  options_.listen = *ParseListenAddress("192.0.2.1:0");  // Documentation, nobody's address.
  EXPECT_EQ(Reason(Start().status()), "ADDRESS_NOT_AVAILABLE");
  options_.listen = *ParseListenAddress("127.0.0.1:0");
  Write("server.key", testing::KeyPem(NewAuthority().key));
  EXPECT_EQ(Reason(Start().status()), "TLS_FILES_INVALID") << "a key of another certificate";
  fs::permissions(folder_.path() / "server.key", fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(Reason(Start().status()), "TLS_FILES_INVALID") << "a key that others can read";
}

// attack 43
TEST_F(ServerHostTest, APeerThatSaysNothingIsDropped) {
  host_.reset();
  options_.handshake_timeout = std::chrono::milliseconds(200);
  auto host = Start();
  ASSERT_TRUE(host.ok()) << host.status();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>((*host)->address().port));
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  char byte = 0;
  EXPECT_EQ(::recv(fd, &byte, 1, 0), 0) << "still connected";
  ::close(fd);
}

TEST_F(ServerHostTest, ReflectionNamesTheServices) {
  const CertificateWithKey alice = NewClient(authority_, {"reader"});
  grpc::ClientContext context;
  std::string response;
  const std::string list_services("\x3a\x00", 2);  // Field 7, an empty string.
  const grpc::Status status = testing::CallRaw(
      Channel(&alice), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", context,
      list_services, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(response.find("dml.v1.AdminService"), std::string::npos);
}

// Without TLS, so that a test can be a client that does nothing but what it is told.
class ShutdownTest : public ::testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLong{120'000};

  // Runs until the test says so, or until it is canceled.
  class WaitingService final : public v1::AdminService::Service {
   public:
    grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest*,
                           v1::GetStatusResponse* response) override {
      entered.Notify();
      while (!context->IsCancelled() &&
             !release.WaitForNotificationWithTimeout(absl::Milliseconds(10))) {
      }
      response->set_principal(release.HasBeenNotified() ? "released" : "canceled");
      return grpc::Status::OK;
    }
    absl::Notification entered, release;
  };

  ShutdownTest() {
    ServerHostOptions options;
    options.listen = *ParseListenAddress("127.0.0.1:0");
    auto service = std::make_unique<WaitingService>();
    service_ = service.get();
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(std::move(service));
    auto host = ServerHost::Start(options, grpc::InsecureServerCredentials(), std::move(services));
    EXPECT_TRUE(host.ok()) << host.status();
    host_ = *std::move(host);
  }

  std::unique_ptr<v1::AdminService::Stub> NewStub() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::AdminService::NewStub(grpc::CreateCustomChannel(
        host_->address().ToString(), grpc::InsecureChannelCredentials(), arguments));
  }
  // A call that the test awaits with join().
  std::jthread Call(grpc::Status& status, v1::GetStatusResponse& response) const {
    return std::jthread([stub = std::shared_ptr(NewStub()), &status, &response] {
      grpc::ClientContext context;
      status = stub->GetStatus(&context, {}, &response);
    });
  }
  bool AcceptsConnections() const { return ProbeListener(host_->address(), kLong).ok(); }

  WaitingService* service_ = nullptr;
  std::unique_ptr<ServerHost> host_;
};

// A client that never says goodbye: gRPC itself would give it 20 seconds.
TEST_F(ShutdownTest, ConnectionsWithoutCallsAreNotWaitedFor) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(host_->address().port));
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  // RFC 9113 section 3.4: the preface, and an empty SETTINGS frame.
  const std::string hello("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  ASSERT_EQ(::send(fd, hello.data(), hello.size(), 0), 33);
  char byte = 0;
  ASSERT_EQ(::recv(fd, &byte, 1, 0), 1) << "the server's own settings";
  const auto start = Clock::now();
  host_->Shutdown(kLong);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
  ::close(fd);
}

TEST_F(ShutdownTest, ACallUnderWayGetsItsGraceAndItsAnswer) {
  grpc::Status status;
  v1::GetStatusResponse response;
  std::jthread call = Call(status, response);
  service_->entered.WaitForNotification();
  std::jthread shutdown([this] { host_->Shutdown(kLong); });
  while (AcceptsConnections()) {
  }
  service_->release.Notify();
  call.join();
  shutdown.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.principal(), "released");
}

TEST_F(ShutdownTest, AfterTheGraceCallsAreCanceled) {
  grpc::Status status;
  v1::GetStatusResponse response;
  std::jthread call = Call(status, response);
  service_->entered.WaitForNotification();
  host_->Shutdown(std::chrono::milliseconds(1));
  call.join();
  EXPECT_FALSE(status.ok());
}

TEST_F(ServerHostTest, ShutdownMayBeCalledTwice) {
  const CertificateWithKey alice = NewClient(authority_, {"reader"});
  auto channel = Channel(&alice);
  EXPECT_TRUE(CallEmpty(channel, kGetStatus).ok());
  host_->Shutdown(std::chrono::milliseconds(100));
  host_->Shutdown(std::chrono::milliseconds(100));
  EXPECT_EQ(CallEmpty(channel, kGetStatus).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace dml
