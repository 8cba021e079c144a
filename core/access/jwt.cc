#include "core/access/jwt.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("JWT_INVALID");
constexpr size_t kMaxSubject = 255;
constexpr double kMaxTime = 253402300799.0;  // The last second of the year 9999.

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return Unauthenticated(kInvalid, format, std::forward<Args>(args)...);
}

// One part of the token: base64url without padding.
absl::StatusOr<std::string> DecodePart(std::string_view part) {
  std::optional<std::string> bytes;
  if (part.find_first_of("+/=") == std::string_view::npos) bytes = Base64DecodeLenient(part);
  if (bytes.has_value()) return *std::move(bytes);
  return Invalid("the token is not three parts in base64url");
}

absl::StatusOr<nlohmann::json> ParsePart(std::string_view part) {
  DML_ASSIGN_OR_RETURN(std::string text, DecodePart(part));
  absl::StatusOr<nlohmann::json> json = ParseStrictJson(text, kMaxJwtBytes, kInvalid);
  if (json.ok() && json->is_object()) return json;
  return Invalid("a part of the token is no JSON object");
}

std::string TextOf(const nlohmann::json& object, const char* name) {
  auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

// A NumericDate; the error says which.
absl::StatusOr<std::optional<std::chrono::sys_seconds>> TimeOf(const nlohmann::json& claims,
                                                               const char* name) {
  auto it = claims.find(name);
  if (it == claims.end()) return std::nullopt;
  const double value = it->is_number() ? it->get<double>() : -1;
  if (!(value >= 0 && value <= kMaxTime)) return Invalid("\"{}\" of the token is no time", name);
  return std::chrono::sys_seconds(std::chrono::seconds(static_cast<int64_t>(std::floor(value))));
}

bool HasAudience(const nlohmann::json& claims, const std::string& wanted) {
  auto it = claims.find("aud");
  if (it == claims.end()) return false;
  if (it->is_string()) return it->get_ref<const std::string&>() == wanted;
  return it->is_array() && std::ranges::any_of(*it, [&](const nlohmann::json& item) {
           return item.is_string() && item.get_ref<const std::string&>() == wanted;
         });
}

// attack 26: the key is one that the issuer was configured with, and says how it signs.
absl::StatusOr<const JwkKey*> FindKey(const nlohmann::json& header, const JwtIssuer& issuer) {
  if (header.contains("crit")) return Invalid("the token's header demands what is not known here");
  const std::string id = TextOf(header, "kid");
  const JwkKey* found = nullptr;
  if (!header.contains("kid") && issuer.keys.size() == 1) found = &issuer.keys.front();
  for (const JwkKey& key : issuer.keys) {
    if (!id.empty() && key.id() == id) found = &key;
  }
  if (found == nullptr) {
    return Invalid("the key set of {} has no key '{}'; is it the issuer's newest?", issuer.issuer,
                   Excerpt(id));
  }
  if (TextOf(header, "alg") == JwsAlgorithmName(found->algorithm())) return found;
  return Invalid("the token is signed with '{}', and its key is for {} only",
                 Excerpt(TextOf(header, "alg")), JwsAlgorithmName(found->algorithm()));
}

absl::StatusOr<std::chrono::sys_seconds> CheckTimes(const nlohmann::json& claims,
                                                    std::chrono::sys_seconds now) {
  DML_ASSIGN_OR_RETURN(auto expires, TimeOf(claims, "exp"));
  if (!expires.has_value()) return Invalid("the token says not when it ends (\"exp\")");
  if (now >= *expires + kJwtLeeway) {
    return Unauthenticated(ErrorReason("JWT_EXPIRED"), "the token ended at {}; get a new one",
                           FormatTime(*expires));
  }
  for (const char* name : {"nbf", "iat"}) {
    DML_ASSIGN_OR_RETURN(auto from, TimeOf(claims, name));
    if (from.has_value() && now + kJwtLeeway < *from) {
      return Invalid("the token is good from {} on; compare the clocks", FormatTime(*from));
    }
  }
  return *expires;
}

absl::StatusOr<std::array<std::string_view, 3>> Split(std::string_view token) {
  const size_t first = token.find('.');
  const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (token.size() > kMaxJwtBytes || second == std::string_view::npos ||
      token.find('.', second + 1) != std::string_view::npos) {
    return Invalid("the token is neither one of this library nor a JWT of at most {} bytes",
                   kMaxJwtBytes);
  }
  return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1)};
}

}  // namespace

absl::StatusOr<JwtIdentity> VerifyJwt(std::string_view token, std::span<const JwtIssuer> issuers,
                                      std::chrono::sys_seconds now) {
  DML_ASSIGN_OR_RETURN(auto parts, Split(token));
  DML_ASSIGN_OR_RETURN(nlohmann::json header, ParsePart(parts[0]));
  DML_ASSIGN_OR_RETURN(nlohmann::json claims, ParsePart(parts[1]));
  DML_ASSIGN_OR_RETURN(std::string signature, DecodePart(parts[2]));
  const std::string issuer_name = TextOf(claims, "iss");
  const auto issuer = std::ranges::find_if(issuers, [&](const JwtIssuer& item) {
    return item.issuer == issuer_name && HasAudience(claims, item.audience);
  });
  if (issuer == issuers.end()) {
    return Invalid("no issuer '{}' is known here for the token's audience", Excerpt(issuer_name));
  }
  DML_ASSIGN_OR_RETURN(const JwkKey* key, FindKey(header, *issuer));
  const std::string_view signed_part = token.substr(0, parts[0].size() + 1 + parts[1].size());
  DML_RETURN_IF_ERROR(key->Verify(AsBytes(signed_part), AsBytes(signature)));
  JwtIdentity out{issuer->issuer, TextOf(claims, "sub"), {}};
  DML_ASSIGN_OR_RETURN(out.expires, CheckTimes(claims, now));
  const bool printable =
      std::ranges::all_of(out.subject, [](char c) { return c > ' ' && c < 0x7f; });
  if (out.subject.empty() || out.subject.size() > kMaxSubject || !printable) {
    return Invalid("the token's subject is not 1 to {} printable characters", kMaxSubject);
  }
  return out;
}

}  // namespace dml
