// A release document: which package variants go where, with what action, by whose leave, and what
// is done when it goes wrong. Sealed: its exact bytes are signed and named by digest.
// docs/formats.md has the grammar. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kReleaseMediaType = "application/vnd.dml.release.v1+json";

inline constexpr size_t kMaxReleaseBytes = 1 << 20;
inline constexpr size_t kMaxReleaseItems = 1000;
inline constexpr size_t kMaxReleaseChanges = 1000;
inline constexpr size_t kMaxReleaseEnvironments = 64;

enum class ReleaseType { kMajor = 1, kMinor, kPatch, kEmergency };
enum class ReleaseAction { kInstall = 1, kUpgrade, kRemove, kConfigure };
std::string_view ReleaseActionName(ReleaseAction action);  // "INSTALL", ...

struct ReleaseItem {
  VariantName variant;
  BlobRef manifest;
  ReleaseAction action = ReleaseAction::kInstall;
  std::optional<VariantName> previous;   // What an UPGRADE takes the place of.
  std::optional<BlobRef> configuration;  // Always there for CONFIGURE, never for REMOVE.
  std::vector<std::string> changes;      // Ids of the release's, ascending, distinct.
  bool operator==(const ReleaseItem&) const = default;
};

/// A change that somebody authorized.
struct ReleaseChange {
  std::string id;
  std::string title;
  std::string authorized_by;  // Opaque principal id.
  std::optional<Digest> key;  // That it was authorized with.
  std::string link;           // Where it is described; may be empty. Never fetched.
  bool operator==(const ReleaseChange&) const = default;
};

struct Release {
  std::string name;     // As of a part of a package name.
  std::string version;  // As of a package.
  ReleaseType type = ReleaseType::kMinor;
  std::vector<std::string> environments;  // Ascending, distinct; each with what is below it.
  std::vector<ReleaseItem> items;         // No variant and no manifest twice.
  std::vector<ReleaseChange> changes;     // No id twice.
  std::optional<Digest> back_out;  // The release to return to; none: to what was in use before.
  bool operator==(const Release&) const = default;
};

/// Reads a document strictly. INVALID_ARGUMENT (RELEASE_INVALID, or the reason of the name that is
/// wrong) with the place.
absl::StatusOr<Release> ParseRelease(std::string_view json);
/// The document, indented, members in alphabetical order, last line ended. The errors of the parser
/// for what it would refuse.
absl::StatusOr<std::string> FormatRelease(const Release& release);

/// Whether what is said of `environment` is said of `place`, too: "production" covers itself and
/// "production/eu", and not "production-test".
bool CoversEnvironment(std::string_view environment, std::string_view place);

}  // namespace dml
