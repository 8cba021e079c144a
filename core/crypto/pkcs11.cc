#include "core/crypto/pkcs11.h"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <absl/synchronization/mutex.h>
#include <openssl/crypto.h>

#include "core/crypto/ecdsa_signature.h"
#include "core/crypto/pkcs11_module.h"
#include "core/crypto/random.h"
#include "core/crypto/sha256.h"
#include "core/os/file.h"

namespace dml {

// A session, logged in as far as was asked for.
struct Pkcs11Modules::Opened {
  std::shared_ptr<Pkcs11Module> module;
  Pkcs11Module::Token token;
  std::unique_ptr<Pkcs11Session> session;
};

namespace {

constexpr size_t kMaxPinFileBytes = 4096;
constexpr size_t kIdBytes = 16;
// CKA_EC_PARAMS: the named curve P-256 (RFC 5480), and Ed25519 as an object id (RFC 8410) or as a
// name (PKCS #11 3.0, 2.3.5).
constexpr std::string_view kP256Params("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
constexpr std::string_view kEd25519Params("\x06\x03\x2b\x65\x70", 5);
constexpr std::string_view kEd25519Name(
    "\x13\x0c"
    "edwards25519",
    14);

// What an algorithm is called on a token.
struct TokenAlgorithm {
  KeyAlgorithm algorithm;
  CK_KEY_TYPE key_type;
  CK_MECHANISM_TYPE sign;
  std::string_view sign_name;
  CK_MECHANISM_TYPE generate;
  std::string_view generate_name;
  std::string_view params;
  size_t point_size;
};
constexpr TokenAlgorithm kAlgorithms[] = {
    {KeyAlgorithm::kEcdsaP256, CKK_EC, CKM_ECDSA, "CKM_ECDSA", CKM_EC_KEY_PAIR_GEN,
     "CKM_EC_KEY_PAIR_GEN", kP256Params, 65},
    {KeyAlgorithm::kEd25519, CKK_EC_EDWARDS, CKM_EDDSA, "CKM_EDDSA", CKM_EC_EDWARDS_KEY_PAIR_GEN,
     "CKM_EC_EDWARDS_KEY_PAIR_GEN", kEd25519Params, 32},
};

const TokenAlgorithm& OnToken(KeyAlgorithm algorithm) {
  return kAlgorithms[algorithm == KeyAlgorithm::kEcdsaP256 ? 0 : 1];
}

// A template of attributes; the values must outlive it.
class Template {
 public:
  Template& Text(CK_ATTRIBUTE_TYPE type, std::string_view value) {
    attributes_.push_back({type, const_cast<char*>(value.data()), value.size()});
    return *this;
  }
  Template& TextIfAny(CK_ATTRIBUTE_TYPE type, const std::optional<std::string>& value) {
    return value.has_value() ? Text(type, std::string_view(*value)) : *this;
  }
  Template& Number(CK_ATTRIBUTE_TYPE type, const CK_ULONG& value) {
    attributes_.push_back({type, const_cast<CK_ULONG*>(&value), sizeof value});
    return *this;
  }
  Template& Flag(CK_ATTRIBUTE_TYPE type, bool value) {
    static constexpr CK_BBOOL kFlags[] = {CK_FALSE, CK_TRUE};
    attributes_.push_back({type, const_cast<CK_BBOOL*>(&kFlags[value]), sizeof(CK_BBOOL)});
    return *this;
  }
  std::vector<CK_ATTRIBUTE>& get() { return attributes_; }

 private:
  std::vector<CK_ATTRIBUTE> attributes_;
};

constexpr CK_ULONG kPrivateClass = CKO_PRIVATE_KEY;
constexpr CK_ULONG kPublicClass = CKO_PUBLIC_KEY;

// The one key of a class that the URI means.
absl::StatusOr<CK_OBJECT_HANDLE> FindKey(const Pkcs11Session& session, const Pkcs11Uri& uri,
                                         const CK_ULONG& object_class) {
  Template match;
  match.Number(CKA_CLASS, object_class).TextIfAny(CKA_LABEL, uri.object).TextIfAny(CKA_ID, uri.id);
  DML_ASSIGN_OR_RETURN(std::vector<CK_OBJECT_HANDLE> found, session.Find(match.get(), 2));
  const std::string_view half = object_class == kPrivateClass ? "private" : "public";
  if (found.empty()) {
    return NotFound(ErrorReason("PKCS11_KEY_NOT_FOUND"),
                    "the token has no {} key {}; check object and id", half,
                    DescribePkcs11Uri(uri));
  }
  if (found.size() > 1) {
    return InvalidArgument(ErrorReason("PKCS11_KEY_AMBIGUOUS"),
                           "the token has several {} keys {}; name one by object and id", half,
                           DescribePkcs11Uri(uri));
  }
  return found[0];
}

absl::StatusOr<CK_ULONG> NumberOf(const Pkcs11Session& session, CK_OBJECT_HANDLE object,
                                  CK_ATTRIBUTE_TYPE type) {
  DML_ASSIGN_OR_RETURN(std::string bytes, session.Attribute(object, type));
  CK_ULONG value = 0;
  if (bytes.size() != sizeof value) {
    return InvalidArgument(ErrorReason("KEY_INVALID"), "attribute {:#x} of the key is no number",
                           type);
  }
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// CKA_EC_POINT is a DER octet string by the standard, and the point itself on some tokens.
std::string_view PointOf(std::string_view value, size_t point_size) {
  const bool wrapped = value.size() == point_size + 2 && value[0] == 0x04 &&
                       static_cast<uint8_t>(value[1]) == point_size;
  return wrapped ? value.substr(2) : value;
}

absl::StatusOr<PublicKey> ReadPublicObject(const Pkcs11Session& session, CK_OBJECT_HANDLE object) {
  DML_ASSIGN_OR_RETURN(CK_ULONG key_type, NumberOf(session, object, CKA_KEY_TYPE));
  std::string params;
  if (key_type == CKK_EC || key_type == CKK_EC_EDWARDS) {
    DML_ASSIGN_OR_RETURN(params, session.Attribute(object, CKA_EC_PARAMS));
  }
  if (params == kEd25519Name) params = kEd25519Params;
  for (const TokenAlgorithm& known : kAlgorithms) {
    if (known.key_type != key_type || known.params != params) continue;
    DML_ASSIGN_OR_RETURN(std::string point, session.Attribute(object, CKA_EC_POINT));
    return PublicKey::FromPoint(known.algorithm, PointOf(point, known.point_size));
  }
  return InvalidArgument(ErrorReason("KEY_UNSUPPORTED"),
                         "the token's key is neither ecdsa-p256 nor ed25519; make one of those");
}

// The public half beside a private key: of its id, or of its label where it has no id.
absl::StatusOr<PublicKey> ReadPublicHalfOf(const Pkcs11Session& session, CK_OBJECT_HANDLE key,
                                           Pkcs11Uri uri) {
  absl::StatusOr<std::string> id = session.Attribute(key, CKA_ID);
  if (id.ok() && !id->empty()) {
    uri.object.reset();
    uri.id = *std::move(id);
  } else {
    DML_ASSIGN_OR_RETURN(uri.object, session.Attribute(key, CKA_LABEL));
  }
  absl::StatusOr<CK_OBJECT_HANDLE> object = FindKey(session, uri, kPublicClass);
  if (absl::IsNotFound(object.status())) {
    return NotFound(ErrorReason("PKCS11_PUBLIC_KEY_MISSING"),
                    "the token has a private key {} without its public half; store that on it "
                    "under the same id",
                    DescribePkcs11Uri(uri));
  }
  DML_RETURN_IF_ERROR(object.status());
  return ReadPublicObject(session, *object);
}

absl::StatusOr<std::optional<std::string>> ReadPin(const Pkcs11Uri& uri) {
  if (uri.pin_file.empty()) return uri.pin;
  DML_ASSIGN_OR_RETURN(std::string text, ReadPrivateFile(uri.pin_file, kMaxPinFileBytes));
  std::string pin = text.substr(0, text.find('\n'));
  OPENSSL_cleanse(text.data(), text.size());
  return std::optional<std::string>(std::move(pin));
}

class Pkcs11Key final : public Signer {
 public:
  Pkcs11Key(std::unique_ptr<Pkcs11Session> session, CK_OBJECT_HANDLE key, PublicKey public_key)
      : public_key_(std::move(public_key)), key_(key), session_(std::move(session)) {}

  const PublicKey& public_key() const override { return public_key_; }

  absl::StatusOr<std::string> Sign(ByteSpan message) const override {
    // CKM_ECDSA takes the digest as it is: every token has it, few hash themselves.
    const bool hashed = public_key_.algorithm() == KeyAlgorithm::kEcdsaP256;
    const Digest digest = hashed ? Sha256(message) : Digest();
    const ByteSpan input = hashed ? digest.bytes() : message;
    DML_ASSIGN_OR_RETURN(std::string signature, SignOnToken(input));
    if (hashed) signature = EcdsaDerOfP1363(AsBytes(signature)).value_or("");
    // The halves belong together only by their names, and tokens differ in what they write.
    if (!public_key_.Verify(message, AsBytes(signature)).ok()) {
      return Internal(ErrorReason("SIGN_FAILED"),
                      "the token's signature is not one of its public key {}; do both halves of "
                      "the key have the same id?",
                      public_key_.id().hex());
    }
    return signature;
  }

 private:
  absl::StatusOr<std::string> SignOnToken(ByteSpan input) const {
    absl::MutexLock lock(&mutex_);
    const CK_FUNCTION_LIST& call = session_->functions();
    CK_MECHANISM mechanism{OnToken(public_key_.algorithm()).sign, nullptr, 0};
    std::array<CK_BYTE, 64> signature;
    CK_ULONG size = signature.size();
    CK_RV code = call.C_SignInit(session_->handle(), &mechanism, key_);
    if (code == CKR_OK) {
      code = call.C_Sign(session_->handle(), const_cast<CK_BYTE*>(input.data()), input.size(),
                         signature.data(), &size);
    }
    if (code != CKR_OK) {
      return Internal(ErrorReason("SIGN_FAILED"), "the token does not sign with key {}: {}",
                      public_key_.id().hex(), DescribePkcs11Error("C_Sign", code));
    }
    return std::string(reinterpret_cast<char*>(signature.data()), size);
  }

  const PublicKey public_key_;
  const CK_OBJECT_HANDLE key_;
  mutable absl::Mutex mutex_;
  const std::unique_ptr<Pkcs11Session> session_ ABSL_PT_GUARDED_BY(mutex_);
};

absl::Status RequireAbsent(const Pkcs11Session& session, const Pkcs11Uri& uri) {
  for (const CK_ULONG& object_class : {kPrivateClass, kPublicClass}) {
    absl::StatusOr<CK_OBJECT_HANDLE> found = FindKey(session, uri, object_class);
    if (absl::IsNotFound(found.status())) continue;
    if (!found.ok() && Reason(found.status()) != "PKCS11_KEY_AMBIGUOUS") return found.status();
    return AlreadyExists(ErrorReason("PKCS11_KEY_EXISTS"),
                         "the token has a key {}, which stays; choose another object",
                         DescribePkcs11Uri(uri));
  }
  return absl::OkStatus();
}

absl::StatusOr<CK_OBJECT_HANDLE> GenerateOnToken(const Pkcs11Session& session, const Pkcs11Uri& uri,
                                                 const TokenAlgorithm& algorithm) {
  std::array<uint8_t, kIdBytes> random;
  FillRandom(random);
  const std::string id = uri.id.value_or(std::string(AsText(random)));
  Template public_half;
  public_half.Number(CKA_KEY_TYPE, algorithm.key_type)
      .Text(CKA_EC_PARAMS, algorithm.params)
      .Flag(CKA_TOKEN, true)
      .Flag(CKA_PRIVATE, false)
      .Flag(CKA_VERIFY, true)
      .TextIfAny(CKA_LABEL, uri.object)
      .Text(CKA_ID, id);
  Template private_half;
  private_half.Number(CKA_KEY_TYPE, algorithm.key_type)
      .Flag(CKA_TOKEN, true)
      .Flag(CKA_PRIVATE, true)
      .Flag(CKA_SENSITIVE, true)
      .Flag(CKA_EXTRACTABLE, false)
      .Flag(CKA_SIGN, true)
      .TextIfAny(CKA_LABEL, uri.object)
      .Text(CKA_ID, id);
  CK_MECHANISM mechanism{algorithm.generate, nullptr, 0};
  CK_OBJECT_HANDLE public_key = 0;
  CK_OBJECT_HANDLE private_key = 0;
  const CK_RV code = session.functions().C_GenerateKeyPair(
      session.handle(), &mechanism, public_half.get().data(), public_half.get().size(),
      private_half.get().data(), private_half.get().size(), &public_key, &private_key);
  if (code != CKR_OK) {
    return Internal(ErrorReason("PKCS11_GENERATE_FAILED"), "the token makes no key {}: {}",
                    DescribePkcs11Uri(uri), DescribePkcs11Error("C_GenerateKeyPair", code));
  }
  return public_key;
}

}  // namespace

absl::StatusOr<Pkcs11Modules::Opened> Pkcs11Modules::Open(const Pkcs11Uri& uri, Access access) {
  DML_ASSIGN_OR_RETURN(std::optional<std::string> pin, ReadPin(uri));
  std::shared_ptr<Pkcs11Module>& module = modules_[uri.module_path];
  if (module == nullptr) {
    DML_ASSIGN_OR_RETURN(module, Pkcs11Module::Load(uri.module_path));
  }
  Opened out{module, {}, nullptr};
  DML_ASSIGN_OR_RETURN(out.token, module->FindToken(uri));
  DML_ASSIGN_OR_RETURN(out.session,
                       Pkcs11Session::Open(module, out.token, access == Access::kWrite));
  absl::Status login;
  if (access != Access::kPublic || pin.has_value()) login = out.session->Login(out.token, pin);
  if (pin.has_value()) OPENSSL_cleanse(pin->data(), pin->size());
  DML_RETURN_IF_ERROR(login);
  return out;
}

absl::StatusOr<std::unique_ptr<const Signer>> Pkcs11Modules::OpenKey(const Pkcs11Uri& uri) {
  DML_ASSIGN_OR_RETURN(Opened at, Open(uri, Access::kSign));
  DML_ASSIGN_OR_RETURN(CK_OBJECT_HANDLE key, FindKey(*at.session, uri, kPrivateClass));
  DML_ASSIGN_OR_RETURN(PublicKey public_key, ReadPublicHalfOf(*at.session, key, uri));
  const TokenAlgorithm& algorithm = OnToken(public_key.algorithm());
  DML_RETURN_IF_ERROR(
      at.module->RequireMechanism(at.token, algorithm.sign, CKF_SIGN, algorithm.sign_name));
  return std::make_unique<Pkcs11Key>(std::move(at.session), key, std::move(public_key));
}

absl::StatusOr<PublicKey> Pkcs11Modules::ReadPublicKey(const Pkcs11Uri& uri) {
  DML_ASSIGN_OR_RETURN(Opened at, Open(uri, Access::kPublic));
  DML_ASSIGN_OR_RETURN(CK_OBJECT_HANDLE key, FindKey(*at.session, uri, kPublicClass));
  return ReadPublicObject(*at.session, key);
}

absl::StatusOr<PublicKey> Pkcs11Modules::GenerateKey(const Pkcs11Uri& uri, KeyAlgorithm algorithm) {
  if (uri.object.value_or("").empty()) {
    return InvalidArgument(ErrorReason("PKCS11_URI_INVALID"),
                           "PKCS #11 URI: say how the new key is to be called: object=NAME");
  }
  DML_ASSIGN_OR_RETURN(Opened at, Open(uri, Access::kWrite));
  const TokenAlgorithm& on_token = OnToken(algorithm);
  DML_RETURN_IF_ERROR(at.module->RequireMechanism(at.token, on_token.generate,
                                                  CKF_GENERATE_KEY_PAIR, on_token.generate_name));
  DML_RETURN_IF_ERROR(RequireAbsent(*at.session, uri));
  DML_ASSIGN_OR_RETURN(CK_OBJECT_HANDLE key, GenerateOnToken(*at.session, uri, on_token));
  return ReadPublicObject(*at.session, key);
}

}  // namespace dml
