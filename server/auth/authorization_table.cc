#include "server/auth/authorization_table.h"

#include <algorithm>

namespace dml {
namespace {

// In the order of the methods (searched by halves). gRPC answers health and reflection by itself,
// past the handlers' guard: for those the TLS handshake, which demands a client certificate of our
// authority, is the whole check, and any role will do.
constexpr AuthorizationRow kTable[] = {
    {"/dml.v1.AdminService/GetStatus", Role::kReader},
    {"/dml.v1.AdminService/VerifyViews", Role::kAdmin},
    {"/dml.v1.CatalogService/AttachAttestation", Role::kPublisher},
    {"/dml.v1.CatalogService/CreateNamespace", Role::kAdmin},
    {"/dml.v1.CatalogService/GetNamespace", Role::kReader},
    {"/dml.v1.CatalogService/GetPackage", Role::kReader},
    {"/dml.v1.CatalogService/GetRetention", Role::kReader},
    {"/dml.v1.CatalogService/GetVariant", Role::kReader},
    {"/dml.v1.CatalogService/ListAttestations", Role::kReader},
    {"/dml.v1.CatalogService/ListNamespaces", Role::kReader},
    {"/dml.v1.CatalogService/ListPackages", Role::kReader},
    {"/dml.v1.CatalogService/ListVariants", Role::kReader},
    {"/dml.v1.CatalogService/PublishVersion", Role::kPublisher},
    {"/dml.v1.CatalogService/SearchVariants", Role::kReader},
    {"/dml.v1.CatalogService/SetRetention", Role::kAdmin},
    {"/dml.v1.CatalogService/WithdrawVersion", Role::kPublisher},
    {"/dml.v1.CompatibilityService/CheckSet", Role::kReader},
    {"/dml.v1.CompatibilityService/CompareVersions", Role::kReader},
    {"/dml.v1.CompatibilityService/ParseVersion", Role::kReader},
    {"/dml.v1.CompatibilityService/VersionInRange", Role::kReader},
    {"/dml.v1.CompatibilityService/WhoProvides", Role::kReader},
    {"/dml.v1.CompatibilityService/WhoRequires", Role::kReader},
    {"/dml.v1.ContentService/FindMissingChunks", Role::kPublisher},
    {"/dml.v1.ContentService/GetBlobChunks", Role::kReader},
    {"/dml.v1.ContentService/GetCapabilities", Role::kReader},
    {"/dml.v1.ContentService/QueryWrite", Role::kPublisher},
    {"/dml.v1.ContentService/ReadBlob", Role::kReader},
    {"/dml.v1.ContentService/ReadChunks", Role::kReader},
    {"/dml.v1.ContentService/UploadBlobs", Role::kPublisher},
    {"/dml.v1.ContentService/WriteBlob", Role::kPublisher},
    {"/dml.v1.EnvironmentService/CreateEnvironment", Role::kAdmin},
    {"/dml.v1.EnvironmentService/CreateNode", Role::kAdmin},
    {"/dml.v1.EnvironmentService/GetEnvironment", Role::kReader},
    {"/dml.v1.EnvironmentService/GetNode", Role::kReader},
    {"/dml.v1.EnvironmentService/ListEnvironments", Role::kReader},
    {"/dml.v1.EnvironmentService/ListNodes", Role::kReader},
    {"/dml.v1.GateService/Evaluate", Role::kReader},
    {"/dml.v1.JournalService/GetCheckpoint", Role::kReader},
    {"/dml.v1.JournalService/GetConsistencyProof", Role::kReader},
    {"/dml.v1.JournalService/GetInclusionProof", Role::kReader},
    {"/dml.v1.JournalService/ListEntries", Role::kReader},
    {"/dml.v1.KeyService/GetKey", Role::kReader},
    {"/dml.v1.KeyService/ListKeys", Role::kReader},
    {"/dml.v1.KeyService/RegisterKey", Role::kAdmin},
    {"/dml.v1.KeyService/RevokeKey", Role::kAdmin},
    {"/dml.v1.LicenseService/EvaluateLicense", Role::kReader},
    {"/dml.v1.LicenseService/FindPackagesByLicense", Role::kReader},
    {"/dml.v1.MaintenanceService/GetCollection", Role::kAdmin},
    {"/dml.v1.MaintenanceService/GetCollectionPlan", Role::kAdmin},
    {"/dml.v1.MaintenanceService/GetRepack", Role::kAdmin},
    {"/dml.v1.MaintenanceService/GetScrub", Role::kAdmin},
    {"/dml.v1.MaintenanceService/GetStorageFigures", Role::kAdmin},
    {"/dml.v1.MaintenanceService/StartCollection", Role::kAdmin},
    {"/dml.v1.MaintenanceService/StartCollectionPlan", Role::kAdmin},
    {"/dml.v1.MaintenanceService/StartMeasurement", Role::kAdmin},
    {"/dml.v1.MaintenanceService/StartRepack", Role::kAdmin},
    {"/dml.v1.MaintenanceService/StartScrub", Role::kAdmin},
    {"/dml.v1.PolicyService/GetPolicy", Role::kReader},
    {"/dml.v1.PolicyService/SetPolicy", Role::kAdmin},
    {"/grpc.health.v1.Health/Check", Role::kReader},
    {"/grpc.health.v1.Health/Watch", Role::kReader},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Role::kReader},
};

static_assert(std::is_sorted(std::begin(kTable), std::end(kTable),
                             [](const AuthorizationRow& a, const AuthorizationRow& b) {
                               return a.method < b.method;
                             }));

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kReader:
      return "reader";
    case Role::kPublisher:
      return "publisher";
    case Role::kAdmin:
      return "admin";
  }
  return "unknown";
}

std::optional<Role> ParseRole(std::string_view name) {
  for (Role role : {Role::kReader, Role::kPublisher, Role::kAdmin}) {
    if (name == RoleName(role)) return role;
  }
  return std::nullopt;
}

std::span<const AuthorizationRow> AuthorizationTable() { return kTable; }

std::optional<Role> RequiredRole(std::string_view full_method) {
  const auto* row = std::lower_bound(
      std::begin(kTable), std::end(kTable), full_method,
      [](const AuthorizationRow& a, std::string_view method) { return a.method < method; });
  if (row == std::end(kTable) || row->method != full_method) return std::nullopt;
  return row->role;
}

}  // namespace dml
