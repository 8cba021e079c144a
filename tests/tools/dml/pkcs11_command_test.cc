// Keys on a token where the command line takes a key, with SoftHSM 2 as the token.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/os/file.h"
#include "tests/support/soft_hsm.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Pkcs11CommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = testing::SoftHsm::Missing(); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    hsm_.emplace();
    hsm_->AddToken("T");
  }

  std::string Path(const std::string& name) const { return dir_.path() / name; }
  void Write(const std::string& name, std::string_view text, mode_t mode = 0600) {
    ASSERT_TRUE(WriteFileAtomically(Path(name), AsBytes(text), mode).ok());
  }

  Json Do(std::vector<std::string> words, int code = 0) {
    words.insert(words.begin(), {"--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), code) << ::testing::PrintToString(words) << err.str();
    errors_ = err.str();
    return Json::parse(code == 0 || code == 3 ? out.str() : err.str(), nullptr, false);
  }
  std::string Refused(const std::vector<std::string>& words) {
    return Do(words, 2)["error"]["reason"];
  }
  Json Generate(const std::string& object, const std::string& algorithm = "ecdsa-p256") {
    return Do({"key", "generate", "--algorithm", algorithm, "--pkcs11",
               hsm_->Uri("token=T;object=" + object)});
  }

  testing::TempDir dir_;
  std::optional<testing::SoftHsm> hsm_;
  std::string errors_;
};

TEST_F(Pkcs11CommandTest, AKeyIsMadeAndShown) {
  const Json made = Generate("pat");
  EXPECT_EQ(made["algorithm"], "ecdsa-p256");
  const Json shown = Do({"key", "show", hsm_->Uri("token=T;object=pat", "")});
  EXPECT_EQ(shown["id"], made["id"]);
  EXPECT_THAT(shown["publicKey"].get<std::string>(), HasSubstr("BEGIN PUBLIC KEY"));
  const Json again = Do({"key", "generate", "--pkcs11", hsm_->Uri("token=T;object=pat")}, 1);
  EXPECT_EQ(again["error"]["reason"], "PKCS11_KEY_EXISTS");
  EXPECT_EQ(Refused({"key", "generate", "--pkcs11", hsm_->Uri("object=x"), "--out", Path("x")}),
            "ARGUMENT_INVALID");
  EXPECT_EQ(Refused({"key", "generate"}), "ARGUMENT_INVALID");
}

// A ceremony with a key in memory and two on a token, one of them with raw signatures.
TEST_F(Pkcs11CommandTest, TheyHoldATrustRoot) {
  Generate("pat");
  Generate("ann");
  Generate("bob", "ed25519");
  Do({"key", "generate", "--out", Path("log")});
  Do({"root", "init", "--origin", "library.example/dml", "--log-key", Path("log.pub"), "--holder",
      "pat", "--key", hsm_->Uri("token=T;object=pat", ""), "--out", Path("root")});
  Do({"root", "add-key", Path("root"), "--role", "root", "--holder", "ann", "--key",
      hsm_->Uri("token=T;object=ann", ""), "--raw-signatures"});
  Do({"root", "add-key", Path("root"), "--role", "root", "--holder", "bob", "--key",
      hsm_->Uri("token=T;object=bob", ""), "--threshold", "3"});
  EXPECT_EQ(Refused({"root", "sign", Path("root"), "--key", hsm_->Uri("token=T;object=pat", "")}),
            "PKCS11_PIN_REQUIRED");
  for (const char* holder : {"pat", "ann", "bob"}) {
    Do({"root", "sign", Path("root"), "--key", hsm_->Uri(std::string("object=") + holder)});
  }
  EXPECT_EQ(Do({"root", "verify", Path("root")})["trusted"], true);
}

TEST_F(Pkcs11CommandTest, SeveralSignOneAttestation) {
  Generate("pat");
  Generate("bob", "ed25519");
  Do({"key", "generate", "--out", Path("ann")});
  Write("file", "content");
  Do({"attest", "sign", "--type", "https://example.com/t", "--subject", Path("file"), "--key",
      hsm_->Uri("object=pat"), "--key", Path("ann"), "--key", hsm_->Uri("object=bob"), "--out",
      Path("envelope")});
  const Json verified = Do({"attest", "verify", Path("envelope"), "--subject", Path("file"),
                            "--threshold", "3", "--key", hsm_->Uri("object=pat", ""), "--key",
                            Path("ann.pub"), "--key", hsm_->Uri("object=bob", "")});
  EXPECT_EQ(verified["keys"].size(), 3u);
}

TEST_F(Pkcs11CommandTest, AUriWithItsPinStandsInAFileThatIsPrivate) {
  const Json made = Generate("pat");
  const std::string exposed =
      hsm_->Uri("token=T;object=pat", "") + "&pin-value=" + testing::kTokenPin;
  EXPECT_EQ(Refused({"key", "show", exposed}), "PKCS11_PIN_EXPOSED");
  EXPECT_THAT(errors_, Not(HasSubstr(testing::kTokenPin)));
  Write("pat.uri", exposed + "\n");
  EXPECT_EQ(Do({"key", "show", Path("pat.uri")})["id"], made["id"]);
  Do({"attest", "sign", "--type", "t", "--subject", "sha256:" + std::string(64, '0'), "--key",
      Path("pat.uri"), "--out", Path("envelope")});
  Write("pat.uri", exposed, 0644);
  EXPECT_EQ(Refused({"key", "show", Path("pat.uri")}), "FILE_NOT_PRIVATE");
}

TEST_F(Pkcs11CommandTest, EachThingThatCanBeWrongIsTold) {
  Generate("pat");
  auto sign = [&](const std::string& key) {
    return Refused({"attest", "sign", "--type", "t", "--subject", "sha256:" + std::string(64, '0'),
                    "--key", key, "--out", Path("envelope")});
  };
  EXPECT_EQ(sign(hsm_->Uri("token=U;object=pat")), "PKCS11_TOKEN_NOT_FOUND");
  EXPECT_EQ(sign(hsm_->Uri("token=T;object=eve")), "PKCS11_KEY_NOT_FOUND");
  EXPECT_EQ(sign(hsm_->Uri("token=T;object=pat", "wrong-pin")), "PKCS11_PIN_WRONG");
  EXPECT_EQ(sign("pkcs11:object=pat?module-path=/nowhere.so"), "PKCS11_MODULE_UNUSABLE");
  EXPECT_EQ(sign("pkcs11:object=pat"), "PKCS11_URI_INVALID");
  EXPECT_FALSE(std::filesystem::exists(Path("envelope")));
}

}  // namespace
}  // namespace dml
