// Keys that sign as the documents that name them say: DER, or r || s (core/trust/trust_root.h).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/trust/trust_root.h"

namespace dml {

/// Signs with another's key, which must outlive it, and writes r || s: TrustKey's scheme says so,
/// and PublicKey::Verify alone does not take it. Of a key that is not ECDSA, every signature is
/// SIGN_FAILED.
class RawSigner final : public Signer {
 public:
  explicit RawSigner(const Signer& key) : key_(key) {}
  const PublicKey& public_key() const override { return key_.public_key(); }
  absl::StatusOr<std::string> Sign(ByteSpan message) const override;

 private:
  const Signer& key_;
};

/// Several keys, each as it is known. They are borrowed, and must outlive this.
class SchemedSigners {
 public:
  /// `find` tells what is known of a key by its id; null: nothing, and its signatures stay as they
  /// are.
  SchemedSigners(std::span<const Signer* const> keys,
                 const std::function<const TrustKey*(const Digest&)>& find);
  /// All ECDSA keys write r || s, or none does.
  static SchemedSigners AllRaw(std::span<const Signer* const> keys, bool raw);

  /// In the order given.
  const std::vector<const Signer*>& get() const { return signers_; }
  /// The same with their schemes; whose they are is not said.
  const std::vector<TrustKey>& keys() const { return keys_; }

 private:
  SchemedSigners() = default;
  void Add(const Signer& key, SignatureScheme scheme);

  std::vector<std::unique_ptr<const RawSigner>> raw_;
  std::vector<const Signer*> signers_;
  std::vector<TrustKey> keys_;
};

/// The scheme that a key has where nothing else is said of it.
SignatureScheme UsualScheme(const PublicKey& key);

}  // namespace dml
