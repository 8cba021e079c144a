// Entries about the data that licenses are judged by; see core/journal/entry.h.
#pragma once

#include <string>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/license/data_set.h"

namespace dml {

/// A license list, a compatibility matrix or license properties, from here on, in the place of the
/// one before.
struct LicenseDataSet {
  LicenseDataKind kind = LicenseDataKind::kList;
  uint64_t revision = 0;  // Goes up with every change of its kind.
  std::string version;    // As its signers call it.
  BlobRef envelope;       // Metadata blob: LicenseDataClaim (core/evidence/claims.h).
  BlobRef content;        // Metadata blob: the document.
  bool operator==(const LicenseDataSet&) const = default;
};

struct LicenseDataRecord {
  LicenseDataSet set;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const LicenseDataRecord&) const = default;
};

}  // namespace dml
