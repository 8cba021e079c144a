// The list of revoked permits: what a library says of which permits count for nothing any more, so
// that whoever has a permit can know without asking (docs/formats.md, "Revoked permits").
//
// A document in a DSSE envelope of the role permit. Lists are numbered by how many permits were
// ever revoked; those that have expired are left out, as they count for nothing anyway. Pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/evidence/permit.h"
#include "core/evidence/permit_memory.h"
#include "core/trust/authority.h"

namespace dml {

inline constexpr std::string_view kRevocationListPayloadType =
    "application/vnd.dml.permit-revocations.v1+json";
inline constexpr size_t kMaxRevocationListBytes = 512 << 10;
inline constexpr size_t kMaxRevokedPermits = 4096;

struct RevokedPermit {
  std::string id;
  Timestamp expires;  // As the permit says; whole seconds.
  bool operator==(const RevokedPermit&) const = default;
};

struct RevocationList {
  std::string origin;  // Of the journal.
  uint64_t number = 0;
  Timestamp time;             // By the journal's clock; whole seconds.
  uint64_t journal_size = 0;  // All revocations in the first entries, so many, are known to it.
  std::vector<RevokedPermit> permits;  // By id, none twice.
  bool operator==(const RevocationList&) const = default;
};

/// Reads the document strictly. INVALID_ARGUMENT (REVOCATION_LIST_INVALID) with the place.
absl::StatusOr<RevocationList> ParseRevocationList(std::string_view json);
/// The document, compact, members in alphabetical order. The errors of the parser for what it would
/// refuse.
absl::StatusOr<std::string> FormatRevocationList(const RevocationList& list);

/// The list in an envelope that the role permit signed. The errors of ParseEnvelope and
/// TrustDomain::Verify; PERMISSION_DENIED: REVOCATION_LIST_UNEXPECTED, of another journal;
/// REVOCATIONS_ROLLED_BACK, older than one that was seen.
absl::StatusOr<RevocationList> OpenRevocationList(
    std::string_view envelope, const TrustDomain& domain,
    const std::optional<RememberedRevocations>& seen = std::nullopt);

/// That a permit which was decided at that index of the journal is not on the list, and that the
/// list can tell. PERMISSION_DENIED: PERMIT_REVOKED; REVOCATIONS_STALE where the list is from
/// before the permit, or older at `now` than the permit lets a revocation stay unseen.
absl::Status CheckNotRevoked(const RevocationList& list, const Permit& permit, uint64_t index,
                             Timestamp now);

}  // namespace dml
