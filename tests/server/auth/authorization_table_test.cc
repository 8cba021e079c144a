#include "server/auth/authorization_table.h"

#include <filesystem>
#include <map>
#include <set>

#include <dml/v1/access.pb.h>
#include <dml/v1/admin.pb.h>
#include <dml/v1/admission.pb.h>
#include <dml/v1/advisory.pb.h>
#include <dml/v1/catalog.pb.h>
#include <dml/v1/compatibility.pb.h>
#include <dml/v1/content.pb.h>
#include <dml/v1/entitlement.pb.h>
#include <dml/v1/environment.pb.h>
#include <dml/v1/gate.pb.h>
#include <dml/v1/journal.pb.h>
#include <dml/v1/key.pb.h>
#include <dml/v1/license.pb.h>
#include <dml/v1/maintenance.pb.h>
#include <dml/v1/measures.pb.h>
#include <dml/v1/media.pb.h>
#include <dml/v1/operations.pb.h>
#include <dml/v1/permit.pb.h>
#include <dml/v1/policy.pb.h>
#include <dml/v1/reference.pb.h>
#include <dml/v1/release.pb.h>
#include <dml/v1/rollout.pb.h>
#include <dml/v1/trust.pb.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "tests/support/paths.h"

namespace dml {
namespace {

std::vector<const google::protobuf::FileDescriptor*> ServiceFiles() {
  return {v1::GetStatusRequest::descriptor()->file(),
          v1::GetPackageRequest::descriptor()->file(),
          v1::CheckSetRequest::descriptor()->file(),
          v1::GetCapabilitiesRequest::descriptor()->file(),
          v1::GetNodeRequest::descriptor()->file(),
          v1::ListLeasesRequest::descriptor()->file(),
          v1::EvaluateRequest::descriptor()->file(),
          v1::GetCheckpointRequest::descriptor()->file(),
          v1::GetKeyRequest::descriptor()->file(),
          v1::EvaluateLicenseRequest::descriptor()->file(),
          v1::GetScrubRequest::descriptor()->file(),
          v1::GetPolicyRequest::descriptor()->file(),
          v1::WhoAmIRequest::descriptor()->file(),
          v1::GetScanRequest::descriptor()->file(),
          v1::GetMediaRequest::descriptor()->file(),
          v1::ListRootsRequest::descriptor()->file(),
          v1::GetReleaseRequest::descriptor()->file(),
          v1::GetAdvisoryRequest::descriptor()->file(),
          v1::GetRolloutRequest::descriptor()->file(),
          v1::GetMeasuresRequest::descriptor()->file(),
          v1::GetPermitRequest::descriptor()->file(),
          v1::PublishReferencesRequest::descriptor()->file(),
          v1::StartBackupRequest::descriptor()->file()};
}

std::set<std::string> AllMethods() {
  // What gRPC serves by itself.
  std::set<std::string> out = {"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                               "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
  for (const auto* file : ServiceFiles()) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* service = file->service(i);
      for (int k = 0; k < service->method_count(); ++k) {
        out.insert("/" + service->full_name() + "/" + service->method(k)->name());
      }
    }
  }
  return out;
}

// attack 43
TEST(AuthorizationTableTest, EveryMethodHasARowAndEveryRowAMethod) {
  const std::set<std::string> methods = AllMethods();
  std::set<std::string> rows;
  std::set<std::string> resources;  // Over HTTP.
  for (const AuthorizationRow& row : AuthorizationTable()) {
    (row.method.starts_with("/http/") ? resources : rows).emplace(row.method);
  }
  EXPECT_EQ(rows, methods);
  EXPECT_EQ(resources, (std::set<std::string>{"/http/checkpoint", "/http/entries", "/http/metrics",
                                              "/http/readyz", "/http/tile"}));
  EXPECT_EQ(rows.size() + resources.size(), AuthorizationTable().size()) << "a method twice";
}

TEST(AuthorizationTableTest, TheTestKnowsEveryProtoFile) {
  std::set<std::string> known = {"common.proto"};
  for (const auto* file : ServiceFiles()) {
    known.insert(std::filesystem::path(file->name()).filename().string());
  }
  std::set<std::string> there;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::SourceDir() / "proto/dml/v1")) {
    there.insert(entry.path().filename().string());
  }
  EXPECT_EQ(known, there);
}

