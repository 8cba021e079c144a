// Tokens of identity providers, made here part by part.
#include "core/access/jwt.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/crypto/ecdsa_signature.h"
#include "core/crypto/keys.h"

namespace dml {
namespace {

using nlohmann::json;

std::string Url(std::string_view bytes) {
  std::string out = Base64Encode(AsBytes(bytes));
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  out.erase(std::min(out.find('='), out.size()));
  return out;
}

class JwtTest : public ::testing::Test {
 protected:
  JwtTest() {
    // The last 64 bytes of an uncompressed P-256 key are its point.
    const std::string& spki = ec_.public_key().spki_der();
    const json set = {{"keys", json::array({{{"kty", "OKP"},
                                             {"crv", "Ed25519"},
                                             {"kid", "ed"},
                                             {"x", Url(ed_.public_key().raw_ed25519())}},
                                            {{"kty", "EC"},
                                             {"crv", "P-256"},
                                             {"kid", "ec"},
                                             {"use", "sig"},
                                             {"alg", "ES256"},
                                             {"x", Url(spki.substr(spki.size() - 64, 32))},
                                             {"y", Url(spki.substr(spki.size() - 32))}},
                                            {{"kty", "oct"}, {"kid", "secret"}, {"k", "AAAA"}}})}};
    auto keys = ParseJwkSet(set.dump());
    EXPECT_TRUE(keys.ok()) << keys.status();
    issuers_ = {{"https://login.example", "dml", *std::move(keys)}};
  }

  std::string Sign(const json& header, const json& claims) const {
    const std::string input = Url(header.dump()) + "." + Url(claims.dump());
    std::string signature;
    if (header.value("alg", "") == "ES256") {
      signature = *EcdsaP1363OfDer(AsBytes(*ec_.Sign(AsBytes(input))));
    } else {
      signature = *ed_.Sign(AsBytes(input));
    }
    return input + "." + Url(signature);
  }
  json Claims() const {
    return {{"iss", "https://login.example"},
            {"aud", "dml"},
            {"sub", "repo:acme/api"},
            {"exp", Seconds() + 300},
            {"iat", Seconds()}};
  }
  int64_t Seconds() const { return now_.time_since_epoch().count(); }
  std::string ReasonOf(const std::string& token) const {
    return Reason(VerifyJwt(token, issuers_, now_).status());
  }

