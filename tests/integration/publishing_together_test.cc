// Publications that take several persons, who are in several places; and keys that sign r || s.
#include "core/trust/statement.h"
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::ReadBytes;
using testing::SpecJson;
using testing::WriteBytes;

class PublishingTogetherTest : public testing::CommandLibrary {
 protected:
  std::string ReasonOf(const Words& words, int code) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  std::string MessageOf(const Words& words, int code) {
    return Do(words, code)["error"]["message"].get<std::string>();
  }
  std::string RootKey() const { return library_.data_dir() / "client" / "root.key"; }

  // Two publishers of acme must agree: ann and bob.
  void DemandTwo() {
    Begin();
    Do({"key", "generate", "--out", Path("bob")});
    Do({"root", "fetch", "--out", Path("root-now")});
    Do({"root", "add-key", Path("root-now"), "--out", Path("root-next"), "--key", Path("bob.pub"),
        "--holder", "bob", "--role", "publisher", "--delegation", "acme-publisher", "--threshold",
        "2"});
    Do({"root", "sign", Path("root-next"), "--key", RootKey()});
    Do({"root", "set", Path("root-next")});
  }

  // The spec and the one file of a version, as they are at a place: options of commands.
  Words Content(const std::string& place, const std::string& version, const std::string& bytes) {
    const std::string folder = Path(place);
    std::filesystem::create_directories(folder);
    WriteBytes(folder + "/spec.json", SpecJson("acme/tool", version));
    WriteBytes(folder + "/tool", bytes);
    return {"--spec", folder + "/spec.json", "--file", folder + "/tool=tool"};
  }
  static Words Join(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(PublishingTogetherTest, TwoPersonsInTwoPlacesPublishOneVersion) {
  ASSERT_NO_FATAL_FAILURE(DemandTwo());
  const Words here = Content("here", "1.0.0", "content");
  const Words there = Content("there", "1.0.0", "content");
  const Words publish = Join({"package", "publish"}, here);
  const std::string refused = MessageOf(Join(publish, {"--key", Path("ann")}), 5);
  EXPECT_NE(refused.find("by delegation acme-publisher"), std::string::npos) << refused;

  // One writes down what is to be signed; both compare it with what they have, and sign.
  const Json statement = Do(Join({"package", "statement", "--out", Path("statement")}, here));
  EXPECT_EQ(statement["variant"], "packages/acme/tool/versions/1.0.0/variants/any");
  Do(Join({"package", "sign", "--statement", Path("statement"), "--key", Path("ann"), "--out",
           Path("ann.dsse")},
          here));
  const Json by_bob = Do(Join({"package", "sign", "--statement", Path("statement"), "--key",
                               Path("bob"), "--out", Path("bob.dsse")},
                              there));
  EXPECT_EQ(by_bob["manifest"], statement["manifest"]);
  EXPECT_EQ(by_bob["keys"].size(), 1u);

  // attack 4: one of them twice is one.
  EXPECT_EQ(ReasonOf(Join(publish, {"--envelope", Path("ann.dsse")}), 5), "THRESHOLD_NOT_MET");
  EXPECT_EQ(ReasonOf(Join(publish, {"--key", Path("ann"), "--envelope", Path("ann.dsse")}), 5),
            "THRESHOLD_NOT_MET");
  Do(Join(publish, {"--envelope", Path("ann.dsse"), "--envelope", Path("bob.dsse")}));
  ExpectThere("1.0.0", "content");
  EXPECT_TRUE(Do({"package", "verify", "acme/tool@1.0.0"})["passed"]);
  // Offline, too, the two count together.
  Do({"package", "bundle", "acme/tool@1.0.0", "--to", Path("bundle")});
  Do({"root", "fetch", "--out", Path("root-pinned")});
  EXPECT_TRUE(Do({"verify", Path("here/tool"), "--bundle", Path("bundle"), "--root",
                  Path("root-pinned")})["passed"]);
}

TEST_F(PublishingTogetherTest, OneEnvelopeGoesFromHandToHand) {
  ASSERT_NO_FATAL_FAILURE(DemandTwo());
  const Words here = Content("here", "2.0.0", "two");
  Do(Join({"package", "statement", "--out", Path("statement")}, here));
  Do({"package", "sign", "--statement", Path("statement"), "--key", Path("ann"), "--out",
      Path("both")});
  for (int i = 0; i < 2; ++i) {
    const Json signed_by = Do({"package", "sign", "--statement", Path("both"), "--key", Path("bob"),
                               "--out", Path("both")});
    EXPECT_EQ(signed_by["keys"].size(), 2u) << "whoever signs again has one signature";
  }
  Do(Join(Join({"package", "publish"}, here), {"--envelope", Path("both")}));
  ExpectThere("2.0.0", "two");
}

TEST_F(PublishingTogetherTest, WhatIsNotTheSameIsNotSignedAndNotPublished) {
  ASSERT_NO_FATAL_FAILURE(DemandTwo());
  const Words here = Content("here", "1.0.0", "content");
  Do(Join({"package", "statement", "--out", Path("statement")}, here));
  const Words sign = {"package", "sign",      "--statement", Path("statement"),
                      "--key",   Path("bob"), "--out",       Path("bob.dsse")};
  EXPECT_EQ(ReasonOf(Join(sign, Content("changed", "1.0.0", "c0ntent")), 2),
            "PUBLICATION_MISMATCH");
  EXPECT_EQ(ReasonOf(Join(sign, Content("later", "1.0.1", "content")), 2), "PUBLICATION_MISMATCH");
  EXPECT_FALSE(std::filesystem::exists(Path("bob.dsse")));
  Do(sign);
  const std::string message =
      MessageOf(Join(Join({"package", "publish"}, Content("changed", "1.0.0", "c0ntent")),
                     {"--envelope", Path("bob.dsse")}),
                1);
  EXPECT_NE(message.find("it is about another manifest"), std::string::npos) << message;
  EXPECT_NE(message.find("dml package statement"), std::string::npos) << message;

  // What is no publication is not signed as one, and no bad file is.
  Do({"attest", "sign", "--type", "https://example.org/test", "--subject", Path("here/tool"),
      "--key", Path("ann"), "--out", Path("other.dsse")});
  Words other = sign;
  other[3] = Path("other.dsse");
  EXPECT_EQ(ReasonOf(other, 2), "PUBLICATION_INVALID");
  other[3] = Path("here/tool");
  EXPECT_EQ(ReasonOf(other, 2), "STATEMENT_INVALID");
  other[3] = Path("root-now");
  EXPECT_EQ(ReasonOf(other, 2), "PAYLOAD_TYPE_UNEXPECTED");
  EXPECT_EQ(
      ReasonOf({"package", "sign", "--statement", Path("statement"), "--key", Path("bob")}, 2),
      "ARGUMENT_INVALID")
      << "without --out";
  EXPECT_EQ(ReasonOf(Join({"package", "publish"}, here), 2), "ARGUMENT_INVALID")
      << "neither key nor envelope";
}

// A key that the trust root says to sign r || s signs so, and DER of it counts for nothing.
TEST_F(PublishingTogetherTest, AKeyOfRawSignaturesPublishesAndSigns) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Do({"key", "generate", "--algorithm", "ecdsa-p256", "--out", Path("ray")});
  const Words registration = {"key",         "register", "--owner",
                              "ray",         "--role",   "publisher",
                              "--namespace", "acme",     "--raw-signatures"};
  EXPECT_EQ(ReasonOf(Join(registration, {"--key", Path("ann")}), 2), "ARGUMENT_INVALID")
      << "an ed25519 key has no such form";
  const std::string id = Do(Join(registration, {"--key", Path("ray")}))["key"]["id"];
  EXPECT_NE(Do({"root", "fetch"})["root"].dump().find("ecdsa-p256-p1363"), std::string::npos);
  Publish("1.0.0", "by ray", "acme/tool", "ray");
  ExpectThere("1.0.0", "by ray");
  EXPECT_TRUE(Do({"package", "verify", "acme/tool@1.0.0"})["passed"]);
  Publish("2.0.0", "by ann");
  EXPECT_EQ(Do({"package", "sign", "acme/tool@2.0.0", "--key", Path("ray")})["alreadySigned"],
            false);
  EXPECT_EQ(Do({"package", "sign", "acme/tool@2.0.0", "--key", Path("ray")})["alreadySigned"],
            true);

  // attack 26, "algorithm confusion": the form that the root does not name is not tried.
  const std::string manifest =
      Do({"package", "show", "acme/tool@2.0.0"})["variant"]["manifest"]["digest"];
  Words attest = {"attest",    "sign",     "--type", "https://example.org/test",
                  "--subject", manifest,   "--key",  Path("ray"),
                  "--out",     Path("der")};
  Do(attest);
  EXPECT_EQ(ReasonOf({"package", "attach", "acme/tool@2.0.0", "--envelope", Path("der")}, 5),
            "SIGNATURE_MISSING");
  attest.back() = Path("raw");
  Do(Join(attest, {"--raw-signatures"}));
  Do({"package", "attach", "acme/tool@2.0.0", "--envelope", Path("raw")});
  EXPECT_FALSE(Do({"attest", "verify", Path("raw"), "--key", Path("ray.pub")}, 3)["verified"]);
  EXPECT_TRUE(Do({"attest", "verify", Path("raw"), "--raw-key", Path("ray.pub")})["verified"]);
  EXPECT_FALSE(Do({"attest", "verify", Path("der"), "--raw-key", Path("ray.pub")}, 3)["verified"]);

  // Revoked, it signs nothing more, and is told so before anything else.
  Do({"key", "revoke", id, "--reason", "laptop stolen"});
  for (const char* version : {"1.0.0", "2.0.0"}) {
    const std::string refused = MessageOf(
        {"package", "sign", std::string("acme/tool@") + version, "--key", Path("ray")}, 1);
    EXPECT_NE(refused.find("laptop stolen"), std::string::npos) << refused;
    EXPECT_NE(refused.find("dml key register"), std::string::npos) << refused;
  }
  const Words content = Content("here", "3.0.0", "three");
  EXPECT_EQ(ReasonOf(Join(Join({"package", "publish"}, content), {"--key", Path("ray")}), 1),
            "KEY_REVOKED");
  EXPECT_NE(Do({"package", "verify", "acme/tool@1.0.0"}, 3).dump().find("laptop stolen"),
            std::string::npos);
}

}  // namespace
}  // namespace dml
