// Tokens: of the library, one text for one value; of identity providers, nobody is who no key of
// the issuer says so, and what a key does say is within the limits. A JWT also comes as its header,
// a line end and its claims, which are signed here: that is how far the issuer itself can go.
#include <algorithm>

#include "core/access/access_token.h"
#include "core/access/jwt.h"
#include "core/crypto/sha256.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/targets.h"

namespace dml::fuzz {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr sys_seconds kNow{seconds(1767225600)};
constexpr char kIssuer[] = "https://login.example";
constexpr char kSecret[] = "0123456789abcdefghijklmnopqrstuv";

constexpr char kKeySet[] =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed",
                 "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"kty":"EC","crv":"P-256","kid":"ec","use":"sig","alg":"ES256",
                 "x":"Hzd3LnibwLaA4nToJAls1DnG7ELfGNfMryDEq_T9mWI",
                 "y":"8WunhDU9WLOCBDBP_fijUBv5G6MAur4ToeZTbknJjWs"}]})";
// Signed with the set's P-256 key, which nobody has any more.
constexpr char kEcToken[] =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIn0.eyJhdWQiOlsib3RoZXIiLCJkbWwiXSwiZXhwIjoxNzY3MjI1OTAwLCJp"
    "c3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJzdWIiOiJlYyJ9.Ra13HZDBBS1utjD62UFQLkeQF1j3D8RYnVW96SHh"
    "xBmJZw_N6XKGCsp9bjQjgxjksgYybDpQvgws41QLxYvAWA";
constexpr char kHeader[] = R"({"alg":"EdDSA","kid":"ed"})";
constexpr char kClaims[] =
    R"({"aud":"dml","exp":1767225900,"iat":1767225600,"iss":"https://login.example","sub":"ed"})";

std::string Url(std::string_view bytes) {
  std::string out = Base64Encode(AsBytes(bytes));
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  out.erase(std::min(out.find('='), out.size()));
  return out;
}

std::string SignedToken(std::string_view header, std::string_view claims) {
  const std::string input = Url(header) + "." + Url(claims);
  return input + "." + Url(*SigningKey().Sign(AsBytes(input)));
}

absl::StatusOr<JwtIdentity> Verify(std::string_view token) {
  static const auto* const issuers =
      new std::vector<JwtIssuer>{{kIssuer, "dml", *ParseJwkSet(kKeySet)}};
  return VerifyJwt(token, *issuers, kNow);
}

std::string_view SignedPart(std::string_view token) { return token.substr(0, token.rfind('.')); }

bool CheckAccessToken(std::string_view input) {
  const absl::StatusOr<AccessToken> token = ParseAccessToken(input);
  if (!token.ok()) {
    // Whoever sends a token by mistake does not find it in a log.
    if (input.size() > 20) DML_HOLDS(Message(token.status()).find(input) == std::string_view::npos);
    return false;
  }
  DML_HOLDS(IsAccessToken(input));
  DML_HOLDS(token->id.size() == kTokenIdSize && token->secret.size() == 32);
  DML_HOLDS(FormatAccessToken(*token) == input);
  DML_HOLDS(IsSecretOf(*token, Sha256(kSecret)) == (token->secret == kSecret));
  return true;
}

bool CheckIdentity(const absl::StatusOr<JwtIdentity>& identity) {
  if (!identity.ok()) {
    const std::string reason = Reason(identity.status());
    DML_HOLDS(reason == "JWT_INVALID" || reason == "JWT_EXPIRED");
    return false;
  }
  DML_HOLDS(identity->issuer == kIssuer);
  DML_HOLDS(!identity->subject.empty() && identity->subject.size() <= 255);
  DML_HOLDS(std::ranges::all_of(identity->subject, [](char c) { return c >= 0x20 && c < 0x7f; }));
  DML_HOLDS(identity->expires + kJwtLeeway > kNow);
  return true;
}

bool CheckForeignToken(std::string_view input) {
  const absl::StatusOr<JwtIdentity> identity = Verify(input);
  if (!CheckIdentity(identity)) return false;
  DML_HOLDS(input.size() <= kMaxJwtBytes);
  DML_HOLDS(SignedPart(input) == SignedPart(kEcToken) ||
            SignedPart(input) == Url(kHeader) + "." + Url(kClaims));
  return true;
}

bool CheckSignedToken(std::string_view input) {
  const size_t end = input.find('\n');
  if (end == std::string_view::npos) return false;
  const std::string token = SignedToken(input.substr(0, end), input.substr(end + 1));
  const bool good = CheckIdentity(Verify(token));
  // Signed well, and then changed by whoever carries it.
  std::string longer = token;
  longer.insert(SignedPart(token).size(), "A");
  DML_HOLDS(!Verify(longer).ok());
  return good;
}

}  // namespace

bool FuzzToken(std::string_view input) {
  const bool own = CheckAccessToken(input);
  const bool foreign = CheckForeignToken(input);
  const bool claims = CheckSignedToken(input);
  const absl::StatusOr<std::vector<JwkKey>> keys = ParseJwkSet(input);
  if (keys.ok()) DML_HOLDS(!keys->empty() && keys->size() <= 64);
  return own || foreign || claims || keys.ok();
}

std::vector<std::string> TokenSeeds() {
  const std::string header = kHeader;
  return {FormatAccessToken({"0123456789abcdef", kSecret}),
          "dml_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
          kEcToken,
          SignedToken(kHeader, kClaims),
          header + "\n" + kClaims,
          header + "\n" + R"({"aud":["x","dml"],"exp":1.767225900e9,"nbf":0,"iss":")" + kIssuer +
              R"(","sub":"a b"})",
          kKeySet};
}

}  // namespace dml::fuzz
