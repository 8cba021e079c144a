#include "core/package/package_spec.h"

#include <algorithm>
#include <array>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/expression.h"
#include "core/license/license_list.h"
#include "core/version/purl.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("PACKAGE_SPEC_INVALID");
constexpr size_t kMaxNameBytes = 256;

constexpr std::array<std::string_view, 5> kKinds = {"PACKAGE", "ABI", "SERVICE", "SCHEMA",
                                                    "CAPABILITY"};
constexpr std::array<std::string_view, 3> kScopes = {"NODE", "ENVIRONMENT", "EVERY_PEER"};
constexpr std::array<std::string_view, 3> kUnits = {"MAJOR", "MINOR", "PATCH"};

// A line of text for people: optional, bounded, without control characters.
std::string ReadLine(ObjectReader& in, std::string_view key, size_t max_bytes,
                     bool allow_lines = false) {
  std::string text = in.StringOr(key, max_bytes, "");
  if (HasControlCharacters(text, allow_lines)) {
    in.Check(key, InvalidArgument(kInvalid, "member '{}' holds a control character", key));
  }
  return text;
}

bool IsVisibleAscii(std::string_view text) {
  for (char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

absl::Status CheckHomepage(std::string_view url) {
  if (url.empty()) return absl::OkStatus();
  if (IsVisibleAscii(url) && (url.starts_with("https://") || url.starts_with("http://"))) {
    return absl::OkStatus();
  }
  return InvalidArgument(kInvalid, "'{}' must be a URL starting with https:// or http://",
                         Excerpt(url));
}

absl::Status CheckPurl(std::string_view purl) {
  if (purl.empty()) return absl::OkStatus();
  const absl::StatusOr<Purl> parsed = Purl::Parse(purl);
  if (parsed.ok()) return absl::OkStatus();
  return InvalidArgument(kInvalid, "{}", Message(parsed.status()));
}

// Reads the members of one document. What is read first, such as the package's name, completes
// what is read later.
class SpecReader {
 public:
  absl::StatusOr<PackageSpec> Read(const json& document) {
    ObjectReader in(document, kInvalid);
    ReadIdentity(in);
    ReadDescription(in);
    in.ReadRequired("license", [this](const json& value) { return ReadLicense(value); });
    in.ForEach("provides", kMaxSpecRelations,
               [this](const json& value) { return ReadProvision(value); });
    in.ForEach("requires", kMaxSpecRelations,
               [this](const json& value) { return ReadRequirement(value); });
    ReadRelations(in, "conflicts", spec_.conflicts);
    ReadRelations(in, "breaks", spec_.breaks);
    ReadRelations(in, "replaces", spec_.replaces);
    in.ForEach("coexists", kMaxSpecRelations,
               [this](const json& value) { return ReadCoexistence(value); });
    in.Read("upgrade", [this](const json& value) { return ReadUpgrade(value); });
    DML_RETURN_IF_ERROR(in.Finish());
    return std::move(spec_);
  }

 private:
  void ReadIdentity(ObjectReader& in) {
    std::string schema = in.String("schema", kMaxNameBytes);
    if (schema != kPackageSpecSchema) {
      in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                         Excerpt(schema), kPackageSpecSchema));
    }
    absl::StatusOr<PackageName> package = PackageName::Parse(in.String("package", kMaxNameBytes));
    in.Check("package", package.status());
    if (package.ok()) spec_.package = *std::move(package);
    scheme_ = AllVersionSchemes()[in.Word("versionScheme", VersionSchemeNames())];
    spec_.version = ReadVersion(in, in.String("version", kMaxVersionBytes), scheme_);
    in.Check("version", ValidateVersionText(spec_.version.text()));
    constexpr std::array<std::string_view, 2> kPackageKinds = {"PACKAGE", "REFERENCE"};
    spec_.is_reference = in.WordOr("kind", kPackageKinds, 0) == 1;
    in.Read("platform", [this](const json& value) { return ReadPlatform(value); });
  }

  static Version ReadVersion(ObjectReader& in, std::string_view text, VersionScheme scheme) {
    absl::StatusOr<Version> version = Version::Parse(scheme, text);
    in.Check("version", version.status());
    return version.ok() ? *std::move(version) : Version();
  }

  absl::Status ReadPlatform(const json& value) {
    ObjectReader in(value, kInvalid);
    spec_.platform.os = in.String("os", kMaxNameBytes);
    spec_.platform.arch = in.String("arch", kMaxNameBytes);
    spec_.platform.variant = in.StringOr("variant", kMaxNameBytes, "");
    DML_RETURN_IF_ERROR(in.Finish());
    if (spec_.platform == Platform{}) {
      return InvalidArgument(kInvalid, "is empty; leave it out where any platform is meant");
    }
    return spec_.platform.Validate();
  }

  void ReadDescription(ObjectReader& in) {
    spec_.title = ReadLine(in, "title", kMaxSpecTitleBytes);
    spec_.description = ReadLine(in, "description", kMaxSpecTextBytes, /*allow_lines=*/true);
    spec_.homepage = ReadLine(in, "homepage", kMaxSpecUrlBytes);
    in.Check("homepage", CheckHomepage(spec_.homepage));
    spec_.purl = ReadLine(in, "purl", kMaxSpecUrlBytes);
    in.Check("purl", CheckPurl(spec_.purl));
    spec_.labels = in.StringMap("labels", kMaxSpecLabels, kMaxNameBytes);
    for (const auto& [key, value] : spec_.labels) {
      in.Check("labels", AtField(ValidateLabel(key, value), Excerpt(key)));
    }
  }

  absl::Status ReadLicense(const json& value) {
    ObjectReader in(value, kInvalid);
    std::string declared = in.String("declared", kMaxSpecTextBytes);
    spec_.unmapped_licenses = in.Strings("unmapped", kMaxUnmappedLicenses, kMaxSpecTitleBytes);
    for (const std::string& name : spec_.unmapped_licenses) {
      if (name.empty() || HasControlCharacters(name)) {
        in.Check("unmapped", InvalidArgument(kInvalid, "'{}' is no license name", Excerpt(name)));
      }
    }
    DML_RETURN_IF_ERROR(in.Finish());
    absl::StatusOr<LicenseExpression> expression =
        LicenseExpression::ParseOpen(declared, BundledLicenseList());
    if (!expression.ok()) return AtField(expression.status(), "declared");
    spec_.declared_license = expression->ToString();
    return absl::OkStatus();
  }

  absl::Status CountRelation() {
    if (++relations_ <= kMaxSpecRelations) return absl::OkStatus();
    return InvalidArgument(kInvalid, "more than {} relations in all", kMaxSpecRelations);
  }

  // A bare name of kind PACKAGE is completed by the spec's own namespace.
  absl::Status ReadName(ObjectReader& in, RelationKind kind, std::string& name) {
    name = in.String("name", kMaxNameBytes);
    if (kind != RelationKind::kPackage) {
      if (name.empty() || !IsVisibleAscii(name)) {
        return InvalidArgument(kInvalid, "name '{}' must be 1 to {} visible ASCII characters",
                               Excerpt(name), kMaxNameBytes);
      }
      return absl::OkStatus();
    }
    if (name.find('/') == std::string::npos) name = spec_.package.ns + "/" + name;
    return PackageName::Parse(name).status();
  }

  absl::Status ReadProvision(const json& value) {
    DML_RETURN_IF_ERROR(CountRelation());
    ObjectReader in(value, kInvalid);
    Provision provision;
    provision.kind = static_cast<RelationKind>(in.WordOr("kind", kKinds, 0));
    in.Check("name", ReadName(in, provision.kind, provision.name));
    if (in.Has("versionScheme") && !in.Has("version")) {
      in.Check("versionScheme", InvalidArgument(kInvalid, "is given without a version"));
    }
    const size_t own =
        std::ranges::find(AllVersionSchemes(), scheme_) - AllVersionSchemes().begin();
    const VersionScheme scheme =
        AllVersionSchemes()[in.WordOr("versionScheme", VersionSchemeNames(), own)];
    std::string version = in.StringOr("version", kMaxVersionBytes, "");
    if (in.Has("version")) provision.version = ReadVersion(in, version, scheme);
    DML_RETURN_IF_ERROR(in.Finish());
    spec_.provides.push_back(std::move(provision));
    return absl::OkStatus();
  }

  void ReadTarget(ObjectReader& in, RelationTarget& target) {
    target.kind = static_cast<RelationKind>(in.WordOr("kind", kKinds, 0));
    in.Check("name", ReadName(in, target.kind, target.name));
    target.range = ReadRange(in, "range");
  }

  static VersionRange ReadRange(ObjectReader& in, std::string_view key) {
    std::string range = in.StringOr(key, kMaxSpecTextBytes, "");
    if (!in.Has(key)) return VersionRange::All();
    absl::StatusOr<VersionRange> parsed = VersionRange::ParseVers(range);
    in.Check(key, parsed.status());
    return parsed.ok() ? *std::move(parsed) : VersionRange();
  }

  absl::Status ReadRequirement(const json& value) {
    DML_RETURN_IF_ERROR(CountRelation());
    ObjectReader in(value, kInvalid);
    Requirement requirement;
    in.ForEach("anyOf", kMaxSpecAlternatives, [&](const json& item) -> absl::Status {
      ObjectReader alternative(item, kInvalid);
      ReadTarget(alternative, requirement.any_of.emplace_back());
      return alternative.Finish();
    });
    if (requirement.any_of.empty()) {
      in.Check("anyOf", InvalidArgument(kInvalid, "must name at least one alternative"));
    }
    requirement.scope = static_cast<RelationScope>(in.WordOr("scope", kScopes, 0));
    requirement.source = ReadLine(in, "source", kMaxSpecSourceBytes);
    DML_RETURN_IF_ERROR(in.Finish());
    spec_.requires_all.push_back(std::move(requirement));
    return absl::OkStatus();
  }

  void ReadRelations(ObjectReader& in, std::string_view key, std::vector<Relation>& relations) {
    in.ForEach(key, kMaxSpecRelations, [&](const json& value) -> absl::Status {
      DML_RETURN_IF_ERROR(CountRelation());
      ObjectReader item(value, kInvalid);
      Relation& relation = relations.emplace_back();
      ReadTarget(item, relation.target);
      relation.scope = static_cast<RelationScope>(item.WordOr("scope", kScopes, 0));
      relation.source = ReadLine(item, "source", kMaxSpecSourceBytes);
      return item.Finish();
    });
  }

  // The name of a service or schema.
  static std::string ReadPlainName(ObjectReader& in, std::string_view key, bool required) {
    std::string name =
        required ? in.String(key, kMaxNameBytes) : in.StringOr(key, kMaxNameBytes, "");
    if ((in.Has(key) && name.empty()) || !IsVisibleAscii(name)) {
      in.Check(key, InvalidArgument(kInvalid, "'{}' must be 1 to {} visible ASCII characters",
                                    Excerpt(name), kMaxNameBytes));
    }
    return name;
  }

  static uint64_t ReadUnits(ObjectReader& in, std::string_view key) {
    return in.Has(key) ? in.Unsigned(key, 0, kMaxSkewUnits) : 0;
  }

  absl::Status ReadCoexistence(const json& value) {
    DML_RETURN_IF_ERROR(CountRelation());
    ObjectReader in(value, kInvalid);
    Coexistence coexistence;
    coexistence.service = ReadPlainName(in, "service", /*required=*/true);
    coexistence.unit = static_cast<VersionUnit>(in.Word("unit", kUnits));
    coexistence.older = ReadUnits(in, "older");
    coexistence.newer = ReadUnits(in, "newer");
    constexpr std::array<std::string_view, 2> kSkewScopes = {"NODE", "ENVIRONMENT"};
    coexistence.scope = static_cast<RelationScope>(in.WordOr("scope", kSkewScopes, 1));
    coexistence.source = ReadLine(in, "source", kMaxSpecSourceBytes);
    DML_RETURN_IF_ERROR(in.Finish());
    spec_.coexists.push_back(std::move(coexistence));
    return absl::OkStatus();
  }

  absl::Status ReadUpgrade(const json& value) {
    ObjectReader in(value, kInvalid);
    UpgradeRules& rules = spec_.upgrade.emplace();
    rules.from = ReadRange(in, "from");
    size_t unit = in.WordOr("noSkip", kUnits, kUnits.size());
    if (unit < kUnits.size()) rules.no_skip = static_cast<VersionUnit>(unit);
    in.ForEach("after", kMaxSpecRelations, [&](const json& item) -> absl::Status {
      DML_RETURN_IF_ERROR(CountRelation());
      ObjectReader after(item, kInvalid);
      UpgradeAfter& out = rules.after.emplace_back();
      ReadTarget(after, out.target);
      out.source = ReadLine(after, "source", kMaxSpecSourceBytes);
      return after.Finish();
    });
    rules.rollback_to = ReadRange(in, "rollbackTo");
    rules.point_of_no_return = ReadPlainName(in, "pointOfNoReturn", /*required=*/false);
    rules.source = ReadLine(in, "source", kMaxSpecSourceBytes);
    return in.Finish();
  }

  PackageSpec spec_;
  VersionScheme scheme_ = VersionScheme::kSemver;
  size_t relations_ = 0;
};

}  // namespace

absl::StatusOr<PackageSpec> ParsePackageSpec(std::string_view json) {
  absl::StatusOr<nlohmann::json> document = ParseStrictJson(json, kMaxPackageSpecBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "package spec");
  absl::StatusOr<PackageSpec> spec = SpecReader().Read(*document);
  if (!spec.ok()) return LocateError(spec.status(), "package spec");
  return spec;
}

std::string_view RelationKindName(RelationKind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::string_view VersionUnitName(VersionUnit unit) { return kUnits[static_cast<size_t>(unit)]; }

std::string_view RelationScopeName(RelationScope scope) {
  return kScopes[static_cast<size_t>(scope)];
}

}  // namespace dml
