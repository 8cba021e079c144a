#include "storage/library/license_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace dml {
namespace {

// Joins obligations of parts that are used in different contexts.
void Merge(std::vector<SetObligation> part, std::map<std::string, SetObligation>& all) {
  for (SetObligation& obligation : part) {
    auto [it, is_new] = all.try_emplace(obligation.word, obligation);
    if (is_new) continue;
    SetObligation& known = it->second;
    std::set<std::string> licenses(known.licenses.begin(), known.licenses.end());
    licenses.insert(obligation.licenses.begin(), obligation.licenses.end());
    known.licenses.assign(licenses.begin(), licenses.end());
    known.components.insert(known.components.end(), obligation.components.begin(),
                            obligation.components.end());
  }
}

std::vector<SetObligation> ObligationsOfAll(std::span<const VariantLicense> variants,
                                            const std::optional<LicenseContext>& given,
                                            const LicenseProperties& properties) {
  std::map<LicenseContext, std::vector<LicensedComponent>> by_context;
  for (const VariantLicense& variant : variants) {
    by_context[given.value_or(variant.context)].push_back(
        {variant.name.ResourceName(), variant.taken});
  }
  std::map<std::string, SetObligation> found;
  for (const auto& [context, components] : by_context) {
    Merge(CollectObligations(components, context, properties), found);
  }
  std::vector<SetObligation> out;
  for (const LicenseObligation& known : AllLicenseObligations()) {
    const auto it = found.find(std::string(known.word));
    if (it == found.end()) continue;
    std::ranges::sort(it->second.components);
    out.push_back(std::move(it->second));
  }
  return out;
}

}  // namespace

LicenseReport MakeLicenseReport(const LicenseState& state, std::span<const VariantLicense> variants,
                                const std::optional<LicenseContext>& given) {
  LicenseReport out;
  NoticeInput& notice = out.notice;
  notice.time = state.time;
  notice.context = given.value_or(WholeContextOf(state));
  notice.list_version = state.data->list->version();
  notice.properties_version = state.data->properties_version();
  for (const VariantLicense& variant : variants) {
    notice.components.push_back({variant.name.package.ToString(),
                                 variant.name.version,
                                 variant.spec.purl,
                                 variant.taken,
                                 {}});
  }
  const LicenseProperties unknown;
  notice.obligations = ObligationsOfAll(
      variants, given, state.data->properties == nullptr ? unknown : *state.data->properties);
  for (const std::string& id : LicenseTextIds(notice.components)) {
    const std::string* text = state.data->texts == nullptr ? nullptr : state.data->texts->Find(id);
    if (text == nullptr) {
      out.missing.push_back(id);
    } else {
      notice.texts.emplace(id, *text);
    }
  }
  return out;
}

}  // namespace dml
