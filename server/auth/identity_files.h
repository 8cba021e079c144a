// Where keys, certificates and names are in a data directory; server/auth/bootstrap.h says what
// each is.
#pragma once

#include <filesystem>

namespace dml {

/// Where things are in a data directory.
struct IdentityFiles {
  explicit IdentityFiles(const std::filesystem::path& data_dir);

  std::filesystem::path keys, tls, client;  // Folders.
  std::filesystem::path ca_key, ca_certificate;
  std::filesystem::path server_key, server_certificate;
  std::filesystem::path log_key, log_public_key, origin;
  std::filesystem::path next_log_key, next_log_public_key;  // Of a key that is to follow.
  std::filesystem::path signed_checkpoint;                  // Of the library; only read here.
  std::filesystem::path admin_key, admin_certificate, profile;
  std::filesystem::path root_key, root, permit_key;
};

}  // namespace dml
