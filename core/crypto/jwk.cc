#include "core/crypto/jwk.h"

#include <set>

#include <nlohmann/json.hpp>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "core/base/strict_json.h"
#include "core/crypto/ecdsa_signature.h"
#include "core/crypto/openssl_util.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("JWKS_INVALID");
constexpr size_t kMaxSetBytes = 256 << 10;
constexpr size_t kMaxKeys = 64;
constexpr size_t kMaxText = 4096;
constexpr size_t kCurveBytes = 32;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;

struct ParamsFree {
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
};

std::string TextOf(const nlohmann::json& key, const char* name) {
  auto it = key.find(name);
  if (it == key.end() || !it->is_string()) return "";
  const std::string& text = it->get_ref<const std::string&>();
  return text.size() <= kMaxText ? text : "";
}

absl::StatusOr<std::string> BytesOf(const nlohmann::json& key, const char* name) {
  std::optional<std::string> bytes = Base64DecodeLenient(TextOf(key, name));
  if (bytes.has_value() && !bytes->empty()) return *std::move(bytes);
  return InvalidArgument(kInvalid, "\"{}\" is missing or is not base64url", name);
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  const std::unique_ptr<OSSL_PARAM, ParamsFree> params(OSSL_PARAM_BLD_to_param(builder));
  OpenSslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return InvalidArgument(kInvalid, "is no {} key: {}", type, TakeOpenSslError());
  }
  std::shared_ptr<EVP_PKEY> key(made, OpenSslFree());
  OpenSslPtr<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
  if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
    return InvalidArgument(kInvalid, "is no {} key: {}", type, TakeOpenSslError());
  }
  return key;
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> ReadRsa(const nlohmann::json& json) {
  DML_ASSIGN_OR_RETURN(std::string n, BytesOf(json, "n"));
  DML_ASSIGN_OR_RETURN(std::string e, BytesOf(json, "e"));
  auto number = [](const std::string& bytes) {
    return OpenSslPtr<BIGNUM>(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                        static_cast<int>(bytes.size()), nullptr));
  };
  const OpenSslPtr<BIGNUM> modulus = number(n);
  const OpenSslPtr<BIGNUM> exponent = number(e);
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits || BN_num_bits(exponent.get()) > 64) {
    return InvalidArgument(kInvalid, "is an RSA key of {} bits; {} to {} can be", bits, kMinRsaBits,
                           kMaxRsaBits);
  }
  const std::unique_ptr<OSSL_PARAM_BLD, ParamsFree> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return FromParams("RSA", builder.get());
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> ReadEc(const nlohmann::json& json) {
  DML_ASSIGN_OR_RETURN(std::string x, BytesOf(json, "x"));
  DML_ASSIGN_OR_RETURN(std::string y, BytesOf(json, "y"));
  if (x.size() != kCurveBytes || y.size() != kCurveBytes) {
    return InvalidArgument(kInvalid, "has coordinates of {} and {} bytes, not of {}", x.size(),
                           y.size(), kCurveBytes);
  }
  const std::string point = std::string(1, POINT_CONVERSION_UNCOMPRESSED) + x + y;
  const std::unique_ptr<OSSL_PARAM_BLD, ParamsFree> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return FromParams("EC", builder.get());
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> ReadOkp(const nlohmann::json& json) {
  DML_ASSIGN_OR_RETURN(std::string x, BytesOf(json, "x"));
  EVP_PKEY* made = EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x.data()), x.size());
  if (made == nullptr)
    return InvalidArgument(kInvalid, "is no Ed25519 key: {}", TakeOpenSslError());
  return std::shared_ptr<EVP_PKEY>(made, OpenSslFree());
}

// Which of the three a key is for; nullopt for one that is not for signatures, or of another kind.
std::optional<JwsAlgorithm> AlgorithmOf(const nlohmann::json& key) {
  const std::string use = TextOf(key, "use");
  if (!use.empty() && use != "sig") return std::nullopt;
  const std::string type = TextOf(key, "kty");
  const std::string curve = TextOf(key, "crv");
  std::optional<JwsAlgorithm> out;
  if (type == "RSA") out = JwsAlgorithm::kRs256;
  if (type == "EC" && curve == "P-256") out = JwsAlgorithm::kEs256;
  if (type == "OKP" && curve == "Ed25519") out = JwsAlgorithm::kEdDsa;
  const std::string named = TextOf(key, "alg");
  if (out.has_value() && !named.empty() && named != JwsAlgorithmName(*out)) return std::nullopt;
  return out;
}

absl::StatusOr<std::shared_ptr<EVP_PKEY>> ReadKey(const nlohmann::json& json,
                                                  JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::kRs256:
      return ReadRsa(json);
    case JwsAlgorithm::kEs256:
      return ReadEc(json);
    case JwsAlgorithm::kEdDsa:
      break;
  }
  return ReadOkp(json);
}

}  // namespace

std::string_view JwsAlgorithmName(JwsAlgorithm algorithm) {
  switch (algorithm) {
    case JwsAlgorithm::kRs256:
      return "RS256";
    case JwsAlgorithm::kEs256:
      return "ES256";
    case JwsAlgorithm::kEdDsa:
      return "EdDSA";
  }
  return "?";
}

absl::Status JwkKey::Verify(ByteSpan message, ByteSpan signature) const {
  std::string bytes(AsText(signature));
  bool good = true;
  if (algorithm_ == JwsAlgorithm::kEs256) {
    absl::StatusOr<std::string> der = EcdsaDerOfP1363(signature);
    good = der.ok();
    if (good) bytes = *std::move(der);
  }
  const EVP_MD* digest = algorithm_ == JwsAlgorithm::kEdDsa ? nullptr : EVP_sha256();
  OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  good = good && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, handle_.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                          bytes.size(), message.data(), message.size()) == 1;
  if (good) return absl::OkStatus();
  TakeOpenSslError();
  return Unauthenticated(ErrorReason("JWT_INVALID"), "the token's signature is not good");
}

absl::StatusOr<std::vector<JwkKey>> ParseJwkSet(std::string_view json) {
  DML_ASSIGN_OR_RETURN(nlohmann::json document, ParseStrictJson(json, kMaxSetBytes, kInvalid));
  auto keys = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || keys == document.end() || !keys->is_array() ||
      keys->size() > kMaxKeys) {
    return InvalidArgument(kInvalid, "a JWK set is an object whose \"keys\" are at most {} keys",
                           kMaxKeys);
  }
  std::vector<JwkKey> out;
  std::set<std::string> ids;
  for (size_t i = 0; i < keys->size(); ++i) {
    const nlohmann::json& item = (*keys)[i];
    const std::string field = fmt::format("keys[{}]", i);
    if (!item.is_object()) return AtField(InvalidArgument(kInvalid, "is no object"), field);
    const std::optional<JwsAlgorithm> algorithm = AlgorithmOf(item);
    if (!algorithm.has_value()) continue;
    JwkKey key;
    key.id_ = TextOf(item, "kid");
    key.algorithm_ = *algorithm;
    absl::StatusOr<std::shared_ptr<EVP_PKEY>> handle = ReadKey(item, *algorithm);
    if (!handle.ok()) return AtField(handle.status(), field);
    key.handle_ = *std::move(handle);
    if (!ids.insert(key.id_).second) {
      return AtField(InvalidArgument(kInvalid, "there are two keys '{}'", key.id_), field);
    }
    out.push_back(std::move(key));
  }
  if (!out.empty() || keys->empty()) return out;
  return InvalidArgument(kInvalid, "no key of the set is for RS256, ES256 or EdDSA");
}

}  // namespace dml
