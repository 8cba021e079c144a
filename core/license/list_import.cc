#include "core/license/list_import.h"

#include <algorithm>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/license_list.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("LICENSE_LIST_INVALID");

absl::StatusOr<json> ReadArray(std::string_view text, std::string_view file) {
  absl::StatusOr<json> value = ParseStrictJson(text, kMaxLicenseListBytes, kInvalid);
  if (!value.ok()) return Annotate(value.status(), file);
  if (!value->is_array()) {
    return InvalidArgument(kInvalid, "{}: expected an array, found {}", file, JsonTypeName(*value));
  }
  return value;
}

// "1.2.3", and pre-release or build words after it.
bool IsPackageVersion(std::string_view version) {
  const size_t core = std::min(version.find_first_not_of("0123456789."), version.size());
  return core > 0 && version.size() <= 64 &&
         std::ranges::count(version.substr(0, core), '.') == 2 &&
         std::ranges::all_of(version, [](char c) {
           return IsLicenseIdString(std::string_view(&c, 1)) || c == '+';
         });
}

// A package.json has many members of its own; two are read.
absl::StatusOr<std::string> ReadVersion(std::string_view text, std::string_view package) {
  const std::string file = fmt::format("package.json of {}", package);
  absl::StatusOr<json> value = ParseStrictJson(text, kMaxLicenseListBytes, kInvalid);
  if (!value.ok()) return Annotate(value.status(), file);
  auto text_of = [&value](const char* member) {
    const auto it = value->find(member);
    return it != value->end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  if (!value->is_object() || text_of("name") != package) {
    return InvalidArgument(kInvalid, "{}: expected the name '{}', found '{}'", file, package,
                           value->is_object() ? Excerpt(text_of("name")) : "");
  }
  std::string version = text_of("version");
  if (!IsPackageVersion(version)) {
    return InvalidArgument(kInvalid, "{}: '{}' is no version", file, Excerpt(version));
  }
  return version;
}

}  // namespace

absl::StatusOr<std::string> MakeLicenseListDocument(const LicenseListFiles& files) {
  DML_ASSIGN_OR_RETURN(std::string ids, ReadVersion(files.ids_package, "spdx-license-ids"));
  DML_ASSIGN_OR_RETURN(std::string exceptions,
                       ReadVersion(files.exceptions_package, "spdx-exceptions"));
  DML_ASSIGN_OR_RETURN(std::string ranges, ReadVersion(files.ranges_package, "spdx-ranges"));
  nlohmann::ordered_json document;
  document["version"] = fmt::format("ids {}, exceptions {}, ranges {}", ids, exceptions, ranges);
  const std::pair<const char*, std::pair<std::string_view, std::string_view>> arrays[] = {
      {"licenses", {files.ids, "index.json of spdx-license-ids"}},
      {"deprecatedLicenses", {files.deprecated_ids, "deprecated.json of spdx-license-ids"}},
      {"exceptions", {files.exceptions, "index.json of spdx-exceptions"}},
      {"deprecatedExceptions", {files.deprecated_exceptions, "deprecated.json of spdx-exceptions"}},
      {"families", {files.ranges, "index.json of spdx-ranges"}}};
  for (const auto& [member, file] : arrays) {
    DML_ASSIGN_OR_RETURN(json array, ReadArray(file.first, file.second));
    document[member] = std::move(array);
  }
  std::string text = document.dump(1, ' ', /*ensure_ascii=*/true) + "\n";
  DML_RETURN_IF_ERROR(LicenseList::Parse(text).status());
  return text;
}

}  // namespace dml
