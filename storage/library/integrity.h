// Whether a library is what it says: journal, views, metadata, content and signatures against each
// other, beside the traffic.
//
//   journal     every entry can be read; the tree over them has every stored node, and the root
//               that was signed; metadata that entries name is there, under its digest
//   roots       every trust root is signed by its own root role
//   views       equal a fold of the journal, row by row
//   content     every file of every variant whose payload was not let go is there, with all of its
//               chunks, none of which is known to be damaged; where asked, their bytes are read
//   signatures  every attestation, of packages and releases, is signed by the keys that its entry
//               names
//
// Memory is bounded: a batch of entries, one variant, the keys of all roots and delegations, and
// kMaxIntegrityFindings findings. Time is not: `step` says how far it is, and may end it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "storage/library/library.h"

namespace dml {

inline constexpr size_t kMaxIntegrityFindings = 256;  // That are told; all are counted.

/// One thing that is wrong.
struct IntegrityFinding {
  std::string part;     // "journal", "roots", "views", "content", "signatures".
  std::string subject;  // An entry ("entries/7"), a resource name, a digest or a row's key.
  std::string message;  // What is wrong with it, and what to do where something can be done.
  bool operator==(const IntegrityFinding&) const = default;
};

struct IntegrityReport {
  uint64_t entries = 0;  // Of the state that was looked at.
  uint64_t metadata_blobs = 0;
  uint64_t rows = 0;
  uint64_t variants = 0;
  uint64_t files = 0;
  uint64_t chunks = 0;  // Looked at, once for each file that has them.
  uint64_t releases = 0;
  uint64_t envelopes = 0;  // Of both.
  uint64_t signatures = 0;
  uint64_t finding_count = 0;
  std::vector<IntegrityFinding> findings;  // The first ones.

  bool sound() const { return finding_count == 0; }
};

struct IntegrityOptions {
  bool read_content = false;  // All chunks, as a scrub does, but of live payload alone.
  /// Called again and again: the part, and how much of it is done, of how much (0: unknown). An
  /// error ends the work.
  std::function<absl::Status(std::string_view part, uint64_t done, uint64_t all)> step;
};

/// Errors are those of the storage and of `step`; what is wrong with the library is in the report.
absl::StatusOr<IntegrityReport> VerifyLibrary(Library& library, const IntegrityOptions& options);

}  // namespace dml
