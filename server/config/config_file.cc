// Reading and writing the configuration file.
#include <algorithm>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "server/config/environment.h"
#include "server/config/server_config.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("CONFIG_INVALID");
constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxTextBytes = 4096;
constexpr std::string_view kLevels[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kFormats[] = {"text", "json"};

// A number that may be left out; its range is Validate's to check.
template <typename T>
void Number(ObjectReader& in, std::string_view key, uint64_t max, T& out) {
  const bool there = in.Has(key);
  in.Read(key, [](const json&) { return absl::OkStatus(); });
  if (there) out = static_cast<T>(in.Unsigned(key, 0, max));
}

void Path(ObjectReader& in, std::string_view key, const std::filesystem::path& folder,
          std::filesystem::path& out) {
  const std::string text = in.StringOr(key, kMaxTextBytes, "");
  if (!text.empty()) out = (folder / text).lexically_normal();
}

constexpr std::string_view kCertificates[] = {"REQUIRED", "OPTIONAL"};
constexpr std::string_view kUnscanned[] = {"QUARANTINE", "ACCEPT"};

absl::Status ReadTls(const json& value, const std::filesystem::path& folder, TlsOverrides& tls) {
  ObjectReader in(value, kInvalid);
  Path(in, "certificate", folder, tls.certificate);
  Path(in, "key", folder, tls.key);
  Path(in, "clientCa", folder, tls.client_ca);
  return in.Finish();
}

void Flag(ObjectReader& in, std::string_view key, bool& out) {
  in.Read(key, [&](const json& word) {
    if (!word.is_boolean()) {
      return InvalidArgument(kInvalid, "is {}, not true or false", JsonTypeName(word));
    }
    out = word.get<bool>();
    return absl::OkStatus();
  });
}

absl::Status ReadHttp(const json& value, HttpConfig& http) {
  ObjectReader in(value, kInvalid);
  http.listen = in.StringOr("listen", kMaxTextBytes, kDefaultHttpListen);
  Flag(in, "publicLog", http.public_log);
  Number(in, "maxConnectionsPerAddress", INT32_MAX, http.max_connections_per_address);
  return in.Finish();
}

absl::Status ReadObservation(const json& value, ObservationConfig& observation) {
  ObjectReader in(value, kInvalid);
  observation.listen = in.StringOr("listen", kMaxTextBytes, kDefaultObservationListen);
  Flag(in, "anonymous", observation.anonymous);
  return in.Finish();
}

absl::Status ReadBackup(const json& value, const std::filesystem::path& folder,
                        BackupConfig& backup) {
  ObjectReader in(value, kInvalid);
  Path(in, "folder", folder, backup.folder);
  return in.Finish();
}

absl::Status ReadLimits(const json& value, ServerLimits& limits) {
  ObjectReader in(value, kInvalid);
  Number(in, "maxMessageBytes", UINT64_MAX, limits.max_message_bytes);
  Number(in, "maxTransfers", INT32_MAX, limits.max_transfers);
  Number(in, "transferBytes", UINT64_MAX, limits.transfer_bytes);
  Number(in, "stallTimeoutSeconds", INT32_MAX, limits.stall_timeout_seconds);
  Number(in, "uploadLeaseSeconds", INT32_MAX, limits.upload_lease_seconds);
  Number(in, "maxConcurrentStreams", INT32_MAX, limits.max_concurrent_streams);
  Number(in, "blockCacheBytes", UINT64_MAX, limits.block_cache_bytes);
  Number(in, "writeBufferBytes", UINT64_MAX, limits.write_buffer_bytes);
  Number(in, "maxOpenFiles", INT32_MAX, limits.max_open_files);
  Number(in, "clockStepSeconds", INT32_MAX, limits.clock_step_seconds);
  return in.Finish();
}

absl::Status ReadContent(const json& value, ContentConfig& content) {
  ObjectReader in(value, kInvalid);
  Number(in, "chunkAverageBytes", UINT64_MAX, content.chunk_average_bytes);
  Number(in, "looseBytes", UINT64_MAX, content.loose_bytes);
  Number(in, "packBytes", UINT64_MAX, content.pack_bytes);
  return in.Finish();
}

absl::Status ReadMaintenance(const json& value, MaintenanceConfig& maintenance) {
  ObjectReader in(value, kInvalid);
  Number(in, "markBytes", UINT64_MAX, maintenance.mark_bytes);
  Number(in, "scrubBytesPerSecond", UINT64_MAX, maintenance.scrub_bytes_per_second);
  Number(in, "repackIntervalSeconds", INT32_MAX, maintenance.repack_interval_seconds);
  Number(in, "repackBytesPerSecond", UINT64_MAX, maintenance.repack_bytes_per_second);
  return in.Finish();
}

absl::Status ReadAuth(const json& value, const std::filesystem::path& folder, AuthConfig& auth) {
  ObjectReader in(value, kInvalid);
  auth.certificates_optional = in.WordOr("clientCertificates", kCertificates, 0) == 1;
  in.ForEach("jwtIssuers", 16, [&](const json& item) -> absl::Status {
    ObjectReader issuer(item, kInvalid);
    JwtIssuerConfig out;
    out.issuer = issuer.String("issuer", kMaxTextBytes);
    out.audience = issuer.String("audience", kMaxTextBytes);
    Path(issuer, "jwksFile", folder, out.jwks_file);
    DML_RETURN_IF_ERROR(issuer.Finish());
    auth.issuers.push_back(std::move(out));
    return absl::OkStatus();
  });
  return in.Finish();
}

absl::Status ReadAdmission(const json& value, AdmissionOptions& admission) {
  ObjectReader in(value, kInvalid);
  admission.clamd = in.StringOr("clamd", kMaxTextBytes, admission.clamd);
  admission.accept_unscanned = in.WordOr("unscanned", kUnscanned, 0) == 1;
  for (const std::string& word : in.Strings("require", 3, 32)) {
    if (word == "license") {
      admission.require_license = true;
    } else if (word == "provenance") {
      admission.require_provenance = true;
    } else if (word == "sbom") {
      admission.require_sbom = true;
    } else {
      in.Check("require",
               InvalidArgument(kInvalid, "'{}' is none of license, provenance, sbom", word));
    }
  }
  int64_t hours = admission.rescan_interval.count();
  Number(in, "rescanHours", INT32_MAX, hours);
  admission.rescan_interval = std::chrono::hours(hours);
  int64_t days = admission.quarantine_days.count();
  Number(in, "quarantineDays", 36500, days);
  admission.quarantine_days = std::chrono::days(days);
  return in.Finish();
}

absl::Status ReadAudit(const json& value, AuditConfig& audit) {
  ObjectReader in(value, kInvalid);
  Number(in, "linesPerSecond", INT32_MAX, audit.lines_per_second);
  return in.Finish();
}

absl::Status ReadLog(const json& value, LogConfig& log) {
  ObjectReader in(value, kInvalid);
  log.level = static_cast<LogLevel>(in.WordOr("level", kLevels, static_cast<size_t>(log.level)));
  log.format =
      static_cast<LogFormat>(in.WordOr("format", kFormats, static_cast<size_t>(log.format)));
  return in.Finish();
}

absl::Status ReadSelfProbe(const json& value, SelfProbeConfig& probe) {
  ObjectReader in(value, kInvalid);
  int64_t seconds = probe.interval.count();
  Number(in, "intervalSeconds", INT32_MAX, seconds);
  probe.interval = std::chrono::seconds(seconds);
  Number(in, "maxFailures", INT32_MAX, probe.max_failures);
  return in.Finish();
}

absl::StatusOr<ServerConfig> ReadConfig(const json& value, const std::filesystem::path& folder) {
  ServerConfig config;
  ObjectReader in(value, kInvalid);
  Path(in, "dataDir", folder, config.data_dir);
  Flag(in, "readOnly", config.read_only);
  config.listen = in.StringOr("listen", kMaxTextBytes, config.listen);
  config.server_names = in.Strings("serverNames", 1000, 253);
  in.Read("tls", [&](const json& tls) { return ReadTls(tls, folder, config.tls); });
  in.Read("http", [&](const json& http) { return ReadHttp(http, config.http); });
  in.Read("observation", [&](const json& observation) {
    return ReadObservation(observation, config.observation);
  });
  in.Read("limits", [&](const json& limits) { return ReadLimits(limits, config.limits); });
  in.Read("content", [&](const json& content) { return ReadContent(content, config.content); });
  in.Read("maintenance", [&](const json& maintenance) {
    return ReadMaintenance(maintenance, config.maintenance);
  });
  in.Read("auth", [&](const json& auth) { return ReadAuth(auth, folder, config.auth); });
  in.Read("admission",
          [&](const json& admission) { return ReadAdmission(admission, config.admission); });
  in.Read("audit", [&](const json& audit) { return ReadAudit(audit, config.audit); });
  in.Read("backup", [&](const json& backup) { return ReadBackup(backup, folder, config.backup); });
  in.Read("log", [&](const json& log) { return ReadLog(log, config.log); });
  in.Read("selfProbe", [&](const json& probe) { return ReadSelfProbe(probe, config.self_probe); });
  int64_t grace = config.shutdown_grace.count();
  Number(in, "shutdownGraceSeconds", INT32_MAX, grace);
  config.shutdown_grace = std::chrono::seconds(grace);
  DML_RETURN_IF_ERROR(in.Finish());
  return config;
}

// Where the last part of `path` stands in its line, from 1; 1 where it does not.
size_t ColumnOf(std::string_view yaml, int line, std::string_view path) {
  for (int i = 1; i < line; ++i) {
    const size_t end = yaml.find('\n');
    if (end == std::string_view::npos) return 1;
    yaml.remove_prefix(end + 1);
  }
  const size_t dot = path.rfind('.');
  const std::string_view key = dot == std::string_view::npos ? path : path.substr(dot + 1);
  const size_t at = yaml.substr(0, yaml.find('\n')).find(key);
  return at == std::string_view::npos ? 1 : at + 1;
}

absl::Status Locate(const absl::Status& status, const YamlDocument& document, std::string_view yaml,
                    const std::filesystem::path& file) {
  const std::vector<FieldViolation> violations = FieldViolations(status);
  const std::string path = violations.empty() ? "" : violations.front().field;
  const auto found = document.lines.find(path);
  if (found == document.lines.end()) return Annotate(document.AtLine(status), file.string());
  return Annotate(status, fmt::format("{}:{}:{}", file.string(), found->second,
                                      ColumnOf(yaml, found->second, path)));
}

absl::StatusOr<ServerConfig> WithEnvironment(const json& value,
                                             const std::filesystem::path& folder) {
  absl::StatusOr<ServerConfig> config = ReadConfig(value, folder);
  if (!config.ok()) return Annotate(config.status(), "with the environment's DMLD_ variables");
  return config;
}

// A JSON string is a YAML string.
std::string Quoted(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string FormatAuth(const AuthConfig& auth) {
  std::string out = fmt::format("auth:\n  clientCertificates: {}\n  jwtIssuers: [",
                                kCertificates[auth.certificates_optional ? 1 : 0]);
  for (size_t i = 0; i < auth.issuers.size(); ++i) {
    const JwtIssuerConfig& issuer = auth.issuers[i];
    out += fmt::format("{}{{issuer: {}, audience: {}, jwksFile: {}}}", i == 0 ? "" : ", ",
                       Quoted(issuer.issuer), Quoted(issuer.audience),
                       Quoted(issuer.jwks_file.string()));
  }
  return out + "]\n";
}

std::string FormatAdmission(const AdmissionOptions& admission) {
  std::vector<std::string> required;
  if (admission.require_license) required.emplace_back("license");
  if (admission.require_provenance) required.emplace_back("provenance");
  if (admission.require_sbom) required.emplace_back("sbom");
  return fmt::format(
      "admission:\n  clamd: {}\n  unscanned: {}\n  require: [{}]\n  rescanHours: {}\n"
      "  quarantineDays: {}\n",
      Quoted(admission.clamd), kUnscanned[admission.accept_unscanned ? 1 : 0],
      fmt::join(required, ", "), admission.rescan_interval.count(),
      admission.quarantine_days.count());
}

}  // namespace

absl::StatusOr<ServerConfig> ParseServerConfig(std::string_view yaml,
                                               const std::filesystem::path& file,
                                               std::span<const std::string> environment) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(yaml, kMaxFileBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), file.string());
  // The file by itself first, so that its faults are told with their place.
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  absl::StatusOr<ServerConfig> config = ReadConfig(document->value, folder);
  if (!config.ok()) return Locate(config.status(), *document, yaml, file);
  DML_ASSIGN_OR_RETURN(const bool changed, ApplyEnvironment(environment, document->value));
  return changed ? WithEnvironment(document->value, folder) : config;
}

