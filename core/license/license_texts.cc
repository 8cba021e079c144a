#include "core/license/license_texts.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/license/license_list.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("LICENSE_TEXTS_INVALID");

// An id of the list, or a reference with or without its document.
bool IsId(std::string_view id) {
  const size_t colon = id.find(':');
  if (colon != id.npos) {
    if (!id.starts_with("DocumentRef-") || !IsLicenseIdString(id.substr(0, colon))) return false;
    id.remove_prefix(colon + 1);
  }
  return IsLicenseIdString(id);
}

bool IsText(std::string text) {
  std::ranges::replace(text, '\f', '\n');  // Old licenses have pages.
  return !text.empty() && Utf8Fault(text).empty() && !HasControlCharacters(text, true);
}

}  // namespace

absl::StatusOr<LicenseTexts> LicenseTexts::Parse(std::string_view text, std::string version) {
  DML_ASSIGN_OR_RETURN(const json document, ParseStrictJson(text, kMaxLicenseTextsBytes, kInvalid));
  LicenseTexts out;
  out.version_ = std::move(version);
  ObjectReader in(document, kInvalid);
  constexpr std::array<std::string_view, 1> kSchemas = {kLicenseTextsSchema};
  in.Word("schema", kSchemas);
  in.ForEach("texts", kMaxLicenseTexts, [&](const json& item) -> absl::Status {
    ObjectReader entry(item, kInvalid);
    const std::string id = entry.String("id", kMaxLicenseTextIdBytes);
    std::string body = entry.String("text", kMaxLicenseTextBytes);
    DML_RETURN_IF_ERROR(entry.Finish());
    if (!IsId(id)) return InvalidArgument(kInvalid, "'{}' is no license id", Excerpt(id));
    if (!IsText(body)) {
      return InvalidArgument(kInvalid, "the text of {} is empty or has control characters", id);
    }
    if (!out.texts_.emplace(AsciiLower(id), std::move(body)).second) {
      return InvalidArgument(kInvalid, "{} has two texts", id);
    }
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  if (out.texts_.empty()) return InvalidArgument(kInvalid, "no text is in it");
  return out;
}

const std::string* LicenseTexts::Find(std::string_view id) const {
  const auto it = texts_.find(AsciiLower(id));
  return it == texts_.end() ? nullptr : &it->second;
}

}  // namespace dml
