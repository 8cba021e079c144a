#include "core/release/secret_scan.h"

#include <gmock/gmock.h>

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// "line:column kind" of each finding.
std::vector<std::string> Found(std::string_view text) {
  std::vector<std::string> out;
  for (const SecretFinding& one : FindSecrets(text)) {
    out.push_back(fmt::format("{}:{} {}", one.line, one.column, one.kind));
  }
  return out;
}
using List = std::vector<std::string>;

// Made up for these tests, and written in two parts so that no scanner of this repository finds
// them.
const std::string kAws = std::string("AKIA") + "IOSFODNN7EXAMPLE";
const std::string kGithub = std::string("ghp_") + std::string(36, 'a');
const std::string kJwt = std::string("eyJhbGciOiJ") + "FZERTQSJ9.eyJzdWIiOiJwYXQifQ.c2lnbmF0dXJl";
const std::string kLibrary = std::string("dml_6f1d0c2a9b3e4857_") + std::string(43, 'k');
const std::string kPem = std::string("-----BEGIN ") + "PRIVATE KEY-----";

TEST(SecretScan, FindsWhatHasAMarkOfItsOwn) {
  EXPECT_EQ(Found("a: 1\nkey: " + kAws + "\n"), List{"2:6 an access key of AWS"});
  EXPECT_EQ(Found(kGithub), List{"1:1 a token of GitHub"});
  EXPECT_EQ(Found("[" + kJwt + "]"), List{"1:2 a JWT"});
  EXPECT_EQ(Found("bearer " + kLibrary), List{"1:8 a token of this library"});
  EXPECT_EQ(Found("x: |\n  " + kPem + "\n  MC4CAQAw\n"), List{"2:3 a private key"});
  EXPECT_EQ(Found("-----BEGIN OPENSSH" + std::string(" PRIVATE KEY-----")),
            List{"1:1 a private key"});
  EXPECT_EQ(Found("-----BEGIN PGP" + std::string(" PRIVATE KEY BLOCK-----")),
            List{"1:1 a private key"});
  EXPECT_EQ(Found("token: \"" + kGithub + "\""), List{"1:9 a token of GitHub"}) << "told once";
}

TEST(SecretScan, FindsValuesOfWhatIsCalledASecret) {
  EXPECT_EQ(Found("db:\n  password: hunter2hunter2\n"), List{"2:13 the value of a secret"});
  EXPECT_EQ(Found(R"({"dbPassword": "correct horse battery"})"),
            List{"1:17 the value of a secret"});
  EXPECT_EQ(Found("API_KEY=0123456789abcdef"), List{"1:9 the value of a secret"});
  EXPECT_EQ(Found("spring.datasource.password = s3cr3t-s3cr3t"),
            List{"1:30 the value of a secret"});
  EXPECT_EQ(Found("export CLIENT_SECRET='aaaaaaaa'"), List{"1:23 the value of a secret"});
  EXPECT_EQ(Found("url: postgres://app:hunter2@db.example/app"), List{"1:17 a password in a URL"});
}

// What names a secret, or has nothing to do with one, passes.
TEST(SecretScan, ReferencesAndOtherWordsPass) {
  for (const char* text :
       {"",
        "password: ${DB_PASSWORD}",
        "password: \"{{ db.password }}\"",
        "password: vault:kv/db#pw",
        "password: <from the operator>",
        "passwordFile: /run/secrets/db",
        "password: /run/secrets/db",
        "password: $DB_PASSWORD",
        "password: $(cat /run/pw)",
        "password: ENC[AES256,data:abc]",
        "password: ref+awsssm://db",
        "token: null",
        "password:",
        "password: short",
        "secret: required",
        "passwordPolicy: at-least-twelve",
        "tokenUrl: https://login.example/token",
        "secretName: database-credentials",
        "url: https://user@host/path",
        "url: https://host:8443/a@b",
        "url: postgres://app:${PASSWORD}@db/app",
        "AKIA",
        "eyJ.eyJ.x",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "max_tokens: 100000000000",
        "digest: sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865",
        "dml_6f1d0c2a9b3e4857"}) {
    EXPECT_EQ(Found(text), List{}) << text;
  }
}

TEST(SecretScan, TheErrorSaysWhereAndNeverWhat) {
  EXPECT_TRUE(RequireNoSecrets("replicas: 3\n").ok());
  const absl::Status one = RequireNoSecrets("a: 1\npassword: hunter2hunter2\n");
  EXPECT_EQ(Reason(one), "CONFIGURATION_HOLDS_SECRET");
  EXPECT_THAT(std::string(Message(one)), HasSubstr("line 2, column 11: the value of a secret"));
  EXPECT_THAT(std::string(Message(one)), Not(HasSubstr("hunter2")));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "password: hunter2hunter2\n";
  EXPECT_EQ(FindSecrets(many).size(), kMaxSecretFindings);
  EXPECT_THAT(std::string(Message(RequireNoSecrets(many))), HasSubstr("and more"));
}

TEST(SecretScan, TakesAnyBytes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(Found(all + all), List{});
  EXPECT_EQ(Found(std::string(1 << 20, ':')), List{});
  EXPECT_EQ(Found(std::string(1 << 20, '-')), List{});
  std::string nested;
  while (nested.size() < 1 << 20) nested += "password=${";
  EXPECT_EQ(Found(nested), List{});
  EXPECT_EQ(Found(std::string("password: abc\0defghi", 20)), List{"1:11 the value of a secret"});
}

}  // namespace
}  // namespace dml
