// Rules: whether a command may become an entry, given the state before it.
//
// Pure: no clock, no I/O beyond the state handed in, the same answer for the same state. Called by
// the sequencer, one command at a time, each seeing the entries before it.
#pragma once

#include <optional>

#include "core/journal/records.h"
#include "core/rules/command.h"
#include "core/rules/permits.h"
#include "core/rules/releases.h"
#include "core/rules/rollouts.h"
#include "core/rules/seats.h"

namespace dml {

/// What a variant may have. Whoever judges one reads all of its attestations, so there is a bound;
/// the last places are for publications, so that no other evidence keeps a further publisher out.
inline constexpr uint32_t kMaxVariantAttestations = 1000;
inline constexpr uint32_t kPlacesForPublications = 100;

/// The state that rules look at. Implemented by storage/views over the batch being built, and by a
/// fake in tests. Errors are those of the storage below (DATA_LOSS, UNAVAILABLE), never NOT_FOUND.
class LibraryState : public SeatState,
                     public ReleaseLookup,
                     public PermitLookup,
                     public RolloutLookup {
 public:
  template <typename T>
  using Lookup = absl::StatusOr<std::optional<T>>;

  virtual Lookup<NamespaceRecord> FindNamespace(std::string_view name) const = 0;
  virtual Lookup<RetentionRecord> FindRetention(std::string_view ns) const = 0;
  virtual Lookup<PackageRecord> FindPackage(const PackageName& name) const = 0;
  /// Any variant of the version whose precedence equals `version`'s, whatever its text.
  virtual Lookup<VariantRecord> FindEqualVersion(const PackageName& name,
                                                 const Version& version) const = 0;
  /// Any live variant of the n-th highest version (from 1) among those that have one.
  virtual Lookup<VariantRecord> FindNthLiveVersion(const PackageName& name, uint32_t n) const = 0;
  virtual Lookup<VariantRecord> FindVariant(const VariantName& name) const = 0;
  virtual Lookup<AttestationRecord> FindAttestation(const VariantName& name,
                                                    const Digest& envelope) const = 0;
  virtual Lookup<KeyRecord> FindKey(const Digest& id) const = 0;
  /// The one in force.
  virtual Lookup<RootRecord> FindRoot() const = 0;
  virtual Lookup<DelegationRecord> FindDelegation(const std::vector<std::string>& chain) const = 0;
  /// The one in force.
  virtual Lookup<LicenseDataRecord> FindLicenseData(LicenseDataKind kind) const = 0;
  /// Its last revision, a withdrawal too.
  virtual Lookup<AdvisoryRecord> FindAdvisory(std::string_view id) const = 0;
  virtual Lookup<GrantRecord> FindGrant(std::string_view principal,
                                        const AccessGrant& grant) const = 0;
  virtual Lookup<TokenRecord> FindToken(std::string_view id) const = 0;
  virtual Lookup<HoldRecord> FindHold(const VariantName& variant, std::string_view name) const = 0;
  virtual Lookup<MediaRecord> FindMedia(std::string_view name) const = 0;
  /// Whether a document or medium with this content is registered, or a metadata blob (a manifest)
  /// kept for ever.
  virtual absl::StatusOr<bool> HasDocument(const Digest& digest) const = 0;
  virtual Lookup<EnvironmentRecord> FindEnvironment(std::string_view name) const = 0;
  virtual Lookup<NodeRecord> FindNode(std::string_view environment,
                                      std::string_view node) const = 0;
  /// The policy set on exactly this environment.
  virtual Lookup<PolicyRecord> FindPolicy(std::string_view environment) const = 0;
};

/// OK when the payload may be appended in an entry of journal time `now`. Codes that callers branch
/// on: NOT_FOUND (something that it names is missing), ALREADY_EXISTS (the name is bound,
/// tombstones included), FAILED_PRECONDITION (the state forbids it; ATTESTATION_LIMIT,
/// PAYLOAD_IN_USE), ABORTED (etag), PERMISSION_DENIED (no signature of a key that may vouch for the
/// package), INVALID_ARGUMENT.
absl::Status Decide(const EntryPayload& payload, const LibraryState& state, Timestamp now);

}  // namespace dml
