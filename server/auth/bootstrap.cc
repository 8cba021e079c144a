#include "server/auth/bootstrap.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <unistd.h>

#include "core/crypto/random.h"
#include "core/crypto/x509.h"
#include "core/os/file.h"
#include "core/package/names.h"
#include "core/trust/note.h"
#include "core/trust/root_edit.h"
#include "core/trust/root_walk.h"
#include "server/auth/key_pair_files.h"
#include "server/config/server_config.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr int kAuthorityDays = 7300;
constexpr int kServerDays = 3650;
constexpr int kAdminDays = 825;
constexpr int kRootDays = 730;
constexpr size_t kMaxOriginBytes = 256;
constexpr size_t kMaxCheckpointBytes = 64 << 10;

// The host's name where it can stand in a certificate, else "".
std::string HostName() {
  char buffer[HOST_NAME_MAX + 1] = {};
  if (::gethostname(buffer, sizeof buffer - 1) != 0) return "";
  std::string name(buffer);
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool usable =
      !name.empty() && name.front() != '-' && name.back() != '-' &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  return usable ? name : "";
}

ServerNames NamesOf(const std::vector<std::string>& configured) {
  ServerNames names{{"localhost"}, {"127.0.0.1", "::1"}};
  auto add = [](std::vector<std::string>& list, const std::string& name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  };
  if (std::string host = HostName(); !host.empty()) add(names.dns, host);
  for (const std::string& name : configured) {
    add(IsIpAddress(name) ? names.ip_addresses : names.dns, name);
  }
  return names;
}

// The name in the signed checkpoint beside it; "" where there is none.
std::string OriginOfCheckpoint(const fs::path& file) {
  const absl::StatusOr<std::string> note = ReadFile(file, kMaxCheckpointBytes);
  if (!note.ok()) return "";
  std::string origin = note->substr(0, note->find('\n'));
  return ValidateNoteKeyName(origin).ok() ? origin : "";
}

// The origin is made before the certificates and the first checkpoint, so where one of them is
// there it was lost; and a library under another name would be another library.
absl::Status RequireOrigin(const IdentityFiles& files) {
  if (FileExists(files.origin)) return absl::OkStatus();
  const bool made = FileExists(files.signed_checkpoint) || FileExists(files.ca_certificate) ||
                    FileExists(files.ca_key) || FileExists(files.server_certificate) ||
                    FileExists(files.admin_certificate);
  if (!made) return absl::OkStatus();
  const std::string was = OriginOfCheckpoint(files.signed_checkpoint);
  return FailedPrecondition(
      ErrorReason("ORIGIN_MISSING"),
      "{} is not there, but the journal has been signed under the name in it; restore it from a "
      "backup{}",
      files.origin.string(),
      was.empty() ? "" : fmt::format(", or write this one line into it: {}", was));
}

absl::StatusOr<std::string> EnsureOrigin(const IdentityFiles& files) {
  if (!FileExists(files.origin)) {
    const std::string text = fmt::format("dml.local/{}\n", RandomHex(8));
    DML_RETURN_IF_ERROR(WriteFileAtomically(files.origin, AsBytes(text), 0644));
  }
  return ReadOrigin(files.origin);
}

absl::StatusOr<CertificateWithKey> MakeServerPair(const IdentityFiles& files,
                                                  const BootstrapOptions& options) {
  DML_ASSIGN_OR_RETURN(CertificateWithKey authority,
                       ReadKeyPair(files.ca_certificate, files.ca_key));
  return IssueServerCertificate(authority, NamesOf(options.server_names),
                                {options.now, kServerDays});
}

absl::Status EnsureCertificates(const IdentityFiles& files, const std::string& origin,
                                const BootstrapOptions& options) {
  DML_RETURN_IF_ERROR(EnsureKeyPair(files.ca_certificate, files.ca_key, [&] {
    return MakeCertificateAuthority("DML " + SpiffeTrustDomain(origin),
                                    {options.now, kAuthorityDays});
  }));
  DML_RETURN_IF_ERROR(EnsureKeyPair(files.server_certificate, files.server_key,
                                    [&] { return MakeServerPair(files, options); }));
  return EnsureKeyPair(
      files.admin_certificate, files.admin_key, [&]() -> absl::StatusOr<CertificateWithKey> {
        DML_ASSIGN_OR_RETURN(CertificateWithKey authority,
                             ReadKeyPair(files.ca_certificate, files.ca_key));
        return IssueClientCertificate(authority, {SpiffeTrustDomain(origin), "admin", {"admin"}},
                                      {options.now, kAdminDays});
      });
}

}  // namespace

std::string SpiffeTrustDomain(std::string_view origin) {
  const size_t slash = origin.find('/');
  std::string domain =
      slash == std::string_view::npos
          ? std::string(origin)
          : fmt::format("{}.{}", origin.substr(slash + 1), origin.substr(0, slash));
  std::replace_if(
      domain.begin(), domain.end(),
      [](unsigned char c) { return !(std::islower(c) || std::isdigit(c) || c == '.' || c == '-'); },
      '_');
  return domain;
}

