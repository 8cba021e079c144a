// The rules of each kind of entry. Internal to core/rules.
#pragma once

#include "core/rules/rules.h"

namespace dml {

inline constexpr size_t kMaxEntryReason = 1024;

/// TEXT_TOO_LONG, TEXT_NOT_UTF8, at the field.
absl::Status CheckText(std::string_view text, size_t max, std::string_view field);
/// REASON_REQUIRED, or as CheckText.
absl::Status CheckReason(std::string_view reason);
absl::Status CheckLabels(const Labels& labels);

class Decider {
 public:
  Decider(const LibraryState& state, Timestamp now) : state_(state), now_(now) {}

  // rules.cc: namespaces, environments, policies.
  absl::Status operator()(const LibraryCreated&) const;
  absl::Status operator()(const NamespaceCreated& p) const;
  absl::Status operator()(const NamespaceRetentionSet& p) const;
  absl::Status operator()(const EnvironmentCreated& p) const;
  absl::Status operator()(const NodeCreated& p) const;
  absl::Status operator()(const PolicySet& p) const;

  // decide_content.cc: variants.
  absl::Status operator()(const VersionPublished& p) const;
  absl::Status operator()(const AttestationAttached& p) const;
  absl::Status operator()(const VersionWithdrawn& p) const;
  absl::Status operator()(const PayloadCollected& p) const;
  absl::Status operator()(const AdmissionDecided& p) const;
  absl::Status operator()(const VariantScanned& p) const;
  absl::Status operator()(const HoldPlaced& p) const;
  absl::Status operator()(const HoldReleased& p) const;

  // decide_trust.cc: who may vouch for and ask what.
  absl::Status operator()(const RootSet& p) const;
  absl::Status operator()(const DelegationSet& p) const;
  absl::Status operator()(const KeyRegistered& p) const;
  absl::Status operator()(const KeyRevoked& p) const;
  absl::Status operator()(const RoleGranted& p) const;
  absl::Status operator()(const RoleRevoked& p) const;
  absl::Status operator()(const TokenIssued& p) const;
  absl::Status operator()(const TokenRevoked& p) const;
  absl::Status operator()(const AuditRecorded& p) const;
  absl::Status operator()(const ClockAccepted&) const { return absl::OkStatus(); }
  absl::Status operator()(const LicenseDataSet& p) const;
  absl::Status operator()(const AdvisorySet& p) const;          // decide_advisory.cc
  absl::Status operator()(const ReferencesPublished& p) const;  // decide_references.cc

  // decide_custody.cc: things on shelves.
  absl::Status operator()(const MediaRegistered& p) const;
  absl::Status operator()(const CustodyRecorded& p) const;

  // decide_seats.cc: entitlements and leases.
  absl::Status operator()(const EntitlementGranted& p) const;
  absl::Status operator()(const EntitlementAmended& p) const;
  absl::Status operator()(const SeatsReserved& p) const;
  absl::Status operator()(const LeaseCommitted& p) const;
  absl::Status operator()(const LeaseExtended& p) const;
  absl::Status operator()(const LeaseReleased& p) const;
  absl::Status operator()(const LeaseBorrowed& p) const;

  // decide_releases.cc
  absl::Status operator()(const ReleaseSealed& p) const;
  absl::Status operator()(const ReleaseAttested& p) const;
  absl::Status operator()(const ReleaseApproved& p) const;
  absl::Status operator()(const ReleaseWithdrawn& p) const;
  absl::Status operator()(const ReleaseMoved& p) const;

  // decide_permits.cc
  absl::Status operator()(const PermitDecided& p) const;
  absl::Status operator()(const PermitRevoked& p) const;
  absl::Status operator()(const PermitUsed& p) const;

  // decide_rollouts.cc
  absl::Status operator()(const RolloutStarted& p) const;
  absl::Status operator()(const NodeReported& p) const;
  absl::Status operator()(const RolloutSteered& p) const;
  absl::Status operator()(const ReleaseOverridden& p) const;
  absl::Status operator()(const ReleaseReevaluated& p) const;

 private:
  absl::StatusOr<RolloutRecord> ExistingRollout(const Digest& release,
                                                std::string_view environment) const;
  absl::Status CheckNotReviewed(const Digest& release, std::string_view environment) const;
  absl::Status CheckPermits(const RolloutStarted& p) const;
  /// One that was not denied, has not expired and is not revoked.
  absl::StatusOr<PermitRecord> ExistingPermit(const std::string& id) const;
  absl::StatusOr<ReleaseRecord> ExistingRelease(const Digest& document) const;
  absl::Status CheckEnvelopeIsNew(const ReleaseRecord& release,
                                  const ReleaseEnvelope& envelope) const;
  absl::Status CheckNamespaceExists(std::string_view name) const;
  absl::Status CheckEnvironmentExists(std::string_view name) const;
  absl::Status CheckTerms(const Entitlement& terms, uint64_t revision,
                          const BlobRef& envelope) const;
  absl::Status CheckGrant(const AccessGrant& grant) const;
  absl::StatusOr<VariantRecord> ExistingVariant(const VariantName& name) const;
  absl::Status CheckSignedByPublisher(const VersionPublished& p) const;
  absl::Status CheckSchemeIsFixed(const VersionPublished& p) const;
  absl::Status CheckVersionIsFree(const VersionPublished& p) const;
  absl::StatusOr<bool> IsVouchedFor(const AttestationRef& ref, const PackageName& package) const;
  absl::Status CheckMayGo(const VariantRecord& variant) const;
  absl::Status CheckMayBeCollected(const VariantRecord& variant) const;
  absl::StatusOr<bool> AmongHighest(const VariantRecord& variant, uint32_t count) const;

  const LibraryState& state_;
  const Timestamp now_;
};

}  // namespace dml
