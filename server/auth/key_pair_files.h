// A certificate and its private key as two files that appear together or not at all.
#pragma once

#include <filesystem>
#include <functional>

#include "core/base/status.h"
#include "core/crypto/x509.h"

namespace dml {

inline constexpr uint64_t kMaxPemFileBytes = 256 << 10;

/// Makes the pair where neither file is there; nothing that is there is ever overwritten. The key
/// is kept beside its place ("<key>.new") until the certificate is durable, so that a crash at any
/// point is finished by the next call. A certificate alone is left alone: its key is kept offline.
/// FAILED_PRECONDITION (BOOTSTRAP_INCOMPLETE) for a key alone.
absl::Status EnsureKeyPair(const std::filesystem::path& certificate,
                           const std::filesystem::path& key,
                           const std::function<absl::StatusOr<CertificateWithKey>()>& make);

/// Reads such a pair. FAILED_PRECONDITION (CA_KEY_OFFLINE) where the key is missing.
absl::StatusOr<CertificateWithKey> ReadKeyPair(const std::filesystem::path& certificate,
                                               const std::filesystem::path& key);

/// The Ed25519 key in a file (PKCS #8 PEM, its owner's alone). The errors of ReadPrivateFile and
/// FromPkcs8Pem, with the file's name.
absl::StatusOr<PrivateKey> ReadKeyFile(const std::filesystem::path& file);
/// The same, made first where it is not there.
absl::StatusOr<PrivateKey> EnsureKeyFile(const std::filesystem::path& file);

/// Whether there is anything under this name.
bool FileExists(const std::filesystem::path& path);

}  // namespace dml
