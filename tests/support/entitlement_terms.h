// Entries of terms for tests of what follows from them: rules do not look into envelopes, so that
// any bytes do for one. Signed ones are in the tests of PrepareEntitlement.
#pragma once

#include <string>
#include <vector>

#include "core/crypto/sha256.h"
#include "core/journal/entry.h"

namespace dml::testing {

inline const std::string kSomeEnvelope = "an envelope";

inline EntitlementGranted Granted(Entitlement terms) {
  return {std::move(terms), 1, {Sha256(kSomeEnvelope), kSomeEnvelope.size()}};
}
inline EntitlementAmended Amended(Entitlement terms, std::string etag, uint64_t revision) {
  return {
      std::move(terms), std::move(etag), revision, {Sha256(kSomeEnvelope), kSomeEnvelope.size()}};
}
/// The metadata of a command with one of these.
inline std::vector<std::string> MetadataOf(const EntryPayload& payload) {
  return std::vector<std::string>(MetadataBlobs(payload).size(), kSomeEnvelope);
}

}  // namespace dml::testing
