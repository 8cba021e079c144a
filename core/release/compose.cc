#include "core/release/compose.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/release/change_reader.h"
#include "core/release/secret_scan.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kReleaseInvalid("RELEASE_INVALID");
constexpr ErrorReason kChangesInvalid("CHANGES_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.changes/v1"};
constexpr size_t kMaxPackageBytes = 256;
constexpr std::string_view kAll = "*";

// What two versions of one thing have in common.
using Place = std::pair<PackageName, Platform>;

absl::StatusOr<std::map<Place, const VariantName*>> ByPlace(std::span<const VariantName> names,
                                                            std::string_view what) {
  std::map<Place, const VariantName*> out;
  for (const VariantName& name : names) {
    const auto [at, is_new] = out.emplace(Place(name.package, name.platform), &name);
    if (is_new || *at->second == name) continue;
    return InvalidArgument(kReleaseInvalid, "{} is {} in two versions, {} and {}",
                           name.package.ToString(), what, at->second->version, name.version);
  }
  return out;
}

ReleaseItem MakeItem(const VariantName& name, ReleaseAction action) {
  ReleaseItem out;
  out.variant = name;
  out.action = action;
  return out;
}

absl::StatusOr<TicketChange> ReadTicket(const json& value) {
  ObjectReader in(value, kChangesInvalid);
  TicketChange out;
  out.change = ReadChangeMembers(in, /*sorts=*/true);
  out.packages = ReadTextSet(in, "packages", kMaxReleaseItems, kMaxPackageBytes, /*sorts=*/true);
  for (const std::string& package : out.packages) {
    if (package != kAll) in.Check("packages", PackageName::Parse(package).status());
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

// Adds the change to each item of the package; false where there is none.
bool AddToItems(const std::string& id, std::string_view package, Release& release) {
  bool found = false;
  for (ReleaseItem& item : release.items) {
    if (package != kAll && item.variant.package.ToString() != package) continue;
    found = true;
    const auto at = std::ranges::lower_bound(item.changes, id);
    if (at == item.changes.end() || *at != id) item.changes.insert(at, id);
  }
  return found;
}

}  // namespace

absl::StatusOr<std::vector<ReleaseItem>> PlanItems(std::span<const VariantName> wanted,
                                                   std::span<const VariantName> in_use,
                                                   UnwantedAction unwanted) {
  DML_ASSIGN_OR_RETURN(const auto goals, ByPlace(wanted, "wanted"));
  DML_ASSIGN_OR_RETURN(const auto present, ByPlace(in_use, "in use"));
  std::vector<ReleaseItem> out;
  std::set<VariantName> planned;
  for (const VariantName& name : wanted) {
    if (!planned.insert(name).second) continue;
    const auto before = present.find(Place(name.package, name.platform));
    if (before == present.end()) {
      out.push_back(MakeItem(name, ReleaseAction::kInstall));
    } else if (*before->second != name) {
      out.push_back(MakeItem(name, ReleaseAction::kUpgrade));
      out.back().previous = *before->second;
    }
  }
  if (unwanted == UnwantedAction::kKeep) return out;
  for (const auto& [place, name] : present) {
    if (!goals.contains(place)) out.push_back(MakeItem(*name, ReleaseAction::kRemove));
  }
  return out;
}

std::vector<VariantName> VariantsOf(const Lockfile& lockfile) {
  std::vector<VariantName> out;
  for (const LockedPackage& package : lockfile.packages) out.push_back(package.variant);
  return out;
}

std::vector<VariantName> VariantsOf(const Release& release) {
  std::vector<VariantName> out;
  for (const ReleaseItem& item : release.items) {
    if (item.action != ReleaseAction::kRemove) out.push_back(item.variant);
  }
  return out;
}

absl::Status ResolveManifests(const std::map<VariantName, BlobRef>& manifests, Release& release) {
  for (ReleaseItem& item : release.items) {
    if (item.manifest.digest != Digest()) continue;
    const auto found = manifests.find(item.variant);
    if (found == manifests.end()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "{} has no manifest: publish it first",
                      item.variant.ResourceName());
    }
    item.manifest = found->second;
  }
  return absl::OkStatus();
}

absl::Status SetConfiguration(std::string_view package, std::string_view bytes, Release& release) {
  DML_RETURN_IF_ERROR(RequireNoSecrets(bytes));
  bool is_there = false;
  for (ReleaseItem& item : release.items) {
    if (item.variant.package.ToString() != package) continue;
    item.configuration = BlobRef{Sha256(bytes), bytes.size()};
    is_there = true;
  }
  if (is_there) return absl::OkStatus();
  return InvalidArgument(ErrorReason("RELEASE_INVALID"), "no item of the release is of '{}'",
                         Excerpt(package));
}

absl::StatusOr<std::vector<TicketChange>> ParseTicketChanges(std::string_view text) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxTicketBytes, kChangesInvalid);
  if (!document.ok()) return Annotate(document.status(), "changes");
  std::vector<TicketChange> out;
  ObjectReader in(document->value, kChangesInvalid);
  in.Word("schema", kSchema);
  in.ForEach("changes", kMaxReleaseChanges, [&](const json& change) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.emplace_back(), ReadTicket(change));
    return absl::OkStatus();
  });
  const absl::Status status = in.Finish();
  if (status.ok()) return out;
  const std::vector<FieldViolation> at = FieldViolations(status);
  return Annotate(document->AtLine(at.empty() ? status : Annotate(status, at.front().field)),
                  "changes");
}

absl::Status AddChanges(std::span<const TicketChange> changes, Release& release) {
  if (changes.size() > kMaxReleaseChanges - std::min(kMaxReleaseChanges, release.changes.size())) {
    return InvalidArgument(kReleaseInvalid, "{} changes are too many; a release has at most {}",
                           changes.size() + release.changes.size(), kMaxReleaseChanges);
  }
  for (const TicketChange& ticket : changes) {
    const std::string& id = ticket.change.id;
    if (std::ranges::count(release.changes, id, &ReleaseChange::id) > 0) {
      return InvalidArgument(kReleaseInvalid, "change '{}' is there already", Excerpt(id));
    }
    for (const std::string& package : ticket.packages) {
      if (AddToItems(id, package, release)) continue;
      return InvalidArgument(kReleaseInvalid,
                             "change '{}' concerns {}, of which the release has no item",
                             Excerpt(id), package);
    }
    release.changes.push_back(ticket.change);
  }
  return absl::OkStatus();
}

}  // namespace dml
