// A release document: which package variants go where, with what action, by whose leave, and what
// is done when it goes wrong. Sealed: its exact bytes are signed and named by digest.
// docs/formats.md has the grammar. A draft is the same document while people still write it, in
// YAML or JSON. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/labels.h"
#include "core/base/time.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kReleaseMediaType = "application/vnd.dml.release.v1+json";

inline constexpr size_t kMaxReleaseBytes = 1 << 20;
inline constexpr size_t kMaxReleaseItems = 1000;
inline constexpr size_t kMaxReleaseChanges = 1000;
inline constexpr size_t kMaxReleaseEnvironments = 64;
inline constexpr size_t kMaxReleaseEvidence = 64;
inline constexpr size_t kMaxReleaseSelectorLabels = 16;
inline constexpr size_t kMaxConfigurationBytes = 1 << 20;  // Of all that its items name.
inline constexpr size_t kMaxProblemsClosed = 100;
inline constexpr uint32_t kMaxRiskScore = 1'000'000;

enum class ReleaseType { kMajor = 1, kMinor, kPatch, kEmergency };
enum class ReleaseAction { kInstall = 1, kUpgrade, kRemove, kConfigure };
/// What a change is for, and how likely and bad a failure of it is; kUnknown where nobody said,
/// which is not written.
enum class ChangeKind { kUnknown, kFeature, kFix, kSecurity, kConfiguration, kMaintenance };
enum class ChangeRisk { kUnknown, kLow, kMedium, kHigh };
std::string_view ReleaseTypeName(ReleaseType type);        // "MAJOR", ...
std::string_view ReleaseActionName(ReleaseAction action);  // "INSTALL", ...
std::string_view ChangeKindName(ChangeKind kind);          // "FEATURE", ...; "UNKNOWN".
std::string_view ChangeRiskName(ChangeRisk risk);          // "LOW", ...; "UNKNOWN".
/// Reads what ReleaseTypeName() writes; RELEASE_INVALID for any other word.
absl::StatusOr<ReleaseType> ParseReleaseType(std::string_view name);

struct ReleaseItem {
  VariantName variant;
  BlobRef manifest;
  ReleaseAction action = ReleaseAction::kInstall;
  std::optional<VariantName> previous;   // What an UPGRADE takes the place of.
  std::optional<BlobRef> configuration;  // Always there for CONFIGURE, never for REMOVE.
  std::vector<std::string> changes;      // Ids of the release's, ascending, distinct.
  Labels nodes;                          // Those that a node must have; empty: every node.
  bool operator==(const ReleaseItem&) const = default;
};

/// A change that the release carries out.
struct ReleaseChange {
  std::string id;
  std::string title;
  ChangeKind kind = ChangeKind::kUnknown;
  ChangeRisk risk = ChangeRisk::kUnknown;
  std::vector<std::string> problems;  // That it closes, by their ids; ascending, distinct.
  std::string authorized_by;          // Opaque principal id; "": nobody has, which the gate denies.
  std::optional<Digest> key;          // That it was authorized with; only where somebody did.
  std::string link;                   // Where it is described; may be empty. Never fetched.
  bool operator==(const ReleaseChange&) const = default;
};

/// When a release is planned to go.
struct ReleaseWindow {
  Timestamp from;
  Timestamp until;  // After `from`, and not in the window any more.
  bool operator==(const ReleaseWindow&) const = default;
};

/// Somebody's word that the release may go though its risk (core/release/risk.h) is this high.
struct RiskAcceptance {
  std::string accepted_by;  // Opaque principal id.
  uint32_t up_to = 0;       // The highest score accepted, at most kMaxRiskScore.
  bool operator==(const RiskAcceptance&) const = default;
};

struct Release {
  std::string name;     // As of a part of a package name.
  std::string version;  // As of a package.
  ReleaseType type = ReleaseType::kMinor;
  std::vector<std::string> environments;  // Ascending, distinct; each with what is below it.
  std::vector<ReleaseItem> items;         // No variant and no manifest twice.
  std::vector<ReleaseChange> changes;     // No id twice.
  std::optional<ReleaseWindow> window;
  std::vector<std::string> evidence;  // Predicate types of attestations that must be there.
  std::optional<RiskAcceptance> risk;
  std::optional<Digest> back_out;  // The release to return to; none: to what was in use before.
  bool operator==(const Release&) const = default;
};

/// Reads a document strictly. INVALID_ARGUMENT (RELEASE_INVALID, or the reason of the name that is
/// wrong) with the line and the member's path.
absl::StatusOr<Release> ParseRelease(std::string_view json);
/// Reads a document that is about to be sealed: in exactly the bytes that FormatRelease() writes,
/// so that one release has one digest. RELEASE_NOT_CANONICAL where they differ, with the line.
absl::StatusOr<Release> ParseSealedRelease(std::string_view json);
/// Reads a draft, YAML or JSON. Lists that a sealed document has in order come in any, and an item
/// may lack its manifest, whose digest and size are zero then. The errors of ParseRelease.
absl::StatusOr<Release> ParseReleaseDraft(std::string_view text);
/// The document as sealed: indented by one, members in alphabetical order, last line ended. The
/// errors of the parser for what it would refuse.
absl::StatusOr<std::string> FormatRelease(const Release& release);
/// As FormatRelease(); items without a manifest have none.
absl::StatusOr<std::string> FormatReleaseDraft(const Release& release);

/// Whether what is said of `environment` is said of `place`, too: "production" covers itself and
/// "production/eu", and not "production-test".
bool CoversEnvironment(std::string_view environment, std::string_view place);

}  // namespace dml
