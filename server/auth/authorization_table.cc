#include "server/auth/authorization_table.h"

#include <algorithm>

namespace dml {
namespace {

constexpr RoleSet kAdmins = {Role::kAdmin};
constexpr RoleSet kOperators = {Role::kOperator, Role::kAdmin};
constexpr RoleSet kAuditors = {Role::kAuditor, Role::kOperator, Role::kAdmin};
constexpr RoleSet kManagers = {Role::kReleaseManager, Role::kAdmin};
constexpr RoleSet kPublishers = {Role::kPublisher, Role::kAdmin};
constexpr RoleSet kAttesters = {Role::kPublisher, Role::kTester, Role::kLicenseManager,
                                Role::kAdmin};
constexpr RoleSet kAdvisers = {Role::kPublisher, Role::kTester, Role::kReleaseManager,
                               Role::kAdmin};
constexpr RoleSet kLicenseManagers = {Role::kLicenseManager, Role::kAdmin};
constexpr RoleSet kDeployers = {Role::kDeployer, Role::kLicenseManager, Role::kAdmin};
constexpr RoleSet kApprovers = {Role::kApprover, Role::kAdmin};
// Who moves a release through an environment.
constexpr RoleSet kMovers = {Role::kDeployer, Role::kReleaseManager, Role::kAdmin};
constexpr RoleSet kRevokers = kMovers | kApprovers;
// Who acts on permits: nodes, and tools that deploy for them.
constexpr RoleSet kPermitUsers = {Role::kNode, Role::kDeployer, Role::kAdmin};
// A node for itself (server/rpc/rollout_service.cc).
constexpr RoleSet kReporters = kMovers | RoleSet{Role::kNode};
constexpr RoleSet kDelegators = {Role::kPublisher, Role::kReleaseManager, Role::kAdmin};
constexpr RoleSet kReaders = {
    Role::kReader,   Role::kPublisher,      Role::kTester,  Role::kApprover, Role::kReleaseManager,
    Role::kDeployer, Role::kLicenseManager, Role::kAuditor, Role::kOperator, Role::kAdmin};
// Machines read what proves something, and no more.
constexpr RoleSet kEveryone = kReaders | RoleSet{Role::kNode};
// A node for its own leases (server/rpc/entitlement_service.cc).
constexpr RoleSet kLeaseHolders = kDeployers | RoleSet{Role::kNode};

// In the order of the methods (searched by halves). gRPC answers health and reflection by itself,
// past the handlers' guard: for those the TLS handshake is the whole check, and any role will do.
constexpr AuthorizationRow kTable[] = {
    {"/dml.v1.AccessService/GrantRole", kAdmins, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/IssueToken", kAdmins, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/ListGrants", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/ListPermissions", kEveryone, ScopeKind::kAny},
    {"/dml.v1.AccessService/ListPrincipalNames", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/ListTokens", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/RevokeRole", kAdmins, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/RevokeToken", kAdmins, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/SetPrincipalName", kAdmins, ScopeKind::kLibrary},
    {"/dml.v1.AccessService/WhoAmI", kEveryone, ScopeKind::kSelf},
    {"/dml.v1.AdminService/AcceptClock", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.AdminService/GetStatus", kReaders, ScopeKind::kAny},
    {"/dml.v1.AdminService/VerifyViews", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.AdmissionService/DecideAdmission", kOperators, ScopeKind::kNamespace},
    {"/dml.v1.AdmissionService/GetScan", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.AdmissionService/ListHolds", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.AdmissionService/PlaceHold", kOperators, ScopeKind::kNamespace},
    {"/dml.v1.AdmissionService/ReleaseHold", kOperators, ScopeKind::kNamespace},
    {"/dml.v1.AdmissionService/StartScan", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.AdvisoryService/GetAdvisory", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.AdvisoryService/ListAdvisories", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.AdvisoryService/SetAdvisory", kAdvisers, ScopeKind::kNamespace},
    {"/dml.v1.AdvisoryService/WithdrawAdvisory", kAdvisers, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/AttachAttestation", kAttesters, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/CreateNamespace", kManagers, ScopeKind::kLibrary},
    {"/dml.v1.CatalogService/GetNamespace", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/GetPackage", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/GetRetention", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/GetVariant", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/ListAttestations", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/ListNamespaces", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/ListPackages", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/ListVariants", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/PublishVersion", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/SearchVariants", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/SetRetention", kManagers, ScopeKind::kNamespace},
    {"/dml.v1.CatalogService/WithdrawVersion", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/CheckEnvironment", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/CheckSet", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/CompareVersions", kReaders, ScopeKind::kAny},
    {"/dml.v1.CompatibilityService/CompatibleVersions", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/ParseVersion", kReaders, ScopeKind::kAny},
    {"/dml.v1.CompatibilityService/PlanUpgradeOrder", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/Resolve", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/SafeRollbackTargets", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/VersionInRange", kReaders, ScopeKind::kAny},
    {"/dml.v1.CompatibilityService/WhatBreaksIf", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/WhoProvides", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/WhoRequires", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.CompatibilityService/WhoUses", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.CompatibilityService/WhyNot", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/FindMissingChunks", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/GetBlobChunks", kEveryone, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/GetCapabilities", kEveryone, ScopeKind::kAny},
    {"/dml.v1.ContentService/QueryWrite", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/ReadBlob", kEveryone, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/ReadChunks", kEveryone, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/UploadBlobs", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.ContentService/WriteBlob", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.EntitlementService/AmendEntitlement", kLicenseManagers, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/BorrowLease", kDeployers, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/CheckSeats", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/CommitLease", kLeaseHolders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/ExtendLease", kLeaseHolders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/GetEntitlement", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/GetLicensePosition", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/GrantEntitlement", kLicenseManagers, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/ListEntitlements", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/ListLeases", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/ReleaseLease", kLeaseHolders, ScopeKind::kEnvironment},
    {"/dml.v1.EntitlementService/ReserveSeats", kDeployers, ScopeKind::kEnvironment},
    {"/dml.v1.EnvironmentService/CreateEnvironment", kManagers, ScopeKind::kLibrary},
    {"/dml.v1.EnvironmentService/CreateNode", kManagers, ScopeKind::kEnvironment},
    {"/dml.v1.EnvironmentService/GetEnvironment", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EnvironmentService/GetNode", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EnvironmentService/ListEnvironments", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.EnvironmentService/ListNodes", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.GateService/Evaluate", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.JournalService/AddCosignatures", kAuditors, ScopeKind::kAny},
    {"/dml.v1.JournalService/GetCheckpoint", kEveryone, ScopeKind::kAny},
    {"/dml.v1.JournalService/GetConsistencyProof", kEveryone, ScopeKind::kAny},
    {"/dml.v1.JournalService/GetInclusionProof", kEveryone, ScopeKind::kAny},
    {"/dml.v1.JournalService/ListEntries", kReaders, ScopeKind::kAny},
    {"/dml.v1.JournalService/WatchEntries", kReaders, ScopeKind::kAny},
    {"/dml.v1.KeyService/GetKey", kEveryone, ScopeKind::kAny},
    {"/dml.v1.KeyService/ListKeys", kEveryone, ScopeKind::kAny},
    {"/dml.v1.KeyService/ListSignatures", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.KeyService/RevokeKey", kAdmins, ScopeKind::kLibrary},
    {"/dml.v1.LicenseService/CompareLicenses", kReaders, ScopeKind::kAny},
    {"/dml.v1.LicenseService/DryRunPolicy", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.LicenseService/EvaluateLicense", kReaders, ScopeKind::kAny},
    {"/dml.v1.LicenseService/EvaluateLicenseSet", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.LicenseService/FindPackagesByLicense", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.LicenseService/GetLicenseReport", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.LicenseService/ListLicenseData", kReaders, ScopeKind::kAny},
    {"/dml.v1.LicenseService/SetLicenseData", kLicenseManagers, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/GetCollection", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/GetCollectionPlan", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/GetRepack", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/GetScrub", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/GetStorageFigures", kAuditors, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/StartCollection", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/StartCollectionPlan", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/StartMeasurement", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/StartRepack", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.MaintenanceService/StartScrub", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.MeasuresService/GetMeasures", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.MeasuresService/ListFindings", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.MeasuresService/ListMeasureDefinitions", kReaders, ScopeKind::kAny},
    {"/dml.v1.MediaService/GetMedia", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.MediaService/ListCustody", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.MediaService/ListMedia", kReaders, ScopeKind::kNamespace},
    {"/dml.v1.MediaService/RecordCustody", kOperators, ScopeKind::kNamespace},
    {"/dml.v1.MediaService/RegisterMedia", kOperators, ScopeKind::kNamespace},
    {"/dml.v1.OperationsService/ListBackups", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.OperationsService/StartBackup", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.OperationsService/VerifyLibrary", kOperators, ScopeKind::kLibrary},
    {"/dml.v1.PermitService/BatchEvaluate", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/ExplainDenial", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/GetPermit", kEveryone, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/GetPermitBundle", kEveryone, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/GetRevocationList", kEveryone, ScopeKind::kAny},
    {"/dml.v1.PermitService/IssuePermit", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/ListPermits", kEveryone, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/ReadPermitDocument", kEveryone, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/RevokePermit", kRevokers, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/UsePermit", kPermitUsers, ScopeKind::kEnvironment},
    {"/dml.v1.PermitService/WhatIf", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.PolicyService/GetPolicy", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.PolicyService/SetPolicy", kManagers, ScopeKind::kEnvironment},
    {"/dml.v1.ReferenceService/PublishReferences", kPublishers, ScopeKind::kNamespace},
    {"/dml.v1.ReleaseService/ApproveRelease", kApprovers, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/AttachReleaseEvidence", kAttesters, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/EvaluateRelease", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/GetRelease", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/ListReleases", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/OverrideRelease", kApprovers, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/RecordDeployment", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/SealRelease", kManagers, ScopeKind::kEnvironment},
    {"/dml.v1.ReleaseService/WithdrawRelease", kManagers, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/AbortRollout", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/BackOutRollout", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/GetRollout", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/ListRolloutNodes", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/ListRollouts", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/PauseRollout", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/ReportNode", kReporters, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/ResumeRollout", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/StartRollout", kMovers, ScopeKind::kEnvironment},
    {"/dml.v1.RolloutService/WatchRollout", kReaders, ScopeKind::kEnvironment},
    {"/dml.v1.TrustService/ListDelegations", kEveryone, ScopeKind::kAny},
    {"/dml.v1.TrustService/ListRoots", kEveryone, ScopeKind::kAny},
    {"/dml.v1.TrustService/SetDelegation", kDelegators, ScopeKind::kLibrary},
    {"/dml.v1.TrustService/SetRoot", kAdmins, ScopeKind::kLibrary},
    {"/grpc.health.v1.Health/Check", kEveryone, ScopeKind::kAny},
    {"/grpc.health.v1.Health/Watch", kEveryone, ScopeKind::kAny},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kEveryone, ScopeKind::kAny},
    // Resources over HTTP (server/http/log_site.h, observation_site.h). Entries are shown as they
    // are, whatever namespace they speak of.
    {"/http/checkpoint", kEveryone, ScopeKind::kAny},
    {"/http/entries", kAuditors | RoleSet{Role::kNode}, ScopeKind::kLibrary},
    {"/http/metrics", kAuditors, ScopeKind::kLibrary},
    {"/http/readyz", kEveryone, ScopeKind::kAny},
    {"/http/tile", kEveryone, ScopeKind::kAny},
};

static_assert(std::is_sorted(std::begin(kTable), std::end(kTable),
                             [](const AuthorizationRow& a, const AuthorizationRow& b) {
                               return a.method < b.method;
                             }));

}  // namespace

std::string_view ScopeKindName(ScopeKind kind) {
  switch (kind) {
    case ScopeKind::kSelf:
      return "self";
    case ScopeKind::kAny:
      return "any";
    case ScopeKind::kLibrary:
      return "library";
    case ScopeKind::kNamespace:
      return "namespace";
    case ScopeKind::kEnvironment:
      return "environment";
  }
  return "?";
}

std::span<const AuthorizationRow> AuthorizationTable() { return kTable; }

const AuthorizationRow* FindAuthorization(std::string_view full_method) {
  const auto* row = std::lower_bound(
      std::begin(kTable), std::end(kTable), full_method,
      [](const AuthorizationRow& a, std::string_view method) { return a.method < method; });
  if (row == std::end(kTable) || row->method != full_method) return nullptr;
  return row;
}

}  // namespace dml