  const PrivateKey ed_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey ec_ = PrivateKey::Generate(KeyAlgorithm::kEcdsaP256);
  const std::chrono::sys_seconds now_{std::chrono::seconds(1767225600)};
  const json ed_header_ = {{"alg", "EdDSA"}, {"kid", "ed"}};
  std::vector<JwtIssuer> issuers_;
};

TEST_F(JwtTest, AnIssuersTokenNamesItsSubject) {
  for (const json& header : {ed_header_, json{{"alg", "ES256"}, {"kid", "ec"}}}) {
    auto identity = VerifyJwt(Sign(header, Claims()), issuers_, now_);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(identity->issuer, "https://login.example");
    EXPECT_EQ(identity->subject, "repo:acme/api");
    EXPECT_EQ(identity->expires, now_ + std::chrono::seconds(300));
  }
  json several = Claims();
  several["aud"] = json::array({"other", "dml"});
  EXPECT_EQ(ReasonOf(Sign(ed_header_, several)), "");
}

// attack 26: a key in the token, or named by it, is not looked at.
TEST_F(JwtTest, KeysComeFromTheConfiguredSetAlone) {
  const PrivateKey attacker = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const json jwk = {
      {"kty", "OKP"}, {"crv", "Ed25519"}, {"x", Url(attacker.public_key().raw_ed25519())}};
  for (const char* member : {"jwk", "jku", "x5u", "x5c"}) {
    json header = ed_header_;
    header[member] = jwk;
    const std::string input = Url(header.dump()) + "." + Url(Claims().dump());
    EXPECT_EQ(ReasonOf(input + "." + Url(*attacker.Sign(AsBytes(input)))), "JWT_INVALID") << member;
    EXPECT_EQ(ReasonOf(Sign(header, Claims())), "") << "the right key is good all the same";
  }
}

// "algorithm or digest confusion"
TEST_F(JwtTest, TheAlgorithmIsTheKeys) {
  for (const json& header :
       {json{{"alg", "none"}, {"kid", "ed"}}, json{{"alg", "ES256"}, {"kid", "ed"}},
        json{{"alg", "HS256"}, {"kid", "ed"}}, json{{"alg", "EdDSA"}, {"kid", "ec"}},
        json{{"kid", "ed"}}, json{{"alg", "EdDSA"}}, json{{"alg", "EdDSA"}, {"kid", "secret"}},
        json{{"alg", "EdDSA"}, {"kid", "ed"}, {"crit", json::array({"exp"})}}}) {
    EXPECT_EQ(ReasonOf(Sign(header, Claims())), "JWT_INVALID") << header;
  }
  const std::string good = Sign(ed_header_, Claims());
  EXPECT_EQ(ReasonOf(good.substr(0, good.rfind('.') + 1)), "JWT_INVALID") << "unsigned";
}

TEST_F(JwtTest, ClaimsAreChecked) {
  auto with = [&](const char* name, const json& value) {
    json claims = Claims();
    claims[name] = value;
    return ReasonOf(Sign(ed_header_, claims));
  };
  EXPECT_EQ(with("iss", "https://evil.example"), "JWT_INVALID");
  EXPECT_EQ(with("iss", "https://login.example/"), "JWT_INVALID");
  EXPECT_EQ(with("aud", "other"), "JWT_INVALID");
  EXPECT_EQ(with("aud", json::array()), "JWT_INVALID");
  EXPECT_EQ(with("exp", nullptr), "JWT_INVALID");
  EXPECT_EQ(with("exp", "soon"), "JWT_INVALID");
  EXPECT_EQ(with("exp", 1e300), "JWT_INVALID");
  EXPECT_EQ(with("exp", Seconds() - 59), "");
  EXPECT_EQ(with("exp", Seconds() - 60), "JWT_EXPIRED");
  EXPECT_EQ(with("nbf", Seconds() + 60), "");
  EXPECT_EQ(with("nbf", Seconds() + 61), "JWT_INVALID");
  EXPECT_EQ(with("iat", Seconds() + 61), "JWT_INVALID");
  EXPECT_EQ(with("sub", ""), "JWT_INVALID");
  EXPECT_EQ(with("sub", "two words"), "JWT_INVALID");
  EXPECT_EQ(with("sub", std::string(256, 'x')), "JWT_INVALID");
  EXPECT_EQ(with("sub", 7), "JWT_INVALID");
}

TEST_F(JwtTest, WhateverIsChangedIsRefused) {
  const std::string good = Sign(ed_header_, Claims());
  ASSERT_EQ(ReasonOf(good), "");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(ReasonOf(bad), "") << i;
    EXPECT_NE(ReasonOf(good.substr(0, i)), "") << i;
  }
  EXPECT_NE(ReasonOf(good + "."), "");
  EXPECT_NE(ReasonOf(good + "="), "");
  EXPECT_EQ(ReasonOf(std::string(kMaxJwtBytes + 1, 'x')), "JWT_INVALID");
  const std::string twice =
      Url(R"({"alg":"none","alg":"EdDSA","kid":"ed"})") + "." + Url(Claims().dump());
  EXPECT_EQ(ReasonOf(twice + "." + Url(*ed_.Sign(AsBytes(twice)))), "JWT_INVALID");
}

// RFC 7515 appendix A.2: a token signed with RS256, and its key.
constexpr char kRsaKey[] = R"({"keys":[{"kty":"RSA","kid":"rsa",
 "n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
 "e":"AQAB"}]})";
constexpr char kRsaToken[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
    "NvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7A"
    "AuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO"
    "75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc"
    "6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUP"
    "QGe77Rw";

TEST(JwkTest, RsaSignaturesOfTheRfcAreGood) {
  auto keys = ParseJwkSet(kRsaKey);
  ASSERT_TRUE(keys.ok()) << keys.status();
  const std::string token = kRsaToken;
  const size_t dot = token.rfind('.');
  const std::string signature = *Base64DecodeLenient(token.substr(dot + 1));
  EXPECT_TRUE((*keys)[0].Verify(AsBytes(token.substr(0, dot)), AsBytes(signature)).ok());
  EXPECT_FALSE((*keys)[0].Verify(AsBytes(token.substr(1, dot)), AsBytes(signature)).ok());
}

TEST(JwkTest, SetsThatCannotBeUsedSayWhy) {
  for (const char* text : {"", "[]", "{}", R"({"keys":[7]})", R"({"keys":{"kty":"OKP"}})",
                           R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]})",
                           R"({"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]})",
                           R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]})",
                           R"({"keys":[{"kty":"OKP","crv":"Ed25519","use":"enc","x":"AAAA"}]})",
                           R"({"keys":[{"kty":"oct","k":"AAAA"}]})"}) {
    EXPECT_EQ(Reason(ParseJwkSet(text).status()), "JWKS_INVALID") << text;
  }
  const auto none = ParseJwkSet(R"({"keys":[]})");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(none->empty()) << "all that there were are taken out";
}

}  // namespace
}  // namespace dml
