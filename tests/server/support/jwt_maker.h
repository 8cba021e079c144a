// An identity provider with one Ed25519 key: its key set and its tokens.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/bytes.h"
#include "core/crypto/keys.h"

namespace dml::testing {

class JwtMaker {
 public:
  /// As in a file that auth.jwtIssuers names.
  std::string KeySet() const {
    return nlohmann::json{
        {"keys", nlohmann::json::array({{{"kty", "OKP"},
                                         {"crv", "Ed25519"},
                                         {"kid", "k"},
                                         {"x", Url(key_.public_key().raw_ed25519())}}})}}
        .dump();
  }

  /// A token of this issuer for the audience "dml" that is good for an hour.
  std::string Token(const std::string& issuer) const {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const nlohmann::json header = {{"alg", "EdDSA"}, {"kid", "k"}};
    const nlohmann::json claims = {{"iss", issuer},
                                   {"aud", "dml"},
                                   {"sub", "ci"},
                                   {"iat", now.count()},
                                   {"exp", now.count() + 3600}};
    const std::string input = Url(header.dump()) + "." + Url(claims.dump());
    return input + "." + Url(*key_.Sign(AsBytes(input)));
  }

 private:
  static std::string Url(std::string_view bytes) {
    std::string out = Base64Encode(AsBytes(bytes));
    std::ranges::replace(out, '+', '-');
    std::ranges::replace(out, '/', '_');
    out.erase(std::min(out.find('='), out.size()));
    return out;
  }

  const PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

}  // namespace dml::testing
