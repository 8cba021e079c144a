// The fold of one entry into the views. Internal to storage/views.
#pragma once

#include "core/crypto/sha256.h"
#include "core/package/package_spec.h"
#include "core/rules/command.h"
#include "core/trust/dsse.h"
#include "core/wire/entry.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"
#include "storage/views/view_keys.h"

namespace dml {

class Application {
 public:
  Application(const Entry& entry, const Reader& metadata, Batch& views)
      : entry_(entry), metadata_(metadata), views_(views), state_(views) {}

  absl::Status operator()(const LibraryCreated&) { return absl::OkStatus(); }

  absl::Status operator()(const NamespaceCreated& p) {
    NamespaceRecord record{p.name, p.description, p.labels, entry_.index, entry_.time};
    Put(view_keys::Namespace(p.name), wire::Encode(record));
    return absl::OkStatus();
  }

  absl::Status operator()(const VersionPublished& p);
  absl::Status operator()(const VersionWithdrawn& p);
  absl::Status operator()(const PayloadCollected& p);
  absl::Status operator()(const AdmissionDecided& p);
  absl::Status operator()(const VariantScanned& p);
  absl::Status operator()(const HoldPlaced& p);
  absl::Status operator()(const HoldReleased& p);

  // project_trust.cc
  absl::Status operator()(const RootSet& p);
  absl::Status operator()(const DelegationSet& p);
  absl::Status operator()(const KeyRegistered& p);
  absl::Status operator()(const KeyRevoked& p);
  absl::Status operator()(const RoleGranted& p);
  absl::Status operator()(const RoleRevoked& p);
  absl::Status operator()(const TokenIssued& p);
  absl::Status operator()(const TokenRevoked& p);
  absl::Status operator()(const AuditRecorded&) {
    Stamp(kAuditStamp);
    return absl::OkStatus();
  }
  absl::Status operator()(const ClockAccepted&) { return absl::OkStatus(); }
  absl::Status operator()(const LicenseDataSet& p);
  absl::Status operator()(const AdvisorySet& p);          // project_advisories.cc
  absl::Status operator()(const ReferencesPublished& p);  // project_references.cc
  absl::Status operator()(const MediaRegistered& p);
  absl::Status operator()(const CustodyRecorded& p);

  // project_seats.cc
  absl::Status operator()(const EntitlementGranted& p);
  absl::Status operator()(const EntitlementAmended& p);
  absl::Status operator()(const SeatsReserved& p);
  absl::Status operator()(const LeaseCommitted& p);
  absl::Status operator()(const LeaseExtended& p);
  absl::Status operator()(const LeaseReleased& p);
  absl::Status operator()(const LeaseBorrowed& p);

  // Of another entry's; see core/rules/seats.h.
  absl::Status ReturnSeats(const std::string& reservation, ReturnWhich which);
  // project_permits.cc
  absl::Status operator()(const PermitDecided& p);
  absl::Status operator()(const PermitRevoked& p);
  absl::Status operator()(const PermitUsed& p);

  // project_releases.cc
  absl::Status operator()(const ReleaseSealed& p);
  absl::Status operator()(const ReleaseAttested& p);
  absl::Status operator()(const ReleaseApproved& p);
  absl::Status operator()(const ReleaseWithdrawn& p);
  absl::Status operator()(const ReleaseMoved& p);

  // project_rollouts.cc
  absl::Status operator()(const RolloutStarted& p);
  absl::Status operator()(const NodeReported& p);
  absl::Status operator()(const RolloutSteered& p);
  absl::Status operator()(const ReleaseOverridden& p);
  absl::Status operator()(const ReleaseReevaluated& p);

  absl::Status operator()(const AttestationAttached& p) {
    DML_ASSIGN_OR_RETURN(VariantRecord record, ExistingVariant(p.variant));
    DML_RETURN_IF_ERROR(PutAttestation(p.attestation, record));
    DML_RETURN_IF_ERROR(PutVariant(record));
    Stamp(PackageStamp(p.variant.package));
    return absl::OkStatus();
  }

