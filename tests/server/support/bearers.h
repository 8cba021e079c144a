// Callers of services in tests: no library has to know them.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/access_token.h"
#include "core/base/time.h"
#include "core/crypto/sha256.h"
#include "server/auth/authenticator.h"

namespace dml::testing {

/// Bearers of tokens, each with the grants that a test gives it.
class Bearers : public AccessSource {
 public:
  absl::StatusOr<std::vector<AccessGrant>> GrantsOf(std::string_view) const override {
    return std::vector<AccessGrant>();
  }
  absl::StatusOr<std::optional<TokenRecord>> FindToken(std::string_view id) const override {
    auto it = tokens_.find(std::string(id));
    if (it == tokens_.end()) return std::nullopt;
    return it->second;
  }
  /// The token of a new bearer.
  AccessToken Add(std::vector<AccessGrant> grants) {
    AccessToken token = NewAccessToken();
    TokenRecord record;
    record.id = token.id;
    record.secret = Sha256(token.secret);
    record.grants = std::move(grants);
    record.expires = WallClockNow() + std::chrono::hours(1);
    tokens_[token.id] = record;
    return token;
  }

 private:
  std::map<std::string, TokenRecord> tokens_;
};

}  // namespace dml::testing
