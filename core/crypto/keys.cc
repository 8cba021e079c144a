#include "core/crypto/keys.h"

#include <array>
#include <cstdlib>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>

#include "core/crypto/openssl_util.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr size_t kMaxKeyPemBytes = 16 * 1024;
constexpr int kPbkdf2Iterations = 600'000;
constexpr int64_t kMaxPbkdf2Iterations = 5'000'000;

// Everything before the 32 bytes of an Ed25519 key (RFC 8410 section 4).
constexpr std::string_view kEd25519SpkiPrefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
                                              12);
constexpr size_t kEd25519RawSize = 32;
// Everything before the 64 bytes x || y of an uncompressed point of P-256 (RFC 5480 section 2).
constexpr std::string_view kP256SpkiPrefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);
constexpr size_t kP256PointSize = 64;

std::optional<KeyAlgorithm> AlgorithmOfSpki(std::string_view der) {
  if (der.size() == kEd25519SpkiPrefix.size() + kEd25519RawSize &&
      der.substr(0, kEd25519SpkiPrefix.size()) == kEd25519SpkiPrefix) {
    return KeyAlgorithm::kEd25519;
  }
  if (der.size() == kP256SpkiPrefix.size() + kP256PointSize &&
      der.substr(0, kP256SpkiPrefix.size()) == kP256SpkiPrefix) {
    return KeyAlgorithm::kEcdsaP256;
  }
  return std::nullopt;
}

const unsigned char* Data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// OpenSSL tells "no data yet" from "empty" by the pointer in places; never hand it a null one.
const unsigned char* DataOf(ByteSpan bytes) {
  static constexpr unsigned char kNothing = 0;
  return bytes.empty() ? &kNothing : bytes.data();
}

const EVP_MD* SignatureDigest(KeyAlgorithm algorithm) {
  return algorithm == KeyAlgorithm::kEd25519 ? nullptr : EVP_sha256();
}

absl::Status BadKey(std::string_view what) {
  return InvalidArgument(ErrorReason("KEY_INVALID"), "{}: {}", what, TakeOpenSslError());
}

// Only PBES2 with PBKDF2 under the iteration cap: the count is the file's, the time is ours.
absl::Status CheckEncryption(const X509_SIG& encrypted) {
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(&encrypted, &algorithm, nullptr);
  auto unsupported = [] {
    TakeOpenSslError();
    return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                           "the private key is not encrypted with PBES2 and PBKDF2 of at most {} "
                           "iterations; convert it with 'openssl pkcs8 -topk8 -v2 aes-256-cbc'",
                           kMaxPbkdf2Iterations);
  };
  if (OBJ_obj2nid(algorithm->algorithm) != NID_pbes2) return unsupported();
  OpenSslPtr<PBE2PARAM> pbe(static_cast<PBE2PARAM*>(
      ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter)));
  if (pbe == nullptr || OBJ_obj2nid(pbe->keyfunc->algorithm) != NID_id_pbkdf2) return unsupported();
  OpenSslPtr<PBKDF2PARAM> pbkdf2(static_cast<PBKDF2PARAM*>(
      ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe->keyfunc->parameter)));
  int64_t iterations = 0;
  if (pbkdf2 == nullptr || ASN1_INTEGER_get_int64(&iterations, pbkdf2->iter) != 1 ||
      iterations < 1 || iterations > kMaxPbkdf2Iterations) {
    return unsupported();
  }
  return absl::OkStatus();
}

absl::StatusOr<OpenSslPtr<PKCS8_PRIV_KEY_INFO>> DecryptPkcs8(
    std::string_view der, std::optional<std::string_view> passphrase) {
  if (!passphrase.has_value()) {
    return FailedPrecondition(ErrorReason("KEY_ENCRYPTED"),
                              "the private key is encrypted; give its passphrase");
  }
  const unsigned char* at = Data(der);
  OpenSslPtr<X509_SIG> encrypted(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (encrypted == nullptr || at != Data(der) + der.size()) {
    return BadKey("the encrypted private key is damaged");
  }
  DML_RETURN_IF_ERROR(CheckEncryption(*encrypted));
  OpenSslPtr<PKCS8_PRIV_KEY_INFO> info(
      PKCS8_decrypt(encrypted.get(), passphrase->data(), static_cast<int>(passphrase->size())));
  if (info == nullptr) {
    TakeOpenSslError();
    return InvalidArgument(ErrorReason("KEY_PASSPHRASE_WRONG"),
                           "the passphrase does not open the private key, or the key is damaged");
  }
  return info;
}

absl::StatusOr<OpenSslPtr<PKCS8_PRIV_KEY_INFO>> ReadPkcs8(
    const PemBlock& block, std::optional<std::string_view> passphrase) {
  if (block.label == "ENCRYPTED PRIVATE KEY") return DecryptPkcs8(block.der, passphrase);
  if (block.label != "PRIVATE KEY") {
    return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                           "PEM block '{}' is not a PKCS #8 private key; convert it with 'openssl "
                           "pkcs8 -topk8'",
                           block.label);
  }
  const unsigned char* at = Data(block.der);
  OpenSslPtr<PKCS8_PRIV_KEY_INFO> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(block.der.size())));
  if (info == nullptr || at != Data(block.der) + block.der.size()) {
    return BadKey("the private key is damaged");
  }
  return info;
}