TEST(AuthorizationTableTest, DeniesWhatItDoesNotKnow) {
  for (const char* method :
       {"", "/", "/dml.v1.CatalogService/", "/dml.v1.CatalogService/GetPackag",
        "/dml.v1.CatalogService/GetPackages", "dml.v1.CatalogService/GetPackage",
        "/dml.v1.catalogservice/getpackage", "/zzz.Service/Method"}) {
    EXPECT_EQ(FindAuthorization(method), nullptr) << method;
  }
}

bool Mutates(std::string_view method) {
  const std::string_view name = method.substr(method.rfind('/') + 1);
  for (std::string_view verb :
       {"Create", "Set",     "Publish", "Withdraw", "Attach",  "Register", "Revoke",  "Upload",
        "Write",  "Grant",   "Issue",   "Decide",   "Place",   "Release",  "Record",  "Start",
        "Amend",  "Reserve", "Commit",  "Extend",   "Borrow",  "Seal",     "Approve", "Pause",
        "Resume", "Abort",   "BackOut", "Report",   "Override"}) {
    if (name.starts_with(verb)) return true;
  }
  return false;
}

// attack 31: which role may call which method, written down a second time, by what a method does.
TEST(AuthorizationTableTest, EveryRoleMayCallJustItsMethods) {
  const std::set<Role> lookers = {Role::kReader, Role::kAuditor, Role::kNode, Role::kApprover,
                                  Role::kDeployer};
  for (const AuthorizationRow& row : AuthorizationTable()) {
    const std::string method(row.method);
    EXPECT_TRUE(row.roles.Has(Role::kAdmin)) << method << ": an administrator may do everything";
    for (Role role : lookers) {
      if (method.starts_with("/dml.v1.EntitlementService/")) continue;  // Below, one by one.
      if (method.starts_with("/dml.v1.ReleaseService/")) continue;      // Likewise.
      if (method.starts_with("/dml.v1.RolloutService/")) continue;      // Likewise.
      if (method.starts_with("/dml.v1.PermitService/")) continue;       // Likewise.
      EXPECT_FALSE(Mutates(method) && row.roles.Has(role)) << method << " " << RoleName(role);
    }
    const bool access = method.starts_with("/dml.v1.AccessService/") ||
                        method == "/dml.v1.TrustService/SetRoot" ||
                        method == "/dml.v1.KeyService/RevokeKey";
    for (int i = 0; access && Mutates(method) && i < kRoleCount; ++i) {
      const auto role = static_cast<Role>(i);
      EXPECT_EQ(row.roles.Has(role), role == Role::kAdmin) << method << " " << RoleName(role);
    }
    const bool upkeep = method.starts_with("/dml.v1.MaintenanceService/Start");
    if (upkeep) {
      EXPECT_TRUE(row.roles == (RoleSet{Role::kOperator, Role::kAdmin})) << method;
      EXPECT_EQ(row.scope, ScopeKind::kLibrary) << method;
    }
    // A node reads what a permit names alone: tests/server/rpc/permit_service_test.cc.
    const bool by_permit = method.starts_with("/dml.v1.ContentService/Read") ||
                           method == "/dml.v1.ContentService/GetBlobChunks" ||
                           method == "/dml.v1.ContentService/GetCapabilities";
    if (method.starts_with("/dml.v1.ContentService/")) {
      EXPECT_EQ(row.roles.Has(Role::kNode), by_permit) << method;
    }
  }
}

// Each method of a service has a row, for just these roles, by the environment that it names; but
// for those that name none.
void ExpectRoles(std::string_view service, const std::map<std::string, std::set<Role>>& wanted,
                 const std::set<std::string>& of_any = {}) {
  std::set<std::string> seen;
  for (const AuthorizationRow& row : AuthorizationTable()) {
    if (!row.method.starts_with(service)) continue;
    const std::string method(row.method.substr(service.size()));
    ASSERT_TRUE(wanted.contains(method)) << method;
    seen.insert(method);
    EXPECT_EQ(row.scope, of_any.contains(method) ? ScopeKind::kAny : ScopeKind::kEnvironment)
        << method;
    for (int i = 0; i < kRoleCount; ++i) {
      const auto role = static_cast<Role>(i);
      EXPECT_EQ(row.roles.Has(role), wanted.at(method).contains(role))
          << method << " " << RoleName(role);
    }
  }
  EXPECT_EQ(seen.size(), wanted.size()) << service;
}

