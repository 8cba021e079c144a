#include "core/package/names.h"

#include <algorithm>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kNameInvalid("NAME_INVALID");
constexpr ErrorReason kLabelInvalid("LABEL_INVALID");
constexpr ErrorReason kPathInvalid("PATH_INVALID");

constexpr size_t kMaxEnvironmentParts = 4;
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kMaxPathPartBytes = 255;

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A first character of lower-case letters and digits, then also those of `more`.
struct Alphabet {
  std::string_view more;
  size_t max_bytes;
  bool upper_case = false;
  bool ends_alphanumeric = false;

  bool IsAlphanumeric(char c) const { return IsLowerOrDigit(c) || (upper_case && IsLetter(c)); }
};

// What is wrong with the text, "" where nothing is.
std::string Fault(std::string_view text, const Alphabet& alphabet) {
  if (text.empty()) return "is empty";
  if (text.size() > alphabet.max_bytes) {
    return fmt::format("has {} characters; at most {} are allowed", text.size(),
                       alphabet.max_bytes);
  }
  std::string_view letters = alphabet.upper_case ? "A-Za-z0-9" : "a-z0-9";
  for (char c : text) {
    if (!alphabet.IsAlphanumeric(c) && alphabet.more.find(c) == std::string_view::npos) {
      return fmt::format("holds '{}'; only {} and {} are allowed", Excerpt(std::string_view(&c, 1)),
                         letters, alphabet.more);
    }
  }
  if (!alphabet.IsAlphanumeric(text.front())) {
    return fmt::format("must start with one of {}", letters);
  }
  if (alphabet.ends_alphanumeric && !alphabet.IsAlphanumeric(text.back())) {
    return fmt::format("must end with one of {}", letters);
  }
  if (text.find("..") != std::string_view::npos) return "holds '..'";
  return "";
}

absl::Status CheckName(std::string_view what, std::string_view text, const Alphabet& alphabet) {
  std::string fault = Fault(text, alphabet);
  if (fault.empty()) return absl::OkStatus();
  return InvalidArgument(kNameInvalid, "{} '{}' {}", what, Excerpt(text), fault);
}

constexpr Alphabet kNamespace{.more = ".-", .max_bytes = 63, .ends_alphanumeric = true};
constexpr Alphabet kPackagePart{.more = "+._-", .max_bytes = 128};
constexpr Alphabet kNode{.more = ".-", .max_bytes = 253, .ends_alphanumeric = true};
constexpr Alphabet kVersionText{.more = ".+~:_^!-", .max_bytes = 128, .upper_case = true};
constexpr Alphabet kLabelKey{.more = "./_-", .max_bytes = 63};
constexpr Alphabet kPlatformPart{.more = "_.", .max_bytes = 32};

absl::Status CheckPlatformPart(std::string_view what, std::string_view text) {
  DML_RETURN_IF_ERROR(CheckName(what, text, kPlatformPart));
  if (text == "any") {
    return InvalidArgument(kNameInvalid, "{} 'any' means no platform at all; leave it out", what);
  }
  return absl::OkStatus();
}

// At most `max_parts` parts; one more holds the unsplit rest.
std::vector<std::string_view> Split(std::string_view text, char separator, size_t max_parts) {
  std::vector<std::string_view> parts;
  while (parts.size() < max_parts) {
    size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

// Percent escapes decoded once; what is no escape stays as it is.
std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      std::string hex(text.substr(i + 1, 2));
      for (char& c : hex) c = (c >= 'A' && c <= 'F') ? static_cast<char>(c - 'A' + 'a') : c;
      if (std::optional<std::string> byte = HexDecode(hex)) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

// Embeddings, overrides and isolates: U+202A to U+202E and U+2066 to U+2069. They make a name look
// like another one.
bool HasDirectionControls(std::string_view path) {
  for (size_t at = path.find('\xe2'); at != std::string_view::npos;
       at = path.find('\xe2', at + 1)) {
    const std::string_view rest = path.substr(at, 3);
    if (rest >= "\xe2\x80\xaa" && rest <= "\xe2\x80\xae") return true;
    if (rest >= "\xe2\x81\xa6" && rest <= "\xe2\x81\xa9") return true;
  }
  return false;
}

std::string PathFault(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path.front() == '/') return "is absolute; make it relative to the package";
  if (path.find('\\') != std::string_view::npos) return "holds a backslash; separate parts by '/'";
  if (path.size() >= 2 && IsLetter(path[0]) && path[1] == ':') return "starts with a drive letter";
  if (HasControlCharacters(path)) return "holds a control character";
  if (HasDirectionControls(path)) return "holds a character that reorders text";
  while (true) {
    size_t end = path.find('/');
    std::string_view part = path.substr(0, end);
    if (part.empty()) return "has an empty part";
    if (part == "." || part == "..") return fmt::format("has the part '{}'", part);
    if (part.size() > kMaxPathPartBytes) {
      return fmt::format("has a part of {} bytes; at most {} are allowed", part.size(),
                         kMaxPathPartBytes);
    }
    if (end == std::string_view::npos) return "";
    path.remove_prefix(end + 1);
  }
}

}  // namespace

absl::Status ValidateNamespace(std::string_view name) {
  return CheckName("namespace", name, kNamespace);
}

absl::Status ValidatePackagePart(std::string_view name) {
  return CheckName("package name", name, kPackagePart);
}