std::string SpkiOf(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = i2d_PUBKEY(key, &der);
  if (size < 0) return "";
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace

std::string_view KeyAlgorithmName(KeyAlgorithm algorithm) {
  return algorithm == KeyAlgorithm::kEd25519 ? "ed25519" : "ecdsa-p256";
}

absl::StatusOr<KeyAlgorithm> ParseKeyAlgorithm(std::string_view name) {
  for (KeyAlgorithm algorithm : {KeyAlgorithm::kEd25519, KeyAlgorithm::kEcdsaP256}) {
    if (name == KeyAlgorithmName(algorithm)) return algorithm;
  }
  return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                         "key algorithm '{}' is not known; use ed25519 or ecdsa-p256",
                         name.substr(0, 64));
}

PublicKey::PublicKey(KeyAlgorithm algorithm, std::string spki_der,
                     std::shared_ptr<evp_pkey_st> handle)
    : algorithm_(algorithm),
      spki_der_(std::move(spki_der)),
      id_(Sha256(spki_der_)),
      handle_(std::move(handle)) {}

absl::StatusOr<PublicKey> PublicKey::FromSpkiDer(ByteSpan der) {
  std::string_view text = AsText(der);
  std::optional<KeyAlgorithm> algorithm = AlgorithmOfSpki(text);
  if (!algorithm.has_value()) {
    return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                           "a public key of {} bytes is neither Ed25519 nor ECDSA P-256 with an "
                           "uncompressed point; make one of those",
                           der.size());
  }
  const unsigned char* at = der.data();
  std::shared_ptr<EVP_PKEY> handle(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())),
                                   OpenSslFree());
  if (handle == nullptr || at != der.data() + der.size()) {
    return BadKey("the public key is not a point of its curve");
  }
  return PublicKey(*algorithm, std::string(text), std::move(handle));
}

absl::StatusOr<PublicKey> PublicKey::FromSpkiPem(std::string_view pem) {
  DML_ASSIGN_OR_RETURN(PemBlock block, ReadPem(pem, kMaxKeyPemBytes, ErrorReason("KEY_INVALID")));
  if (block.label != "PUBLIC KEY") {
    return InvalidArgument(ErrorReason("KEY_INVALID"),
                           "PEM block '{}' is not a PUBLIC KEY; print one with 'openssl pkey "
                           "-pubout'",
                           block.label);
  }
  return FromSpkiDer(AsBytes(block.der));
}

absl::StatusOr<PublicKey> PublicKey::FromPoint(KeyAlgorithm algorithm, std::string_view point) {
  const bool is_ed25519 = algorithm == KeyAlgorithm::kEd25519;
  // The prefix for P-256 ends in the 0x04 that the point begins with.
  std::string der(is_ed25519 ? kEd25519SpkiPrefix
                             : kP256SpkiPrefix.substr(0, kP256SpkiPrefix.size() - 1));
  der += point;
  if (AlgorithmOfSpki(der) != algorithm) {
    return InvalidArgument(ErrorReason("KEY_INVALID"), "{} bytes are no public key of {}",
                           point.size(), KeyAlgorithmName(algorithm));
  }
  return FromSpkiDer(AsBytes(der));
}

std::string_view PublicKey::raw_ed25519() const {
  if (algorithm_ != KeyAlgorithm::kEd25519) return {};
  return std::string_view(spki_der_).substr(kEd25519SpkiPrefix.size());
}

std::string PublicKey::ToPem() const { return WritePem("PUBLIC KEY", spki_der_); }

