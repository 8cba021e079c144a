// Commands: what callers ask the library to do.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/journal/entry.h"

namespace dml {

/// One state that a decision was made on, made outside the sequencer: a stamp's name and the
/// journal index at which it last changed then (0: never). See LibraryState::Stamp.
struct StampSeen {
  std::string stamp;
  uint64_t index = 0;
};

/// A proposed entry with all that it needs. Signatures are checked and documents parsed before it
/// is submitted; the rules look only at the state.
struct Command {
  std::string author;      // The authenticated principal.
  std::string request_id;  // UUID, or "" where a retry need not be recognized.
  EntryPayload payload;
  std::vector<std::string> metadata;  // Bytes of each blob in MetadataBlobs(payload), any order.
  std::vector<StampSeen> decided_on;  // Re-checked before the entry is appended: ABORTED if stale.
  bool validate_only = false;         // Decide, but append nothing.
};

// Names of stamps.
inline std::string PackageStamp(const PackageName& package) { return package.ResourceName(); }
inline std::string EnvironmentStamp(std::string_view environment) {
  return fmt::format("environments/{}", environment);
}
inline std::string ReleaseStamp(const Digest& document) {
  return fmt::format("releases/{}", document.ToString());
}
inline constexpr std::string_view kKeysStamp = "keys";  // Trust roots, delegations, revocations.
inline constexpr std::string_view kLicenseDataStamp = "license-data";
inline constexpr std::string_view kAdvisoriesStamp = "advisories";
inline constexpr std::string_view kAccessStamp = "access";  // Roles and tokens.
inline constexpr std::string_view kAuditStamp = "audit";    // How far the audit log had come.

}  // namespace dml
