// Text forms of byte strings: lower-case hex and base64 (RFC 4648).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dml {

using ByteSpan = std::span<const uint8_t>;

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string HexEncode(ByteSpan bytes);
/// Lower-case hex only; nullopt for any other character or an odd length.
std::optional<std::string> HexDecode(std::string_view hex);

/// Standard alphabet with padding (RFC 4648 section 4).
std::string Base64Encode(ByteSpan bytes);
/// Strict: standard alphabet, padding required, no white space, no non-zero trailing bits.
std::optional<std::string> Base64Decode(std::string_view text);
/// Standard or URL-safe alphabet (never both in one text), padding optional (DSSE, JWT).
std::optional<std::string> Base64DecodeLenient(std::string_view text);

/// Whether the text is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

}  // namespace dml
