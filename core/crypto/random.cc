#include "core/crypto/random.h"

#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "core/base/bytes.h"

namespace dml {

void FillRandom(std::span<uint8_t> out) {
  constexpr size_t kStep = 1 << 20;  // RAND_bytes counts in int.
  while (!out.empty()) {
    size_t count = out.size() < kStep ? out.size() : kStep;
    if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) std::abort();
    out = out.subspan(count);
  }
}

std::string RandomHex(size_t byte_count) {
  std::vector<uint8_t> bytes(byte_count);
  FillRandom(bytes);
  return HexEncode(bytes);
}

std::string NewRequestId() {
  std::array<uint8_t, 16> bytes;
  FillRandom(bytes);
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);  // Version 4.
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);  // Variant 10.
  std::string hex = HexEncode(bytes);
  std::string_view view = hex;
  return fmt::format("{}-{}-{}-{}-{}", view.substr(0, 8), view.substr(8, 4), view.substr(12, 4),
                     view.substr(16, 4), view.substr(20));
}

}  // namespace dml
