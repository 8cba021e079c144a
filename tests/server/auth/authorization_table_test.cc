#include "server/auth/authorization_table.h"

#include <filesystem>
#include <set>

#include <dml/v1/admin.pb.h>
#include <dml/v1/catalog.pb.h>
#include <dml/v1/compatibility.pb.h>
#include <dml/v1/content.pb.h>
#include <dml/v1/environment.pb.h>
#include <dml/v1/gate.pb.h>
#include <dml/v1/journal.pb.h>
#include <dml/v1/key.pb.h>
#include <dml/v1/license.pb.h>
#include <dml/v1/maintenance.pb.h>
#include <dml/v1/policy.pb.h>
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
          v1::EvaluateRequest::descriptor()->file(),
          v1::GetCheckpointRequest::descriptor()->file(),
          v1::GetKeyRequest::descriptor()->file(),
          v1::EvaluateLicenseRequest::descriptor()->file(),
          v1::GetScrubRequest::descriptor()->file(),
          v1::GetPolicyRequest::descriptor()->file()};
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
  for (const AuthorizationRow& row : AuthorizationTable()) rows.emplace(row.method);
  EXPECT_EQ(rows, methods);
  EXPECT_EQ(rows.size(), AuthorizationTable().size()) << "a method twice";
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
  EXPECT_EQ(RequiredRole("/dml.v1.CatalogService/PublishVersion"), Role::kPublisher);
  EXPECT_EQ(RequiredRole("/dml.v1.PolicyService/SetPolicy"), Role::kAdmin);
  EXPECT_EQ(RequiredRole("/dml.v1.CatalogService/GetPackage"), Role::kReader);
  for (const char* method :
       {"", "/", "/dml.v1.CatalogService/", "/dml.v1.CatalogService/GetPackag",
        "/dml.v1.CatalogService/GetPackages", "dml.v1.CatalogService/GetPackage",
        "/dml.v1.catalogservice/getpackage", "/zzz.Service/Method"}) {
    EXPECT_EQ(RequiredRole(method), std::nullopt) << method;
  }
}

TEST(AuthorizationTableTest, MutationsAreNotForReaders) {
  for (const AuthorizationRow& row : AuthorizationTable()) {
    const std::string_view name = row.method.substr(row.method.rfind('/') + 1);
    for (std::string_view verb : {"Create", "Set", "Publish", "Withdraw", "Attach", "Register",
                                  "Revoke", "Upload", "Write", "Assemble", "Start"}) {
      if (name.starts_with(verb)) {
        EXPECT_GT(row.role, Role::kReader) << row.method;
      }
    }
  }
}

TEST(AuthorizationTableTest, RolesHaveNames) {
  for (Role role : {Role::kReader, Role::kPublisher, Role::kAdmin}) {
    EXPECT_EQ(ParseRole(RoleName(role)), role);
  }
  for (const char* name : {"", "Admin", "admin ", "root", "unknown"}) {
    EXPECT_EQ(ParseRole(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace dml
