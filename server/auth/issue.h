// "dmld issue-certificate": a certificate for another person or program, made offline.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "core/base/status.h"
#include "server/auth/authorization_table.h"

namespace dml {

struct IssueRequest {
  std::filesystem::path data_dir;
  std::string name;
  Role role = Role::kReader;
  std::filesystem::path out;  // Made where it is missing, mode 0700.
  std::string server;         // For the profile; "": where the library listened last.
  int days = 365;
};

/// Writes <name>.pem, <name>.key, ca.pem, log.pem and profile.yaml into `out`, a folder that can be
/// carried elsewhere as it is. Needs the authority's key; the daemon may be running. Returns the
/// profile's path. ALREADY_EXISTS (CERTIFICATE_EXISTS) where one of the files is there already;
/// CA_KEY_OFFLINE; CERTIFICATE_INVALID for a bad name; errors of core/os/file.h.
absl::StatusOr<std::filesystem::path> IssueCertificate(const IssueRequest& request,
                                                       std::chrono::sys_seconds now);

}  // namespace dml
