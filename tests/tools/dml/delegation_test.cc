// Documents that pass a delegated role on, as people make them: file by file, each with their key.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/os/file.h"
#include "core/trust/root_walk.h"
#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"
#include "tools/dml/key_consequences.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

class DelegationCommandTest : public ::testing::Test {
 protected:
  // pat's root delegates the packages of acme to ann and bob, of whom both must sign.
  DelegationCommandTest() {
    for (const char* name : {"pat", "ann", "bob", "log", "tim", "eve"}) {
      Do({"key", "generate", "--out", Path(name)});
    }
    Do({"root", "init", "--origin", "library.example/dml", "--log-key", Path("log.pub"), "--holder",
        "pat", "--key", Path("pat.pub"), "--out", Path("root")});
    for (const char* name : {"ann", "bob"}) {
      Words words = {"root",         "add-key",   Path("root"),
                     "--role",       "publisher", "--holder",
                     name,           "--key",     Path(std::string(name) + ".pub"),
                     "--delegation", "acme"};
      if (std::string(name) == "ann") words.insert(words.end(), {"--subject", "acme/*"});
      if (std::string(name) == "bob") words.insert(words.end(), {"--threshold", "2"});
      Do(words);
    }
    Do({"root", "sign", Path("root"), "--key", Path("pat")});
  }

