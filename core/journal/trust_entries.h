// Entries about who may do and vouch for what; see core/journal/entry.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/package/names.h"

namespace dml {

/// The journal goes on under another name from here on: it lacks entries that were signed under the
/// one before, as after a backup was restored, so that it must not sign under that any more.
struct OriginMove {
  std::string origin;           // Of the checkpoints from here on.
  std::string previous_origin;  // Of those before.
  std::string last_checkpoint;  // The highest that was signed before, a signed note; "": lost.
  bool operator==(const OriginMove&) const = default;
};

/// The trust root from here on (core/trust/trust_root.h): version 1, or the one after the last.
struct RootSet {
  uint64_t version = 0;
  BlobRef envelope;                               // Metadata blob.
  std::optional<OriginMove> move = std::nullopt;  // Where the root names a new origin.
  bool operator==(const RootSet&) const = default;
};

/// What a delegation passes on from here on, in the place of an earlier version.
struct DelegationSet {
  std::vector<std::string> chain;  // Names from the root on.
  uint64_t version = 0;
  BlobRef envelope;  // Metadata blob.
  bool operator==(const DelegationSet&) const = default;
};

/// How keys came into libraries before there were trust roots. Nothing makes such entries any more;
/// the first root of such a library takes their keys over.
struct KeyRegistered {
  std::string spki;                     // DER.
  std::string owner;                    // The person or machine that holds the key.
  std::vector<std::string> roles;       // Signing roles, ascending, distinct.
  std::vector<std::string> namespaces;  // Names, or "*"; ascending, distinct.
  bool operator==(const KeyRegistered&) const = default;
};

/// A signing key counts for nothing from here on, whatever the root says, for ever.
struct KeyRevoked {
  Digest key_id;
  std::string reason;
  bool operator==(const KeyRevoked&) const = default;
};

/// What a principal may ask, and where.
struct AccessGrant {
  std::string role;   // A word of core/access/role.h.
  std::string scope;  // "": everything; "namespaces/N"; "environments/E", what is below it too.
  auto operator<=>(const AccessGrant&) const = default;
};

struct RoleGranted {
  std::string principal;  // Opaque id: a SPIFFE id, or "<issuer>#<subject>".
  AccessGrant grant;
  bool operator==(const RoleGranted&) const = default;
};

struct RoleRevoked {
  std::string principal;
  AccessGrant grant;
  std::string reason;
  bool operator==(const RoleRevoked&) const = default;
};

/// A bearer of the secret is the principal "token:<id>".
struct TokenIssued {
  std::string id;
  Digest secret;                    // SHA-256 of 32 random bytes that only the bearer knows.
  std::vector<AccessGrant> grants;  // Ascending, distinct.
  Timestamp expires;
  bool operator==(const TokenIssued&) const = default;
};

struct TokenRevoked {
  std::string id;
  std::string reason;
  bool operator==(const TokenRevoked&) const = default;
};

/// How far the audit log of refused calls has come (core/audit/audit_line.h): lines up to here can
/// be neither changed nor removed unseen.
struct AuditRecorded {
  uint64_t lines = 0;  // From the log's first to the one that is the head.
  Digest head;         // SHA-256 of that line.
  bool operator==(const AuditRecorded&) const = default;
};

/// An operator says that it is this time: the journal's time may step forward to it, however far
/// (storage/library/journal_clock.h).
struct ClockAccepted {
  Timestamp time;
  bool operator==(const ClockAccepted&) const = default;
};

}  // namespace dml
