#include "server/config/server_config.h"

#include <charconv>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace dml {
namespace {

constexpr ErrorReason kInvalid("CONFIG_INVALID");
constexpr size_t kMaxServerNames = 48;

absl::Status CheckRange(std::string_view name, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return AtField(
      InvalidArgument(kInvalid, "{} is {}; it must be between {} and {}", name, value, min, max),
      name);
}

absl::Status CheckLimits(const ServerLimits& limits) {
  // Chunks of up to 256 KiB travel whole, several in a message; above 64 MiB memory is not bounded
  // in any useful way.
  DML_RETURN_IF_ERROR(
      CheckRange("limits.maxMessageBytes", limits.max_message_bytes, 4 << 20, 64 << 20));
  DML_RETURN_IF_ERROR(CheckRange("limits.maxTransfers", limits.max_transfers, 1, 4096));
  DML_RETURN_IF_ERROR(
      CheckRange("limits.stallTimeoutSeconds", limits.stall_timeout_seconds, 1, 86400));
  // Never shorter than a stream may stand still: what it relies on must last until it goes on.
  DML_RETURN_IF_ERROR(CheckRange("limits.uploadLeaseSeconds", limits.upload_lease_seconds,
                                 limits.stall_timeout_seconds, 30 * 86'400));
  DML_RETURN_IF_ERROR(
      CheckRange("limits.maxConcurrentStreams", limits.max_concurrent_streams, 1, 4096));
  DML_RETURN_IF_ERROR(
      CheckRange("limits.blockCacheBytes", limits.block_cache_bytes, 1 << 20, uint64_t{1} << 40));
  DML_RETURN_IF_ERROR(
      CheckRange("limits.writeBufferBytes", limits.write_buffer_bytes, 1 << 20, uint64_t{1} << 36));
  DML_RETURN_IF_ERROR(CheckRange("limits.maxOpenFiles", limits.max_open_files, 64, 1 << 20));
  if (limits.clock_step_seconds == 0) return absl::OkStatus();
  return CheckRange("limits.clockStepSeconds", limits.clock_step_seconds, 3600, 366 * 86'400);
}

// An upload must fit the share of one principal.
absl::Status CheckTransferBytes(const ServerLimits& limits, const ContentConfig& content) {
  const uint64_t least = (UploadMemory(limits, content) * 4 + 2) / 3;
  return CheckRange("limits.transferBytes", limits.transfer_bytes, least, uint64_t{1} << 40);
}

absl::Status CheckContent(const ContentConfig& content) {
  // Four times the average still is a chunk that fits a message.
  DML_RETURN_IF_ERROR(
      CheckRange("content.chunkAverageBytes", content.chunk_average_bytes, 4 << 10, 256 << 10));
  if ((content.chunk_average_bytes & (content.chunk_average_bytes - 1)) != 0) {
    return AtField(InvalidArgument(kInvalid, "content.chunkAverageBytes is {}; a power of two",
                                   content.chunk_average_bytes),
                   "content.chunkAverageBytes");
  }
  DML_RETURN_IF_ERROR(CheckRange("content.looseBytes", content.loose_bytes, 0, 64 << 20));
  return CheckRange("content.packBytes", content.pack_bytes, 1 << 20, uint64_t{1} << 30);
}

absl::Status CheckMaintenance(const MaintenanceConfig& maintenance) {
  DML_RETURN_IF_ERROR(
      CheckRange("maintenance.markBytes", maintenance.mark_bytes, 1 << 20, uint64_t{1} << 40));
  DML_RETURN_IF_ERROR(CheckRange("maintenance.repackIntervalSeconds",
                                 maintenance.repack_interval_seconds, 0, 30 * 86'400));
  DML_RETURN_IF_ERROR(CheckRange("maintenance.repackBytesPerSecond",
                                 maintenance.repack_bytes_per_second, 1 << 20, uint64_t{1} << 40));
  return CheckRange("maintenance.scrubBytesPerSecond", maintenance.scrub_bytes_per_second, 64 << 10,
                    uint64_t{1} << 40);
}

// That an address of HTTP is one, and not open to others without TLS.
absl::Status CheckHttpListen(std::string_view section, const std::string& listen,
                             bool insecure_loopback) {
  const std::string field = fmt::format("{}.listen", section);
  absl::StatusOr<ListenAddress> address = ParseListenAddress(listen);
  if (!address.ok()) {
    return AtField(InvalidArgument(kInvalid, "{}: {}", section, Message(address.status())), field);
  }
  if (!insecure_loopback || address->loopback) return absl::OkStatus();
  return AtField(InvalidArgument(kInvalid,
                                 "--insecure-loopback and {} {} do not go together: "
                                 "without TLS only a loopback address may be listened on",
                                 field, listen),
                 field);
}

absl::Status CheckHttp(const HttpConfig& http, bool insecure_loopback) {
  if (http.listen.empty()) return absl::OkStatus();
  DML_RETURN_IF_ERROR(CheckHttpListen("http", http.listen, insecure_loopback));
  return CheckRange("http.maxConnectionsPerAddress", http.max_connections_per_address, 1,
                    kMaxHttpConnections);
}

}  // namespace

uint64_t UploadMemory(const ServerLimits& limits, const ContentConfig& content) {
  return content.loose_bytes + 3 * limits.max_message_bytes;
}

std::string ListenAddress::ToString() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

bool IsIpAddress(std::string_view text) {
  const std::string host(text);
  in6_addr unused{};
  return inet_pton(AF_INET, host.c_str(), &unused) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  absl::Status invalid = AtField(
      InvalidArgument(kInvalid,
                      "cannot listen on '{}'; write an IP address and a port from 0 to 65535, such "
                      "as 127.0.0.1:7443 or [::1]:7443",
                      text),
      "listen");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);

  ListenAddress out;
  out.host = std::string(host);
  in_addr v4{};
  in6_addr v6{};
  if (!bracketed && inet_pton(AF_INET, out.host.c_str(), &v4) == 1) {
    out.loopback = (ntohl(v4.s_addr) >> 24) == 127;
    out.wildcard = v4.s_addr == htonl(INADDR_ANY);
  } else if (bracketed && inet_pton(AF_INET6, out.host.c_str(), &v6) == 1) {
    out.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    out.wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6);
  } else {
    return invalid;
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port < 0 ||
      out.port > 65535 || port.starts_with('-')) {
    return invalid;
  }
  return out;
}

absl::Status ServerConfig::Validate() const {
  if (data_dir.empty()) {
    return AtField(InvalidArgument(kInvalid,
                                   "no data directory; name one with --data-dir, or dataDir in the "
                                   "configuration file"),
                   "dataDir");
  }
  DML_ASSIGN_OR_RETURN(ListenAddress address, ParseListenAddress(listen));
  if (insecure_loopback && !address.loopback) {
    return AtField(
        InvalidArgument(kInvalid,
                        "--insecure-loopback and {} do not go together: without TLS only "
                        "a loopback address may be listened on",
                        listen),
        "listen");
  }
  DML_RETURN_IF_ERROR(CheckHttp(http, insecure_loopback));
  if (!observation.listen.empty()) {
    DML_RETURN_IF_ERROR(CheckHttpListen("observation", observation.listen, insecure_loopback));
  }
  if (server_names.size() > kMaxServerNames) {
    return AtField(InvalidArgument(kInvalid, "{} server names; at most {} are allowed",
                                   server_names.size(), kMaxServerNames),
                   "serverNames");
  }
  if (tls.certificate.empty() != tls.key.empty()) {
    return AtField(
        InvalidArgument(kInvalid, "tls.certificate and tls.key belong together; name both"), "tls");
  }
  DML_RETURN_IF_ERROR(CheckLimits(limits));
  DML_RETURN_IF_ERROR(CheckContent(content));
  DML_RETURN_IF_ERROR(CheckTransferBytes(limits, content));
  DML_RETURN_IF_ERROR(CheckMaintenance(maintenance));
  if (admission.quarantine_days.count() > 0 && admission.rescan_interval.count() == 0) {
    return AtField(InvalidArgument(kInvalid,
                                   "admission.quarantineDays needs admission.rescanHours: that is "
                                   "when quarantines are looked at"),
                   "admission.quarantineDays");
  }
  for (size_t i = 0; i < auth.issuers.size(); ++i) {
    const JwtIssuerConfig& issuer = auth.issuers[i];
    const std::string field = fmt::format("auth.jwtIssuers[{}]", i);
    if (issuer.issuer.empty() || issuer.audience.empty() || issuer.jwks_file.empty()) {
      return AtField(InvalidArgument(kInvalid,
                                     "an issuer of JWTs has an issuer, an audience and a "
                                     "jwksFile"),
                     field);
    }
    // Principals are ISSUER#SUBJECT: two issuers must never have one in common. An issuer is a URL
    // without query and fragment (OpenID Connect Core, section 2).
    if (issuer.issuer.find_first_of("#?") != std::string::npos) {
      return AtField(InvalidArgument(kInvalid, "an issuer has no '#' and no '?'"), field);
    }
    for (size_t j = 0; j < i; ++j) {
      if (auth.issuers[j].issuer != issuer.issuer) continue;
      return AtField(InvalidArgument(kInvalid, "issuer {} is there twice", issuer.issuer), field);
    }
  }
  DML_RETURN_IF_ERROR(CheckRange("audit.linesPerSecond", audit.lines_per_second, 1, 10'000));
  DML_RETURN_IF_ERROR(
      CheckRange("selfProbe.intervalSeconds", self_probe.interval.count(), 0, 86'400));
  DML_RETURN_IF_ERROR(CheckRange("selfProbe.maxFailures", self_probe.max_failures, 1, 1000));
  return CheckRange("shutdownGraceSeconds", shutdown_grace.count(), 0, 3600);
}

}  // namespace dml
