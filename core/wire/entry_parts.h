// Conversions of the entries about trust, access, custody and seats. Internal to core/wire.
#pragma once

#include "core/journal/entry.h"
#include "dml/journal/v1/entry.pb.h"

namespace dml::wire {

namespace pb = ::dml::journal::v1;

pb::Admission ToProto(AdmissionState admission);
absl::StatusOr<AdmissionState> FromProto(pb::Admission admission);
void To(const ScanReport& report, pb::ScanReport* out);
absl::StatusOr<ScanReport> From(const pb::ScanReport& in);

void To(const RootSet& value, pb::RootSet* out);
void To(const DelegationSet& value, pb::DelegationSet* out);
void To(const RoleGranted& value, pb::RoleGranted* out);
void To(const TokenIssued& value, pb::TokenIssued* out);
void To(const HoldPlaced& value, pb::HoldPlaced* out);
void To(const MediaRegistered& value, pb::MediaRegistered* out);
void To(const CopyRange& value, pb::CopyRange* out);
void To(const CustodyRecorded& value, pb::CustodyRecorded* out);
void To(const LicenseDataSet& value, pb::LicenseDataSet* out);
void To(const AdvisorySet& value, pb::AdvisorySet* out);

absl::StatusOr<RootSet> From(const pb::RootSet& in);
absl::StatusOr<DelegationSet> From(const pb::DelegationSet& in);
absl::StatusOr<RoleGranted> From(const pb::RoleGranted& in);
absl::StatusOr<TokenIssued> From(const pb::TokenIssued& in);
absl::StatusOr<HoldPlaced> From(const pb::HoldPlaced& in);
absl::StatusOr<MediaRegistered> From(const pb::MediaRegistered& in);
CopyRange From(const pb::CopyRange& in);
absl::StatusOr<CustodyRecorded> From(const pb::CustodyRecorded& in);
absl::StatusOr<LicenseDataSet> From(const pb::LicenseDataSet& in);
absl::StatusOr<AdvisorySet> From(const pb::AdvisorySet& in);

void Put(const KeyRegistered& p, pb::Entry& out);
void Put(const KeyRevoked& p, pb::Entry& out);
void Put(const RootSet& p, pb::Entry& out);
void Put(const DelegationSet& p, pb::Entry& out);
void Put(const RoleGranted& p, pb::Entry& out);
void Put(const RoleRevoked& p, pb::Entry& out);
void Put(const TokenIssued& p, pb::Entry& out);
void Put(const TokenRevoked& p, pb::Entry& out);
void Put(const PermitDecided& p, pb::Entry& out);
void Put(const AdmissionDecided& p, pb::Entry& out);
void Put(const VariantScanned& p, pb::Entry& out);
void Put(const HoldPlaced& p, pb::Entry& out);
void Put(const HoldReleased& p, pb::Entry& out);
void Put(const MediaRegistered& p, pb::Entry& out);
void Put(const CustodyRecorded& p, pb::Entry& out);
void Put(const EntitlementGranted& p, pb::Entry& out);
void Put(const EntitlementAmended& p, pb::Entry& out);
void Put(const SeatsReserved& p, pb::Entry& out);
void Put(const LeaseCommitted& p, pb::Entry& out);
void Put(const LeaseExtended& p, pb::Entry& out);
void Put(const LeaseReleased& p, pb::Entry& out);
void Put(const LeaseBorrowed& p, pb::Entry& out);
void Put(const LicenseDataSet& p, pb::Entry& out);
void Put(const ReleaseSealed& p, pb::Entry& out);
void Put(const ReleaseAttested& p, pb::Entry& out);
void Put(const ReleaseApproved& p, pb::Entry& out);
void Put(const ReleaseWithdrawn& p, pb::Entry& out);
void Put(const ReleaseMoved& p, pb::Entry& out);
void Put(const AdvisorySet& p, pb::Entry& out);
void Put(const PermitRevoked& p, pb::Entry& out);
void Put(const PermitUsed& p, pb::Entry& out);
void Put(const RolloutStarted& p, pb::Entry& out);
void Put(const NodeReported& p, pb::Entry& out);
void Put(const RolloutSteered& p, pb::Entry& out);
void Put(const ReleaseOverridden& p, pb::Entry& out);
void Put(const ReleaseReevaluated& p, pb::Entry& out);

void To(const ReleaseEnvelope& value, pb::ReleaseEnvelope* out);
absl::StatusOr<ReleaseEnvelope> From(const pb::ReleaseEnvelope& in);
void Put(const ReferencesPublished& p, pb::Entry& out);

void To(const Entitlement& terms, pb::EntitlementTerms* out);
absl::StatusOr<Entitlement> From(const pb::EntitlementTerms& in);
void To(const SeatRequest& item, pb::SeatItem* out);
SeatRequest From(const pb::SeatItem& in);

/// The payload of an entry about trust, access, custody or license data.
absl::StatusOr<EntryPayload> GetTrustPayload(const pb::Entry& in);
/// The payload of an entry about entitlements and leases.
absl::StatusOr<EntryPayload> GetSeatPayload(const pb::Entry& in);
/// The payload of an entry about releases.
absl::StatusOr<EntryPayload> GetReleasePayload(const pb::Entry& in);
/// The payload of an entry about permits.
absl::StatusOr<EntryPayload> GetPermitPayload(const pb::Entry& in);
/// The payload of an entry about rollouts, overrides and re-evaluations.
absl::StatusOr<EntryPayload> GetRolloutPayload(const pb::Entry& in);
/// The payload of an entry about references.
absl::StatusOr<EntryPayload> GetReferencePayload(const pb::Entry& in);
/// DATA_LOSS (ENTRY_INVALID): the entry is of a kind that this version does not know.
absl::StatusOr<EntryPayload> UnknownPayload(const pb::Entry& in);

}  // namespace dml::wire
