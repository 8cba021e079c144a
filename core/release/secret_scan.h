// What in a configuration looks like a secret: a configuration is stored for ever and read by many,
// so it may name secrets and never hold them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

/// Where something looks like a secret; never what it is.
struct SecretFinding {
  size_t line = 0;        // From 1.
  size_t column = 0;      // In bytes, from 1.
  std::string_view kind;  // "a private key", "an access key of AWS", "a password in a URL", ...
};

inline constexpr size_t kMaxSecretFindings = 16;

/// The first kMaxSecretFindings, by place. Known are private keys (PEM, OpenSSH, PGP); tokens with
/// a mark of their own (of this library, AWS, GitHub, GitLab, Slack, Google, Stripe, npm, PyPI;
/// JWTs); passwords in URLs; and members and variables whose names end as those of secrets do
/// (password, secret, token, api key, ...) with a value of eight characters or more that does not
/// name a secret kept elsewhere: "${...}", "$(...)", "{{...}}", "<...>", "SCHEME:..." of vault,
/// ref, file, env, secret, arn, pkcs11, age and sops ("ENC[...]"), and paths. Linear in the text;
/// any bytes.
std::vector<SecretFinding> FindSecrets(std::string_view text);

/// INVALID_ARGUMENT (CONFIGURATION_HOLDS_SECRET) naming the first places and what they look like.
absl::Status RequireNoSecrets(std::string_view text);

}  // namespace dml
