// The identity of immutable bytes: SHA-256 (FIPS 180-4), written "sha256:<64 lower-case hex>".
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace dml {

/// 32 bytes of SHA-256. A value type; ordered as its bytes are. Default: all zero, never a real id.
class Digest {
 public:
  static constexpr size_t kSize = 32;

  constexpr Digest() = default;
  explicit constexpr Digest(const std::array<uint8_t, kSize>& bytes) : bytes_(bytes) {}

  /// Reads "sha256:<64 lower-case hex>". Another algorithm, upper case or another length:
  /// INVALID_ARGUMENT with reason DIGEST_INVALID.
  static absl::StatusOr<Digest> Parse(std::string_view text);
  /// Reads exactly 32 raw bytes, else INVALID_ARGUMENT (DIGEST_INVALID).
  static absl::StatusOr<Digest> FromBytes(std::string_view raw);

  ByteSpan bytes() const { return bytes_; }
  std::string_view raw() const { return AsText(bytes_); }
  std::string hex() const { return HexEncode(bytes_); }
  std::string ToString() const { return "sha256:" + hex(); }

  auto operator<=>(const Digest&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Digest& d) {
    return H::combine(std::move(h), d.bytes_);
  }

 private:
  std::array<uint8_t, kSize> bytes_{};
};

/// Immutable bytes by identity: digest and size in bytes, both checked by whoever reads them.
struct BlobRef {
  Digest digest;
  uint64_t size = 0;
  auto operator<=>(const BlobRef&) const = default;
};

}  // namespace dml

template <>
struct std::hash<dml::Digest> {
  size_t operator()(const dml::Digest& digest) const noexcept {
    size_t value;
    std::memcpy(&value, digest.bytes().data(), sizeof value);
    return value;
  }
};
