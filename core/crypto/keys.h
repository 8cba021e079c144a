// Signing keys: Ed25519 (RFC 8032) and ECDSA over P-256 with SHA-256 (FIPS 186-4), through OpenSSL.
//
// Nothing else is accepted, so that a key's algorithm is decided by the key and never by a message.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/digest.h"

struct evp_pkey_st;  // EVP_PKEY; <openssl/*> stays inside core/crypto.

namespace dml {

enum class KeyAlgorithm { kEd25519, kEcdsaP256 };

/// "ed25519" or "ecdsa-p256".
std::string_view KeyAlgorithmName(KeyAlgorithm algorithm);
/// The reverse; INVALID_ARGUMENT (KEY_UNSUPPORTED) for any other word.
absl::StatusOr<KeyAlgorithm> ParseKeyAlgorithm(std::string_view name);

/// A public key. A value: copies share one immutable OpenSSL object; any thread may use it.
class PublicKey {
 public:
  /// Reads a SubjectPublicKeyInfo (RFC 8410; RFC 5480 with the named curve and an uncompressed
  /// point). One key has one encoding only, so that nobody counts twice by writing it differently.
  /// INVALID_ARGUMENT: KEY_UNSUPPORTED for other algorithms and forms, KEY_INVALID for a point that
  /// is not on the curve.
  static absl::StatusOr<PublicKey> FromSpkiDer(ByteSpan der);
  /// The same in one PEM block "PUBLIC KEY" with nothing after it (else KEY_INVALID).
  static absl::StatusOr<PublicKey> FromSpkiPem(std::string_view pem);
  /// What tokens have: the 32 bytes of RFC 8032, or an uncompressed point of P-256 (SEC 1, 65
  /// bytes). KEY_INVALID for anything else.
  static absl::StatusOr<PublicKey> FromPoint(KeyAlgorithm algorithm, std::string_view point);

  KeyAlgorithm algorithm() const { return algorithm_; }
  const std::string& spki_der() const { return spki_der_; }
  /// The key's identity: SHA-256 of its SubjectPublicKeyInfo.
  const Digest& id() const { return id_; }
  /// The 32 bytes of RFC 8032 for Ed25519; empty for other algorithms. Valid while the key lives.
  std::string_view raw_ed25519() const;
  std::string ToPem() const;

  /// Checks a signature over the whole message: 64 bytes for Ed25519, ASN.1 DER for ECDSA (never
  /// r || s). PERMISSION_DENIED (SIGNATURE_INVALID) for whatever is not a good one.
  absl::Status Verify(ByteSpan message, ByteSpan signature) const;

  bool operator==(const PublicKey& other) const { return spki_der_ == other.spki_der_; }

 private:
  PublicKey(KeyAlgorithm algorithm, std::string spki_der, std::shared_ptr<evp_pkey_st> handle);

  KeyAlgorithm algorithm_;
  std::string spki_der_;
  Digest id_;
  std::shared_ptr<evp_pkey_st> handle_;
};

/// A private key that is used, never read: one in memory, or one that a token keeps to itself
/// (core/crypto/pkcs11.h). Any thread may call these methods.
class Signer {
 public:
  virtual ~Signer() = default;

  virtual const PublicKey& public_key() const = 0;
  /// A signature over the whole message that public_key().Verify accepts. INTERNAL (SIGN_FAILED)
  /// where it cannot be made.
  virtual absl::StatusOr<std::string> Sign(ByteSpan message) const = 0;

 protected:
  Signer() = default;
  Signer(Signer&&) = default;
  Signer& operator=(Signer&&) = default;
};

/// A private key in memory with its public half. Movable; after a move only destruction and
/// assignment are allowed.
class PrivateKey final : public Signer {
 public:
  /// A new key from the random generator; aborts only where that or memory fails.
  static PrivateKey Generate(KeyAlgorithm algorithm);

  /// Reads one PEM block "PRIVATE KEY" or "ENCRYPTED PRIVATE KEY" (PKCS #8, RFC 5958). The
  /// encryption must be PBES2 with PBKDF2 (RFC 8018) of at most 5 million iterations. A passphrase
  /// is ignored where the key is not encrypted.
  /// FAILED_PRECONDITION (KEY_ENCRYPTED) where a passphrase is needed and none was given.
  /// INVALID_ARGUMENT: KEY_PASSPHRASE_WRONG, KEY_UNSUPPORTED (algorithm, encryption or block),
  /// KEY_INVALID (damaged, or public and private half do not belong together).
  static absl::StatusOr<PrivateKey> FromPkcs8Pem(
      std::string_view pem, std::optional<std::string_view> passphrase = std::nullopt);

  /// PKCS #8 PEM; with a passphrase encrypted with AES-256-CBC under PBKDF2-HMAC-SHA-256, 600 000
  /// iterations. INVALID_ARGUMENT (KEY_PASSPHRASE_EMPTY) for an empty passphrase.
  absl::StatusOr<std::string> ToPkcs8Pem(
      std::optional<std::string_view> passphrase = std::nullopt) const;

  const PublicKey& public_key() const override { return public_key_; }
  absl::StatusOr<std::string> Sign(ByteSpan message) const override;

  /// For core/crypto only; borrowed.
  evp_pkey_st* handle() const { return handle_.get(); }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  PrivateKey(std::unique_ptr<evp_pkey_st, Free> handle, PublicKey public_key)
      : handle_(std::move(handle)), public_key_(std::move(public_key)) {}
  // Takes ownership; refuses other algorithms and halves that do not match.
  static absl::StatusOr<PrivateKey> Adopt(evp_pkey_st* handle);

  std::unique_ptr<evp_pkey_st, Free> handle_;
  PublicKey public_key_;
};

}  // namespace dml
