#include "server/rpc/call_guard.h"

#include <gtest/gtest.h>

#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using testing::NewAuthority;
using testing::NewClient;
using testing::WallClock;

constexpr char kReaders[] = "/dml.v1.CatalogService/GetPackage";
constexpr char kPublishers[] = "/dml.v1.CatalogService/PublishVersion";
constexpr char kAdmins[] = "/dml.v1.PolicyService/SetPolicy";

class CallGuardTest : public ::testing::Test {
 protected:
  // The reason why a certificate with these roles may not call the method; "" where it may.
  std::string Refusal(const std::vector<std::string>& roles, const char* method) {
    return Reason(guard_.AdmitCertificate(NewClient(authority_, roles).certificate_pem, method, "p")
                      .status());
  }

  std::chrono::sys_seconds now_ = WallClock();
  CallGuard guard_{CallGuardOptions{false, [this] { return now_; }}};
  CertificateWithKey authority_ = NewAuthority();
};

TEST_F(CallGuardTest, TheCallerIsWhoTheCertificateSays) {
  auto caller =
      guard_.AdmitCertificate(NewClient(authority_, {"publisher"}).certificate_pem, kReaders, "p");
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->principal, "spiffe://test.example/principals/alice");
  EXPECT_EQ(caller->roles, std::vector<Role>{Role::kPublisher});
  EXPECT_EQ(caller->peer, "p");
}

TEST_F(CallGuardTest, RolesIncludeTheOnesBefore) {
  EXPECT_EQ(Refusal({"reader"}, kReaders), "");
  EXPECT_EQ(Refusal({"reader"}, kPublishers), "ROLE_REQUIRED");
  EXPECT_EQ(Refusal({"reader"}, kAdmins), "ROLE_REQUIRED");
  EXPECT_EQ(Refusal({"publisher"}, kReaders), "");
  EXPECT_EQ(Refusal({"publisher"}, kPublishers), "");
  EXPECT_EQ(Refusal({"publisher"}, kAdmins), "ROLE_REQUIRED");
  EXPECT_EQ(Refusal({"admin"}, kReaders), "");
  EXPECT_EQ(Refusal({"admin"}, kAdmins), "");
  EXPECT_EQ(Refusal({"reader", "publisher"}, kPublishers), "");
}

TEST_F(CallGuardTest, WordsThatAreNoRolesGrantNothing) {
  EXPECT_EQ(Refusal({}, kReaders), "ROLE_REQUIRED");
  EXPECT_EQ(Refusal({"root", "administrator"}, kReaders), "ROLE_REQUIRED");
  auto denied =
      guard_.AdmitCertificate(NewClient(authority_, {"reader"}).certificate_pem, kAdmins, "p");
  EXPECT_EQ(denied.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(Message(denied.status()).find("role admin"), std::string_view::npos);
}

TEST_F(CallGuardTest, AMethodThatIsNotInTheTableIsForNobody) {
  EXPECT_EQ(Refusal({"admin"}, "/dml.v1.AdminService/Unheard"), "METHOD_NOT_AUTHORIZED");
  EXPECT_EQ(Refusal({"admin"}, ""), "METHOD_NOT_AUTHORIZED");
}

TEST_F(CallGuardTest, DatesAreCheckedForEveryCall) {
  const CertificateWithKey client =
      NewClient(authority_, {"reader"}, {now_, 1});  // Also from the cache: the same certificate.
  auto reason = [&] {
    return Reason(guard_.AdmitCertificate(client.certificate_pem, kReaders, "p").status());
  };
  EXPECT_EQ(reason(), "");
  now_ += std::chrono::hours(25);
  EXPECT_EQ(reason(), "CERTIFICATE_EXPIRED");
  now_ -= std::chrono::hours(48);
  EXPECT_EQ(reason(), "CERTIFICATE_NOT_YET_VALID");
  now_ += std::chrono::hours(23);
  EXPECT_EQ(reason(), "");
}

TEST_F(CallGuardTest, NoClearIdentityIsNoIdentity) {
  auto refusal = [&](std::string_view pem) {
    auto status = guard_.AdmitCertificate(pem, kReaders, "p").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    return Reason(status);
  };
  EXPECT_EQ(refusal(""), "CERTIFICATE_REQUIRED");
  EXPECT_EQ(refusal("not a certificate"), "CERTIFICATE_INVALID");
  EXPECT_EQ(refusal(authority_.certificate_pem), "CERTIFICATE_INVALID");  // No SPIFFE id.
  EXPECT_EQ(refusal(std::string(100'000, 'x')), "CERTIFICATE_INVALID");
}

TEST_F(CallGuardTest, ACallWithoutTlsHasNoIdentity) {
  grpc::ServerContext context;
  EXPECT_EQ(Reason(guard_.Admit(context, kReaders).status()), "CERTIFICATE_REQUIRED");
}

TEST(CallGuardInsecureTest, EveryCallerIsTheSamePrincipalWithAllRoles) {
  CallGuard guard(CallGuardOptions{true, nullptr});
  grpc::ServerContext context;
  auto caller = guard.Admit(context, kAdmins);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->principal, "insecure-loopback");
  EXPECT_EQ(Reason(guard.Admit(context, "/x/y").status()), "METHOD_NOT_AUTHORIZED");
}

TEST_F(CallGuardTest, HandleAdmitsBeforeItRuns) {
  grpc::ServerContext context;
  bool ran = false;
  const grpc::Status refused = Handle(guard_, &context, kReaders, [&](const Caller&) {
    ran = true;
    return absl::OkStatus();
  });
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_FALSE(ran);

  CallGuard open(CallGuardOptions{true, nullptr});
  const grpc::Status failed = Handle(open, &context, kReaders, [](const Caller& caller) {
    return NotFound(ErrorReason("X"), "{}", caller.principal);
  });
  EXPECT_EQ(failed.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(failed.error_message(), "insecure-loopback");
}

}  // namespace
}  // namespace dml
