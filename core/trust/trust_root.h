// The trust root: who may vouch for what, in the manner of TUF's root metadata (TUF 1.0.34). It is
// the payload of a DSSE envelope of type kTrustRootPayloadType; what is signed and verified is
// these exact bytes. A delegation document passes part of a role on; it has the same keys and
// delegations. docs/formats.md has both grammars. Pure functions; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/crypto/keys.h"
#include "core/trust/signing_role.h"
#include "core/trust/subject_pattern.h"

namespace dml {

inline constexpr std::string_view kTrustRootPayloadType = "application/vnd.dml.root.v1+json";
inline constexpr std::string_view kDelegationPayloadType = "application/vnd.dml.delegation.v1+json";

inline constexpr size_t kMaxTrustDocumentBytes = 512 << 10;
inline constexpr size_t kMaxTrustKeys = 1024;    // Of one document.
inline constexpr size_t kMaxRoleKeys = 256;      // Of one role or delegation.
inline constexpr size_t kMaxDelegations = 1024;  // Of one document.
inline constexpr uint32_t kMaxThreshold = 16;    // As many signatures as an envelope has.

/// How a key's signatures are written: exactly one way for each key, so that no other is tried.
enum class SignatureScheme {
  kEd25519 = 1,        // 64 bytes (RFC 8032).
  kEcdsaP256Der = 2,   // ASN.1 DER.
  kEcdsaP256P1363 = 3  // r || s, 64 bytes (IEEE P1363), as hardware tokens write them.
};

struct TrustKey {
  PublicKey key;
  SignatureScheme scheme = SignatureScheme::kEd25519;
  std::string holder;  // A name as of a namespace: "pat". Two keys of one holder count once.
  bool person = true;  // Else a machine.
  bool operator==(const TrustKey&) const = default;
};

/// Keys of the same document by id, ascending, distinct; and how many different holders must sign.
struct RoleKeys {
  uint32_t threshold = 1;
  std::vector<Digest> key_ids;
  bool operator==(const RoleKeys&) const = default;
};

/// A role for some subjects goes to other keys, and on to whom those name in a delegation document.
struct Delegation {
  std::string name;  // As of a namespace; of one document no two are alike.
  SigningRole role = SigningRole::kPublisher;
  std::vector<SubjectPattern> subjects;
  RoleKeys keys;
  bool terminating = false;  // Nobody after it is asked about a subject that it covers.
  bool operator==(const Delegation&) const = default;
};

struct TrustRoot {
  std::string origin;           // Of the journal.
  std::string previous_origin;  // Where this root moves to a new journal: the one before; else "".
  uint64_t log_start_size = 0;  // Smaller checkpoints of this log key are not believed.
  uint64_t version = 1;
  Timestamp expires;                      // To the second.
  std::vector<TrustKey> keys;             // By id, ascending.
  std::map<SigningRole, RoleKeys> roles;  // Root and log are there. For all subjects.
  std::vector<Delegation> delegations;    // In the order of precedence.
  bool operator==(const TrustRoot&) const = default;
};

struct DelegationDocument {
  std::vector<std::string> chain;  // The delegation that it speaks for: names from the root on.
  uint64_t version = 1;
  Timestamp expires;
  std::vector<TrustKey> keys;
  std::vector<Delegation> delegations;
  bool operator==(const DelegationDocument&) const = default;
};

/// Reads a document strictly. INVALID_ARGUMENT (ROOT_INVALID, DELEGATION_INVALID, or the reason of
/// what is wrong: KEY_UNSUPPORTED, PATTERN_INVALID, ROLE_UNKNOWN, NAME_INVALID) with the place.
/// Refused are also: a threshold of 0, above kMaxThreshold, or above the number of holders that
/// can meet it; a key twice; an unknown key id; a machine's key in a role of persons; a role that
/// cannot be delegated in a delegation.
absl::StatusOr<TrustRoot> ParseTrustRoot(std::string_view json);
absl::StatusOr<DelegationDocument> ParseDelegationDocument(std::string_view json);

/// The document, indented, members in alphabetical order, last line ended. The errors of the parser
/// for what it would refuse.
absl::StatusOr<std::string> FormatTrustRoot(const TrustRoot& root);
absl::StatusOr<std::string> FormatDelegationDocument(const DelegationDocument& document);

/// Of a list by id, ascending; nullptr where it is not in it.
const TrustKey* FindTrustKey(const std::vector<TrustKey>& keys, const Digest& id);

}  // namespace dml
