// Reads the views: single things by name.
//
// Over any Reader: a snapshot (what queries see), or the sequencer's batch (what rules see, entries
// of the same group included). Holds nothing but the reference; create one wherever needed. All
// methods answer nullopt for what is not there and fail only with the storage's errors.
#pragma once

#include <functional>

#include "core/rules/rules.h"
#include "storage/engine/engine.h"

namespace dml {

class LibraryView : public LibraryState {
 public:
  /// `reader` must outlive the view.
  explicit LibraryView(const Reader& reader) : reader_(reader) {}

  Lookup<NamespaceRecord> FindNamespace(std::string_view name) const override;
  Lookup<RetentionRecord> FindRetention(std::string_view ns) const override;
  Lookup<PackageRecord> FindPackage(const PackageName& name) const override;
  Lookup<VariantRecord> FindEqualVersion(const PackageName& name,
                                         const Version& version) const override;
  Lookup<VariantRecord> FindNthLiveVersion(const PackageName& name, uint32_t n) const override;
  Lookup<VariantRecord> FindVariant(const VariantName& name) const override;
  Lookup<AttestationRecord> FindAttestation(const VariantName& name,
                                            const Digest& envelope) const override;
  Lookup<KeyRecord> FindKey(const Digest& id) const override;
  Lookup<RootRecord> FindRoot() const override;
  Lookup<DelegationRecord> FindDelegation(const std::vector<std::string>& chain) const override;
  Lookup<LicenseDataRecord> FindLicenseData(LicenseDataKind kind) const override;
  Lookup<AdvisoryRecord> FindAdvisory(std::string_view id) const override;
  Lookup<GrantRecord> FindGrant(std::string_view principal,
                                const AccessGrant& grant) const override;
  Lookup<TokenRecord> FindToken(std::string_view id) const override;
  Lookup<HoldRecord> FindHold(const VariantName& variant, std::string_view name) const override;
  Lookup<MediaRecord> FindMedia(std::string_view name) const override;
  absl::StatusOr<bool> HasDocument(const Digest& digest) const override;
  Found<EntitlementRecord> FindEntitlement(std::string_view id) const override;
  Found<SeatUsage> FindSeatUsage(std::string_view entitlement) const override;
  Found<LeaseRecord> FindLease(std::string_view id) const override;
  absl::StatusOr<std::vector<LeaseRecord>> LeasesEnding(std::string_view entitlement,
                                                        Timestamp after,
                                                        Timestamp until) const override;
  absl::StatusOr<std::vector<LeaseRecord>> LeasesOf(std::string_view request) const override;
  Lookup<EnvironmentRecord> FindEnvironment(std::string_view name) const override;
  Lookup<NodeRecord> FindNode(std::string_view environment, std::string_view node) const override;
  Lookup<PolicyRecord> FindPolicy(std::string_view environment) const override;

  // release_view.cc
  Maybe<ReleaseRecord> FindRelease(const Digest& document) const override;
  Maybe<ReleaseRecord> FindRelease(std::string_view name, std::string_view version) const override;
  Maybe<ReleaseEnvelopeRecord> FindReleaseEnvelope(const Digest& release,
                                                   const Digest& envelope) const override;
  Maybe<DeploymentRecord> FindDeployment(const Digest& release,
                                         std::string_view environment) const override;
  // permit_view.cc
  FoundPermit<PermitRecord> FindPermit(std::string_view id) const override;
  FoundPermit<PermitUseRecord> FindPermitUse(std::string_view id,
                                             std::string_view node) const override;
  /// When the last permit for a release in an environment expires that is neither revoked nor has
  /// expired at `now`; zero where there is none.
  absl::StatusOr<Timestamp> PermittedUntil(const Digest& release, std::string_view environment,
                                           Timestamp now) const;
  /// How many permits were ever revoked, and those that have not expired at `now`, by id.
  struct Revocations {
    uint64_t count = 0;
    std::vector<PermitRecord> permits;
  };
  absl::StatusOr<Revocations> RevokedPermits(Timestamp now, size_t most) const;

  /// All of a release, by digest: at most kMaxReleaseEnvelopes.
  absl::StatusOr<std::vector<ReleaseEnvelopeRecord>> ReleaseEnvelopes(const Digest& release) const;
  /// Of a release, by environment; in exactly this environment, by release.
  absl::StatusOr<std::vector<DeploymentRecord>> DeploymentsOf(const Digest& release) const;
  absl::StatusOr<std::vector<DeploymentRecord>> DeploymentsIn(std::string_view environment) const;

  // rollout_view.cc
  Sought<RolloutRecord> FindRollout(const Digest& release,
                                    std::string_view environment) const override;
  Sought<RolloutNodeRecord> FindRolloutNode(const Digest& release, std::string_view environment,
                                            std::string_view node) const override;
  Sought<ReevaluationRecord> FindReevaluation(const Digest& release,
                                              std::string_view environment) const;
  /// Those that go on, by environment.
  absl::StatusOr<std::vector<RolloutRecord>> OpenRollouts() const;

  /// The policy set on an environment or on its nearest parent that has one.
  Lookup<PolicyRecord> FindPolicyInForce(std::string_view environment) const;
  Lookup<RequestRecord> FindRequest(std::string_view author, std::string_view request_id) const;
  /// The index of the entry that last changed what the stamp names; 0 for never.
  absl::StatusOr<uint64_t> Stamp(std::string_view name) const;

  /// The first of them.
  absl::StatusOr<std::vector<LeaseRecord>> LeasesEnding(std::string_view entitlement,
                                                        Timestamp after, Timestamp until,
                                                        size_t most) const;

  /// By chain. At most one for each delegation there ever was.
  absl::StatusOr<std::vector<DelegationRecord>> AllDelegations() const;
  /// What a principal was granted.
  absl::StatusOr<std::vector<GrantRecord>> GrantsOf(std::string_view principal) const;
  /// All keys by id, until `visit` answers false.
  absl::Status ScanKeys(const std::function<bool(const KeyRecord&)>& visit) const;

  /// All variants of a package, highest version first, until `visit` answers false.
  absl::Status ScanVariants(const PackageName& name,
                            const std::function<bool(const VariantRecord&)>& visit) const;
  /// All attestations of a variant, by envelope digest, until `visit` answers false.
  absl::Status ScanAttestations(const VariantName& name,
                                const std::function<bool(const AttestationRecord&)>& visit) const;

 private:
  template <typename Record>
  Lookup<Record> FindLast(const std::string& prefix) const;
  template <typename Record>
  Lookup<Record> Find(std::string_view key) const;
  template <typename Record>
  absl::Status Scan(const std::string& prefix,
                    const std::function<bool(const Record&)>& visit) const;

  const Reader& reader_;
};

}  // namespace dml
