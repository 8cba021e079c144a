#include "server/auth/tls_store.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "core/base/time.h"
#include "core/crypto/x509.h"
#include "core/os/file.h"
#include "server/auth/key_pair_files.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::days kExpiryWarning{30};
constexpr std::chrono::days kDatesInterval{1};

std::chrono::sys_seconds WallClockSeconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

absl::StatusOr<std::string> ReadPem(const fs::path& path, bool secret) {
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> text =
      secret ? ReadPrivateFile(path, kMaxPemFileBytes) : ReadFile(path, kMaxPemFileBytes);
  if (text.ok()) return text;
  return InvalidArgument(ErrorReason("TLS_FILES_INVALID"), "{}", Message(text.status()));
}

absl::StatusOr<TlsMaterial> ReadMaterial(const TlsFiles& files) {
  TlsMaterial out;
  DML_ASSIGN_OR_RETURN(out.certificate_chain, ReadPem(files.certificate, false));
  DML_ASSIGN_OR_RETURN(out.private_key, ReadPem(files.key, true));
  DML_ASSIGN_OR_RETURN(out.client_authorities, ReadPem(files.client_ca, false));
  return out;
}

absl::Status CheckServerPair(const TlsMaterial& material, const TlsFiles& files) {
  absl::Status status = CheckCertificateChain(material.certificate_chain);
  if (!status.ok()) return Annotate(status, files.certificate.string());
  status = CheckServerKey(material.certificate_chain, material.private_key);
  if (status.ok()) return status;
  return Annotate(
      status, fmt::format("{} (certificate {})", files.key.string(), files.certificate.string()));
}

absl::Status CheckMaterial(const TlsMaterial& material, const TlsFiles& files) {
  if (!files.certificate.empty()) DML_RETURN_IF_ERROR(CheckServerPair(material, files));
  if (files.client_ca.empty()) return absl::OkStatus();
  absl::Status status = CheckAuthorities(material.client_authorities);
  return status.ok() ? status : Annotate(status, files.client_ca.string());
}

}  // namespace

absl::Status CheckGivenTlsFiles(const TlsFiles& files) {
  DML_ASSIGN_OR_RETURN(const TlsMaterial material, ReadMaterial(files));
  return CheckMaterial(material, files);
}

absl::StatusOr<std::unique_ptr<TlsStore>> TlsStore::Open(TlsFiles files, Clock clock) {
  DML_ASSIGN_OR_RETURN(TlsMaterial material, ReadMaterial(files));
  DML_RETURN_IF_ERROR(CheckMaterial(material, files));
  return std::unique_ptr<TlsStore>(
      new TlsStore(std::move(files), std::move(clock), std::move(material)));
}

TlsStore::TlsStore(TlsFiles files, Clock clock, TlsMaterial material)
    : files_(std::move(files)),
      clock_(clock ? std::move(clock) : WallClockSeconds),
      current_(std::make_shared<const TlsMaterial>(std::move(material))) {
  absl::MutexLock lock(&check_mutex_);
  LogDates(*Current());
}

std::shared_ptr<const TlsMaterial> TlsStore::Current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

void TlsStore::LogDates(const TlsMaterial& material) {
  const std::chrono::sys_seconds now = clock_();
  dates_due_ = now + kDatesInterval;
  LogCertificateDates(files_.certificate, material.certificate_chain, now);
}

TlsStore::Outcome TlsStore::Check() {
  absl::MutexLock check(&check_mutex_);
  const std::shared_ptr<const TlsMaterial> current = Current();
  if (clock_() >= dates_due_) LogDates(*current);
  absl::StatusOr<TlsMaterial> read = ReadMaterial(files_);
  if (read.ok() && *read == *current) {
    if (faults_.End()) spdlog::info("TLS: the files are those in use again");
    return Outcome::kUnchanged;
  }
  const absl::Status status = read.ok() ? CheckMaterial(*read, files_) : read.status();
  if (!status.ok()) {
    faults_.Note(Annotate(status, "TLS"));
    return Outcome::kRefused;
  }
  faults_.End();
  const auto next = std::make_shared<const TlsMaterial>(*std::move(read));
  {
    absl::MutexLock lock(&mutex_);
    current_ = next;
  }
  spdlog::info("TLS: new connections are served with what is in {}, {} and {} now",
               files_.certificate.string(), files_.key.string(), files_.client_ca.string());
  LogDates(*next);
  return Outcome::kReplaced;
}

void LogCertificateDates(const fs::path& file, std::string_view certificate_pem,
                         std::chrono::sys_seconds now) {
  const absl::StatusOr<CertificateDates> dates = ReadCertificateDates(certificate_pem);
  if (!dates.ok()) {
    spdlog::error("server certificate {}: {}", file.string(), Message(dates.status()));
  } else if (now > dates->not_after) {
    spdlog::error("server certificate {} expired on {}, and clients refuse it; replace it",
                  file.string(), FormatTime(dates->not_after));
  } else if (now < dates->not_before) {
    spdlog::error("server certificate {} is good only from {} on; check this machine's clock",
                  file.string(), FormatTime(dates->not_before));
  } else if (dates->not_after - now < kExpiryWarning) {
    spdlog::warn("server certificate {} expires on {}; replace it before", file.string(),
                 FormatTime(dates->not_after));
  }
}

}  // namespace dml
