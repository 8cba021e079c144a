// Entries: the state changes of a library, as values.
//
// An entry's exact bytes (core/wire/entry.h) are a leaf of the journal for ever. A payload is also
// what a command proposes: rules accept or refuse it as it stands, so that an entry never says
// anything but what its author asked for. What each payload means for the state is written by the
// projections in storage/views.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/digest.h"
#include "core/base/labels.h"
#include "core/base/time.h"
#include "core/journal/advisory_entries.h"
#include "core/journal/custody_entries.h"
#include "core/journal/license_entries.h"
#include "core/journal/permit_entries.h"
#include "core/journal/reference_entries.h"
#include "core/journal/release_entries.h"
#include "core/journal/retention.h"
#include "core/journal/rollout_entries.h"
#include "core/journal/seat_entries.h"
#include "core/journal/trust_entries.h"
#include "core/package/names.h"
#include "core/version/version.h"

namespace dml {

/// Entry bundles of C2SP tlog-tiles carry a 16-bit length.
inline constexpr size_t kMaxEntryBytes = 65535;

/// A DSSE envelope that is stored as a metadata blob.
struct AttestationRef {
  BlobRef envelope;
  std::string predicate_type;
  Digest subject;               // What the statement is about.
  std::vector<Digest> key_ids;  // Keys with a good signature, ascending, distinct.
  bool operator==(const AttestationRef&) const = default;
};

/// The first entry of every journal.
struct LibraryCreated {
  std::string origin;        // Checkpoint origin.
  std::string log_key_spki;  // DER.
  bool operator==(const LibraryCreated&) const = default;
};

struct NamespaceCreated {
  std::string name;
  std::string description;
  Labels labels;
  bool operator==(const NamespaceCreated&) const = default;
};

struct VersionPublished {
  VariantName variant;
  VersionScheme scheme = VersionScheme::kSemver;
  BlobRef manifest;
  BlobRef spec;
  uint64_t payload_size = 0;  // Bytes of all files together.
  uint32_t file_count = 0;
  std::vector<AttestationRef> attestations;  // At least the publication.
  AdmissionState admission = AdmissionState::kAccepted;
  std::string quarantine_reason;   // Where quarantined.
  std::optional<ScanReport> scan;  // Where it was scanned.
  bool operator==(const VersionPublished&) const = default;
};

struct AttestationAttached {
  VariantName variant;
  AttestationRef attestation;
  bool operator==(const AttestationAttached&) const = default;
};

struct VersionWithdrawn {
  VariantName variant;
  std::string reason;
  bool operator==(const VersionWithdrawn&) const = default;
};

/// Payload that the namespaces' retention policies let go is about to be deleted; identity and
/// evidence stay for ever.
struct PayloadCollected {
  std::vector<VariantName> variants;  // Ascending, distinct.
  BlobRef digest_list;  // Metadata blob: the digests of their files, one "sha256:<hex>\n" a line.
  bool operator==(const PayloadCollected&) const = default;
};

struct EnvironmentCreated {
  std::string name;
  std::string description;
  Labels labels;
  bool operator==(const EnvironmentCreated&) const = default;
};

struct NodeCreated {
  std::string environment;
  std::string name;
  Labels labels;
  bool operator==(const NodeCreated&) const = default;
};

struct PolicySet {
  std::string environment;
  BlobRef document;
  std::string replaces_etag;   // Of the revision that the author saw; "" for the first.
  BlobRef envelope{};          // Of a PolicyClaim, of the role policy; size 0: nobody signed it.
  std::string force_reason{};  // Why, though it would lock everyone out; "": it would not.
  bool operator==(const PolicySet&) const = default;
};

/// Takes the place of the policy before.
struct NamespaceRetentionSet {
  std::string name;
  RetentionPolicy policy;
  std::string replaces_etag;  // Of the policy that the author saw; empty where there was none.
  bool operator==(const NamespaceRetentionSet&) const = default;
};

using EntryPayload = std::variant<
    LibraryCreated, NamespaceCreated, KeyRegistered, KeyRevoked, VersionPublished,
    AttestationAttached, VersionWithdrawn, PayloadCollected, EnvironmentCreated, NodeCreated,
    PolicySet, NamespaceRetentionSet, RootSet, DelegationSet, RoleGranted, RoleRevoked, TokenIssued,
    TokenRevoked, PermitDecided, AdmissionDecided, VariantScanned, HoldPlaced, HoldReleased,
    MediaRegistered, CustodyRecorded, EntitlementGranted, EntitlementAmended, SeatsReserved,
    LeaseCommitted, LeaseExtended, LeaseReleased, LeaseBorrowed, AuditRecorded, LicenseDataSet,
    AdvisorySet, ClockAccepted, ReleaseSealed, ReleaseAttested, ReleaseApproved, ReleaseWithdrawn,
    ReleaseMoved, PermitRevoked, PermitUsed, RolloutStarted, NodeReported, RolloutSteered,
    ReleaseOverridden, ReleaseReevaluated, ReferencesPublished>;

struct Entry {
  uint64_t index = 0;
  Timestamp time;          // Never decreases from entry to entry.
  std::string author;      // Opaque principal id.
  std::string request_id;  // UUID, "" for the daemon's own entries.
  EntryPayload payload;
  bool operator==(const Entry&) const = default;
};

/// "version_published", ...: the stable word for a payload's kind.
std::string_view EntryKind(const EntryPayload& payload);
/// One line for people: "publish packages/acme/api/versions/1.0.0/variants/any".
std::string EntrySummary(const EntryPayload& payload);
/// The metadata blobs that an entry names by digest: durable before it, kept for ever.
std::vector<BlobRef> MetadataBlobs(const EntryPayload& payload);

}  // namespace dml
