// The packages of a Debian index as references, in batches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "tools/import/deb_index.h"

namespace dml {

/// What a batch may have at most; the defaults fit a request and a journal entry.
struct ReferenceBatchLimits {
  size_t specs = 500;
  size_t spec_bytes = 2 << 20;
  size_t entry_bytes = 48 << 10;  // About what the journal entry takes.
};

/// One batch: package specs as documents, in the order of the index.
using ReferenceSpecs = std::vector<std::string>;

struct DebReferences {
  struct Gap {
    uint64_t packages = 0;
    std::string example;  // "curl 7.88.1-10: Recommends: ca-certificates".
  };
  struct Fault {
    std::string package;  // "paragraph 17 (curl)".
    absl::Status why;
  };
  uint64_t packages = 0;                // Stanzas.
  std::map<std::string, Gap> unmapped;  // By "FIELD: why".
  std::vector<Fault> faults;            // The first kMaxFaultsTold of those that became none.
  uint64_t fault_count = 0;
};
inline constexpr size_t kMaxFaultsTold = 100;

/// Reads an index and hands its references to `take`, batch by batch, no two of one variant in the
/// whole index (the first counts, as for dpkg's tools; the others are faults). A package that
/// cannot be a reference is a fault and the others go on; what the index itself lacks, and what
/// `take` fails with, is an error. Errors as of ReadDebIndex(), and NAME_INVALID for `ns`.
absl::StatusOr<DebReferences> ReadDebReferences(
    const std::filesystem::path& path, std::string_view ns,
    const std::function<absl::Status(ReferenceSpecs)>& take,
    const ReferenceBatchLimits& limits = {});

}  // namespace dml
