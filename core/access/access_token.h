// Tokens of the library: "dml_<id>_<secret>", an id of 16 hex digits and 32 random bytes in
// base64url without padding (43 characters; RFC 4648 section 5). The library keeps the SHA-256 of
// the bytes alone. Pure functions but for the random generator; any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/digest.h"

namespace dml {

/// How long after its issue a token may last.
inline constexpr std::chrono::days kMaxTokenLife(3660);

inline constexpr size_t kTokenIdSize = 16;  // Hex digits.

struct AccessToken {
  std::string id;
  std::string secret;  // 32 bytes.
};

/// A new one.
AccessToken NewAccessToken();

std::string FormatAccessToken(const AccessToken& token);

/// Whether a text means to be one: it begins as one does.
bool IsAccessToken(std::string_view text);

/// UNAUTHENTICATED (TOKEN_INVALID) for text of another form. The text is in no message.
absl::StatusOr<AccessToken> ParseAccessToken(std::string_view text);

/// Whether this is the hash of the token's secret; takes the same time for all secrets.
bool IsSecretOf(const AccessToken& token, const Digest& hash);

}  // namespace dml
