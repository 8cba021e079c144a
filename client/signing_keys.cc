#include "client/signing_keys.h"

#include <algorithm>

namespace dml {

absl::StatusOr<SchemedSigners> SignersFor(Client& client, std::span<const Signer* const> keys) {
  const auto nothing_known = [](const Digest&) { return nullptr; };
  const bool any = std::ranges::any_of(keys, [](const Signer* key) {
    return key->public_key().algorithm() == KeyAlgorithm::kEcdsaP256;
  });
  if (!any) return SchemedSigners(keys, nothing_known);
  absl::StatusOr<Trust> trust = client.GetTrust();
  if (Reason(trust.status()) == "ROOT_REQUIRED") return SchemedSigners(keys, nothing_known);
  if (!trust.ok()) return trust.status();
  return SchemedSigners(keys, [&](const Digest& id) { return trust->domain->FindKey(id); });
}

absl::Status CheckNotRevoked(Client& client, std::span<const Signer* const> keys) {
  for (const Signer* key : keys) {
    absl::StatusOr<KeyRecord> record = client.GetKey(key->public_key().id());
    if (absl::IsNotFound(record.status())) continue;
    if (!record.ok()) return record.status();
    if (!record->revoked) continue;
    return FailedPrecondition(ErrorReason("KEY_REVOKED"),
                              "key {} was revoked at entry {}: {}; its signatures count for "
                              "nothing: sign with another key, and let the trust root name it "
                              "first (dml key register)",
                              key->public_key().id().ToString(), record->revoked_index,
                              record->revoke_reason);
  }
  return absl::OkStatus();
}

}  // namespace dml
