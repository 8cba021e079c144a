// What a verifier of permits keeps from bundle to bundle, so that nothing that it has seen goes
// back. Pure functions; any thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/trust/checkpoint.h"
#include "core/trust/root_walk.h"

namespace dml {

inline constexpr size_t kMaxPermitMemoryBytes = 4 << 20;

struct RememberedCheckpoint {
  Checkpoint checkpoint;
  Digest key_id;  // Of the log key that signed it.
  bool operator==(const RememberedCheckpoint&) const = default;
};

/// Of lists of revoked permits (core/evidence/revocation_list.h).
struct RememberedRevocations {
  uint64_t number = 0;
  Timestamp time;
  bool operator==(const RememberedRevocations&) const = default;
};

struct RememberedPolicy {
  uint64_t revision = 0;
  Digest statement;  // SHA-256 of the payload that the policy role signed.
  bool operator==(const RememberedPolicy&) const = default;
};

/// What a verifier knows of itself, and what it has seen; kept by it from bundle to bundle.
struct PermitMemory {
  std::string environment;  // Where it is; never empty.
  std::string node;         // Its name; "": it is no node, and only permits for all nodes are good.
  std::set<Digest> revoked_keys;  // Count for nothing but old roots, whatever the root says.
  std::optional<TrustedRoot> root;
  std::optional<RememberedCheckpoint> checkpoint;
  std::map<std::string, RememberedPolicy> policies;  // The highest seen, by environment.
  std::map<std::string, Timestamp> used;  // Permits acted upon, by id, until they expire.
  std::optional<RememberedRevocations> revocations;  // The newest list seen.
  bool operator==(const PermitMemory&) const = default;
};

/// Reads and writes the verifier's own file (docs/formats.md, "Permit bundle"), which it believes:
/// it is for whoever keeps it to see that nobody else writes it. INVALID_ARGUMENT
/// (PERMIT_MEMORY_INVALID) with the place; formatting gives the errors of the parser.
absl::StatusOr<PermitMemory> ParsePermitMemory(std::string_view json);
absl::StatusOr<std::string> FormatPermitMemory(const PermitMemory& memory);

}  // namespace dml
