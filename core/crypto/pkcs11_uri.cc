#include "core/crypto/pkcs11_uri.h"

#include <charconv>
#include <set>

#include "core/base/text.h"

namespace dml {
namespace {

// RFC 7512 section 2.3: besides unreserved characters these stand for themselves.
constexpr std::string_view kPathCharacters = ":[]@!$'()*+,=&";
constexpr std::string_view kQueryCharacters = ":[]@!$'()*+,=/?|";

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("PKCS11_URI_INVALID"), "PKCS #11 URI: {}",
                         fmt::format(format, std::forward<Args>(args)...));
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::optional<uint8_t> HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// The value as bytes. Nothing of it is told where it is wrong: it might be a PIN.
absl::StatusOr<std::string> PercentDecode(std::string_view name, std::string_view text,
                                          std::string_view allowed) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!IsUnreserved(text[i]) && allowed.find(text[i]) == allowed.npos) {
        return Invalid("a character of {} must be written as %XX", name);
      }
      out += text[i];
      continue;
    }
    const std::optional<uint8_t> high = i + 2 < text.size() ? HexValue(text[i + 1]) : std::nullopt;
    const std::optional<uint8_t> low = i + 2 < text.size() ? HexValue(text[i + 2]) : std::nullopt;
    if (!high.has_value() || !low.has_value()) {
      return Invalid("'%' in {} is not followed by two hex digits", name);
    }
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

// Paths go to the system, where a NUL would end them early.
absl::Status CheckPath(std::string_view name, std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != path.npos) {
    return Invalid("{} is not an absolute path", name);
  }
  return absl::OkStatus();
}

absl::Status SetPinSource(std::string_view value, Pkcs11Uri& uri) {
  constexpr std::string_view kFile = "file:";
  constexpr std::string_view kEmptyAuthority = "//";
  if (value.starts_with('|')) {
    return Invalid("a pin-source that is a command is not run; write the PIN to a file");
  }
  if (value.starts_with(kFile)) value.remove_prefix(kFile.size());
  if (value.starts_with(kEmptyAuthority)) value.remove_prefix(kEmptyAuthority.size());
  uri.pin_file = value;
  return CheckPath("pin-source", value);
}

absl::Status SetSlotId(std::string_view value, Pkcs11Uri& uri) {
  uint64_t slot = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), slot);
  if (value.empty() || error != std::errc() || end != value.data() + value.size()) {
    return Invalid("slot-id is not a number");
  }
  uri.slot_id = slot;
  return absl::OkStatus();
}

absl::Status SetPathAttribute(std::string_view name, std::string value, Pkcs11Uri& uri) {
  if (name == "slot-id") return SetSlotId(value, uri);
  if (name == "type") {
    if (value == "private" || value == "public") return absl::OkStatus();
    return Invalid("type is neither 'private' nor 'public'");
  }
  std::optional<std::string>* member = name == "token"          ? &uri.token
                                       : name == "serial"       ? &uri.serial
                                       : name == "manufacturer" ? &uri.manufacturer
                                       : name == "model"        ? &uri.model
                                       : name == "object"       ? &uri.object
                                       : name == "id"           ? &uri.id
                                                                : nullptr;
  if (member == nullptr) {
    return Invalid(
        "'{}' is not understood; a key is named by token, serial, manufacturer, model, slot-id, "
        "object and id",
        Excerpt(name));
  }
  *member = std::move(value);
  return absl::OkStatus();
}

absl::Status SetQueryAttribute(std::string_view name, std::string value, PinValue pin_value,
                               Pkcs11Uri& uri) {
  if (name == "module-path") {
    uri.module_path = std::move(value);
    return CheckPath(name, uri.module_path);
  }
  if (name == "pin-source") return SetPinSource(value, uri);
  if (name == "pin-value") {
    if (pin_value == PinValue::kRefused) {
      return InvalidArgument(ErrorReason("PKCS11_PIN_EXPOSED"),
                             "a pin-value on the command line is seen by everyone on this machine; "
                             "give pin-source=file:/PATH, or put the URI into a file that is yours "
                             "alone and give that");
    }
    uri.pin = std::move(value);
    return absl::OkStatus();
  }
  return Invalid("'{}' is not understood after '?'; there are module-path, pin-source, pin-value",
                 Excerpt(name));
}

// Calls `set(name, value)` for each attribute of a part, in which no name may be there twice.
template <typename Set>
absl::Status ForEachAttribute(std::string_view part, char separator, std::string_view allowed,
                              Set set) {
  std::set<std::string_view> seen;
  while (!part.empty()) {
    const std::string_view item = part.substr(0, part.find(separator));
    part.remove_prefix(std::min(part.size(), item.size() + 1));
    const size_t equals = item.find('=');
    if (equals == item.npos) return Invalid("an attribute is not written NAME=VALUE");
    const std::string_view name = item.substr(0, equals);
    if (!seen.insert(name).second) return Invalid("'{}' is there twice", Excerpt(name));
    DML_ASSIGN_OR_RETURN(std::string value,
                         PercentDecode(Excerpt(name), item.substr(equals + 1), allowed));
    DML_RETURN_IF_ERROR(set(name, std::move(value)));
  }
  return absl::OkStatus();
}

std::string PercentEncode(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<uint8_t>(c));
    }
  }
  return out;
}

}  // namespace

bool IsPkcs11Uri(std::string_view text) { return text.starts_with(kPkcs11Scheme); }

absl::StatusOr<Pkcs11Uri> ParsePkcs11Uri(std::string_view text, PinValue pin_value) {
  if (!IsPkcs11Uri(text)) return Invalid("it does not begin with '{}'", kPkcs11Scheme);
  if (text.size() > kMaxPkcs11UriBytes) {
    return Invalid("{} bytes are more than {}", text.size(), kMaxPkcs11UriBytes);
  }
  text.remove_prefix(kPkcs11Scheme.size());
  const size_t question = std::min(text.find('?'), text.size());
  Pkcs11Uri out;
  DML_RETURN_IF_ERROR(ForEachAttribute(text.substr(0, question), ';', kPathCharacters,
                                       [&](std::string_view name, std::string value) {
                                         return SetPathAttribute(name, std::move(value), out);
                                       }));
  text.remove_prefix(std::min(text.size(), question + 1));
  DML_RETURN_IF_ERROR(
      ForEachAttribute(text, '&', kQueryCharacters, [&](std::string_view name, std::string value) {
        return SetQueryAttribute(name, std::move(value), pin_value, out);
      }));
  if (out.module_path.empty()) {
    return Invalid("say which library speaks for the token: ...?module-path=/PATH");
  }
  if (!out.pin_file.empty() && out.pin.has_value()) {
    return Invalid("it has both pin-source and pin-value");
  }
  return out;
}

std::string DescribePkcs11Uri(const Pkcs11Uri& uri) {
  std::string out;
  auto add = [&](std::string_view name, const std::optional<std::string>& value) {
    if (!value.has_value()) return;
    out += fmt::format("{}{}={}", out.empty() ? "" : ";", name, PercentEncode(*value));
  };
  add("token", uri.token);
  add("manufacturer", uri.manufacturer);
  add("serial", uri.serial);
  add("model", uri.model);
  if (uri.slot_id.has_value()) add("slot-id", std::to_string(*uri.slot_id));
  add("object", uri.object);
  add("id", uri.id);
  return fmt::format("{}{}", kPkcs11Scheme, out);
}

}  // namespace dml
