// Entries about releases, and what the views know of them; see core/journal/entry.h. What a release
// consists of is in its document, a metadata blob.
#pragma once

#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/release/release_state.h"

namespace dml {

/// A DSSE envelope about a release document, stored as a metadata blob.
struct ReleaseEnvelope {
  BlobRef envelope;
  std::string predicate_type;
  std::vector<Digest> key_ids;  // Keys with a good signature, ascending, distinct.
  bool operator==(const ReleaseEnvelope&) const = default;
};

/// From here on the document is what it is, under its name and version for ever.
struct ReleaseSealed {
  std::string name;
  std::string version;
  std::vector<std::string> environments;  // As the document has them.
  BlobRef document;
  ReleaseEnvelope seal;                 // ReleaseClaim, of the role release.
  std::vector<BlobRef> configurations;  // That items of the document name; by digest, distinct.
  bool operator==(const ReleaseSealed&) const = default;
};

/// An attestation about the release: a test result, provenance, a review, ...
struct ReleaseAttested {
  Digest release;  // Document.
  ReleaseEnvelope attestation;
  bool operator==(const ReleaseAttested&) const = default;
};

/// Somebody's yes for one environment.
struct ReleaseApproved {
  Digest release;
  std::string environment;
  ReleaseEnvelope approval;  // ApprovalClaim, of the role approver over the environment.
  Digest findings;           // That the approver saw.
  Timestamp expires;
  bool operator==(const ReleaseApproved&) const = default;
};

struct ReleaseWithdrawn {
  Digest release;
  std::string reason;
  std::string replaces_etag;  // Of the state that the author saw.
  bool operator==(const ReleaseWithdrawn&) const = default;
};

/// What happened to a release in an environment, but for approvals and permits.
struct ReleaseMoved {
  Digest release;
  std::string environment;
  DeploymentEvent event = DeploymentEvent::kStart;  // From kStart on.
  std::string reason;         // Why it was halted or backed out, what a review came to.
  std::string replaces_etag;  // Of the state that the author saw.
  bool operator==(const ReleaseMoved&) const = default;
};

}  // namespace dml
