// Client profiles, as the daemon writes them.
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "core/base/strict_yaml.h"
#include "core/os/file.h"
#include "server/auth/bootstrap.h"
#include "server/auth/key_pair_files.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxProfileBytes = 64 << 10;

// A JSON string is a YAML string.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

UserProfile Compare(const fs::path& profile, const std::string& own, std::string_view origin) {
  const absl::StatusOr<std::string> there = ReadFile(profile, kMaxProfileBytes);
  if (!there.ok()) return UserProfile::kOfOtherLibrary;
  if (*there == own) return UserProfile::kOfThisLibrary;
  const auto document = ParseStrictYaml(*there, kMaxProfileBytes, ErrorReason("PROFILE_INVALID"));
  if (!document.ok() || !document->value.is_object()) return UserProfile::kOfOtherLibrary;
  const auto log_origin = document->value.find("logOrigin");
  const bool same = log_origin != document->value.end() && *log_origin == std::string(origin);
  return same ? UserProfile::kOfThisOrigin : UserProfile::kOfOtherLibrary;
}

}  // namespace

std::string ProfileText::ToYaml(std::string_view comment) const {
  std::string out = fmt::format("# {}\nserver: {}\n", comment, Quoted(server));
  if (insecure_loopback) {
    out += "insecureLoopback: true\n";
  } else {
    out += fmt::format("caFile: {}\ncertificateFile: {}\nprivateKeyFile: {}\n", Quoted(ca),
                       Quoted(certificate), Quoted(key));
  }
  out += fmt::format("logOrigin: {}\nlogKeyFile: {}\nrootFile: {}\n", Quoted(origin),
                     Quoted(log_key), Quoted(root));
  if (!root_key.empty()) out += fmt::format("rootKeyFile: {}\n", Quoted(root_key));
  return out;
}

absl::Status WriteAdminProfile(const fs::path& data_dir, std::string_view address,
                               bool insecure_loopback) {
  const IdentityFiles files(data_dir);
  DML_ASSIGN_OR_RETURN(std::string origin, JournalOrigin(files));
  const ProfileText profile{.server = std::string(address),
                            .ca = "../tls/ca.pem",
                            .certificate = "admin.pem",
                            .key = "admin.key",
                            .log_key = "log.pem",
                            .root = "root.json",
                            .root_key = FileExists(files.root_key) ? "root.key" : "",
                            .origin = std::move(origin),
                            .insecure_loopback = insecure_loopback};
  const std::string yaml = profile.ToYaml("Written by dmld at every start; copy it to change it.");
  return WriteFileAtomically(files.profile, AsBytes(yaml), 0600);
}

fs::path UserProfilePath() {
  fs::path config = Variable("XDG_CONFIG_HOME");
  if (!config.is_absolute()) {  // The XDG specification: a relative path is ignored.
    const std::string home = Variable("HOME");
    if (home.empty()) return {};
    config = fs::path(home) / ".config";
  }
  return config / "dml" / "profile.yaml";
}

absl::StatusOr<UserProfile> InstallUserProfile(const fs::path& data_dir, std::string_view address,
                                               bool insecure_loopback, const fs::path& target) {
  const IdentityFiles files(fs::absolute(data_dir).lexically_normal());
  DML_ASSIGN_OR_RETURN(std::string origin, JournalOrigin(files));
  const ProfileText profile{.server = std::string(address),
                            .ca = files.ca_certificate.string(),
                            .certificate = files.admin_certificate.string(),
                            .key = files.admin_key.string(),
                            .log_key = files.log_public_key.string(),
                            .root = files.root.string(),
                            .root_key = FileExists(files.root_key) ? files.root_key.string() : "",
                            .origin = std::move(origin),
                            .insecure_loopback = insecure_loopback};
  const std::string yaml =
      profile.ToYaml("Written by dmld at its first start, and yours from then on.");
  if (FileExists(target)) {
    return Compare(target, yaml, profile.origin);
  }
  std::error_code error;
  fs::create_directories(target.parent_path(), error);  // What fails shows in the next line.
  DML_RETURN_IF_ERROR(WriteFileAtomically(target, AsBytes(yaml), 0600));
  return UserProfile::kOfThisLibrary;
}

}  // namespace dml
