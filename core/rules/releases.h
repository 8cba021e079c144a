// What rules and projections ask about releases, and the one way in which both reckon the state
// that an event leaves. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "core/journal/entry.h"
#include "core/journal/release_records.h"

namespace dml {

/// The part of the state that is about releases; see LibraryState.
class ReleaseLookup {
 public:
  template <typename T>
  using Maybe = absl::StatusOr<std::optional<T>>;

  virtual ~ReleaseLookup() = default;
  virtual Maybe<ReleaseRecord> FindRelease(const Digest& document) const = 0;
  virtual Maybe<ReleaseRecord> FindRelease(std::string_view name,
                                           std::string_view version) const = 0;
  virtual Maybe<ReleaseEnvelopeRecord> FindReleaseEnvelope(const Digest& release,
                                                           const Digest& envelope) const = 0;
  virtual Maybe<DeploymentRecord> FindDeployment(const Digest& release,
                                                 std::string_view environment) const = 0;
};

/// The record after an attestation came: TESTED once all evidence that the release requires is
/// there, at least one attestation. FAILED_PRECONDITION (RELEASE_STATE_UNEXPECTED).
absl::StatusOr<ReleaseRecord> AfterAttestation(ReleaseRecord record, std::string_view type);

/// The record after an event at the time of its entry; none: it is the first in that environment.
/// FAILED_PRECONDITION (RELEASE_STATE_UNEXPECTED).
absl::StatusOr<DeploymentRecord> AfterEvent(std::optional<DeploymentRecord> record,
                                            const ReleaseRecord& release,
                                            std::string_view environment, DeploymentEvent event,
                                            Timestamp time);

}  // namespace dml
