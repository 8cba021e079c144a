// URIs that name a key on a token (RFC 7512):
//   pkcs11:token=T;object=O;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/p
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

inline constexpr std::string_view kPkcs11Scheme = "pkcs11:";
inline constexpr size_t kMaxPkcs11UriBytes = 4096;

/// What is not given matches anything.
struct Pkcs11Uri {
  std::string module_path;  // Absolute: the library that speaks for the token.
  // Of the token.
  std::optional<std::string> token;  // Its label.
  std::optional<std::string> serial;
  std::optional<std::string> manufacturer;
  std::optional<std::string> model;
  std::optional<uint64_t> slot_id;
  // Of the key: CKA_LABEL and CKA_ID, raw bytes.
  std::optional<std::string> object;
  std::optional<std::string> id;
  // Where the PIN is; never both.
  std::string pin_file;            // Absolute; "": not in a file.
  std::optional<std::string> pin;  // The PIN itself.
  bool operator==(const Pkcs11Uri&) const = default;
};

/// Whether the text names a key on a token, and no file.
bool IsPkcs11Uri(std::string_view text);

/// Where a URI comes from. What stands on a command line is seen by everyone on the machine.
enum class PinValue { kRefused, kAllowed };

/// Reads a URI of at most kMaxPkcs11UriBytes strictly: an attribute that is not in Pkcs11Uri, or is
/// there twice, is refused (`type=private` and `type=public` say what is known and are taken).
/// INVALID_ARGUMENT: PKCS11_URI_INVALID; PKCS11_PIN_EXPOSED for pin-value where that is refused.
absl::StatusOr<Pkcs11Uri> ParsePkcs11Uri(std::string_view text, PinValue pin_value);

/// The URI for messages: without the PIN and the way to it.
std::string DescribePkcs11Uri(const Pkcs11Uri& uri);

}  // namespace dml
