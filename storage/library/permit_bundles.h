// The documents by which others judge permits, made from what the library holds: whoever asks twice
// gets the same permit, with proofs of the same entry. Functions without state; any thread.
#pragma once

#include <span>
#include <string>

#include "core/crypto/keys.h"
#include "core/evidence/permit_bundle.h"
#include "core/journal/permit_records.h"
#include "storage/library/library.h"
#include "storage/library/trust.h"

namespace dml {

/// The permit of a decision, signed with the library's key.
absl::StatusOr<std::string> SignPermit(const Reader& state, const PermitDecided& decided,
                                       const Signer& key);

struct BundleWishes {
  std::vector<uint64_t> history_sizes;  // At most kMaxBundleHistories; those beyond are left out.
  uint64_t after_root = 0;              // Roots after this version.
};

/// The bundle of a permit, by a checkpoint that covers its entry: the newest, or, where its policy
/// demands witnesses, the newest with cosignatures. FAILED_PRECONDITION: PERMIT_DENIED,
/// PERMIT_REVOKED, PERMIT_EXPIRED: nobody is to act on it any more.
absl::StatusOr<PermitBundle> AssemblePermitBundle(Library& library, const Reader& state,
                                                  const PermitRecord& permit, const Signer& key,
                                                  const BundleWishes& wishes, Timestamp now);

/// The list of revoked permits of a state, signed. RESOURCE_EXHAUSTED (REVOCATION_LIST_TOO_LARGE).
struct SignedRevocations {
  std::string envelope;
  uint64_t number = 0;
  Timestamp time;
};
absl::StatusOr<SignedRevocations> SignRevocations(const Reader& state, std::string_view origin,
                                                  const Signer& key, Timestamp now);

}  // namespace dml
