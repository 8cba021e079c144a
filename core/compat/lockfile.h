// The lockfile: what a resolution came to, so that it can be had again.
//
// A strict JSON document; an unknown or repeated member is an error with its path:
//   {"schema": "dml.lock/v1", "mode": "NEWEST", "schemes": ["deb@1", "semver@2"],
//    "packages": [{"variant": "packages/debian/curl/versions/7.88.1/variants/linux-amd64",
//                  "versionScheme": "deb", "manifest": "sha256:..."}, ...]}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/compat/resolver.h"

namespace dml {

struct LockedPackage {
  VariantName variant;
  VersionScheme scheme = VersionScheme::kSemver;
  std::string manifest;  // Digest, "" where it was not known.
  bool operator==(const LockedPackage&) const = default;
};

struct Lockfile {
  ResolveMode mode = ResolveMode::kNewest;
  std::vector<std::string> schemes;     // Revisions of the rules that ordered the versions, sorted.
  std::vector<LockedPackage> packages;  // Sorted by variant, each once.
};

inline constexpr std::string_view kLockfileSchema = "dml.lock/v1";
inline constexpr size_t kMaxLockfileBytes = 16 << 20;
inline constexpr size_t kMaxLockedPackages = 100'000;

/// The lock of a resolution that came to a set.
Lockfile LockOf(const Resolution& resolution, ResolveMode mode);

/// INVALID_ARGUMENT (LOCKFILE_INVALID, or the reason of the inner error such as NAME_INVALID or
/// DIGEST_INVALID) with the member's path.
absl::StatusOr<Lockfile> ParseLockfile(std::string_view json);
/// Members in a fixed order; ParseLockfile() reads it back.
std::string FormatLockfile(const Lockfile& lockfile);

/// A pin of each locked package to its version, `source` naming the file.
std::vector<ResolveConstraint> PinsOf(const Lockfile& lockfile, std::string_view source);

}  // namespace dml
