// Licenses that a software bill of materials observed, by component.
//
// Two forms are read, and of them only what says which licenses there are and what is a part of
// what; members beyond that are let pass, as these documents carry much else:
//   SPDX 2.2 and 2.3, JSON       packages, relationships between packages, documentDescribes
//   CycloneDX 1.5 to 1.7, JSON   metadata.component, components (nested), dependencies
// An SBOM comes from a stranger's scanner. It is read strictly where it counts: one meaning for
// each member (core/base/strict_json.h), limits before memory, no reference twice, and no
// component that contains or depends on itself, by however many others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/license/context.h"
#include "core/license/expression.h"
#include "core/license/license_list.h"

namespace dml {

inline constexpr size_t kMaxSbomBytes = 64 << 20;
inline constexpr size_t kMaxSbomComponents = 100'000;
inline constexpr size_t kMaxSbomEdges = 500'000;
inline constexpr size_t kMaxSbomLicenses = 256;     // Of one component.
inline constexpr size_t kMaxSbomSubjects = 64;      // That a document says it is about.
inline constexpr size_t kMaxSbomTextBytes = 16384;  // Of a name, reference or license.

enum class SbomFormat { kSpdx, kCycloneDx };

struct SbomComponent {
  std::string ref;  // SPDXID or bom-ref; "" where CycloneDX gives none.
  std::string name;
  std::string version;
  std::string purl;
  /// What was observed; NOASSERTION where the document does not say or says what nobody can read.
  LicenseExpression license;
  /// The member that it comes from, such as "licenseConcluded"; "" where there is none.
  std::string field;
  /// A bare list of several licenses, read as all of them at once.
  bool ambiguous = false;
  /// Texts that are no expression of the license list, as found.
  std::vector<std::string> unread;
};

/// Component `from` uses or contains component `to`; indexes in Sbom::components.
struct SbomEdge {
  uint32_t from = 0;
  uint32_t to = 0;
  LicenseCombination combination = LicenseCombination::kMerged;  // kMerged where not told.
  bool inside = false;  // `from` contains it, rather than use it.
  auto operator<=>(const SbomEdge&) const = default;
};

struct Sbom {
  SbomFormat format = SbomFormat::kSpdx;
  std::string spec_version;  // "2.3", "1.6".
  std::vector<SbomComponent> components;
  std::vector<SbomEdge> edges;  // Ordered, each once.
  /// What the document is about, in its order: metadata.component, or what is described.
  std::vector<uint32_t> subjects;
  /// Relationships and dependencies whose ends are no components: files, services, other documents.
  size_t edges_elsewhere = 0;
};

/// INVALID_ARGUMENT, naming the place: SBOM_INVALID (neither form, another version, more than the
/// limits, a member of another type, a reference twice), SBOM_CYCLIC (with the way round).
absl::StatusOr<Sbom> ReadSbom(std::string_view text, const LicenseList& list);

}  // namespace dml
