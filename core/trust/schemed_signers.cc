#include "core/trust/schemed_signers.h"

#include <utility>

#include "core/crypto/ecdsa_signature.h"

namespace dml {

absl::StatusOr<std::string> RawSigner::Sign(ByteSpan message) const {
  DML_ASSIGN_OR_RETURN(std::string der, key_.Sign(message));
  absl::StatusOr<std::string> raw = EcdsaP1363OfDer(AsBytes(der));
  if (raw.ok()) return raw;
  return Internal(ErrorReason("SIGN_FAILED"), "key {} does not sign with ECDSA, so not as r || s",
                  public_key().id().hex());
}

SchemedSigners::SchemedSigners(std::span<const Signer* const> keys,
                               const std::function<const TrustKey*(const Digest&)>& find) {
  for (const Signer* key : keys) {
    const TrustKey* known = find(key->public_key().id());
    Add(*key, known != nullptr ? known->scheme : UsualScheme(key->public_key()));
  }
}

SchemedSigners SchemedSigners::AllRaw(std::span<const Signer* const> keys, bool raw) {
  SchemedSigners out;
  for (const Signer* key : keys) {
    const bool ecdsa = key->public_key().algorithm() == KeyAlgorithm::kEcdsaP256;
    out.Add(*key, raw && ecdsa ? SignatureScheme::kEcdsaP256P1363 : UsualScheme(key->public_key()));
  }
  return out;
}

void SchemedSigners::Add(const Signer& key, SignatureScheme scheme) {
  keys_.push_back({key.public_key(), scheme, "", false});
  if (scheme != SignatureScheme::kEcdsaP256P1363) {
    signers_.push_back(&key);
    return;
  }
  raw_.push_back(std::make_unique<const RawSigner>(key));
  signers_.push_back(raw_.back().get());
}

SignatureScheme UsualScheme(const PublicKey& key) {
  return key.algorithm() == KeyAlgorithm::kEd25519 ? SignatureScheme::kEd25519
                                                   : SignatureScheme::kEcdsaP256Der;
}

}  // namespace dml
