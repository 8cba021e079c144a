// Claims about bytes, signed and verified offline; tests/interop has other programs read them.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/os/file.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kType[] = "https://slsa.dev/provenance/v1";

class AttestCommandTest : public ::testing::Test {
 protected:
  AttestCommandTest() {
    for (const char* name : {"pat", "ann"}) Run({"key", "generate", "--out", Path(name)});
    Write("file", "content");
    Write("other", "other content");
    Write("predicate", R"({"a": [1, "x"]})");
    Run({"attest", "sign", "--type", kType, "--subject", Path("file"), "--predicate",
         Path("predicate"), "--key", Path("pat"), "--out", Path("envelope")});
  }

  std::string Path(const std::string& name) const { return dir_.path() / name; }
  void Write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(Path(name), AsBytes(text), 0600).ok());
  }
  int Run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    return RunDml(words, out_, err_);
  }
  // The exit code of a verification, with what it printed in out_.
  int Verify(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"attest", "verify", Path("envelope")};
    words.insert(words.end(), more.begin(), more.end());
    return Run(words);
  }

  testing::TempDir dir_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(AttestCommandTest, WhatWasSignedIsVerified) {
  EXPECT_EQ(Verify({"--key", Path("pat.pub")}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("VERIFIED https://slsa.dev/provenance/v1"));
  EXPECT_EQ(Verify({"--key", Path("ann.pub"), "--key", Path("pat.pub"), "--subject", Path("file"),
                    "--type", kType}),
            0);
  EXPECT_EQ(Run({"--output", "json", "attest", "verify", Path("envelope"), "--key", Path("pat")}),
            0);
  const Json document = Json::parse(out_.str());
  EXPECT_EQ(document["predicate"], Json::parse(R"({"a": [1, "x"]})"));
  EXPECT_EQ(document["subjects"][0]["name"], "file");
}

// attacks 6, 7 and 16
TEST_F(AttestCommandTest, AnythingElseIsRefusedAndDoesNotSoundLikeSuccess) {
  const std::vector<std::vector<std::string>> refused = {
      {"--key", Path("ann.pub")},
      {"--key", Path("pat.pub"), "--key", Path("ann.pub"), "--threshold", "2"},
      {"--key", Path("pat.pub"), "--key", Path("pat.pub"), "--threshold", "2"},
      {"--key", Path("pat.pub"), "--type", "https://spdx.dev/Document"},
      {"--key", Path("pat.pub"), "--subject", Path("other")},
      {"--key", Path("pat.pub"), "--subject", Path("file"), "--subject", Path("other")},
  };
  for (const std::vector<std::string>& words : refused) {
    EXPECT_EQ(Verify(words), 3) << ::testing::PrintToString(words);
    EXPECT_THAT(out_.str(), Not(HasSubstr("VERIFIED")));
  }
  for (const char* text : {"", "{}", "[]", R"({"payloadType":"a","payload":"","signatures":[]})"}) {
    Write("envelope", text);
    EXPECT_EQ(Verify({"--key", Path("pat.pub")}), 2) << text;
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(AttestCommandTest, AChangedPayloadIsRefused) {
  Json envelope = Json::parse(*ReadFile(Path("envelope"), 1 << 20));
  const std::string payload = *Base64Decode(envelope["payload"].get<std::string>());
  for (size_t at = 0; at < payload.size(); at += 7) {
    std::string changed = payload;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    envelope["payload"] = Base64Encode(AsBytes(changed));
    Write("envelope", envelope.dump());
    EXPECT_EQ(Verify({"--key", Path("pat.pub")}), 3) << at;
  }
}

TEST_F(AttestCommandTest, WhatIsNoClaimIsNotSigned) {
  auto sign = [&](const std::string& subject, const std::string& predicate) {
    return Run({"attest", "sign", "--type", kType, "--subject", subject, "--predicate",
                Path(predicate), "--key", Path("pat"), "--out", Path("refused")});
  };
  Write("array", "[1]");
  Write("twice", R"({"a": 1, "a": 2})");
  EXPECT_EQ(sign(Path("file"), "array"), 2);
  EXPECT_EQ(sign(Path("file"), "twice"), 2);
  EXPECT_EQ(sign(Path("nowhere"), "predicate"), 2);
  EXPECT_EQ(sign("sha256:00", "predicate"), 2);
  EXPECT_EQ(Run({"attest", "sign", "--type", kType, "--subject", Path("file"), "--key",
                 Path("pat.pub"), "--out", Path("refused")}),
            2);
  EXPECT_FALSE(std::filesystem::exists(Path("refused")));
}

}  // namespace
}  // namespace dml
