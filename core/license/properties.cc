#include "core/license/properties.h"

#include <algorithm>
#include <array>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("LICENSE_PROPERTIES_INVALID");
constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxDescriptionBytes = 4096;

// When an obligation holds: from this provision and this combination on.
struct Source {
  std::string_view category;
  std::string_view obligation;
  LicenseProvision provision = LicenseProvision::kDistributed;
  LicenseCombination combination = LicenseCombination::kSeparate;
  bool only_modified = false;
};

using P = LicenseProvision;
using C = LicenseCombination;
constexpr std::array kSources = {
    Source{"property:include-in-notice-file", "notice"},
    Source{"property:distribute-source-code", "source-offer"},
    Source{"property:mark-modifications", "mark-modifications", P::kDistributed, C::kSeparate,
           true},
    Source{"property:modification-related-obligations", "modification-terms", P::kDistributed,
           C::kSeparate, true},
    Source{"property:network-clause", "network-source", P::kService},
    Source{"property:advertising-clause", "advertising"},
    Source{"property:patent-clause", "patent", P::kInternal},
    Source{"property:antitivo-clause", "installation-information"},
    Source{"property:no-modifications", "no-modification", P::kInternal, C::kSeparate, true},
    Source{"property:non-commercial", "non-commercial", P::kInternal},
    Source{"property:nuclear-restriction", "no-nuclear-use", P::kInternal},
    Source{"copyleft-strong", "same-license", P::kDistributed, C::kLinkedDynamic},
    Source{"copyleft-LGPL", "relink", P::kDistributed, C::kLinkedStatic},
    Source{"copyleft-module-level", "same-license-module", P::kDistributed, C::kSeparate, true},
    Source{"copyleft-file-level", "same-license-file", P::kDistributed, C::kSeparate, true},
};

constexpr std::array kObligations = {
    LicenseObligation{"notice", "reproduce copyright notices and the license text"},
    LicenseObligation{"source-offer", "distribute the source code, or offer it"},
    LicenseObligation{"network-source", "offer the source code to users over the network"},
    LicenseObligation{"same-license", "license the combined work under this license"},
    LicenseObligation{"same-license-module", "license modified modules under this license"},
    LicenseObligation{"same-license-file", "license modified files under this license"},
    LicenseObligation{"relink", "let recipients relink with a modified version"},
    LicenseObligation{"installation-information",
                      "let recipients install modified versions on the device"},
    LicenseObligation{"mark-modifications", "mark what was modified"},
    LicenseObligation{"modification-terms", "fulfil the terms for modified versions"},
    LicenseObligation{"no-modification", "do not modify"},
    LicenseObligation{"non-commercial", "do not use commercially"},
    LicenseObligation{"no-nuclear-use", "do not use in a nuclear facility"},
    LicenseObligation{"advertising", "acknowledge the use in advertisements"},
    LicenseObligation{"patent", "mind the patent terms"},
    LicenseObligation{"unknown", "not known; read the license"},
};

}  // namespace

absl::Status LicenseProperties::AddCategory(std::string name, std::string description) {
  if (!categories_.emplace(name, std::move(description)).second) {
    return InvalidArgument(kInvalid, "category '{}' is declared twice", Excerpt(name));
  }
  return absl::OkStatus();
}

absl::Status LicenseProperties::AddLicense(const std::string& id,
                                           const std::vector<std::string>& words,
                                           const LicenseList& list) {
  for (const std::string& word : words) {
    if (!categories_.contains(word)) {
      return InvalidArgument(kInvalid, "'{}' has category '{}', which is not declared", Excerpt(id),
                             Excerpt(word));
    }
  }
  absl::StatusOr<LicenseExpression> expression = LicenseExpression::Parse(id, list);
  if (!expression.ok() || expression->leaves().size() != 1) {
    unread_.push_back(id);
    return absl::OkStatus();
  }
  const LicenseLeaf& leaf = expression->leaves()[0];
  std::set<std::string> unique(words.begin(), words.end());
  auto [it, is_new] = licenses_.try_emplace({leaf.version(), leaf.addition}, unique);
  if (!is_new && it->second != unique) {
    return InvalidArgument(kInvalid, "'{}' is categorized twice, differently", Excerpt(id));
  }
  return absl::OkStatus();
}

absl::StatusOr<LicenseProperties> LicenseProperties::Parse(std::string_view text,
                                                           std::string version,
                                                           const LicenseList& list) {
  if (version.empty() || version.size() > kMaxNameBytes) {
    return InvalidArgument(kInvalid, "the version must have 1 to {} bytes", kMaxNameBytes);
  }
  DML_ASSIGN_OR_RETURN(YamlDocument document,
                       ParseStrictYaml(text, kMaxLicensePropertiesBytes, kInvalid));
  LicenseProperties out;
  out.version_ = std::move(version);
  ObjectReader in(document.value, kInvalid);
  in.ForEach("categories", kMaxLicenseCategories, [&](const json& item) -> absl::Status {
    ObjectReader category(item, kInvalid);
    std::string name = category.String("name", kMaxNameBytes);
    std::string description = category.StringOr("description", kMaxDescriptionBytes, "");
    DML_RETURN_IF_ERROR(category.Finish());
    return out.AddCategory(std::move(name), std::move(description));
  });
  in.ForEach("categorizations", kMaxCategorizedLicenses, [&](const json& item) -> absl::Status {
    ObjectReader license(item, kInvalid);
    const std::string id = license.String("id", kMaxLicenseExpressionBytes);
    const auto words = license.Strings("categories", kMaxCategoriesOfLicense, kMaxNameBytes);
    DML_RETURN_IF_ERROR(license.Finish());
    return out.AddLicense(id, words, list);
  });
  if (absl::Status status = in.Finish(); !status.ok()) return document.AtLine(status);
  if (out.licenses_.empty()) {
    return InvalidArgument(kInvalid, "no license is categorized; is this another file?");
  }
  return out;
}

const std::set<std::string>* LicenseProperties::Find(const LicenseLeaf& leaf) const {
  auto it = licenses_.find({leaf.version(), leaf.addition});
  return it == licenses_.end() ? nullptr : &it->second;
}

std::vector<std::string> ObligationsOf(const std::set<std::string>* words,
                                       const LicenseContext& context) {
  if (words == nullptr) return {"unknown"};
  std::set<std::string> out;
  for (const Source& source : kSources) {
    if (words->contains(std::string(source.category)) && context.provision >= source.provision &&
        context.combination >= source.combination && (context.modified || !source.only_modified)) {
      out.emplace(source.obligation);
    }
  }
  if (words->contains("property:unchecked")) out.insert("unknown");
  return {out.begin(), out.end()};
}

std::vector<LicenseObligation> AllLicenseObligations() {
  return {kObligations.begin(), kObligations.end()};
}

}  // namespace dml
