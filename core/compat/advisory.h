// Advisories: what became known of packages after they were published, which are never corrected.
//
// A strict JSON document, the payload of a DSSE envelope of type kAdvisoryPayloadType; an unknown
// or repeated member is an error with its path:
//   {"schema": "dml.advisory/v1", "id": "DSA-5678-1", "revision": 1,
//    "authority": "Debian Security Team", "effect": "DENY",
//    "affects": [{"package": "debian/curl", "range": "vers:deb/<7.88.1-10+deb12u5"}],
//    "published": "2024-01-31T12:00:00Z",
//    "validFrom": "2024-02-01T00:00:00Z", "validUntil": "2026-02-01T00:00:00Z",
//    "severity": "HIGH", "aliases": ["CVE-2024-2398"], "text": "...", "references": [URL, ...],
//    "requires": [{"anyOf": [{"kind", "name", "range"}], "scope": "NODE"}],
//    "relaxes": [{"advisory": "CVE-2024-1"}, {"relation": "REQUIRES", "kind", "name"}],
//    "supersededBy": {"package": "debian/curl", "range": VERS},
//    "withdrawn": "why"}
// Required are schema, id, revision, authority, effect, affects (1 to kMaxAdvisoryPackages) and
// text; requires (only) of REQUIRE, relaxes of RELAX, supersededBy of SUPERSEDE. Defaults: every
// version, valid at all times, scope NODE, kind PACKAGE.
//
//   DENY       The versions may not be used.
//   REQUIRE    They require more than they say.
//   RELAX      Relations of theirs do not hold, or advisories (by id or alias) do not concern them.
//   SUPERSEDE  They may go on where they are in use, and are not taken anew.
//   REPORT     They are vulnerable. What follows from that, a policy says (core/compat/
//              vulnerabilities.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/package/package_spec.h"

namespace dml {

enum class AdvisoryEffect { kDeny, kRequire, kRelax, kSupersede, kReport };
enum class AdvisorySeverity { kUnknown, kLow, kMedium, kHigh, kCritical };

/// "DENY", "REQUIRE", "RELAX", "SUPERSEDE", "REPORT".
std::string_view AdvisoryEffectName(AdvisoryEffect effect);
/// "UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL".
std::string_view AdvisorySeverityName(AdvisorySeverity severity);

struct AffectedPackage {
  PackageName package;
  VersionRange range = VersionRange::All();
};

/// What does not hold: an advisory, or what the packages say of a name.
struct Relaxation {
  enum class Kind { kAdvisory, kRequires, kConflicts, kBreaks };
  Kind kind = Kind::kAdvisory;
  std::string advisory;  // kAdvisory: an id or alias.
  RelationKind name_kind = RelationKind::kPackage;
  std::string name;
};

struct Advisory {
  std::string id;
  uint64_t revision = 0;  // Goes up with every change.
  std::string authority;  // Who says so, for people.
  AdvisoryEffect effect = AdvisoryEffect::kDeny;
  std::vector<AffectedPackage> affects;
  std::optional<Timestamp> published;  // When its authority first told of it.
  std::optional<Timestamp> valid_from;
  std::optional<Timestamp> valid_until;  // Not at this time any more.
  AdvisorySeverity severity = AdvisorySeverity::kUnknown;
  std::vector<std::string> aliases;
  std::string text;
  std::vector<std::string> references;
  std::vector<Requirement> requires_all;
  std::vector<Relaxation> relaxes;
  std::optional<AffectedPackage> superseded_by;
  std::string withdrawn;  // Why; "" where it is not.
};

inline constexpr std::string_view kAdvisorySchema = "dml.advisory/v1";
inline constexpr std::string_view kAdvisoryPayloadType = "application/vnd.dml.advisory.v1+json";
inline constexpr size_t kMaxAdvisoryBytes = 256 << 10;
inline constexpr size_t kMaxAdvisoryPackages = 256;
inline constexpr size_t kMaxAdvisoryRelations = 64;
inline constexpr size_t kMaxAdvisoryIdBytes = 128;

/// [A-Za-z0-9] then [A-Za-z0-9._:-], at most kMaxAdvisoryIdBytes. ADVISORY_ID_INVALID.
absl::Status ValidateAdvisoryId(std::string_view id);

/// INVALID_ARGUMENT (ADVISORY_INVALID, or the reason of the inner error such as NAME_INVALID or
/// VERSION_RANGE_INVALID) with the member's path.
absl::StatusOr<Advisory> ParseAdvisory(std::string_view json);

/// The document, pretty-printed with members in a fixed order and defaults left out; for authors.
std::string FormatAdvisory(const Advisory& advisory);

/// The packages that it affects, sorted, each once: "namespace/package".
std::vector<std::string> AdvisoryPackages(const Advisory& advisory);

}  // namespace dml
