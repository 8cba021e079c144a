// The first start: a private authority, certificates, the log's key and name, and a profile for the
// administrator. There are no default credentials.
//
//   keys/ca.key      tls/ca.pem          the authority; the key may be moved offline afterwards
//   keys/server.key  tls/server.pem      this server
//   keys/log.key     client/log.pem      Ed25519; signs checkpoints (server/auth/log_keys.h)
//   origin                               "dml.local/<16 hex>": the journal's name, stays for ever
//   client/admin.{pem,key}               the administrator's certificate (role admin)
//   client/root.key                      the administrator's key of the first trust root: keep it
//                                        elsewhere; the daemon never reads it
//   client/root.json                     the trust root in force
//   keys/permit.key                      Ed25519; signs permits, never enough alone
//   client/profile.yaml                  how to reach us, with admin's certificate
//
// Folders 0700, keys 0600. Nothing that is there is overwritten but what is derived
// (client/log.pem, client/root.json and client/profile.yaml, written at every start). A crash at
// any point is finished by the next start. The caller holds the data directory's lock. Not for use
// by several threads.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/crypto/keys.h"
#include "core/journal/trust_records.h"
#include "server/auth/identity_files.h"
#include "server/auth/log_keys.h"

namespace dml {

struct BootstrapOptions {
  std::filesystem::path data_dir;         // Exists.
  std::vector<std::string> server_names;  // Besides localhost, 127.0.0.1, ::1 and the host's name.
  std::chrono::sys_seconds now;
};

struct ServerIdentity {
  std::string origin;
  LogKeys log_keys;
};

/// Makes what is missing. FAILED_PRECONDITION: BOOTSTRAP_INCOMPLETE (a part is gone that others
/// need), LOG_KEY_MISSING, CA_KEY_OFFLINE; ORIGIN_MISSING, before anything is written; errors of
/// core/os/file.h.
absl::StatusOr<ServerIdentity> Bootstrap(const BootstrapOptions& options);

/// Replaces the server's key, then its certificate, by a new pair with the names of `options`, and
/// returns the certificate's file. A daemon that runs takes the two into use once both are there;
/// after a crash between them, call it again. FAILED_PRECONDITION (CA_KEY_OFFLINE); errors of
/// core/os/file.h.
absl::StatusOr<std::filesystem::path> RenewServerCertificate(const BootstrapOptions& options);

/// The envelope of the first trust root, for a library that has none: made with a new key of the
/// administrator's where client/root.json is not there. `registered`: keys of a library from before
/// there were roots, which go on vouching for what they did.
absl::StatusOr<std::string> EnsureFirstRoot(const BootstrapOptions& options,
                                            const std::string& origin, const PublicKey& log_key,
                                            const std::vector<KeyRecord>& registered);

/// A client profile (docs/operations.md, "Client profiles"), with paths as they shall stand in it.
struct ProfileText {
  std::string server;  // "127.0.0.1:7443".
  std::string ca, certificate, key, log_key;
  std::string root;
  std::string root_key;  // "": none.
  std::string origin;
  bool insecure_loopback = false;

  std::string ToYaml(std::string_view comment) const;
};

/// Writes client/profile.yaml for a server at this address.
absl::Status WriteAdminProfile(const std::filesystem::path& data_dir, std::string_view address,
                               bool insecure_loopback);

/// Where `dml` looks for a profile without being told: $XDG_CONFIG_HOME/dml/profile.yaml or
/// ~/.config/dml/profile.yaml; empty where neither variable is set.
std::filesystem::path UserProfilePath();

/// What a user's profile is to a library.
enum class UserProfile {
  kOfThisLibrary,   // And of this address, with the administrator's certificate.
  kOfThisOrigin,    // Of the same journal, but changed: another address or certificate.
  kOfOtherLibrary,  // Or none that can be read.
};

/// Writes the administrator's profile with absolute paths to `target` unless there is one, which is
/// never changed. Returns what `target` is then.
absl::StatusOr<UserProfile> InstallUserProfile(const std::filesystem::path& data_dir,
                                               std::string_view address, bool insecure_loopback,
                                               const std::filesystem::path& target);

/// The persisted origin, as in the data directory; checked. The journal began under it.
absl::StatusOr<std::string> ReadOrigin(const std::filesystem::path& file);

/// The name of the journal now: of the trust root in force, the file client/root.json; before there
/// is one, the persisted origin. The errors of reading them.
absl::StatusOr<std::string> JournalOrigin(const IdentityFiles& files);

/// The trust domain of clients' certificates for an origin: "dml.local/<hex>" gives
/// "<hex>.dml.local", so that principals of two libraries never have the same id.
std::string SpiffeTrustDomain(std::string_view origin);

}  // namespace dml
