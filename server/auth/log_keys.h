// The keys of the journal in a data directory: the one that signs, and one that may follow it.
//
// The trust root says which key signs. A key is replaced in this order, each step finished by the
// next start after a crash: a next key is made (keys/log.next.key); a root that names it is set
// (server/open_library.h); it takes the place of the first.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "core/crypto/keys.h"
#include "core/trust/checkpoint.h"
#include "core/trust/trust_root.h"
#include "server/auth/identity_files.h"

namespace dml {

struct LogKeys {
  std::optional<PrivateKey> current;   // keys/log.key; nullopt where it is lost.
  std::optional<PrivateKey> next;      // keys/log.next.key.
  std::optional<PublicKey> published;  // client/log.pem: the current one, lost or not.

  /// All of them: one has signed what was signed last.
  std::vector<PublicKey> All() const;
};

/// Reads them; makes the first one of a data directory without an origin, and client/log.pem where
/// the current key is there. FAILED_PRECONDITION (LOG_KEY_MISSING) where there is none at all.
absl::StatusOr<LogKeys> EnsureLogKeys(const IdentityFiles& files);

/// Takes the one that the root names; the current one before the other, and where there is no root.
/// FAILED_PRECONDITION: LOG_KEY_MISSING where it is lost, LOG_KEY_NOT_IN_ROOT.
absl::StatusOr<PrivateKey> ChooseLogKey(LogKeys& keys, const TrustRoot* root);

/// Puts the next key in the place of the current one, for good. Nothing where there is no next.
absl::Status PromoteNextLogKey(const IdentityFiles& files);

/// What was signed last, by whichever key; nullopt where that is lost. The errors of reading it.
absl::StatusOr<std::optional<Checkpoint>> LastSignedCheckpoint(const IdentityFiles& files);

/// The key that is to sign from some root on; made unless it is there. A running daemon is not
/// disturbed. NOT_FOUND (DATA_DIR_MISSING) where there is no library.
struct NextLogKey {
  PublicKey key;
  std::filesystem::path file;  // Its public half, client/log.next.pem.
  uint64_t signed_size = 0;    // Of the last checkpoint that was signed here.
};
absl::StatusOr<NextLogKey> MakeNextLogKey(const std::filesystem::path& data_dir);

}  // namespace dml
