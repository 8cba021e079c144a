#include "server/auth/issuer_files.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "core/os/file.h"

namespace dml {
namespace {

constexpr uint64_t kMaxJwksBytes = 256 << 10;

absl::StatusOr<std::vector<JwkKey>> ParseKeys(const JwtIssuerConfig& config,
                                              std::string_view text) {
  absl::StatusOr<std::vector<JwkKey>> keys = ParseJwkSet(text);
  if (keys.ok()) return keys;
  return Annotate(keys.status(), config.jwks_file.string());
}

}  // namespace

absl::StatusOr<std::unique_ptr<IssuerFiles>> IssuerFiles::Open(
    const std::vector<JwtIssuerConfig>& issuers) {
  std::vector<Source> sources;
  for (size_t i = 0; i < issuers.size(); ++i) {
    Source& source = sources.emplace_back();
    source.config = issuers[i];
    absl::StatusOr<std::string> text = ReadFile(source.config.jwks_file, kMaxJwksBytes);
    absl::StatusOr<std::vector<JwkKey>> keys =
        text.ok() ? ParseKeys(source.config, *text) : text.status();
    if (!keys.ok()) {
      // A fault of the configuration, not of a file that the daemon keeps.
      const std::string field = fmt::format("auth.jwtIssuers[{}].jwksFile", i);
      return AtField(InvalidArgument(ErrorReason("JWKS_INVALID"),
                                     "{}: {}; name a file with the "
                                     "keys of {}",
                                     field, Message(keys.status()), source.config.issuer),
                     field);
    }
    source.text = *std::move(text);
    source.keys = *std::move(keys);
  }
  return std::unique_ptr<IssuerFiles>(new IssuerFiles(std::move(sources)));
}

std::vector<JwtIssuer> IssuerFiles::Current() const {
  absl::MutexLock lock(&mutex_);
  std::vector<JwtIssuer> out;
  for (const Source& source : sources_) {
    out.push_back({source.config.issuer, source.config.audience, source.keys});
  }
  return out;
}

bool IssuerFiles::CheckOne(Source& source) {
  absl::StatusOr<std::string> text = ReadFile(source.config.jwks_file, kMaxJwksBytes);
  if (text.ok() && *text == source.text) {
    source.faults.End();
    return false;
  }
  absl::StatusOr<std::vector<JwkKey>> keys =
      text.ok() ? ParseKeys(source.config, *text) : text.status();
  if (!keys.ok()) {
    source.faults.Note(
        Annotate(keys.status(), fmt::format("keys of the issuer {}", source.config.issuer)));
    return false;
  }
  source.faults.End();
  source.text = *std::move(text);
  source.keys = *std::move(keys);
  spdlog::info("keys of the issuer {}: {} from {} are in use now", source.config.issuer,
               source.keys.size(), source.config.jwks_file.string());
  return true;
}

bool IssuerFiles::Check() {
  absl::MutexLock lock(&mutex_);
  bool changed = false;
  for (Source& source : sources_) changed = CheckOne(source) || changed;
  return changed;
}

}  // namespace dml
