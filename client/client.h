// dml::Client: everything a service can ask of a library, in domain values.
//
// Thread-safe; one Client is enough for a process. Calls block. Idempotent calls are retried by
// themselves (RetryOptions); mutations carry a request id made once per call, so that a retry never
// does a thing twice. Errors are the server's: code, reason (dml::Reason), field violations.
//
// Every receipt and checkpoint that arrives is checked: signed by the pinned log key, and
// consistent with the last one seen. A log that went back or forked is DATA_LOSS (LOG_FORKED,
// LOG_WENT_BACK), and both checkpoints are kept as evidence beside the state file.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/answers.h"
#include "client/options.h"
#include "client/trust.h"

namespace dml {

class Connection;

class Client {
 public:
  /// Connects lazily: the first call finds out whether the server is there.
  static absl::StatusOr<Client> Create(ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Catalog.
  absl::StatusOr<Committed<NamespaceRecord>> CreateNamespace(const std::string& name,
                                                             const std::string& description,
                                                             const Labels& labels,
                                                             const MutationOptions& options = {});
  absl::StatusOr<NamespaceRecord> GetNamespace(const std::string& ns);
  absl::StatusOr<ListPage<NamespaceRecord>> ListNamespaces(const ListOptions& options);
  /// A namespace without a policy keeps everything, under index 0 and etag "".
  absl::StatusOr<RetentionRecord> GetRetention(const std::string& ns);
  /// Replaces the policy of that etag.
  absl::StatusOr<Committed<RetentionRecord>> SetRetention(const std::string& ns,
                                                          const RetentionPolicy& policy,
                                                          const std::string& etag,
                                                          const MutationOptions& options = {});
  absl::StatusOr<PackageRecord> GetPackage(const PackageName& name);
  absl::StatusOr<ListPage<PackageRecord>> ListPackages(const std::string& ns,
                                                       const ListOptions& options);
  absl::StatusOr<VariantDetails> GetVariant(const VariantName& name);
  absl::StatusOr<ListPage<VariantRecord>> ListVariants(const PackageName& package,
                                                       const ListOptions& options);
  absl::StatusOr<ListPage<VariantRecord>> SearchVariants(const ListOptions& options);
  absl::StatusOr<Committed<VariantRecord>> PublishDocuments(
      const std::string& manifest, const std::string& spec,
      const std::vector<std::string>& envelopes, const MutationOptions& options = {});
  absl::StatusOr<Committed<VariantRecord>> Withdraw(const VariantName& name,
                                                    const std::string& reason,
                                                    const MutationOptions& options = {});
  absl::StatusOr<Committed<AttestationRecord>> Attach(const VariantName& name,
                                                      const std::string& envelope,
                                                      const MutationOptions& options = {});

  // Trust: the newest root, walked to from the pinned one (options.h), and all under it.
  // FAILED_PRECONDITION: ROOT_REQUIRED where none is pinned, ROOT_EXPIRED; the errors of WalkRoots.
  // `expired_too`: to renew it; nothing may be judged by it then.
  absl::StatusOr<Trust> GetTrust(bool expired_too = false);
  /// The next root, or a delegation's document, as an envelope; the version.
  absl::StatusOr<Committed<uint64_t>> SetRoot(const std::string& envelope,
                                              const MutationOptions& options = {});
  absl::StatusOr<Committed<uint64_t>> SetDelegation(const std::string& envelope,
                                                    const MutationOptions& options = {});
  /// The root after the newest, in which the key may vouch for those packages, too.
  absl::StatusOr<TrustRoot> DraftRegistration(const KeyRegistration& registration);
  /// The same, signed with keys of the root role and set. PERMISSION_DENIED (THRESHOLD_NOT_MET)
  /// where more must sign.
  absl::StatusOr<Committed<KeyRecord>> RegisterKey(const KeyRegistration& registration,
                                                   std::span<const Signer* const> root_keys,
                                                   const MutationOptions& options = {});
  absl::StatusOr<KeyRecord> GetKey(const Digest& id);
  absl::StatusOr<ListPage<KeyRecord>> ListKeys(const ListOptions& options);
  absl::StatusOr<Committed<KeyRecord>> RevokeKey(const Digest& id, const std::string& reason,
                                                 const MutationOptions& options = {});
  absl::StatusOr<ListPage<KeySignature>> ListSignatures(const Digest& id,
                                                        const ListOptions& options);

  // Access. A token's secret is told once.
  absl::StatusOr<CallerIdentity> WhoAmI();
  absl::StatusOr<std::vector<MethodPermission>> ListPermissions();
  absl::StatusOr<Commit> GrantRole(const std::string& principal, const AccessGrant& grant,
                                   const MutationOptions& options = {});
  absl::StatusOr<Commit> RevokeRole(const std::string& principal, const AccessGrant& grant,
                                    const std::string& reason, const MutationOptions& options = {});
  absl::StatusOr<ListPage<GrantRecord>> ListGrants(const ListOptions& options);
  absl::StatusOr<Committed<IssuedToken>> IssueToken(const std::vector<AccessGrant>& grants,
                                                    Timestamp expires,
                                                    const MutationOptions& options = {});
  absl::StatusOr<Commit> RevokeToken(const std::string& id, const std::string& reason,
                                     const MutationOptions& options = {});
  absl::StatusOr<ListPage<TokenRecord>> ListTokens(const ListOptions& options);
  absl::Status SetPrincipalName(const std::string& principal,
                                const std::string& display_name);  // "" erases it.
  absl::StatusOr<ListPage<NamedPrincipal>> ListPrincipalNames(const ListOptions& options);

  // Admission and custody.
  absl::StatusOr<Committed<VariantRecord>> DecideAdmission(const VariantName& name,
                                                           AdmissionState admission,
                                                           const std::string& reason,
                                                           const MutationOptions& options = {});
  absl::StatusOr<bool> StartScan();  // False where one is under way.
  absl::StatusOr<ScanStatus> GetScan();
  absl::StatusOr<Commit> PlaceHold(const HoldPlaced& hold, const MutationOptions& options = {});
  absl::StatusOr<Commit> ReleaseHold(const HoldReleased& hold, const MutationOptions& options = {});
  absl::StatusOr<ListPage<HoldRecord>> ListHolds(const ListOptions& options);
  absl::StatusOr<Committed<MediaRecord>> RegisterMedia(const MediaRegistered& item,
                                                       const MutationOptions& options = {});
  absl::StatusOr<MediaRecord> GetMedia(const std::string& name);
  absl::StatusOr<ListPage<MediaRecord>> ListMedia(const ListOptions& options);
  absl::StatusOr<Committed<MediaRecord>> RecordCustody(const CustodyRecorded& custody,
                                                       const MutationOptions& options = {});
  absl::StatusOr<ListPage<CustodyRecord>> ListCustody(const std::string& name,
                                                      const ListOptions& options);

  // Environments, nodes, policy.
  absl::StatusOr<Committed<EnvironmentRecord>> CreateEnvironment(
      const std::string& name, const std::string& description, const Labels& labels,
      const MutationOptions& options = {});
  absl::StatusOr<EnvironmentRecord> GetEnvironment(const std::string& name);
  absl::StatusOr<ListPage<EnvironmentRecord>> ListEnvironments(const ListOptions& options);
  absl::StatusOr<Committed<NodeRecord>> CreateNode(const std::string& environment,
                                                   const std::string& name, const Labels& labels,
                                                   const MutationOptions& options = {});
  absl::StatusOr<NodeRecord> GetNode(const std::string& environment, const std::string& name);
  absl::StatusOr<ListPage<NodeRecord>> ListNodes(const std::string& environment,
                                                 const ListOptions& options);
  absl::StatusOr<PolicyDocument> GetPolicy(const std::string& environment);
  /// `etag` "": there must be no policy yet.

  // Questions. Exactly one of environment and policy_document is not empty.
  absl::StatusOr<LicenseAnswer> EvaluateLicense(const std::string& expression,
                                                const std::string& environment,
                                                const std::string& policy_document);
  absl::StatusOr<LicenseAnswer> EvaluateVariantLicense(const VariantName& name,
                                                       const std::string& environment,
                                                       const std::string& policy_document);
  absl::StatusOr<CompatibilityAnswer> CheckSet(const std::vector<VariantName>& variants);
  /// Relations whose range holds a version, given with its scheme, "deb:1:2.36-9", or a version of
  /// a range, "vers:deb/>=2.36"; "": all. INVALID_ARGUMENT (VERSION_SCHEME_UNKNOWN) for another
  /// prefix or none.
  absl::StatusOr<ListPage<RelationUse>> WhoRequires(RelationKind kind, const std::string& name,
                                                    const std::string& version,
                                                    const ListOptions& options);
  absl::StatusOr<ListPage<RelationUse>> WhoProvides(RelationKind kind, const std::string& name,
                                                    const ListOptions& options);
  absl::StatusOr<GateAnswer> Evaluate(const std::vector<VariantName>& variants,
                                      const std::string& environment);

  // The journal.
  absl::StatusOr<Checkpoint> GetCheckpoint(std::string* note = nullptr);
  absl::StatusOr<ListPage<JournalLine>> ListEntries(uint64_t start_index, const std::string& kind,
                                                    bool newest_first, const ListOptions& options);
  absl::StatusOr<ProvenEntry> ProveEntry(uint64_t index);
  /// The proof that the tree of `second` entries starts with that of `first`, not checked yet.
  absl::StatusOr<std::vector<Digest>> GetConsistencyProof(uint64_t first, uint64_t second);
  /// Recent checkpoints with the lines of witnesses, newest first, not checked yet.
  absl::StatusOr<std::vector<std::string>> ListCosignedCheckpoints();
  /// Hands in a checkpoint with lines of witnesses; returns it with all that the library keeps.
  /// `witness_keys` (c2sp.org/tlog-policy) say whose they are, where the trust root names none.
  absl::StatusOr<std::string> AddCosignatures(const std::string& note,
                                              const std::vector<std::string>& witness_keys = {});

  // Operation.
  absl::StatusOr<ServerStatus> GetStatus();
  absl::StatusOr<ViewsVerdict> VerifyViews();
  /// It is `now`, and the library's clock is right. CLOCK_DISAGREES, CLOCK_IN_STEP.
  absl::StatusOr<Commit> AcceptClock(Timestamp now, const MutationOptions& options = {});
  // Work that takes long: Start... returns at once, and changes nothing where it is under way.
  absl::StatusOr<JobStatus> StartCollection();
  absl::StatusOr<CollectionStatus> GetCollection();
  absl::StatusOr<JobStatus> StartRepack();
  absl::StatusOr<RepackStatus> GetRepack();
  absl::StatusOr<JobStatus> StartCollectionPlan();
  /// ABORTED (PLAN_CHANGED): the page token is of an earlier plan.
  absl::StatusOr<CollectionPlanStatus> GetCollectionPlan(const ListOptions& options);
  absl::StatusOr<JobStatus> StartScrub(uint64_t bytes_per_second);  // 0: as configured.
  absl::StatusOr<ScrubStatus> GetScrub();
  absl::StatusOr<JobStatus> StartMeasurement();
  absl::StatusOr<StorageStatus> GetStorageFigures();

  Connection& connection() { return *connection_; }  // For transfer.h and log_watch.h.

 private:
  explicit Client(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace dml
