// Entries and records <-> their stored bytes (proto/dml/journal/v1, docs/formats.md).
//
// Decoding is strict about what the domain needs (digests of 32 bytes, names, known payloads) and
// answers DATA_LOSS (ENTRY_INVALID, RECORD_INVALID), because the bytes come from the store.
#pragma once

#include <string>
#include <string_view>

#include "core/journal/records.h"
#include "core/journal/rollout_records.h"

namespace dml::wire {

/// The exact bytes of an entry: serialized once, the Merkle leaf for ever. At most kMaxEntryBytes,
/// else INVALID_ARGUMENT (ENTRY_TOO_LARGE).
absl::StatusOr<std::string> EncodeEntry(const Entry& entry);
absl::StatusOr<Entry> DecodeEntry(std::string_view bytes);

/// SHA-256 of an entry with only its payload set: equal for a request and its retry.
Digest PayloadDigest(const EntryPayload& payload);

std::string Encode(const NamespaceRecord& record);
std::string Encode(const RetentionRecord& record);
std::string Encode(const PackageRecord& record);
std::string Encode(const VariantRecord& record);
std::string Encode(const AttestationRecord& record);
std::string Encode(const KeyRecord& record);
std::string Encode(const RootRecord& record);
std::string Encode(const DelegationRecord& record);
std::string Encode(const LicenseDataRecord& record);
std::string Encode(const AdvisoryRecord& record);
std::string Encode(const GrantRecord& record);
std::string Encode(const TokenRecord& record);
std::string Encode(const PermitRecord& record);
std::string Encode(const PermitUseRecord& record);
std::string Encode(const HoldRecord& record);
std::string Encode(const MediaRecord& record);
std::string Encode(const CustodyRecord& record);
std::string Encode(const EntitlementRecord& record);
std::string Encode(const ReleaseRecord& record);
std::string Encode(const ReleaseEnvelopeRecord& record);
std::string Encode(const DeploymentRecord& record);
std::string Encode(const RolloutRecord& record);
std::string Encode(const RolloutNodeRecord& record);
std::string Encode(const ReevaluationRecord& record);
std::string Encode(const SeatUsage& usage);
std::string Encode(const LeaseRecord& record);
std::string Encode(const EnvironmentRecord& record);
std::string Encode(const NodeRecord& record);
std::string Encode(const PolicyRecord& record);
std::string Encode(const RequestRecord& record);
std::string Encode(const RelationRecord& record);

/// Decode<NamespaceRecord>(bytes) and so on, for each record above.
template <typename Record>
absl::StatusOr<Record> Decode(std::string_view bytes);

}  // namespace dml::wire
