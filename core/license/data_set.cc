#include "core/license/data_set.h"

#include <set>

#include <fmt/ranges.h>

#include "core/base/text.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

// What each id of a part says of itself, in the order of ids.
using Lines = std::map<std::string, std::string>;

Lines LinesOf(const LicenseList& list) {
  Lines out;
  for (const ListedId& id : list.licenses()) {
    const std::vector<std::string> later = list.VersionsFrom(id.id);
    out[id.id] = id.deprecated ? "deprecated" : "listed";
    if (later.size() > 1) {
      out[id.id] +=
          fmt::format(" (later versions: {})", fmt::join(later.begin() + 1, later.end(), ", "));
    }
  }
  for (const ListedId& id : list.exceptions()) {
    out["WITH " + id.id] = id.deprecated ? "deprecated" : "listed";
  }
  return out;
}

Lines LinesOf(const LicenseTexts& texts) {
  Lines out;
  for (const auto& [id, text] : texts.texts()) {
    out[id] = fmt::format("{} bytes, {}", text.size(), Sha256(text).ToString().substr(0, 23));
  }
  return out;
}

Lines LinesOf(const LicenseProperties& properties) {
  Lines out;
  for (const auto& [name, description] : properties.categories()) {
    out["category " + name] = description.empty() ? "declared" : Excerpt(description);
  }
  for (const auto& [key, words] : properties.licenses()) {
    const auto& [version, addition] = key;
    out[fmt::format("{}{}{}{}", version.base, version.or_later ? " or later" : "",
                    addition.empty() ? "" : " WITH ", addition)] =
        fmt::format("{}", fmt::join(words, ", "));
  }
  return out;
}

std::vector<std::string> Diff(const Lines& before, const Lines& after) {
  std::vector<std::string> out;
  auto old_line = before.begin();
  auto new_line = after.begin();
  while (old_line != before.end() || new_line != after.end()) {
    if (new_line == after.end() ||
        (old_line != before.end() && old_line->first < new_line->first)) {
      out.push_back("- " + old_line->first);
      ++old_line;
    } else if (old_line == before.end() || new_line->first < old_line->first) {
      out.push_back(fmt::format("+ {}: {}", new_line->first, new_line->second));
      ++new_line;
    } else {
      if (old_line->second != new_line->second) {
        out.push_back(
            fmt::format("{}: {}, now {}", old_line->first, old_line->second, new_line->second));
      }
      ++old_line;
      ++new_line;
    }
  }
  return out;
}

std::vector<std::string> Shortened(std::vector<std::string> lines, size_t max_lines) {
  if (lines.size() <= max_lines) return lines;
  const size_t more = lines.size() - max_lines;
  lines.resize(max_lines);
  lines.push_back(fmt::format("... and {} more", more));
  return lines;
}

std::vector<std::string> DiffMatrix(const CompatibilityMatrix* before,
                                    const CompatibilityMatrix* after, size_t max_lines) {
  if (before != nullptr && after != nullptr) return DiffMatrices(*before, *after, max_lines);
  std::vector<std::string> lines;
  for (const std::string& id : before != nullptr  ? before->licenses()
                               : after != nullptr ? after->licenses()
                                                  : std::vector<std::string>()) {
    lines.push_back((before != nullptr ? "- " : "+ ") + id);
  }
  return Shortened(std::move(lines), max_lines);
}

// Whether the list may be loaded under this name.
absl::Status CheckListVersion(const LicenseList& list, const std::string& version) {
  if (list.version() == version) return absl::OkStatus();
  return InvalidArgument(ErrorReason("LICENSE_DATA_INVALID"),
                         "the document is version '{}' of the list, not '{}'",
                         Excerpt(list.version()), Excerpt(version));
}

template <typename T>
absl::Status Keep(absl::StatusOr<T> value, std::string_view what, std::shared_ptr<const T>& out) {
  if (!value.ok()) return Annotate(value.status(), what);
  out = std::make_shared<const T>(*std::move(value));
  return absl::OkStatus();
}

}  // namespace

std::string_view LicenseDataKindName(LicenseDataKind kind) {
  switch (kind) {
    case LicenseDataKind::kList:
      return "list";
    case LicenseDataKind::kMatrix:
      return "matrix";
    case LicenseDataKind::kProperties:
      return "properties";
    case LicenseDataKind::kTexts:
      break;
  }
  return "texts";
}

std::optional<LicenseDataKind> ParseLicenseDataKind(std::string_view name) {
  for (auto kind : {LicenseDataKind::kList, LicenseDataKind::kMatrix, LicenseDataKind::kProperties,
                    LicenseDataKind::kTexts}) {
    if (name == LicenseDataKindName(kind)) return kind;
  }
  return std::nullopt;
}

absl::StatusOr<LicenseData> ReadLicenseData(const LicenseDocuments& documents) {
  LicenseData out;
  // The built-in list lives as long as the program.
  out.list = std::shared_ptr<const LicenseList>(std::shared_ptr<const LicenseList>(),
                                                &BundledLicenseList());
  if (const auto it = documents.find(LicenseDataKind::kList); it != documents.end()) {
    DML_RETURN_IF_ERROR(Keep(LicenseList::Parse(it->second.text), "license list", out.list));
    DML_RETURN_IF_ERROR(Annotate(CheckListVersion(*out.list, it->second.version), "license list"));
  }
  if (const auto it = documents.find(LicenseDataKind::kMatrix); it != documents.end()) {
    DML_RETURN_IF_ERROR(
        Keep(CompatibilityMatrix::Parse(it->second.text, it->second.version, *out.list),
             "compatibility matrix", out.matrix));
  }
  if (const auto it = documents.find(LicenseDataKind::kProperties); it != documents.end()) {
    DML_RETURN_IF_ERROR(
        Keep(LicenseProperties::Parse(it->second.text, it->second.version, *out.list),
             "license properties", out.properties));
  }
  if (const auto it = documents.find(LicenseDataKind::kTexts); it != documents.end()) {
    DML_RETURN_IF_ERROR(
        Keep(LicenseTexts::Parse(it->second.text, it->second.version), "license texts", out.texts));
  }
  return out;
}

std::vector<std::string> DiffLicenseData(LicenseDataKind kind, const LicenseData& before,
                                         const LicenseData& after, size_t max_lines) {
  switch (kind) {
    case LicenseDataKind::kList:
      return Shortened(Diff(LinesOf(*before.list), LinesOf(*after.list)), max_lines);
    case LicenseDataKind::kMatrix:
      return DiffMatrix(before.matrix.get(), after.matrix.get(), max_lines);
    case LicenseDataKind::kProperties:
    case LicenseDataKind::kTexts:
      break;
  }
  const auto lines = [](const auto& part) { return part == nullptr ? Lines() : LinesOf(*part); };
  return Shortened(kind == LicenseDataKind::kTexts
                       ? Diff(lines(before.texts), lines(after.texts))
                       : Diff(lines(before.properties), lines(after.properties)),
                   max_lines);
}

}  // namespace dml