  absl::Status operator()(const EnvironmentCreated& p) {
    EnvironmentRecord record{p.name, p.description, p.labels, entry_.index, entry_.time};
    Put(view_keys::Environment(p.name), wire::Encode(record));
    // What is judged of an environment is judged of all below it.
    for (size_t end = p.name.size(); end != std::string::npos && end > 0;
         end = p.name.rfind('/', end - 1)) {
      Stamp(EnvironmentStamp(std::string_view(p.name).substr(0, end)));
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const NodeCreated& p) {
    NodeRecord record{p.environment, p.name, p.labels, entry_.index, entry_.time};
    Put(view_keys::Node(p.environment, p.name), wire::Encode(record));
    Stamp(EnvironmentStamp(p.environment));
    return absl::OkStatus();
  }

  absl::Status operator()(const PolicySet& p) {
    DML_ASSIGN_OR_RETURN(auto before, state_.FindPolicy(p.environment));
    uint64_t revision = before.has_value() ? before->revision + 1 : 1;
    PolicyRecord record{p.environment, revision,      p.document, entry_.index,
                        entry_.time,   entry_.author, p.envelope};
    std::string bytes = wire::Encode(record);
    Put(view_keys::Policy(p.environment), bytes);
    Put(view_keys::PolicyRevision(p.environment, revision), bytes);
    Stamp(EnvironmentStamp(p.environment));
    return absl::OkStatus();
  }

  absl::Status operator()(const NamespaceRetentionSet& p) {
    RetentionRecord record{p.name, p.policy, entry_.index, entry_.time, entry_.author};
    Put(view_keys::Retention(p.name), wire::Encode(record));
    return absl::OkStatus();
  }

  absl::Status RememberRequest();

 private:
  void Put(std::string_view key, std::string_view value) { views_.Put(Table::kViews, key, value); }
  void Stamp(std::string_view name) {
    Put(view_keys::Stamp(name), KeyBuilder().U64(entry_.index).Build());
  }
  absl::Status Broken(std::string_view what) const {
    return DataLoss(ErrorReason("JOURNAL_INCONSISTENT"), "entry {} names {}", entry_.index, what);
  }
  // Counts it in `variant`, unless an equal envelope is there; the caller puts that.
  absl::Status PutAttestation(const AttestationRef& ref, VariantRecord& variant);
  absl::Status PutVariant(const VariantRecord& record) {
    DML_ASSIGN_OR_RETURN(Version version, Version::Parse(record.scheme, record.name.version));
    Put(view_keys::Variant(record.name.package, version, record.name.platform),
        wire::Encode(record));
    return absl::OkStatus();
  }
  absl::StatusOr<PackageSpec> ReadSpec(const BlobRef& ref) const {
    DML_ASSIGN_OR_RETURN(std::string bytes, ReadMetadata(metadata_, ref));
    return ParsePackageSpec(bytes);
  }
  absl::StatusOr<VariantRecord> ExistingVariant(const VariantName& name) const {
    DML_ASSIGN_OR_RETURN(auto found, state_.FindVariant(name));
    if (!found.has_value()) return Broken("a variant that is not published");
    return *std::move(found);
  }
  absl::Status RefreshPackage(PackageRecord record);
  // The rows by which a variant is found for deployment; `there` puts them, else they go.
  absl::Status SetIndexRows(const VariantRecord& record, bool there);
  void SetScan(const ScanReport& scan, VariantRecord& record) const;
  // Puts a variant whose state changed, with all that follows from it.
  absl::Status PutChanged(VariantRecord record);
  void PutLease(const LeaseRecord& record);
  void DeleteLease(const Lease& lease);
  // The counts of all entitlements in `ledger`.
  absl::Status PutUsage(const EntitlementLedger& ledger);
  // `record` with its terms, the claim that they are from, and when they were first granted.
  void PutTerms(EntitlementRecord record);
  // The new leases of a reservation, or the changed one, as they are in `ledger`.
  absl::Status PutReserved(const std::string& id, const EntitlementLedger& ledger);
  absl::Status PutMoved(const std::string& lease, const EntitlementLedger& ledger,
                        const std::string& force_reason);
  void PutRelease(ReleaseRecord record);
  void PutDeployment(DeploymentRecord record);
  // Counts it in `release`; the caller puts that.
  void PutEnvelope(ReleaseEnvelopeRecord record, ReleaseRecord& release);
  absl::StatusOr<ReleaseRecord> ExistingRelease(const Digest& document) const;
  // What an event of a permit does to the release in its environment, where it is of both.
  absl::Status MoveByPermit(const PermitDecided& permit, DeploymentEvent event);
  absl::StatusOr<PermitRecord> ExistingPermit(const std::string& id) const;
  void PutPermit(const PermitRecord& record);
  void PutRollout(RolloutRecord record);
  void PutRolloutNode(const RolloutRecord& rollout, const RolloutNodeRecord& node);
  absl::Status MoveDeployment(const RolloutRecord& rollout, DeploymentState before);
  absl::StatusOr<RolloutRecord> ExistingRollout(const Digest& release,
                                                const std::string& environment) const;
  absl::Status PutPermitted(const Digest& document, const std::string& environment);
  // What the documents in force let each key vouch for.
  absl::Status RefreshKeys();
  absl::StatusOr<std::string> EnvelopePayload(const BlobRef& envelope) const;

  const Entry& entry_;
  const Reader& metadata_;
  Batch& views_;
  LibraryView state_;
};

}  // namespace dml
