#include "core/license/licensing.h"

#include <algorithm>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/sbom_reader.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr size_t kMaxIds = 64;

struct TypeMetric {
  std::string_view type;
  SeatMetric metric;
};
constexpr TypeMetric kTypes[] = {
    {"node-locked", SeatMetric::kNode},        {"device", SeatMetric::kNode},
    {"appliance", SeatMetric::kInstance},      {"core-points", SeatMetric::kCore},
    {"processor-points", SeatMetric::kSocket}, {"named-user", SeatMetric::kNamedUser},
    {"user", SeatMetric::kNamedUser},          {"concurrent-user", SeatMetric::kConcurrent},
    {"subscription", SeatMetric::kTerm}};

// The member's object; null where it is absent or null.
absl::StatusOr<const json*> ObjectAt(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) return nullptr;
  if (found->is_object()) return &*found;
  return AtField(InvalidArgument(kSbomInvalid, "expected an object"), member);
}

absl::StatusOr<std::vector<std::string>> TextsAt(const json& object, const char* member) {
  DML_ASSIGN_OR_RETURN(const json* items, SbomArray(object, member, kMaxIds));
  std::vector<std::string> out;
  for (const json& item : *items) {
    DML_ASSIGN_OR_RETURN(out.emplace_back(), JsonText(item, kMaxSbomTextBytes, kSbomInvalid));
  }
  return out;
}

absl::StatusOr<std::optional<Timestamp>> TimeAt(const json& object, const char* member) {
  DML_ASSIGN_OR_RETURN(const std::string text, SbomText(object, member));
  if (text.empty()) return std::nullopt;
  const std::optional<Timestamp> time = ParseTime(text);
  if (time.has_value()) return std::chrono::floor<std::chrono::seconds>(*time);
  return AtField(InvalidArgument(kSbomInvalid, "'{}' is no time: expected RFC 3339", Excerpt(text)),
                 member);
}

// {"organization": {"name": ...}} or {"individual": {"name": ...}}
absl::StatusOr<std::string> NameOfParty(const json& licensing, const char* member) {
  DML_ASSIGN_OR_RETURN(const json* party, ObjectAt(licensing, member));
  if (party == nullptr) return "";
  for (const char* kind : {"organization", "individual"}) {
    DML_ASSIGN_OR_RETURN(const json* who, ObjectAt(*party, kind));
    if (who != nullptr) return SbomText(*who, "name");
  }
  return "";
}

absl::Status ReadTerms(const json& licensing, LicensingTerms& out) {
  DML_ASSIGN_OR_RETURN(out.ids, TextsAt(licensing, "altIds"));
  DML_ASSIGN_OR_RETURN(out.vendor, NameOfParty(licensing, "licensor"));
  DML_ASSIGN_OR_RETURN(out.purchase_order, SbomText(licensing, "purchaseOrder"));
  DML_ASSIGN_OR_RETURN(out.types, TextsAt(licensing, "licenseTypes"));
  for (const std::string& type : out.types) {
    if (!out.metric.has_value()) out.metric = MetricOfLicenseType(type);
  }
  DML_ASSIGN_OR_RETURN(out.start, TimeAt(licensing, "lastRenewal"));
  DML_ASSIGN_OR_RETURN(out.expiry, TimeAt(licensing, "expiration"));
  return absl::OkStatus();
}

class LicensingReader {
 public:
  absl::Status ReadComponents(const json& object) {
    DML_ASSIGN_OR_RETURN(const json* components,
                         SbomArray(object, "components", kMaxSbomComponents));
    for (size_t i = 0; i < components->size(); ++i) {
      DML_RETURN_IF_ERROR(
          AtField(ReadComponent((*components)[i]), fmt::format("components[{}]", i)));
    }
    return absl::OkStatus();
  }

  // With those inside it: the depth of a document is limited, and so is this recursion.
  absl::Status ReadComponent(const json& component) {
    if (!component.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
    if (++components_ > kMaxSbomComponents) {
      return InvalidArgument(kSbomInvalid, "more than {} components", kMaxSbomComponents);
    }
    DML_ASSIGN_OR_RETURN(const json* licenses, SbomArray(component, "licenses", kMaxSbomLicenses));
    for (size_t i = 0; i < licenses->size(); ++i) {
      DML_RETURN_IF_ERROR(
          AtField(ReadLicense(component, (*licenses)[i]), fmt::format("licenses[{}]", i)));
    }
    return ReadComponents(component);
  }

  std::vector<LicensingTerms> out;

 private:
  absl::Status ReadLicense(const json& component, const json& choice) {
    if (!choice.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
    DML_ASSIGN_OR_RETURN(const json* license, ObjectAt(choice, "license"));
    if (license == nullptr) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(const json* licensing, ObjectAt(*license, "licensing"));
    if (licensing == nullptr) return absl::OkStatus();
    LicensingTerms terms;
    DML_ASSIGN_OR_RETURN(const std::string group, SbomText(component, "group"));
    DML_ASSIGN_OR_RETURN(const std::string name, SbomText(component, "name"));
    DML_ASSIGN_OR_RETURN(terms.purl, SbomText(component, "purl"));
    if (name.empty()) return InvalidArgument(kSbomInvalid, "a component needs a name");
    terms.product = group.empty() ? name : group + "/" + name;
    DML_RETURN_IF_ERROR(AtField(ReadTerms(*licensing, terms), "license.licensing"));
    out.push_back(std::move(terms));
    return absl::OkStatus();
  }

  size_t components_ = 0;
};

absl::StatusOr<std::vector<LicensingTerms>> Read(const json& document) {
  if (!document.is_object()) return InvalidArgument(kSbomInvalid, "expected an object");
  DML_ASSIGN_OR_RETURN(const std::string format, SbomText(document, "bomFormat"));
  DML_ASSIGN_OR_RETURN(const std::string version, SbomText(document, "specVersion"));
  if (format != "CycloneDX" || (version != "1.5" && version != "1.6" && version != "1.7")) {
    return InvalidArgument(kSbomInvalid, "expected CycloneDX 1.5 to 1.7, found '{} {}'",
                           Excerpt(format), Excerpt(version));
  }
  LicensingReader reader;
  DML_ASSIGN_OR_RETURN(const json* metadata, ObjectAt(document, "metadata"));
  if (metadata != nullptr) {
    DML_ASSIGN_OR_RETURN(const json* subject, ObjectAt(*metadata, "component"));
    if (subject != nullptr) {
      DML_RETURN_IF_ERROR(AtField(reader.ReadComponent(*subject), "metadata.component"));
    }
  }
  DML_RETURN_IF_ERROR(reader.ReadComponents(document));
  return std::move(reader.out);
}

}  // namespace

std::optional<SeatMetric> MetricOfLicenseType(std::string_view type) {
  const auto* const found = std::ranges::find(kTypes, type, &TypeMetric::type);
  if (found == std::end(kTypes)) return std::nullopt;
  return found->metric;
}

absl::StatusOr<std::vector<LicensingTerms>> ReadLicensing(std::string_view text) {
  DML_ASSIGN_OR_RETURN(const json document, ParseStrictJson(text, kMaxSbomBytes, kSbomInvalid));
  auto out = Read(document);
  if (!out.ok()) return LocateError(out.status(), "SBOM");
  return out;
}

}  // namespace dml
