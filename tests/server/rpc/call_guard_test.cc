#include "server/rpc/call_guard.h"

#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/access/access_token.h"
#include "core/crypto/sha256.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/server/support/tls_world.h"

namespace dml {
namespace {

using testing::NewAuthority;
using testing::NewClient;
using testing::WallClock;

constexpr char kReaders[] = "/dml.v1.CatalogService/GetPackage";
constexpr char kPublishers[] = "/dml.v1.CatalogService/PublishVersion";
constexpr char kAdmins[] = "/dml.v1.AccessService/GrantRole";
constexpr char kLibrary[] = "/dml.v1.MaintenanceService/StartScrub";

// What a library would know of callers.
class FakeAccess : public AccessSource {
 public:
  absl::StatusOr<std::vector<AccessGrant>> GrantsOf(std::string_view principal) const override {
    auto it = grants.find(std::string(principal));
    return it == grants.end() ? std::vector<AccessGrant>() : it->second;
  }
  absl::StatusOr<std::optional<TokenRecord>> FindToken(std::string_view id) const override {
    auto it = tokens.find(std::string(id));
    if (it == tokens.end()) return std::nullopt;
    return it->second;
  }

  std::map<std::string, std::vector<AccessGrant>> grants;
  std::map<std::string, TokenRecord> tokens;
};

class CallGuardTest : public ::testing::Test {
 protected:
  // The reason why a certificate with these roles may not call the method; "" where it may.
  std::string Refusal(const std::vector<std::string>& roles, const char* method) {
    return Reason(Admit(NewClient(authority_, roles).certificate_pem, method).status());
  }

  absl::StatusOr<Caller> Admit(std::string_view certificate, const char* method,
                               std::optional<std::string_view> authorization = std::nullopt) {
    return guard_.AdmitPeer(certificate, authorization, method, "p");
  }

