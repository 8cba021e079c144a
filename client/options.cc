#include "client/options.h"

#include <cstdlib>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/time.h"
#include "core/crypto/x509.h"
#include "core/os/file.h"
#include "core/trust/dsse.h"
#include "core/trust/note.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr ErrorReason kOptionsInvalid("CLIENT_OPTIONS_INVALID");
constexpr ErrorReason kProfileInvalid("PROFILE_INVALID");
constexpr size_t kMaxProfileBytes = 64 << 10;
constexpr size_t kMaxPemBytes = 256 << 10;
constexpr size_t kMaxTextBytes = 4096;
constexpr int kMaxAttempts = 100;

// "host:port" without the port; a bracketed IPv6 address without its brackets.
std::string_view HostOf(std::string_view target) {
  size_t colon = target.rfind(':');
  if (colon == std::string_view::npos) return "";
  std::string_view host = target.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool IsLoopback(std::string_view target) {
  if (target.starts_with("unix:")) return true;
  std::string_view host = HostOf(target);
  if (host == "localhost" || host == "::1") return true;
  // An address, not a name that starts like one.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

// The texts of a profile, before the files that they name are read.
struct Profile {
  std::string server, server_name, ca_file, certificate_file, key_file;
  std::string log_origin, log_key_file, state_file;
  std::string root_file, root_key_file, token_file;
  bool insecure_loopback = false;
};

absl::StatusOr<Profile> ParseProfile(const YamlDocument& document) {
  Profile out;
  ObjectReader in(document.value, kProfileInvalid);
  in.Read("insecureLoopback", [&](const nlohmann::json& value) -> absl::Status {
    if (!value.is_boolean()) {
      return InvalidArgument(kProfileInvalid, "must be true or false, not {}", JsonTypeName(value));
    }
    out.insecure_loopback = value.get<bool>();
    return absl::OkStatus();
  });
  auto tls_file = [&](std::string_view key) {
    return out.insecure_loopback ? in.StringOr(key, kMaxTextBytes, "")
                                 : in.String(key, kMaxTextBytes);
  };
  out.server = in.String("server", kMaxTextBytes);
  out.server_name = in.StringOr("serverName", kMaxTextBytes, "");
  out.ca_file = tls_file("caFile");
  out.token_file = in.StringOr("tokenFile", kMaxTextBytes, "");
  auto identity_file = [&](std::string_view key) {
    return out.token_file.empty() ? tls_file(key) : in.StringOr(key, kMaxTextBytes, "");
  };
  out.certificate_file = identity_file("certificateFile");
  out.key_file = identity_file("privateKeyFile");
  out.log_origin = in.String("logOrigin", kMaxTextBytes);
  out.log_key_file = in.String("logKeyFile", kMaxTextBytes);
  out.state_file = in.StringOr("stateFile", kMaxTextBytes, "");
  out.root_file = in.StringOr("rootFile", kMaxTextBytes, "");
  out.root_key_file = in.StringOr("rootKeyFile", kMaxTextBytes, "");
  DML_RETURN_IF_ERROR(in.Finish());
  if (out.insecure_loopback && !IsLoopback(out.server)) {
    return AtField(
        InvalidArgument(kProfileInvalid, "is only for a server on this machine, and {} is not",
                        out.server),
        "insecureLoopback");
  }
  return out;
}

// The same error naming the profile.
absl::Status InFile(const absl::Status& status, const fs::path& file) {
  return Annotate(status, fmt::format("profile {}", file.string()));
}

}  // namespace

absl::Status ClientOptions::Validate() const {
  auto invalid = [](std::string_view field, std::string_view what) {
    return AtField(InvalidArgument(kOptionsInvalid, "{} {}", field, what), field);
  };
  if (target.empty()) return invalid("target", "is empty; give host:port or unix:/path");
  if (!target.starts_with("unix:") && HostOf(target).empty()) {
    return invalid("target", "must be host:port or unix:/path");
  }
  if (insecure_loopback) {
    if (!IsLoopback(target)) {
      return invalid("insecure_loopback", "is only for a server on this machine; use TLS");
    }
  } else {
    if (ca_pem.empty()) return invalid("ca_pem", "is empty; give the library's authority");
    if (certificate_pem.empty() != private_key_pem.empty()) {
      return invalid("certificate_pem", "and private_key_pem belong together; give both");
    }
  }
  if (!ValidateNoteKeyName(log_origin).ok()) {
    return invalid("log_origin", "is no origin; give the one that the library's operator names");
  }
  if (log_key_pem.empty()) return invalid("log_key_pem", "is empty; give the library's log key");
  if (retry.max_attempts < 1 || retry.max_attempts > kMaxAttempts) {
    return invalid("retry.max_attempts", "must be 1 to 100");
  }
  if (retry.first_delay.count() < 1 || retry.max_delay < retry.first_delay) {
    return invalid("retry.first_delay", "must be at least 1 ms and at most max_delay");
  }
  if (retry.patience.count() < 0) return invalid("retry.patience", "must not be negative");
  if (unary_timeout.count() < 1) return invalid("unary_timeout", "must be at least 1 ms");
  if (publish_timeout.count() < 1) return invalid("publish_timeout", "must be at least 1 ms");
  if (stall_timeout.count() < 1) return invalid("stall_timeout", "must be at least 1 ms");
  if (log_check_interval.count() < 0) return invalid("log_check_interval", "must not be negative");
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::chrono::sys_seconds>> CheckCertificate(
    const ClientOptions& options, std::chrono::sys_seconds now) {
  if (options.insecure_loopback || options.certificate_pem.empty()) return std::nullopt;
  absl::StatusOr<CertificateDates> dates = ReadCertificateDates(options.certificate_pem);
  if (!dates.ok()) return std::nullopt;
  const std::string which = options.certificate_file.empty()
                                ? "the client's certificate"
                                : "certificate " + options.certificate_file.string();
  if (now > dates->not_after) {
    return Unauthenticated(ErrorReason("CERTIFICATE_EXPIRED"),
                           "{} expired on {}; issue a new one with: dmld issue-certificate", which,
                           FormatTime(dates->not_after));
  }
  if (now < dates->not_before) {
    return Unauthenticated(ErrorReason("CERTIFICATE_NOT_YET_VALID"),
                           "{} is good only from {} on; check this machine's clock", which,
                           FormatTime(dates->not_before));
  }
  return dates->not_after;
}

absl::StatusOr<ClientOptions> LoadProfile(const fs::path& file) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxProfileBytes));
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxProfileBytes, kProfileInvalid);
  if (!document.ok()) return InFile(document.status(), file);
  absl::StatusOr<Profile> profile = ParseProfile(*document);
  if (!profile.ok()) return InFile(document->AtLine(profile.status()), file);

  fs::path folder = file.parent_path();
  auto load = [&](const std::string& name, bool secret, std::string& out) -> absl::Status {
    if (name.empty()) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(out, secret ? ReadPrivateFile(folder / name, kMaxPemBytes)
                                     : ReadFile(folder / name, kMaxPemBytes));
    return absl::OkStatus();
  };
  ClientOptions out;
  out.target = profile->server;
  out.server_name = profile->server_name;
  out.insecure_loopback = profile->insecure_loopback;
  out.log_origin = profile->log_origin;
  DML_RETURN_IF_ERROR(load(profile->ca_file, false, out.ca_pem));
  DML_RETURN_IF_ERROR(load(profile->certificate_file, false, out.certificate_pem));
  DML_RETURN_IF_ERROR(load(profile->key_file, true, out.private_key_pem));
  DML_RETURN_IF_ERROR(load(profile->log_key_file, false, out.log_key_pem));
  DML_RETURN_IF_ERROR(load(profile->token_file, true, out.token));
  while (out.token.ends_with('\n')) out.token.pop_back();
  if (!profile->root_file.empty()) {
    DML_ASSIGN_OR_RETURN(out.root_json, ReadFile(folder / profile->root_file, kMaxEnvelopeBytes));
  }
  if (!profile->root_key_file.empty()) out.root_key_file = folder / profile->root_key_file;
  if (!profile->certificate_file.empty()) {
    out.certificate_file = folder / profile->certificate_file;
  }
  out.state_file = profile->state_file.empty() ? fs::path(file.string() + ".checkpoint")
                                               : folder / profile->state_file;
  if (absl::Status status = out.Validate(); !status.ok()) {
    return InFile(InvalidArgument(kProfileInvalid, "{}", Message(status)), file);
  }
  return out;
}

absl::StatusOr<fs::path> FindProfile(const fs::path& given) {
  if (!given.empty()) return given;
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (std::string profile = variable("DML_PROFILE"); !profile.empty()) return fs::path(profile);
  fs::path config = variable("XDG_CONFIG_HOME");
  if (!config.is_absolute()) {  // The XDG specification: a relative path is ignored.
    std::string home = variable("HOME");
    config = home.empty() ? fs::path() : fs::path(home) / ".config";
  }
  if (!config.empty()) {
    fs::path profile = config / "dml" / "profile.yaml";
    std::error_code error;
    if (fs::exists(profile, error)) return profile;
  }
  return NotFound(ErrorReason("PROFILE_NOT_FOUND"),
                  "no profile names the library to talk to: give --profile, set DML_PROFILE, or "
                  "write {}",
                  (config / "dml" / "profile.yaml").string());
}

}  // namespace dml
