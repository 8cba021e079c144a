// What lacks something waits in quarantine, says so everywhere, and comes out once it is there.
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using testing::SpecJson;
using testing::WriteBytes;

class QuarantineTest : public testing::CommandLibrary {
 protected:
  QuarantineTest() : CommandLibrary("admission: {require: [sbom, provenance]}\n") {}

  // What a person is told, on both streams.
  std::string Say(Words words, int code = 0) {
    words.insert(words.begin(), {"--profile", library_.profile().string()});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), code) << ::testing::PrintToString(words) << err.str();
    return out.str() + err.str();
  }
  // An attestation about a version, signed by ann.
  void Attach(const std::string& type, const std::string& name) {
    const std::string manifest =
        Do({"package", "show", "acme/tool@1.0.0"})["variant"]["manifest"]["digest"];
    Do({"attest", "sign", "--type", type, "--subject", manifest, "--key", Path("ann"), "--out",
        Path(name)});
  }
  std::string State() { return Do({"package", "show", "acme/tool@1.0.0"})["variant"]["state"]; }
};

constexpr char kSbom[] = "https://spdx.dev/Document";
constexpr char kProvenance[] = "https://slsa.dev/provenance/v1";

TEST_F(QuarantineTest, WhatItLackedLetsItOutByAnEntry) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  WriteBytes(Path("tool"), "content");
  WriteBytes(Path("spec.json"), SpecJson("acme/tool", "1.0.0"));
  const std::string published = Say({"package", "publish", "--spec", Path("spec.json"), "--file",
                                     Path("tool"), "--key", Path("ann")});
  EXPECT_NE(published.find("it is in QUARANTINE, where operators alone can read it: it has no "
                           "provenance; it has no SBOM"),
            std::string::npos)
      << published;
  const std::string got = Say({"package", "get", "acme/tool@1.0.0", "--out", Path("got")});
  EXPECT_NE(got.find("is QUARANTINED: it has no provenance; it has no SBOM"), std::string::npos)
      << got;
  const Json exported =
      Do({"export", "oci", "acme/tool@1.0.0", "--to", Path("layout")}, 1)["error"];
  EXPECT_EQ(exported["reason"], "VERSION_QUARANTINED");
  const std::string why = exported["message"];
  EXPECT_NE(why.find("QUARANTINED (it has no provenance"), std::string::npos) << why;
  EXPECT_NE(why.find("dml quarantine release"), std::string::npos) << why;

  // One of the two is not enough.
  Attach(kSbom, "sbom");
  const Json half = Do({"package", "attach", "acme/tool@1.0.0", "--envelope", Path("sbom")});
  EXPECT_EQ(half["state"], "QUARANTINED");
  EXPECT_EQ(State(), "QUARANTINED");
  Attach(kProvenance, "provenance");
  const Json whole = Do({"package", "attach", "acme/tool@1.0.0", "--envelope", Path("provenance")});
  EXPECT_EQ(whole["state"], "PUBLISHED");
  const Json last = Do({"log", "entries", "--all"})["items"].back();
  EXPECT_EQ(last["kind"], "admission_decided");
  EXPECT_EQ(last["author"], "dmld");
  EXPECT_NE(Do({"package", "show", "acme/tool@1.0.0"})["variant"]["admissionReason"]
                .get<std::string>()
                .find("all checks pass"),
            std::string::npos);
  Do({"export", "oci", "acme/tool@1.0.0", "--to", Path("layout-2")});
}

// Whom a person has put there, a person lets out.
TEST_F(QuarantineTest, WhatAPersonPutThereStaysWhateverIsAttached) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", "content");
  Do({"quarantine", "release", "acme/tool@1.0.0", "--reason", "old, and known"});
  Do({"quarantine", "put", "acme/tool@1.0.0", "--reason", "under investigation"});
  for (const char* type : {kSbom, kProvenance}) {
    Attach(type, "more");
    EXPECT_EQ(Do({"package", "attach", "acme/tool@1.0.0", "--envelope", Path("more")})["state"],
              "QUARANTINED");
  }
  EXPECT_EQ(State(), "QUARANTINED");
}

TEST_F(QuarantineTest, ReasonsThatSayNothingAreRefused) {
  ASSERT_NO_FATAL_FAILURE(Begin());
  Publish("1.0.0", "content");
  for (const char* blank : {"", " ", "\t \n", "\xc2\xa0\xe2\x80\x83"}) {
    EXPECT_EQ(
        Do({"quarantine", "release", "acme/tool@1.0.0", "--reason", blank}, 2)["error"]["reason"],
        "ARGUMENT_INVALID")
        << '"' << blank << '"';
  }
}

}  // namespace
}  // namespace dml
