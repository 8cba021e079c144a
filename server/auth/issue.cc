#include "server/auth/issue.h"

#include "core/crypto/x509.h"
#include "core/os/file.h"
#include "core/trust/dsse.h"
#include "server/auth/bootstrap.h"
#include "server/auth/key_pair_files.h"
#include "server/auth/listen_address_file.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

absl::Status CopyPublicFile(const fs::path& from, const fs::path& to) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(from, kMaxEnvelopeBytes));
  return WriteFileAtomically(to, AsBytes(text), 0644);
}

}  // namespace

absl::StatusOr<fs::path> IssueCertificate(const IssueRequest& request,
                                          std::chrono::sys_seconds now) {
  const IdentityFiles files(request.data_dir);
  DML_ASSIGN_OR_RETURN(std::string origin, ReadOrigin(files.origin));
  DML_ASSIGN_OR_RETURN(std::string journal, JournalOrigin(files));
  std::string server = request.server;
  if (server.empty()) {
    DML_ASSIGN_OR_RETURN(server, ReadListenAddress(request.data_dir));
  }
  DML_ASSIGN_OR_RETURN(CertificateWithKey authority,
                       ReadKeyPair(files.ca_certificate, files.ca_key));
  // Issued before anything is written: it checks the name, which becomes a file's name.
  DML_ASSIGN_OR_RETURN(
      CertificateWithKey issued,
      IssueClientCertificate(
          authority,
          {SpiffeTrustDomain(origin), request.name, {std::string(RoleName(request.role))}},
          {now, request.days}));
  DML_ASSIGN_OR_RETURN(std::string key_pem, issued.key.ToPkcs8Pem());

  const fs::path certificate = request.out / (request.name + ".pem");
  const fs::path key = request.out / (request.name + ".key");
  fs::path profile = request.out / "profile.yaml";
  for (const fs::path& path : {certificate, key, profile}) {
    if (!FileExists(path)) continue;
    return AlreadyExists(ErrorReason("CERTIFICATE_EXISTS"),
                         "{} is there already; name another folder with --out", path.string());
  }
  DML_RETURN_IF_ERROR(MakePrivateDirectory(request.out));
  DML_RETURN_IF_ERROR(WriteFileAtomically(key, AsBytes(key_pem), 0600));
  DML_RETURN_IF_ERROR(WriteFileAtomically(certificate, AsBytes(issued.certificate_pem), 0644));
  DML_RETURN_IF_ERROR(CopyPublicFile(files.ca_certificate, request.out / "ca.pem"));
  DML_RETURN_IF_ERROR(CopyPublicFile(files.log_public_key, request.out / "log.pem"));
  DML_RETURN_IF_ERROR(CopyPublicFile(files.root, request.out / "root.json"));
  const ProfileText text{.server = server,
                         .ca = "ca.pem",
                         .certificate = request.name + ".pem",
                         .key = request.name + ".key",
                         .log_key = "log.pem",
                         .root = "root.json",
                         .root_key = "",
                         .origin = std::move(journal),
                         .insecure_loopback = false};
  const std::string yaml = text.ToYaml(fmt::format("Made for {} by dmld.", request.name));
  DML_RETURN_IF_ERROR(WriteFileAtomically(profile, AsBytes(yaml), 0600));
  return profile;
}

}  // namespace dml
