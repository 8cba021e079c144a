// Keys as arguments: files, and keys on tokens.
#include <algorithm>

#include "core/crypto/pkcs11.h"
#include "core/os/file.h"
#include "core/trust/schemed_signers.h"
#include "tools/dml/arguments.h"

namespace dml {
namespace {

constexpr uint64_t kMaxKeyBytes = 16 << 10;

// The URI that a file holds and nothing else, or nothing where it holds none.
std::optional<std::string_view> UriIn(std::string_view text) {
  if (!IsPkcs11Uri(text)) return std::nullopt;
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

absl::StatusOr<PrivateKey> ReadPem(const std::string& file, const std::string& pem,
                                   const std::string& passphrase_file) {
  std::optional<std::string> passphrase;
  if (!passphrase_file.empty()) {
    DML_ASSIGN_OR_RETURN(passphrase, ReadPassphrase(passphrase_file));
  }
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPkcs8Pem(
      pem, passphrase.has_value() ? std::optional<std::string_view>(*passphrase) : std::nullopt);
  if (!key.ok()) return Annotate(key.status(), file);
  return key;
}

absl::Status PublicKeyGiven(const std::string& file) {
  constexpr std::string_view kPublicSuffix = ".pub";
  const bool named = file.ends_with(kPublicSuffix) && file.size() > kPublicSuffix.size();
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "{} is the public half of a key; give {}",
                         file,
                         named ? file.substr(0, file.size() - kPublicSuffix.size())
                               : "the file with its private half");
}

// The URI that the argument is, or that the file which it names holds; nothing for a PEM file.
absl::StatusOr<std::optional<Pkcs11Uri>> ReadUri(const std::string& key) {
  if (IsPkcs11Uri(key)) return ParsePkcs11Uri(key, PinValue::kRefused);
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(key, kMaxKeyBytes));
  if (!UriIn(text).has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(text, ReadPrivateFile(key, kMaxKeyBytes));
  absl::StatusOr<Pkcs11Uri> uri = ParsePkcs11Uri(UriIn(text).value_or(""), PinValue::kAllowed);
  if (!uri.ok()) return Annotate(uri.status(), key);
  return *std::move(uri);
}

absl::StatusOr<std::unique_ptr<const Signer>> ReadSignerWith(Pkcs11Modules& modules,
                                                             const std::string& key,
                                                             const std::string& passphrase_file) {
  DML_ASSIGN_OR_RETURN(std::optional<Pkcs11Uri> uri, ReadUri(key));
  if (uri.has_value()) return modules.OpenKey(*uri);
  DML_ASSIGN_OR_RETURN(std::string pem, ReadFile(key, kMaxKeyBytes));
  if (pem.find("BEGIN PUBLIC KEY") != std::string::npos) return PublicKeyGiven(key);
  DML_ASSIGN_OR_RETURN(pem, ReadPrivateFile(key, kMaxKeyBytes));
  DML_ASSIGN_OR_RETURN(PrivateKey private_key, ReadPem(key, pem, passphrase_file));
  return std::make_unique<PrivateKey>(std::move(private_key));
}

}  // namespace

absl::StatusOr<std::string> ReadPassphrase(const std::string& file) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadPrivateFile(file, kMaxKeyBytes));
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

absl::StatusOr<std::unique_ptr<const Signer>> ReadSigner(const std::string& key,
                                                         const std::string& passphrase_file) {
  Pkcs11Modules modules;
  return ReadSignerWith(modules, key, passphrase_file);
}

absl::StatusOr<Signers> Signers::Read(const std::vector<std::string>& keys,
                                      const std::string& passphrase_file) {
  Pkcs11Modules modules;
  Signers out;
  for (const std::string& key : keys) {
    DML_ASSIGN_OR_RETURN(std::unique_ptr<const Signer> signer,
                         ReadSignerWith(modules, key, passphrase_file));
    out.borrowed_.push_back(signer.get());
    out.owned_.push_back(std::move(signer));
  }
  return out;
}

absl::StatusOr<SignatureScheme> SchemeArgument(const PublicKey& key, bool raw,
                                               const std::string& file) {
  if (!raw) return UsualScheme(key);
  if (key.algorithm() == KeyAlgorithm::kEcdsaP256) return SignatureScheme::kEcdsaP256P1363;
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                         "--raw-signatures is for ecdsa-p256 keys, and {} is an ed25519 key", file);
}

absl::StatusOr<PublicKey> ReadPublicHalf(const std::string& key,
                                         const std::string& passphrase_file) {
  DML_ASSIGN_OR_RETURN(std::optional<Pkcs11Uri> uri, ReadUri(key));
  if (uri.has_value()) return Pkcs11Modules().ReadPublicKey(*uri);
  DML_ASSIGN_OR_RETURN(std::string pem, ReadFile(key, kMaxKeyBytes));
  if (pem.find("PRIVATE KEY") != std::string::npos) {
    DML_ASSIGN_OR_RETURN(auto signer, ReadSigner(key, passphrase_file));
    return signer->public_key();
  }
  absl::StatusOr<PublicKey> out = PublicKey::FromSpkiPem(pem);
  if (!out.ok()) return Annotate(out.status(), key);
  return out;
}

}  // namespace dml
