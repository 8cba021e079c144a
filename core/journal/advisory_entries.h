// Entries about advisories; see core/journal/entry.h.
#pragma once

#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"

namespace dml {

/// An advisory as it is from here on, in the place of the one of that id before; or its end.
struct AdvisorySet {
  std::string id;
  uint64_t revision = 0;  // Goes up with every change.
  bool withdrawn = false;
  std::vector<std::string> packages;  // That it affects: "namespace/package", ascending, distinct.
  BlobRef envelope;             // Metadata blob: the signed document (core/compat/advisory.h).
  std::vector<Digest> key_ids;  // Of good signatures by who may vouch for it; ascending.
  bool operator==(const AdvisorySet&) const = default;
};

struct AdvisoryRecord {
  AdvisorySet set;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const AdvisoryRecord&) const = default;
};

}  // namespace dml
