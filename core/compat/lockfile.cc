#include "core/compat/lockfile.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/base/digest.h"
#include "core/base/strict_json.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("LOCKFILE_INVALID");
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxSchemes = 64;
constexpr std::array<std::string_view, 3> kModes = {"NEWEST", "MINIMAL_CHANGE", "OLDEST"};

absl::Status ReadPackage(const json& value, std::vector<LockedPackage>& packages) {
  ObjectReader in(value, kInvalid);
  LockedPackage package;
  absl::StatusOr<VariantName> variant = VariantName::Parse(in.String("variant", kMaxNameBytes));
  in.Check("variant", variant.status());
  if (variant.ok()) package.variant = *std::move(variant);
  absl::StatusOr<VersionScheme> scheme =
      ParseVersionScheme(in.String("versionScheme", kMaxNameBytes));
  in.Check("versionScheme", scheme.status());
  if (scheme.ok()) {
    package.scheme = *scheme;
    in.Check("variant", Version::Parse(*scheme, package.variant.version).status());
  }
  package.manifest = in.StringOr("manifest", kMaxNameBytes, "");
  if (in.Has("manifest")) in.Check("manifest", Digest::Parse(package.manifest).status());
  if (!packages.empty() && package.variant <= packages.back().variant) {
    in.Check("variant", InvalidArgument(kInvalid,
                                        "does not come after the one before it; sort the "
                                        "packages, and name each once"));
  }
  DML_RETURN_IF_ERROR(in.Finish());
  packages.push_back(std::move(package));
  return absl::OkStatus();
}

absl::StatusOr<Lockfile> Read(const json& document) {
  ObjectReader in(document, kInvalid);
  Lockfile out;
  const std::string schema = in.String("schema", kMaxNameBytes);
  if (schema != kLockfileSchema) {
    in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                       Excerpt(schema), kLockfileSchema));
  }
  out.mode = static_cast<ResolveMode>(in.Word("mode", kModes));
  out.schemes = in.Strings("schemes", kMaxSchemes, kMaxNameBytes);
  in.ForEach("packages", kMaxLockedPackages,
             [&](const json& value) { return ReadPackage(value, out.packages); });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

Lockfile LockOf(const Resolution& resolution, ResolveMode mode) {
  Lockfile out;
  out.mode = mode;
  std::set<std::string> schemes;
  for (const SourcePackage& package : resolution.packages) {
    const PackageSpec& spec = *package.spec;
    out.packages.push_back({{spec.package, spec.version.text(), spec.platform},
                            spec.version.scheme(),
                            package.manifest});
    schemes.emplace(VersionSchemeRevision(spec.version.scheme()));
  }
  std::sort(out.packages.begin(), out.packages.end(),
            [](const auto& a, const auto& b) { return a.variant < b.variant; });
  out.schemes.assign(schemes.begin(), schemes.end());
  return out;
}

absl::StatusOr<Lockfile> ParseLockfile(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxLockfileBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "lockfile");
  absl::StatusOr<Lockfile> out = Read(*document);
  if (!out.ok()) return LocateError(out.status(), "lockfile");
  return out;
}

std::string FormatLockfile(const Lockfile& lockfile) {
  nlohmann::ordered_json out = {{"schema", kLockfileSchema},
                                {"mode", ResolveModeName(lockfile.mode)},
                                {"schemes", nlohmann::ordered_json::array()},
                                {"packages", nlohmann::ordered_json::array()}};
  for (const std::string& scheme : lockfile.schemes) out["schemes"].push_back(scheme);
  for (const LockedPackage& package : lockfile.packages) {
    nlohmann::ordered_json item = {{"variant", package.variant.ResourceName()},
                                   {"versionScheme", VersionSchemeName(package.scheme)}};
    if (!package.manifest.empty()) item["manifest"] = package.manifest;
    out["packages"].push_back(std::move(item));
  }
  return out.dump(2) + "\n";
}

std::vector<ResolveConstraint> PinsOf(const Lockfile& lockfile, std::string_view source) {
  std::vector<ResolveConstraint> out;
  for (const LockedPackage& package : lockfile.packages) {
    ResolveConstraint pin;
    pin.package = package.variant.package;
    pin.source = source;
    // A version that is none of its scheme allows nothing.
    absl::StatusOr<Version> version = Version::Parse(package.scheme, package.variant.version);
    if (version.ok()) {
      const VersionComparator is{VersionOp::kEqual, *std::move(version)};
      absl::StatusOr<VersionRange> range = VersionRange::FromComparators(package.scheme, {&is, 1});
      if (range.ok()) pin.allowed = *std::move(range);
    }
    out.push_back(std::move(pin));
  }
  return out;
}

}  // namespace dml
