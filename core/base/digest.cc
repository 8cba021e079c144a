#include "core/base/digest.h"

#include <algorithm>

namespace dml {
namespace {
constexpr ErrorReason kDigestInvalid("DIGEST_INVALID");
}

absl::StatusOr<Digest> Digest::Parse(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.size() != kPrefix.size() + 2 * kSize || !text.starts_with(kPrefix)) {
    return InvalidArgument(kDigestInvalid,
                           "'{}' is not a digest: expected sha256: and 64 lower-case hex digits",
                           text.substr(0, 100));
  }
  std::optional<std::string> raw = HexDecode(text.substr(kPrefix.size()));
  if (!raw.has_value()) {
    return InvalidArgument(kDigestInvalid,
                           "'{}' is not a digest: only 0-9 and a-f may follow sha256:", text);
  }
  return FromBytes(*raw);
}

absl::StatusOr<Digest> Digest::FromBytes(std::string_view raw) {
  if (raw.size() != kSize) {
    return InvalidArgument(kDigestInvalid, "a SHA-256 digest has 32 bytes, not {}", raw.size());
  }
  std::array<uint8_t, kSize> bytes;
  std::copy(raw.begin(), raw.end(), bytes.begin());
  return Digest(bytes);
}

}  // namespace dml
