// A trust root and files as a repository of The Update Framework (TUF 1.0.34), for clients that
// speak it and nothing of ours. docs/formats.md has the layout. Pure functions; any thread.
//
// Our root role becomes TUF's; one online key signs targets, snapshot and timestamp. Snapshots are
// consistent: no file but timestamp.json is ever replaced.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/trust/trust_root.h"
#include "core/trust/tuf_metadata.h"

namespace dml {

inline constexpr uint32_t kMaxTufBins = 4096;
inline constexpr size_t kMaxTufTargets = 1'000'000;

struct TufTarget {
  std::string name;
  BlobRef blob;
};

/// A name for a target: as ValidateFilePath, of printable ASCII without '%', '"', '\', '*', '?',
/// '[', ']' and blanks, as clients put it into URLs and patterns, and none that Windows keeps for
/// devices or cuts ("nul.txt", "a."). INVALID_ARGUMENT (PATH_INVALID).
absl::Status ValidateTufTargetName(std::string_view name);

/// Where clients look for a target, below the folder of targets: "dir/HASH.name".
std::string TufTargetPath(const TufTarget& target);

struct TufFile {
  std::string name;  // "1.root.json"
  std::string json;
};

/// Root metadata of one version, and who must still sign it.
struct TufRootFile {
  TufFile file;
  bool complete = false;             // By its own root role and the one before.
  std::vector<std::string> missing;  // "root 2: 1 more of pat, ann".
};

/// Root metadata for a root, signed by those of `signers` who hold the root role of it or of the
/// root before (nullptr for the first). `existing` is the file as it is, "" where there is none:
/// its good signatures are kept. An `existing` one that says something else is FAILED_PRECONDITION
/// (TUF_ROOT_DIFFERS), as clients that know it take no other of its version; but with
/// `keep_online` its own online key stays, for roots that are not the last.
/// FAILED_PRECONDITION (TUF_HOLDER_REPEATED) where one person holds two keys of the root role: TUF
/// counts keys, and would take one person for two.
absl::StatusOr<TufRootFile> ExportTufRoot(const TrustRoot& root, const TrustRoot* previous,
                                          const PublicKey& online,
                                          std::span<const Signer* const> signers,
                                          std::string_view existing, bool keep_online);

/// What clients may have seen of a repository: the version of its online metadata, and the names
/// that its snapshot lists.
struct TufPublished {
  uint64_t version = 0;  // 0: nothing.
  std::vector<std::string> roles;
};
/// The version that timestamp.json names; TUF_INVALID.
absl::StatusOr<uint64_t> ReadTufTimestamp(std::string_view json);
/// The file names that N.snapshot.json lists; TUF_INVALID.
absl::StatusOr<std::vector<std::string>> ReadTufSnapshot(std::string_view json);

struct TufRepository {
  std::vector<TufTarget> targets;  // In any order; no name twice.
  uint32_t bins = 0;               // 0: all in targets.json; else a power of two, 2 to kMaxTufBins.
  Timestamp expires;
  TufPublished published;
};

/// The online metadata of the version after `published`, in the order in which it must be written:
/// what others name comes first, timestamp.json last. INVALID_ARGUMENT (PATH_INVALID,
/// TUF_TARGET_REPEATED, TUF_BINS_INVALID), RESOURCE_EXHAUSTED (TUF_TOO_LARGE), FAILED_PRECONDITION
/// (TUF_ROLE_REMOVED) where a role would vanish that clients have seen: they would refuse that as
/// a rollback.
absl::StatusOr<std::vector<TufFile>> ExportTufRepository(const TufRepository& repository,
                                                         const Signer& online);

}  // namespace dml
