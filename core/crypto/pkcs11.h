// Keys that a token keeps to itself: a smart card, a USB token, a hardware security module, or
// SoftHSM, through the PKCS #11 (2.40) module that the key's URI names. Nothing secret leaves the
// token.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/crypto/keys.h"
#include "core/crypto/pkcs11_uri.h"

namespace dml {

class Pkcs11Module;

/// Loads modules, each once, and opens keys through them. Modules stay loaded while this object or
/// a key of theirs lives; keys may outlive this object.
///
/// Threads: one at a time for this object. A key that was opened is any thread's: it has a session
/// of its own, which one thread uses at a time while others wait.
///
/// Errors besides those named below: FAILED_PRECONDITION (PKCS11_MODULE_UNUSABLE,
/// PKCS11_MECHANISM_MISSING, PKCS11_PIN_REQUIRED, PKCS11_PIN_LOCKED, PKCS11_PIN_LAST_TRY,
/// PKCS11_LOGIN_FAILED, PKCS11_SESSION_FAILED), PERMISSION_DENIED (PKCS11_PIN_WRONG: it was tried
/// once), NOT_FOUND (PKCS11_TOKEN_NOT_FOUND), INVALID_ARGUMENT (PKCS11_TOKEN_AMBIGUOUS,
/// KEY_UNSUPPORTED, KEY_INVALID), and those of ReadPrivateFile for the PIN.
class Pkcs11Modules {
 public:
  /// The one private key that the URI means, with its public half, which the token must have beside
  /// it. NOT_FOUND (PKCS11_KEY_NOT_FOUND, PKCS11_PUBLIC_KEY_MISSING), INVALID_ARGUMENT
  /// (PKCS11_KEY_AMBIGUOUS).
  absl::StatusOr<std::unique_ptr<const Signer>> OpenKey(const Pkcs11Uri& uri);

  /// The one public key that the URI means; logs in only where the URI has a PIN, as tokens tell
  /// public keys to anyone. PKCS11_KEY_NOT_FOUND, PKCS11_KEY_AMBIGUOUS.
  absl::StatusOr<PublicKey> ReadPublicKey(const Pkcs11Uri& uri);

  /// Makes a key pair on the token, under the URI's object, which it must have, and its id, or a
  /// random one. The private half is sensitive and cannot be extracted. ALREADY_EXISTS
  /// (PKCS11_KEY_EXISTS), INVALID_ARGUMENT (PKCS11_URI_INVALID), INTERNAL
  /// (PKCS11_GENERATE_FAILED).
  absl::StatusOr<PublicKey> GenerateKey(const Pkcs11Uri& uri, KeyAlgorithm algorithm);

 private:
  struct Opened;
  enum class Access { kPublic, kSign, kWrite };
  absl::StatusOr<Opened> Open(const Pkcs11Uri& uri, Access access);

  std::map<std::string, std::shared_ptr<Pkcs11Module>> modules_;  // By path.
};

}  // namespace dml
