// Keys that sign for a library, as its trust root says.
#pragma once

#include <span>

#include "client/client.h"
#include "core/trust/schemed_signers.h"

namespace dml {

/// The keys, each with the scheme that the trust in force names for it: r || s where that says so.
/// The library is asked only where one of them is ECDSA; without a pinned root nothing is known.
/// The errors of Client::GetTrust otherwise. The keys must outlive what is returned.
absl::StatusOr<SchemedSigners> SignersFor(Client& client, std::span<const Signer* const> keys);

/// FAILED_PRECONDITION (KEY_REVOKED) where the library says that one of the keys is revoked: its
/// signature would count for nothing. Keys that it does not know pass.
absl::Status CheckNotRevoked(Client& client, std::span<const Signer* const> keys);

}  // namespace dml
