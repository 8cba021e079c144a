#include "core/license/waiver.h"

#include <set>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("LICENSE_WAIVER_INVALID");

absl::Status CheckText(const LicenseWaiver& waiver, std::string_view what,
                       const std::string& text) {
  if (text.empty() || text.size() > kMaxWaiverTextBytes || !Utf8Fault(text).empty() ||
      HasControlCharacters(text)) {
    return InvalidArgument(kInvalid,
                           "waiver '{}': the {} must be a text of 1 to {} bytes without control "
                           "characters",
                           Excerpt(waiver.id), what, kMaxWaiverTextBytes);
  }
  return absl::OkStatus();
}

bool InScope(std::string_view scope, std::string_view package) {
  if (!scope.ends_with('*')) return scope == package;
  return package.starts_with(scope.substr(0, scope.size() - 1));
}

}  // namespace

absl::StatusOr<LicenseWaivers> LicenseWaivers::Create(std::vector<LicenseWaiver> waivers,
                                                      const LicenseList& list) {
  if (waivers.size() > kMaxLicenseWaivers) {
    return InvalidArgument(kInvalid, "{} waivers; at most {}", waivers.size(), kMaxLicenseWaivers);
  }
  LicenseWaivers out;
  out.waivers_ = std::move(waivers);
  std::set<std::string> ids;
  for (size_t i = 0; i < out.waivers_.size(); ++i) {
    const LicenseWaiver& waiver = out.waivers_[i];
    DML_RETURN_IF_ERROR(CheckText(waiver, "id", waiver.id));
    DML_RETURN_IF_ERROR(CheckText(waiver, "reason", waiver.reason));
    DML_RETURN_IF_ERROR(CheckText(waiver, "author", waiver.author));
    DML_RETURN_IF_ERROR(CheckText(waiver, "package", waiver.package));
    if (!ids.insert(waiver.id).second) {
      return InvalidArgument(kInvalid, "two waivers have the id '{}'", waiver.id);
    }
    if (waiver.package == "*") {
      return InvalidArgument(kInvalid,
                             "waiver '{}': '*' stands for every package; change the policy instead",
                             waiver.id);
    }
    absl::StatusOr<LicenseExpression> license = LicenseExpression::Parse(waiver.license, list);
    if (!license.ok() || license->leaves().size() != 1) {
      return InvalidArgument(
          kInvalid, "waiver '{}': '{}' is not one license{}", waiver.id, Excerpt(waiver.license),
          license.ok() ? std::string() : fmt::format(": {}", Message(license.status())));
    }
    const LicenseLeaf& leaf = license->leaves()[0];
    out.by_license_[{leaf.version(), leaf.addition}].push_back(i);
  }
  return out;
}

std::vector<const LicenseWaiver*> LicenseWaivers::Find(const LicenseLeaf& leaf,
                                                       const LicenseContext& context,
                                                       std::string_view package) const {
  std::vector<const LicenseWaiver*> found;
  auto it = by_license_.find({leaf.version(), leaf.addition});
  if (it == by_license_.end()) return found;
  for (size_t i : it->second) {
    const LicenseWaiver& waiver = waivers_[i];
    if (waiver.when.Holds(context) && InScope(waiver.package, package)) found.push_back(&waiver);
  }
  return found;
}

}  // namespace dml