absl::StatusOr<ServerConfig> ServerConfigOf(std::span<const std::string> environment) {
  json document = json::object();
  DML_RETURN_IF_ERROR(ApplyEnvironment(environment, document).status());
  return WithEnvironment(document, std::filesystem::current_path());
}

std::string FormatServerConfig(const ServerConfig& config) {
  auto quoted = Quoted;
  std::string out =
      fmt::format("dataDir: {}\nreadOnly: {}\nlisten: {}\nserverNames: [",
                  quoted(config.data_dir.string()), config.read_only, quoted(config.listen));
  for (size_t i = 0; i < config.server_names.size(); ++i) {
    out += (i == 0 ? "" : ", ") + quoted(config.server_names[i]);
  }
  out += "]\ntls:\n";
  out += fmt::format("  certificate: {}\n  key: {}\n  clientCa: {}\n",
                     quoted(config.tls.certificate.string()), quoted(config.tls.key.string()),
                     quoted(config.tls.client_ca.string()));
  if (!config.http.listen.empty()) {
    out += fmt::format("http:\n  listen: {}\n  publicLog: {}\n  maxConnectionsPerAddress: {}\n",
                       quoted(config.http.listen), config.http.public_log,
                       config.http.max_connections_per_address);
  }
  if (!config.observation.listen.empty()) {
    out += fmt::format("observation:\n  listen: {}\n  anonymous: {}\n",
                       quoted(config.observation.listen), config.observation.anonymous);
  }
  const ServerLimits& limits = config.limits;
  out += fmt::format(
      "limits:\n  maxMessageBytes: {}\n  maxTransfers: {}\n  transferBytes: {}\n"
      "  stallTimeoutSeconds: {}\n"
      "  uploadLeaseSeconds: {}\n  maxConcurrentStreams: {}\n"
      "  blockCacheBytes: {}\n  writeBufferBytes: {}\n  maxOpenFiles: {}\n"
      "  clockStepSeconds: {}\n",
      limits.max_message_bytes, limits.max_transfers, limits.transfer_bytes,
      limits.stall_timeout_seconds, limits.upload_lease_seconds, limits.max_concurrent_streams,
      limits.block_cache_bytes, limits.write_buffer_bytes, limits.max_open_files,
      limits.clock_step_seconds);
  out += fmt::format("content:\n  chunkAverageBytes: {}\n  looseBytes: {}\n  packBytes: {}\n",
                     config.content.chunk_average_bytes, config.content.loose_bytes,
                     config.content.pack_bytes);
  const MaintenanceConfig& maintenance = config.maintenance;
  out += fmt::format(
      "maintenance:\n  markBytes: {}\n  scrubBytesPerSecond: {}\n"
      "  repackIntervalSeconds: {}\n  repackBytesPerSecond: {}\n",
      maintenance.mark_bytes, maintenance.scrub_bytes_per_second,
      maintenance.repack_interval_seconds, maintenance.repack_bytes_per_second);
  out += FormatAuth(config.auth) + FormatAdmission(config.admission);
  out += fmt::format("audit:\n  linesPerSecond: {}\n", config.audit.lines_per_second);
  out += fmt::format("backup:\n  folder: {}\n", quoted(config.backup.folder.string()));
  out += fmt::format("log:\n  level: {}\n  format: {}\n",
                     kLevels[static_cast<size_t>(config.log.level)],
                     kFormats[static_cast<size_t>(config.log.format)]);
  out += fmt::format("selfProbe:\n  intervalSeconds: {}\n  maxFailures: {}\n",
                     config.self_probe.interval.count(), config.self_probe.max_failures);
  return out + fmt::format("shutdownGraceSeconds: {}\n", config.shutdown_grace.count());
}

}  // namespace dml