  using Words = std::vector<std::string>;
  std::string Path(const std::string& name) const { return dir_.path() / name; }
  Json Do(Words words, int code = 0) {
    words.insert(words.begin(), {"--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), code) << ::testing::PrintToString(words) << err.str();
    return Json::parse(code == 0 || code == 3 ? out.str() : err.str(), nullptr, false);
  }
  std::string Refused(const Words& words, int code = 2) {
    return Do(words, code)["error"]["reason"];
  }
  // A document by which ann and bob let tim publish tools.
  void PassOn() {
    Do({"delegation", "init", "acme", "--out", Path("acme-1")});
    Do({"delegation", "add-key", Path("acme-1"), "--delegation", "tools", "--subject",
        "acme/tool-*", "--holder", "tim", "--key", Path("tim.pub")});
  }
  Json Sign(const std::string& name, const std::string& key, int code = 0) {
    return Do({"delegation", "sign", Path(name), "--root", Path("root"), "--key", Path(key)}, code);
  }
  Json Verify(const std::string& name, int code = 0) {
    return Do({"delegation", "verify", Path(name), "--root", Path("root")}, code);
  }

  testing::TempDir dir_;
};

TEST_F(DelegationCommandTest, ThoseToWhomItGoesSignItAndItHolds) {
  PassOn();
  EXPECT_EQ(Verify("acme-1", 3)["reason"], "SIGNATURE_MISSING");
  const Json once = Sign("acme-1", "ann");
  EXPECT_EQ(once["signed"], false);
  EXPECT_THAT(once["missing"].get<std::string>(), HasSubstr("1 of 2"));
  EXPECT_EQ(Verify("acme-1", 3)["reason"], "THRESHOLD_NOT_MET");
  Sign("acme-1", "ann");
  EXPECT_EQ(Verify("acme-1", 3)["reason"], "THRESHOLD_NOT_MET") << "one person twice";
  EXPECT_EQ(Sign("acme-1", "bob")["signed"], true);
  const Json verified = Verify("acme-1");
  EXPECT_EQ(verified["trusted"], true);
  EXPECT_EQ(verified["version"], 1);

  // It is what the trust domain takes: tim publishes tools of acme, and nothing else.
  const TrustRoot root = OpenPinnedRoot(*ReadFile(Path("root"), 1 << 20))->root;
  const std::vector<DsseEnvelope> documents = {*ParseEnvelope(*ReadFile(Path("acme-1"), 1 << 20))};
  const auto domain = TrustDomain::Create(root, documents, WallClockNow());
  ASSERT_TRUE(domain.ok()) << domain.status();
  EXPECT_EQ(domain->AuthoritiesFor(SigningRole::kPublisher, "acme/tool-x").size(), 3u);
  EXPECT_EQ(domain->AuthoritiesFor(SigningRole::kPublisher, "acme/api").size(), 2u);
}

TEST_F(DelegationCommandTest, WhoHasNoPartInItCannotSign) {
  PassOn();
  EXPECT_EQ(Sign("acme-1", "eve", 2)["error"]["reason"], "ROLE_NOT_HELD");
  EXPECT_EQ(Sign("acme-1", "pat", 2)["error"]["reason"], "ROLE_NOT_HELD")
      << "the root's holder delegated it";
  Do({"delegation", "init", "zeta", "--out", Path("zeta")});
  EXPECT_EQ(Sign("zeta", "ann", 2)["error"]["reason"], "DELEGATION_UNKNOWN");
  EXPECT_EQ(Refused({"delegation", "show", Path("root")}), "PAYLOAD_TYPE_UNEXPECTED");
  EXPECT_EQ(Refused({"delegation", "show", Path("pat.pub")}), "DELEGATION_INVALID");
}

TEST_F(DelegationCommandTest, ItChangesByVersionsAndPassesOnAgain) {
  PassOn();
  Sign("acme-1", "ann");
  Sign("acme-1", "bob");
  EXPECT_EQ(Refused({"delegation", "renew", Path("acme-1")}), "ARGUMENT_INVALID")
      << "what is signed stays as it is";
  const Json next =
      Do({"delegation", "renew", Path("acme-1"), "--valid-for", "30d", "--out", Path("acme-2")});
  EXPECT_EQ(next["delegation"]["version"], 2);
  const std::string tim = Do({"key", "show", Path("tim.pub")})["id"];
  EXPECT_EQ(
      Do({"delegation", "remove-key", Path("acme-2"), tim})["delegation"]["delegations"].size(),
      0u);
  EXPECT_EQ(Refused({"delegation", "remove-key", Path("acme-2"), tim}), "KEY_NOT_FOUND");
  EXPECT_EQ(Refused({"delegation", "add-key", Path("acme-2"), "--delegation", "tools", "--holder",
                     "tim", "--key", Path("tim.pub")}),
            "DELEGATION_INVALID")
      << "for no subject";

  // tim's own document hangs below acme's.
  Do({"delegation", "init", "acme", "tools", "--out", Path("tools")});
  Do({"delegation", "add-key", Path("tools"), "--delegation", "small", "--subject",
      "acme/tool-small-*", "--holder", "eve", "--key", Path("eve.pub")});
  const Words sign = {"delegation", "sign",  Path("tools"), "--root",
                      Path("root"), "--key", Path("tim")};
  EXPECT_EQ(Refused(sign), "DELEGATION_UNKNOWN");
  Words with_above = sign;
  with_above.insert(with_above.end(), {"--above", Path("acme-1")});
  EXPECT_EQ(Do(with_above)["signed"], true);
  EXPECT_EQ(Do({"delegation", "verify", Path("tools"), "--root", Path("root"), "--above",
                Path("acme-1")})["trusted"],
            true);
}

// What revoking a key leaves of its roles.
TEST_F(DelegationCommandTest, WhoIsLeftWithoutAKey) {
  const TrustRoot root = OpenPinnedRoot(*ReadFile(Path("root"), 1 << 20))->root;
  auto id = [&](const std::string& name) {
    return *Digest::Parse(Do({"key", "show", Path(name + ".pub")})["id"].get<std::string>());
  };
  const std::vector<RoleLeft> ann = LeftWithout(root, id("ann"), {});
  ASSERT_EQ(ann.size(), 1u);
  EXPECT_EQ(ann[0].delegation, "acme");
  EXPECT_EQ(ann[0].holders, std::set<std::string>{"bob"});
  EXPECT_FALSE(ann[0].can_be_met());
  EXPECT_THAT(RoleWords(ann[0], root), HasSubstr("nobody can sign for it"));
  EXPECT_TRUE(LeftWithout(root, id("ann"), {id("bob")})[0].holders.empty());
  const std::vector<RoleLeft> pat = LeftWithout(root, id("pat"), {});
  EXPECT_GT(pat.size(), 5u);
  EXPECT_EQ(pat[0].role, SigningRole::kRoot);
  EXPECT_THAT(RoleWords(pat[0], root), HasSubstr("still counts toward roots"));
  EXPECT_THAT(RoleWords(pat[0], root), HasSubstr("Root keys"));
  EXPECT_TRUE(LeftWithout(root, id("eve"), {}).empty());
}

}  // namespace
}  // namespace dml