absl::Status PublicKey::Verify(ByteSpan message, ByteSpan signature) const {
  OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (EVP_DigestVerifyInit(context.get(), nullptr, SignatureDigest(algorithm_), nullptr,
                           handle_.get()) == 1 &&
      EVP_DigestVerify(context.get(), DataOf(signature), signature.size(), DataOf(message),
                       message.size()) == 1) {
    return absl::OkStatus();
  }
  TakeOpenSslError();
  return PermissionDenied(ErrorReason("SIGNATURE_INVALID"),
                          "the signature of {} bytes over {} bytes is not one of {} key {}",
                          signature.size(), message.size(), KeyAlgorithmName(algorithm_),
                          id_.hex());
}

void PrivateKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

absl::StatusOr<PrivateKey> PrivateKey::Adopt(evp_pkey_st* raw) {
  std::unique_ptr<evp_pkey_st, Free> handle(raw);
  DML_ASSIGN_OR_RETURN(PublicKey public_key, PublicKey::FromSpkiDer(AsBytes(SpkiOf(raw))));
  if (public_key.algorithm() == KeyAlgorithm::kEcdsaP256) {
    OpenSslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(raw, nullptr));
    if (context == nullptr || EVP_PKEY_check(context.get()) != 1) {
      return BadKey("the private key does not belong to its public key");
    }
  }
  return PrivateKey(std::move(handle), std::move(public_key));
}

PrivateKey PrivateKey::Generate(KeyAlgorithm algorithm) {
  EVP_PKEY* raw = algorithm == KeyAlgorithm::kEd25519
                      ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                      : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  if (raw == nullptr) std::abort();
  absl::StatusOr<PrivateKey> key = Adopt(raw);
  if (!key.ok()) std::abort();
  return *std::move(key);
}

absl::StatusOr<PrivateKey> PrivateKey::FromPkcs8Pem(std::string_view pem,
                                                    std::optional<std::string_view> passphrase) {
  DML_ASSIGN_OR_RETURN(PemBlock block, ReadPem(pem, kMaxKeyPemBytes, ErrorReason("KEY_INVALID")));
  auto info = ReadPkcs8(block, passphrase);
  OPENSSL_cleanse(block.der.data(), block.der.size());
  DML_RETURN_IF_ERROR(info.status());
  EVP_PKEY* raw = EVP_PKCS82PKEY(info->get());
  if (raw == nullptr) return BadKey("the private key is damaged or of an unknown algorithm");
  return Adopt(raw);
}

absl::StatusOr<std::string> PrivateKey::ToPkcs8Pem(
    std::optional<std::string_view> passphrase) const {
  if (passphrase.has_value() && passphrase->empty()) {
    return InvalidArgument(ErrorReason("KEY_PASSPHRASE_EMPTY"),
                           "an empty passphrase protects nothing; give one or none at all");
  }
  OpenSslPtr<PKCS8_PRIV_KEY_INFO> info(EVP_PKEY2PKCS8(handle_.get()));
  unsigned char* der = nullptr;
  int size = -1;
  if (info != nullptr && passphrase.has_value()) {
    OpenSslPtr<X509_SIG> encrypted(PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase->data(),
                                                 static_cast<int>(passphrase->size()), nullptr, 0,
                                                 kPbkdf2Iterations, info.get()));
    if (encrypted != nullptr) size = i2d_X509_SIG(encrypted.get(), &der);
  } else if (info != nullptr) {
    size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  }
  if (size < 0) {
    return Internal(ErrorReason("KEY_WRITE_FAILED"), "cannot encode the private key: {}",
                    TakeOpenSslError());
  }
  std::string_view bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  std::string pem = WritePem(passphrase ? "ENCRYPTED PRIVATE KEY" : "PRIVATE KEY", bytes);
  OPENSSL_clear_free(der, static_cast<size_t>(size));
  return pem;
}

absl::StatusOr<std::string> PrivateKey::Sign(ByteSpan message) const {
  OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::array<unsigned char, 128> signature;  // 64 bytes for Ed25519, at most 72 for P-256.
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, SignatureDigest(public_key_.algorithm()), nullptr,
                         handle_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, DataOf(message), message.size()) !=
          1) {
    return Internal(ErrorReason("SIGN_FAILED"), "cannot sign with key {}: {}",
                    public_key_.id().hex(), TakeOpenSslError());
  }
  return std::string(reinterpret_cast<char*>(signature.data()), size);
}

}  // namespace dml
