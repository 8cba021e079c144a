#include "server/auth/key_pair_files.h"

#include <system_error>

#include "core/os/file.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

// Puts the staged key in its place.
absl::Status PlaceKey(const fs::path& staged, const fs::path& key) {
  DML_ASSIGN_OR_RETURN(std::string pem, ReadPrivateFile(staged, kMaxPemFileBytes));
  DML_RETURN_IF_ERROR(WriteFileAtomically(key, AsBytes(pem), 0600));
  std::error_code ignored;  // A staged key that stays does no harm.
  fs::remove(staged, ignored);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PrivateKey> ReadKeyFile(const std::filesystem::path& file) {
  DML_ASSIGN_OR_RETURN(std::string pem, ReadPrivateFile(file, kMaxPemFileBytes));
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPkcs8Pem(pem);
  return key.ok() ? std::move(key) : Annotate(key.status(), file.string());
}

absl::StatusOr<PrivateKey> EnsureKeyFile(const std::filesystem::path& file) {
  if (!FileExists(file)) {
    DML_ASSIGN_OR_RETURN(std::string pem,
                         PrivateKey::Generate(KeyAlgorithm::kEd25519).ToPkcs8Pem());
    DML_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(pem), 0600));
  }
  return ReadKeyFile(file);
}

bool FileExists(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

absl::Status EnsureKeyPair(const fs::path& certificate, const fs::path& key,
                           const std::function<absl::StatusOr<CertificateWithKey>()>& make) {
  fs::path staged = key;
  staged += ".new";
  const bool have_certificate = FileExists(certificate);
  if (FileExists(key)) {
    if (have_certificate) return absl::OkStatus();
    return FailedPrecondition(ErrorReason("BOOTSTRAP_INCOMPLETE"),
                              "{} is there, but its certificate {} is not; restore the "
                              "certificate, or move the key away to have both made anew",
                              key.string(), certificate.string());
  }
  if (!have_certificate) {
    DML_ASSIGN_OR_RETURN(CertificateWithKey made, make());
    DML_ASSIGN_OR_RETURN(std::string pem, made.key.ToPkcs8Pem());
    DML_RETURN_IF_ERROR(WriteFileAtomically(staged, AsBytes(pem), 0600));
    DML_RETURN_IF_ERROR(WriteFileAtomically(certificate, AsBytes(made.certificate_pem), 0644));
  }
  return FileExists(staged) ? PlaceKey(staged, key) : absl::OkStatus();
}

absl::StatusOr<CertificateWithKey> ReadKeyPair(const fs::path& certificate, const fs::path& key) {
  if (!FileExists(key)) {
    return FailedPrecondition(ErrorReason("CA_KEY_OFFLINE"),
                              "{} is not there, and nothing can be signed without it; put the "
                              "authority's key back for this, or sign elsewhere",
                              key.string());
  }
  DML_ASSIGN_OR_RETURN(std::string certificate_pem, ReadFile(certificate, kMaxPemFileBytes));
  DML_ASSIGN_OR_RETURN(std::string key_pem, ReadPrivateFile(key, kMaxPemFileBytes));
  absl::StatusOr<PrivateKey> private_key = PrivateKey::FromPkcs8Pem(key_pem);
  if (!private_key.ok()) return Annotate(private_key.status(), key.string());
  return CertificateWithKey{std::move(certificate_pem), *std::move(private_key)};
}

}  // namespace dml