absl::Status ValidateNodeName(std::string_view name) { return CheckName("node", name, kNode); }

absl::Status ValidateVersionText(std::string_view text) {
  return CheckName("version", text, kVersionText);
}

absl::Status ValidateEnvironmentName(std::string_view name) {
  std::vector<std::string_view> parts = Split(name, '/', kMaxEnvironmentParts);
  if (parts.size() > kMaxEnvironmentParts) {
    return InvalidArgument(kNameInvalid, "environment '{}' has more than {} parts", Excerpt(name),
                           kMaxEnvironmentParts);
  }
  for (std::string_view part : parts) {
    DML_RETURN_IF_ERROR(CheckName("environment", part, kNamespace));
  }
  return absl::OkStatus();
}

absl::Status ValidateLabel(std::string_view key, std::string_view value) {
  constexpr size_t kMaxValueBytes = 256;
  std::string fault = Fault(key, kLabelKey);
  if (!fault.empty()) {
    return InvalidArgument(kLabelInvalid, "label key '{}' {}", Excerpt(key), fault);
  }
  if (value.size() > kMaxValueBytes) {
    return InvalidArgument(kLabelInvalid,
                           "the value of label '{}' has {} bytes; at most {} are allowed", key,
                           value.size(), kMaxValueBytes);
  }
  if (!IsValidUtf8(value) || HasControlCharacters(value)) {
    return InvalidArgument(kLabelInvalid,
                           "the value of label '{}' is not printable UTF-8 text on one line", key);
  }
  return absl::OkStatus();
}

absl::StatusOr<PackageName> PackageName::Parse(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return InvalidArgument(kNameInvalid, "package '{}' must be written namespace/name",
                           Excerpt(text));
  }
  PackageName out{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  DML_RETURN_IF_ERROR(ValidateNamespace(out.ns));
  DML_RETURN_IF_ERROR(ValidatePackagePart(out.name));
  return out;
}

absl::StatusOr<Platform> Platform::Parse(std::string_view variant_id) {
  if (variant_id == "any") return Platform{};
  std::vector<std::string_view> parts = Split(variant_id, '-', 3);
  if (parts.size() < 2 || parts.size() > 3) {
    return InvalidArgument(kNameInvalid, "platform '{}' must be 'any', os-arch or os-arch-variant",
                           Excerpt(variant_id));
  }
  Platform out{std::string(parts[0]), std::string(parts[1]),
               parts.size() == 3 ? std::string(parts[2]) : ""};
  if (parts.size() == 3) DML_RETURN_IF_ERROR(CheckPlatformPart("platform variant", parts[2]));
  DML_RETURN_IF_ERROR(out.Validate());
  return out;
}

std::string Platform::VariantId() const {
  if (os.empty()) return "any";
  return variant.empty() ? os + "-" + arch : os + "-" + arch + "-" + variant;
}

absl::Status Platform::Validate() const {
  if (*this == Platform{}) return absl::OkStatus();
  DML_RETURN_IF_ERROR(CheckPlatformPart("platform os", os));
  DML_RETURN_IF_ERROR(CheckPlatformPart("platform arch", arch));
  if (!variant.empty()) DML_RETURN_IF_ERROR(CheckPlatformPart("platform variant", variant));
  return absl::OkStatus();
}

absl::StatusOr<VariantName> VariantName::Parse(std::string_view resource_name) {
  std::vector<std::string_view> parts = Split(resource_name, '/', 7);
  if (parts.size() != 7 || parts[0] != "packages" || parts[3] != "versions" ||
      parts[5] != "variants") {
    return InvalidArgument(
        kNameInvalid, "'{}' must be packages/NAMESPACE/NAME/versions/VERSION/variants/PLATFORM",
        Excerpt(resource_name, 256));
  }
  VariantName out{{std::string(parts[1]), std::string(parts[2])}, std::string(parts[4]), {}};
  DML_RETURN_IF_ERROR(ValidateNamespace(out.package.ns));
  DML_RETURN_IF_ERROR(ValidatePackagePart(out.package.name));
  DML_RETURN_IF_ERROR(ValidateVersionText(out.version));
  DML_ASSIGN_OR_RETURN(out.platform, Platform::Parse(parts[6]));
  return out;
}

std::string VariantName::ResourceName() const {
  return fmt::format("{}/versions/{}/variants/{}", package.ResourceName(), version,
                     platform.VariantId());
}

absl::Status ValidateFilePath(std::string_view path) {
  if (path.size() > kMaxPathBytes) {
    return InvalidArgument(kPathInvalid, "file name '{}' has {} bytes; at most {} are allowed",
                           Excerpt(path), path.size(), kMaxPathBytes);
  }
  if (const std::string fault = Utf8Fault(path); !fault.empty()) {
    return InvalidArgument(kPathInvalid, "file name '{}' is {}", Excerpt(path), fault);
  }
  std::string fault = PathFault(path);
  if (fault.empty() && path.find('%') != std::string_view::npos) {
    fault = PathFault(PercentDecode(path));
    if (!fault.empty()) fault += " when it is percent-decoded";
  }
  if (fault.empty()) return absl::OkStatus();
  return InvalidArgument(kPathInvalid, "file name '{}' {}", Excerpt(path, 256), fault);
}

}  // namespace dml