  std::chrono::sys_seconds now_ = WallClock();
  FakeAccess access_;
  Authenticator authenticator_{{false, {}, [this] { return now_; }}, &access_};
  CallGuard guard_{authenticator_};
  CertificateWithKey authority_ = NewAuthority();
};

TEST_F(CallGuardTest, TheCallerIsWhoTheCertificateSays) {
  auto caller = Admit(NewClient(authority_, {"publisher"}).certificate_pem, kReaders);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->principal(), "spiffe://test.example/principals/alice");
  EXPECT_EQ(caller->identity().grants, (std::vector<AccessGrant>{{"publisher", ""}}));
  EXPECT_EQ(caller->peer(), "p");
}

TEST_F(CallGuardTest, ARoleIsForItsMethodsAndAdministratorsForAll) {
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
  auto denied = Admit(NewClient(authority_, {"reader"}).certificate_pem, kAdmins);
  EXPECT_EQ(denied.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(Message(denied.status()).find("admin"), std::string_view::npos);
}

// Whoever is somebody may ask who they are, and nothing else.
TEST_F(CallGuardTest, WhoHasNoRoleMayAskWhoTheyAre) {
  constexpr char kWhoAmI[] = "/dml.v1.AccessService/WhoAmI";
  EXPECT_EQ(Refusal({}, kWhoAmI), "");
  EXPECT_EQ(Refusal({"reader"}, kWhoAmI), "");
  EXPECT_TRUE(absl::IsUnauthenticated(Admit("", kWhoAmI).status()));
  int for_anyone = 0;
  for (const AuthorizationRow& row : AuthorizationTable()) {
    const bool may = Refusal({}, std::string(row.method).c_str()).empty();
    EXPECT_EQ(may, row.method == kWhoAmI) << row.method;
    for_anyone += may ? 1 : 0;
  }
  EXPECT_EQ(for_anyone, 1);
}

TEST_F(CallGuardTest, AMethodThatIsNotInTheTableIsForNobody) {
  EXPECT_EQ(Refusal({"admin"}, "/dml.v1.AdminService/Unheard"), "METHOD_NOT_AUTHORIZED");
  EXPECT_EQ(Refusal({"admin"}, ""), "METHOD_NOT_AUTHORIZED");
}

TEST_F(CallGuardTest, DatesAreCheckedForEveryCall) {
  const CertificateWithKey client =
      NewClient(authority_, {"reader"}, {now_, 1});  // Also from the cache: the same certificate.
  auto reason = [&] { return Reason(Admit(client.certificate_pem, kReaders).status()); };
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
    auto status = Admit(pem, kReaders).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    return Reason(status);
  };
  EXPECT_EQ(refusal(""), "CREDENTIALS_REQUIRED");
  EXPECT_EQ(refusal("not a certificate"), "CERTIFICATE_INVALID");
  EXPECT_EQ(refusal(authority_.certificate_pem), "CERTIFICATE_INVALID");  // No SPIFFE id.
  EXPECT_EQ(refusal(std::string(100'000, 'x')), "CERTIFICATE_INVALID");
}

TEST_F(CallGuardTest, ACallWithoutTlsHasNoIdentity) {
  grpc::ServerContext context;
  EXPECT_EQ(Reason(guard_.Admit(context, kReaders).status()), "CREDENTIALS_REQUIRED");
}

TEST(CallGuardInsecureTest, EveryCallerIsTheSamePrincipalWithAllRoles) {
  Authenticator authenticator({.insecure_loopback = true}, nullptr);
  CallGuard guard(authenticator);
  grpc::ServerContext context;
  auto caller = guard.Admit(context, kAdmins);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->principal(), "insecure-loopback");
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

  Authenticator open_to_all({.insecure_loopback = true}, nullptr);
  CallGuard open(open_to_all);
  const grpc::Status failed = Handle(open, &context, kReaders, [](const Caller& caller) {
    return NotFound(ErrorReason("X"), "{}", caller.principal());
  });
  EXPECT_EQ(failed.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(failed.error_message(), "insecure-loopback");
}

// attack 25 and "stolen token after revocation": the next call is refused.
TEST_F(CallGuardTest, GrantsAndTokensAreLookedUpForEveryCall) {
  const CertificateWithKey alice = NewClient(authority_, {});
  auto may = [&](const char* method) {
    return Reason(Admit(alice.certificate_pem, method).status());
  };
  EXPECT_EQ(may(kPublishers), "ROLE_REQUIRED");
  access_.grants["spiffe://test.example/principals/alice"] = {{"publisher", "namespaces/acme"}};
  EXPECT_EQ(may(kPublishers), "");
  access_.grants.clear();
  EXPECT_EQ(may(kPublishers), "ROLE_REQUIRED");

  const AccessToken token = NewAccessToken();
  const std::string header = "Bearer " + FormatAccessToken(token);
  auto with_token = [&](const std::string& text, const char* method = kReaders) {
    return Reason(Admit("", method, text).status());
  };
  EXPECT_EQ(with_token(header), "TOKEN_INVALID") << "none of this library";
  TokenRecord& record = access_.tokens[token.id];
  record.id = token.id;
  record.secret = Sha256(token.secret);
  record.grants = {{"reader", ""}};
  record.expires = now_ + std::chrono::hours(1);
  EXPECT_EQ(with_token(header), "");
  EXPECT_EQ(with_token("bEARER " + FormatAccessToken(token)), "") << "RFC 9110, section 11.1";
  EXPECT_EQ(with_token(header, kPublishers), "ROLE_REQUIRED");
  AccessToken guessed = token;
  guessed.secret.back() ^= 1;
  EXPECT_EQ(with_token("Bearer " + FormatAccessToken(guessed)), "TOKEN_INVALID");
  for (const std::string& bad :
       {std::string("Bearer "), "Bearer" + FormatAccessToken(token), header + " ", header + "x",
        std::string("Basic YTpi"), "Bearer dml_" + token.id, std::string(10'000, 'x')}) {
    EXPECT_TRUE(with_token(bad) == "TOKEN_INVALID" || with_token(bad) == "JWT_INVALID") << bad;
  }
  now_ += std::chrono::hours(1);
  EXPECT_EQ(with_token(header), "TOKEN_EXPIRED");
  now_ -= std::chrono::hours(1);
  record.revoked = true;
  EXPECT_EQ(with_token(header), "TOKEN_REVOKED");
}

TEST_F(CallGuardTest, ABearerTokenCountsAloneEvenBesideAGoodCertificate) {
  const CertificateWithKey admin = NewClient(authority_, {"admin"});
  EXPECT_EQ(Reason(Admit(admin.certificate_pem, kReaders, "Bearer nothing").status()),
            "JWT_INVALID");
}

// attack 32: forbidden and missing look alike, and what is listed is what may be seen.
TEST_F(CallGuardTest, AGrantIsForItsScope) {
  access_.grants["spiffe://test.example/principals/alice"] = {
      {"reader", "namespaces/acme"}, {"reader", "environments/production"}};
  auto caller = Admit(NewClient(authority_, {}).certificate_pem, kReaders);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_TRUE(caller->MayInNamespace("acme").ok());
  EXPECT_EQ(Reason(caller->MayInNamespace("acme2")), "ROLE_REQUIRED");
  EXPECT_EQ(Reason(caller->MayInNamespace("")), "ROLE_REQUIRED");
  EXPECT_FALSE(caller->SeesNamespace("other"));
  EXPECT_FALSE(caller->SeesAll());
  EXPECT_TRUE(caller->MayInEnvironment("production").ok());
  EXPECT_TRUE(caller->MayInEnvironment("production/eu").ok());
  EXPECT_EQ(Reason(caller->MayInEnvironment("production2")), "ROLE_REQUIRED");
  // Whole-library methods demand a grant for everything.
  EXPECT_EQ(Reason(Admit(NewClient(authority_, {}).certificate_pem, kLibrary).status()),
            "ROLE_REQUIRED");
  access_.grants["spiffe://test.example/principals/alice"] = {{"operator", "namespaces/acme"}};
  EXPECT_EQ(Reason(Admit(NewClient(authority_, {}).certificate_pem, kLibrary).status()),
            "ROLE_REQUIRED");
}

TEST_F(CallGuardTest, AHandlerThatDoesNotLookAtTheScopeAnswersNothing) {
  Authenticator open_to_all({.insecure_loopback = true}, nullptr);
  CallGuard open(open_to_all);
  grpc::ServerContext context;
  EXPECT_EQ(
      Handle(open, &context, kReaders, [](const Caller&) { return absl::OkStatus(); }).error_code(),
      grpc::StatusCode::INTERNAL);
  EXPECT_TRUE(Handle(open, &context, kReaders, [](const Caller& caller) {
                return caller.MayInNamespace("acme");
              }).ok());
}

// What became of refusals. attacks 32 and 43: who tries what is not theirs is seen.
class CallGuardAuditTest : public CallGuardTest {
 protected:
  CallGuardAuditTest() {
    AuditLogOptions options;
    options.folder = folder_.path() / "audit";
    options.thread = false;
    audit_ = *AuditLog::Open(std::move(options));
  }
  // The lines so far, each as JSON.
  std::vector<nlohmann::json> Lines() {
    audit_->Work();
    std::vector<nlohmann::json> out;
    std::istringstream in(folder_.Read("audit/" + AuditFileName(1)));
    for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }

  testing::ScratchFolder folder_;
  std::unique_ptr<AuditLog> audit_;
};

TEST_F(CallGuardAuditTest, ARefusalOfTheGuardIsOneLine) {
  CallGuard guard(authenticator_, {.audit = audit_.get()});
  grpc::ServerContext context;
  Handle(guard, &context, kReaders, [](const Caller&) { return absl::OkStatus(); });
  const std::vector<nlohmann::json> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["principal"], "-");
  EXPECT_EQ(lines[0]["method"], kReaders);
  EXPECT_EQ(lines[0]["reason"], "CREDENTIALS_REQUIRED");
}

TEST_F(CallGuardAuditTest, ARefusalOfTheHandlerNamesTheCallerAndGoodCallsAreNone) {
  Authenticator open_to_all({.insecure_loopback = true}, nullptr);
  CallGuard guard(open_to_all, {.audit = audit_.get()});
  grpc::ServerContext context;
  auto call = [&](absl::Status status) {
    Handle(guard, &context, kReaders, [&](const Caller& caller) {
      caller.WillSeeEach();
      return status;
    });
  };
  call(absl::OkStatus());
  call(NotFound(ErrorReason("PACKAGE_NOT_FOUND"), "no package"));
  call(PermissionDenied(ErrorReason("ROLE_REQUIRED"), "a secret\nof the request"));
  const std::vector<nlohmann::json> lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["principal"], "insecure-loopback");
  EXPECT_EQ(lines[0]["reason"], "ROLE_REQUIRED");
  EXPECT_EQ(lines[0].dump().find("secret"), std::string::npos);
}

TEST_F(CallGuardAuditTest, WhoIsKnownAndMayNotIsNamed) {
  std::string principal = kUnknownPrincipal;
  EXPECT_EQ(Reason(guard_
                       .AdmitPeer(NewClient(authority_, {"reader"}).certificate_pem, std::nullopt,
                                  kAdmins, "p", &principal)
                       .status()),
            "ROLE_REQUIRED");
  EXPECT_EQ(principal, "spiffe://test.example/principals/alice");
  principal = kUnknownPrincipal;
  EXPECT_FALSE(guard_.AdmitPeer("", std::nullopt, kAdmins, "p", &principal).ok());
  EXPECT_EQ(principal, kUnknownPrincipal);
}

}  // namespace
}  // namespace dml
