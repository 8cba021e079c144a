#include "core/access/access_token.h"

#include <algorithm>

#include "core/base/bytes.h"
#include "core/crypto/random.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr std::string_view kPrefix = "dml_";
constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretSize = 43;

}  // namespace

AccessToken NewAccessToken() {
  return {RandomHex(kTokenIdSize / 2), HexDecode(RandomHex(kSecretBytes)).value()};
}

std::string FormatAccessToken(const AccessToken& token) {
  std::string secret = Base64Encode(AsBytes(token.secret));
  std::ranges::replace(secret, '+', '-');
  std::ranges::replace(secret, '/', '_');
  return fmt::format("{}{}_{}", kPrefix, token.id, secret.substr(0, kSecretSize));
}

bool IsAccessToken(std::string_view text) { return text.starts_with(kPrefix); }

absl::StatusOr<AccessToken> ParseAccessToken(std::string_view text) {
  AccessToken out;
  const bool has_form = IsAccessToken(text) &&
                        text.size() == kPrefix.size() + kTokenIdSize + 1 + kSecretSize &&
                        text[kPrefix.size() + kTokenIdSize] == '_';
  if (has_form) {
    out.id = std::string(text.substr(kPrefix.size(), kTokenIdSize));
    std::string secret(text.substr(kPrefix.size() + kTokenIdSize + 1));
    const bool url_safe = secret.find_first_of("+/=") == std::string::npos;
    std::ranges::replace(secret, '-', '+');
    std::ranges::replace(secret, '_', '/');
    std::optional<std::string> bytes = Base64Decode(secret + "=");
    if (url_safe && bytes.has_value() && bytes->size() == kSecretBytes) {
      out.secret = *std::move(bytes);
      return out;
    }
  }
  return Unauthenticated(ErrorReason("TOKEN_INVALID"),
                         "the token has not the form of one (dml_ID_SECRET); was it cut off?");
}

bool IsSecretOf(const AccessToken& token, const Digest& hash) {
  const std::string own(Sha256(token.secret).raw());
  const std::string_view other = hash.raw();
  unsigned difference = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    difference |= static_cast<unsigned char>(own[i]) ^ static_cast<unsigned char>(other[i]);
  }
  return difference == 0;
}

}  // namespace dml