TEST(AuthorizationTableTest, WhoManagesEntitlementsAndWhoActsOnLeases) {
  const std::set<Role> managers = {Role::kLicenseManager, Role::kAdmin};
  std::set<Role> deployers = managers;
  deployers.insert(Role::kDeployer);
  std::set<Role> holders = deployers;
  holders.insert(Role::kNode);
  std::set<Role> readers;
  for (int i = 0; i < kRoleCount; ++i) readers.insert(static_cast<Role>(i));
  readers.erase(Role::kNode);
  const std::map<std::string, std::set<Role>> wanted = {
      {"GrantEntitlement", managers}, {"AmendEntitlement", managers},
      {"ReserveSeats", deployers},    {"BorrowLease", deployers},
      {"CommitLease", holders},       {"ExtendLease", holders},
      {"ReleaseLease", holders},      {"CheckSeats", readers},
      {"GetEntitlement", readers},    {"ListEntitlements", readers},
      {"ListLeases", readers},        {"GetLicensePosition", readers}};
  ExpectRoles("/dml.v1.EntitlementService/", wanted);
}

TEST(AuthorizationTableTest, WhoGivesUsesAndRevokesPermits) {
  std::set<Role> everyone;
  for (int i = 0; i < kRoleCount; ++i) everyone.insert(static_cast<Role>(i));
  std::set<Role> readers = everyone;
  readers.erase(Role::kNode);
  const std::set<Role> movers = {Role::kDeployer, Role::kReleaseManager, Role::kAdmin};
  std::set<Role> revokers = movers;
  revokers.insert(Role::kApprover);
  const std::map<std::string, std::set<Role>> wanted = {
      {"IssuePermit", movers},
      {"RevokePermit", revokers},
      {"UsePermit", {Role::kNode, Role::kDeployer, Role::kAdmin}},
      {"GetPermit", everyone},
      {"ListPermits", everyone},
      {"GetPermitBundle", everyone},
      {"ReadPermitDocument", everyone},
      {"GetRevocationList", everyone},
      {"BatchEvaluate", readers},
      {"WhatIf", readers},
      {"ExplainDenial", readers}};
  ExpectRoles("/dml.v1.PermitService/", wanted, {"GetRevocationList"});
}

TEST(AuthorizationTableTest, WhoSealsApprovesAndMovesReleases) {
  const std::set<Role> managers = {Role::kReleaseManager, Role::kAdmin};
  std::set<Role> readers;
  for (int i = 0; i < kRoleCount; ++i) readers.insert(static_cast<Role>(i));
  readers.erase(Role::kNode);
  const std::map<std::string, std::set<Role>> wanted = {
      {"SealRelease", managers},
      {"WithdrawRelease", managers},
      {"ApproveRelease", {Role::kApprover, Role::kAdmin}},
      {"OverrideRelease", {Role::kApprover, Role::kAdmin}},
      {"RecordDeployment", {Role::kDeployer, Role::kReleaseManager, Role::kAdmin}},
      {"AttachReleaseEvidence",
       {Role::kPublisher, Role::kTester, Role::kLicenseManager, Role::kAdmin}},
      {"EvaluateRelease", readers},
      {"GetRelease", readers},
      {"ListReleases", readers}};
  ExpectRoles("/dml.v1.ReleaseService/", wanted);
}

TEST(AuthorizationTableTest, WhoMovesRolloutsAndWhoReports) {
  const std::set<Role> movers = {Role::kDeployer, Role::kReleaseManager, Role::kAdmin};
  std::set<Role> reporters = movers;
  reporters.insert(Role::kNode);
  std::set<Role> readers;
  for (int i = 0; i < kRoleCount; ++i) readers.insert(static_cast<Role>(i));
  readers.erase(Role::kNode);
  const std::map<std::string, std::set<Role>> wanted = {
      {"StartRollout", movers}, {"PauseRollout", movers},   {"ResumeRollout", movers},
      {"AbortRollout", movers}, {"BackOutRollout", movers}, {"ReportNode", reporters},
      {"GetRollout", readers},  {"ListRollouts", readers},  {"ListRolloutNodes", readers},
      {"WatchRollout", readers}};
  ExpectRoles("/dml.v1.RolloutService/", wanted);
}

TEST(AuthorizationTableTest, RolesHaveNames) {
  for (int i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    EXPECT_EQ(ParseRole(RoleName(role)), role);
  }
  for (const char* name : {"", "Admin", "admin ", "root", "unknown"}) {
    EXPECT_EQ(ParseRole(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace dml
