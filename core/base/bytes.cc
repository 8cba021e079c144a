#include "core/base/bytes.h"

#include <array>

namespace dml {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

constexpr std::array<int8_t, 256> MakeBase64Table() {
  std::array<int8_t, 256> table{};
  for (auto& value : table) value = -1;
  for (int i = 0; i < 64; ++i) table[static_cast<uint8_t>(kBase64[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr std::array<int8_t, 256> kBase64Value = MakeBase64Table();

// `text` holds no padding any more.
std::optional<std::string> DecodeUnpadded(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int8_t value = kBase64Value[static_cast<uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xff));
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return out;
}

std::string_view StripPadding(std::string_view text) {
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string HexEncode(ByteSpan bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes) {
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

std::optional<std::string> HexDecode(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    int high = HexValue(hex[i]), low = HexValue(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string Base64Encode(ByteSpan bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    size_t left = bytes.size() - i;
    uint32_t bits = static_cast<uint32_t>(bytes[i]) << 16;
    if (left > 1) bits |= static_cast<uint32_t>(bytes[i + 1]) << 8;
    if (left > 2) bits |= bytes[i + 2];
    out.push_back(kBase64[bits >> 18]);
    out.push_back(kBase64[(bits >> 12) & 63]);
    out.push_back(left > 1 ? kBase64[(bits >> 6) & 63] : '=');
    out.push_back(left > 2 ? kBase64[bits & 63] : '=');
  }
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  return DecodeUnpadded(StripPadding(text));
}

std::optional<std::string> Base64DecodeLenient(std::string_view text) {
  bool standard = text.find_first_of("+/") != std::string_view::npos;
  bool url_safe = text.find_first_of("-_") != std::string_view::npos;
  if (standard && url_safe) return std::nullopt;
  bool padded = !text.empty() && text.back() == '=';
  if (padded && text.size() % 4 != 0) return std::nullopt;
  std::string translated(StripPadding(text));
  for (char& c : translated) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  return DecodeUnpadded(translated);
}

bool IsValidUtf8(std::string_view text) {
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* end = at + text.size();
  while (at < end) {
    uint8_t first = *at++;
    if (first < 0x80) continue;
    int more = 0;
    uint8_t low = 0x80, high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
      more = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    for (int i = 0; i < more; ++i, low = 0x80, high = 0xbf) {
      if (at == end || *at < low || *at > high) return false;
      ++at;
    }
  }
  return true;
}

}  // namespace dml