absl::StatusOr<std::string> JournalOrigin(const IdentityFiles& files) {
  if (!FileExists(files.root)) return ReadOrigin(files.origin);
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(files.root, kMaxEnvelopeBytes));
  absl::StatusOr<TrustedRoot> root = OpenPinnedRoot(text);
  if (!root.ok()) return Annotate(root.status(), files.root.string());
  return std::move(root->root.origin);
}

absl::StatusOr<std::string> ReadOrigin(const fs::path& file) {
  DML_ASSIGN_OR_RETURN(std::string origin, ReadFile(file, kMaxOriginBytes));
  if (origin.ends_with('\n')) origin.pop_back();
  absl::Status valid = ValidateNoteKeyName(origin);
  if (!valid.ok()) return Annotate(valid, file.string());
  return origin;
}

namespace {

// Owners were any text; holders are names.
std::string HolderOf(const std::string& owner) {
  std::string out;
  for (char c : owner) {
    const auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) && byte < 0x80 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  out = out.substr(0, 40);
  while (out.ends_with('-')) out.pop_back();
  while (out.starts_with('-')) out.erase(0, 1);
  return ValidateNamespace(out).ok() ? out : "unnamed";
}

absl::Status TakeOver(const KeyRecord& record, TrustRoot& root) {
  DML_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpkiDer(AsBytes(record.spki)));
  const SignatureScheme scheme = key.algorithm() == KeyAlgorithm::kEd25519
                                     ? SignatureScheme::kEd25519
                                     : SignatureScheme::kEcdsaP256Der;
  const TrustKey trusted{std::move(key), scheme, HolderOf(record.holder), true};
  for (const KeyGrant& grant : record.grants) {
    DML_ASSIGN_OR_RETURN(SigningRole role, ParseSigningRole(grant.role));
    std::string ns = "*";
    if (!grant.subjects.empty()) ns = grant.subjects[0].substr(0, grant.subjects[0].find('/'));
    DML_RETURN_IF_ERROR(GivePackages(root, trusted, role, ns));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> EnsureFirstRoot(const BootstrapOptions& options,
                                            const std::string& origin, const PublicKey& log_key,
                                            const std::vector<KeyRecord>& registered) {
  const IdentityFiles files(options.data_dir);
  if (!FileExists(files.root)) {
    DML_ASSIGN_OR_RETURN(PrivateKey key, EnsureKeyFile(files.root_key));
    DML_ASSIGN_OR_RETURN(PrivateKey permit, EnsureKeyFile(files.permit_key));
    const TrustKey person{key.public_key(), SignatureScheme::kEd25519, "admin", true};
    DML_ASSIGN_OR_RETURN(TrustRoot root,
                         MakeFirstRoot(origin, log_key, person,
                                       Timestamp(options.now + std::chrono::days(kRootDays))));
    DML_RETURN_IF_ERROR(AddTrustKey(
        root, {permit.public_key(), SignatureScheme::kEd25519, "dmld", /*person=*/false}));
    GiveKey(root.roles[SigningRole::kPermit], permit.public_key().id());
    for (const KeyRecord& record : registered) DML_RETURN_IF_ERROR(TakeOver(record, root));
    DML_ASSIGN_OR_RETURN(std::string text, FormatTrustRoot(root));
    const Signer* signers[] = {&key};
    DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, SignEnvelope(kTrustRootPayloadType, text, signers));
    DML_RETURN_IF_ERROR(
        WriteFileAtomically(files.root, AsBytes(FormatEnvelope(envelope) + "\n"), 0644));
  }
  return ReadFile(files.root, kMaxEnvelopeBytes);
}

absl::StatusOr<ServerIdentity> Bootstrap(const BootstrapOptions& options) {
  const IdentityFiles files(options.data_dir);
  DML_RETURN_IF_ERROR(RequireOrigin(files));
  for (const fs::path& folder : {files.keys, files.tls, files.client}) {
    DML_RETURN_IF_ERROR(MakePrivateDirectory(folder));
  }
  DML_ASSIGN_OR_RETURN(LogKeys log_keys, EnsureLogKeys(files));
  DML_ASSIGN_OR_RETURN(std::string origin, EnsureOrigin(files));
  DML_RETURN_IF_ERROR(EnsureKeyFile(files.permit_key).status());
  DML_RETURN_IF_ERROR(EnsureCertificates(files, origin, options));
  return ServerIdentity{std::move(origin), std::move(log_keys)};
}

absl::StatusOr<fs::path> RenewServerCertificate(const BootstrapOptions& options) {
  const IdentityFiles files(options.data_dir);
  DML_ASSIGN_OR_RETURN(const CertificateWithKey made, MakeServerPair(files, options));
  DML_ASSIGN_OR_RETURN(const std::string key_pem, made.key.ToPkcs8Pem());
  DML_RETURN_IF_ERROR(WriteFileAtomically(files.server_key, AsBytes(key_pem), 0600));
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(files.server_certificate, AsBytes(made.certificate_pem), 0644));
  return files.server_certificate;
}

}  // namespace dml
