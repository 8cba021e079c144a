#include "core/license/license_list.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include <nlohmann/json.hpp>

#include "core/license/license_data.h"

namespace dml {
namespace {

using Json = nlohmann::json;

constexpr ErrorReason kInvalid("LICENSE_LIST_INVALID");
constexpr size_t kMaxFamilies = 256;
constexpr size_t kMaxFamilyVersions = 64;
constexpr std::array<std::string_view, 6> kMembers = {
    "version", "licenses", "deprecatedLicenses", "exceptions", "deprecatedExceptions", "families"};

bool IsGrammarWord(std::string_view lower) {
  return lower == "and" || lower == "or" || lower == "with" || lower == "none" ||
         lower == "noassertion" || lower.starts_with("licenseref-") ||
         lower.starts_with("documentref-") || lower.starts_with("additionref-");
}

absl::Status AddIds(const Json& document, const char* member, bool deprecated,
                    std::map<std::string, ListedId, std::less<>>& ids) {
  const Json& array = document.at(member);
  if (!array.is_array()) return InvalidArgument(kInvalid, "{} must be an array of ids", member);
  for (const Json& element : array) {
    const std::string* id = element.get_ptr<const std::string*>();
    if (id == nullptr || !IsLicenseIdString(*id) || id->size() > kMaxLicenseIdLength) {
      return InvalidArgument(
          kInvalid,
          "{} holds an element that is no id of letters, digits, '-' and '.' of at most "
          "{} characters",
          member, kMaxLicenseIdLength);
    }
    std::string lower = AsciiLower(*id);
    if (IsGrammarWord(lower)) {
      return InvalidArgument(kInvalid, "{}: '{}' is a word of the expression grammar", member, *id);
    }
    if (!ids.emplace(std::move(lower), ListedId{*id, deprecated}).second) {
      return InvalidArgument(kInvalid, "{}: '{}' is listed twice", member, *id);
    }
  }
  return absl::OkStatus();
}

// The bases that one version of a family names; "-or-later" ids are left out.
absl::StatusOr<std::set<std::string>> ReadVersion(const Json& version, const LicenseList& list) {
  std::set<std::string> bases;
  const Json ids = version.is_array() ? version : Json::array({version});
  for (const Json& element : ids) {
    const std::string* id = element.get_ptr<const std::string*>();
    const ListedId* listed = id == nullptr ? nullptr : list.FindLicense(*id);
    if (listed == nullptr) {
      return InvalidArgument(kInvalid, "families: {} is not a listed license id",
                             id == nullptr ? "an element" : "'" + *id + "'");
    }
    LicenseVersion named = VersionOfLicense(listed->id, false);
    if (!named.or_later) bases.insert(std::move(named.base));
  }
  return bases;
}

absl::Status AddFamily(const Json& family, const LicenseList& list,
                       std::map<std::string, std::vector<std::string>>& later) {
  if (!family.is_array()) return InvalidArgument(kInvalid, "families must hold arrays");
  std::vector<std::string> older;
  for (const Json& element : family) {
    DML_ASSIGN_OR_RETURN(const std::set<std::string> bases, ReadVersion(element, list));
    for (const std::string& base : older) {
      std::vector<std::string>& of_base = later[base];
      for (const std::string& newer : bases) {
        if (std::ranges::find(of_base, newer) == of_base.end()) of_base.push_back(newer);
      }
    }
    older.insert(older.end(), bases.begin(), bases.end());
    if (older.size() > kMaxFamilyVersions) {
      return InvalidArgument(kInvalid, "families: one with more than {} versions",
                             kMaxFamilyVersions);
    }
  }
  return absl::OkStatus();
}

}  // namespace

LicenseVersion VersionOfLicense(std::string_view id, bool plus) {
  constexpr std::string_view kOnly = "-only";
  constexpr std::string_view kOrLater = "-or-later";
  if (id.ends_with(kOrLater)) {
    return {std::string(id.substr(0, id.size() - kOrLater.size())), true};
  }
  if (id.ends_with(kOnly)) return {std::string(id.substr(0, id.size() - kOnly.size())), false};
  return {std::string(id), plus};
}

absl::StatusOr<LicenseList> LicenseList::Parse(std::string_view json) {
  if (json.size() > kMaxLicenseListBytes) {
    return InvalidArgument(kInvalid, "the license list has {} bytes; at most {} are read",
                           json.size(), kMaxLicenseListBytes);
  }
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return InvalidArgument(kInvalid, "the license list is no JSON object");
  for (std::string_view member : kMembers) {
    if (!document.contains(member)) return InvalidArgument(kInvalid, "no member '{}'", member);
  }
  if (document.size() != kMembers.size()) {
    return InvalidArgument(kInvalid, "the license list has unknown members");
  }
  LicenseList list;
  const std::string* version = document.at("version").get_ptr<const std::string*>();
  if (version == nullptr || version->empty() || version->size() > kMaxLicenseIdLength) {
    return InvalidArgument(kInvalid, "version must be a text of 1 to {} bytes",
                           kMaxLicenseIdLength);
  }
  list.version_ = *version;
  DML_RETURN_IF_ERROR(AddIds(document, "licenses", false, list.licenses_));
  DML_RETURN_IF_ERROR(AddIds(document, "deprecatedLicenses", true, list.licenses_));
  DML_RETURN_IF_ERROR(AddIds(document, "exceptions", false, list.exceptions_));
  DML_RETURN_IF_ERROR(AddIds(document, "deprecatedExceptions", true, list.exceptions_));
  const Json& families = document.at("families");
  if (!families.is_array()) return InvalidArgument(kInvalid, "families must be an array");
  if (families.size() > kMaxFamilies) {
    return InvalidArgument(kInvalid, "{} families; at most {}", families.size(), kMaxFamilies);
  }
  for (const Json& family : families) DML_RETURN_IF_ERROR(AddFamily(family, list, list.later_));
  return list;
}

std::vector<ListedId> LicenseList::licenses() const {
  std::vector<ListedId> ids;
  for (const auto& [lower, id] : licenses_) ids.push_back(id);
  return ids;
}

std::vector<ListedId> LicenseList::exceptions() const {
  std::vector<ListedId> ids;
  for (const auto& [lower, id] : exceptions_) ids.push_back(id);
  return ids;
}

std::vector<std::string> LicenseList::VersionsFrom(const std::string& base) const {
  std::vector<std::string> versions = {base};
  if (auto it = later_.find(base); it != later_.end()) {
    versions.insert(versions.end(), it->second.begin(), it->second.end());
  }
  return versions;
}

const ListedId* LicenseList::Find(const IdMap& ids, std::string_view id) {
  auto it = ids.find(AsciiLower(id));
  return it == ids.end() ? nullptr : &it->second;
}

std::string ReplacementOfLicense(std::string_view id, const LicenseList& list) {
  const ListedId* listed = list.FindLicense(id);
  if (listed == nullptr || !listed->deprecated) return "";
  const ListedId* only = list.FindLicense(listed->id + "-only");
  return only == nullptr || only->deprecated ? "" : only->id;
}

const LicenseList& BundledLicenseList() {
  static const LicenseList list = [] {
    absl::StatusOr<LicenseList> parsed = LicenseList::Parse(BundledLicenseDocument());
    // The document is compiled in and tested: anything else is a broken build.
    if (!parsed.ok()) std::abort();
    return *std::move(parsed);
  }();
  return list;
}

bool IsLicenseIdString(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace dml
