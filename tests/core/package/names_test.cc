#include "core/package/names.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;

// attack 12: names that leave their folder, hide or are taken for another.
const std::vector<std::string> kHostileNames = {"",
                                                ".",
                                                "..",
                                                "../x",
                                                "x/..",
                                                "a..b",
                                                "/a",
                                                "a/",
                                                "a//b",
                                                "a\\b",
                                                "..\\x",
                                                "C:",
                                                "c:x",
                                                "%2e%2e",
                                                "a%2fb",
                                                "%2e",
                                                "a b",
                                                " a",
                                                "a\n",
                                                "a\x7f",
                                                std::string("a\0b", 3),
                                                "A",
                                                "-a",
                                                ".a",
                                                "_a",
                                                "+a",
                                                "a*",
                                                "a?b",
                                                "\xc3\xa4",
                                                "\xff",
                                                "a\xe2\x80\xae"
                                                "b",
                                                "a;b",
                                                "$(x)",
                                                "~a",
                                                std::string(300, 'a')};

TEST(NamesTest, AcceptsWhatIsMeant) {
  for (auto name : {"a", "0", "acme", "acme.com", "team-7", "a.b-c"}) {
    EXPECT_TRUE(ValidateNamespace(name).ok()) << name;
    EXPECT_TRUE(ValidateNodeName(name).ok()) << name;
    EXPECT_TRUE(ValidateEnvironmentName(name).ok()) << name;
  }
  EXPECT_TRUE(ValidateNamespace(std::string(63, 'a')).ok());
  EXPECT_FALSE(ValidateNamespace(std::string(64, 'a')).ok());
  EXPECT_TRUE(ValidateNodeName(std::string(253, 'a')).ok());
  EXPECT_FALSE(ValidateNodeName(std::string(254, 'a')).ok());
  for (auto name : {"g++", "libc6", "libstdc++-12-dev", "foo_bar", "x.y", "0ad"}) {
    EXPECT_TRUE(ValidatePackagePart(name).ok()) << name;
  }
  EXPECT_TRUE(ValidatePackagePart(std::string(128, 'a')).ok());
  EXPECT_FALSE(ValidatePackagePart(std::string(129, 'a')).ok());
  for (auto text :
       {"2.4.1", "1:2.36-9+deb12u1", "1.0~rc1", "1.0.0-rc.1+build", "1.0^git1", "V1_2!"}) {
    EXPECT_TRUE(ValidateVersionText(text).ok()) << text;
  }
  EXPECT_FALSE(ValidateVersionText(std::string(129, '1')).ok());
  for (auto name : {"production", "production/eu", "a/b/c/d"}) {
    EXPECT_TRUE(ValidateEnvironmentName(name).ok()) << name;
  }
}

// attack 12
TEST(NamesTest, RefusesHostileNames) {
  for (const std::string& name : kHostileNames) {
    std::string shown = ::testing::PrintToString(name);
    EXPECT_EQ(Reason(ValidateNamespace(name)), "NAME_INVALID") << shown;
    EXPECT_EQ(Reason(ValidateNodeName(name)), "NAME_INVALID") << shown;
    EXPECT_EQ(Reason(ValidatePackagePart(name)), "NAME_INVALID") << shown;
    EXPECT_EQ(Reason(ValidateEnvironmentName(name)), "NAME_INVALID") << shown;
    EXPECT_FALSE(PackageName::Parse("acme/" + name).ok()) << shown;
    EXPECT_FALSE(PackageName::Parse(name + "/app").ok()) << shown;
    EXPECT_FALSE(Platform::Parse("linux-" + name).ok()) << shown;
    EXPECT_FALSE(VariantName::Parse("packages/acme/" + name + "/versions/1/variants/any").ok())
        << shown;
    if (name != "A" && name != "C:" && name != "c:x") {
      EXPECT_EQ(Reason(ValidateVersionText(name)), "NAME_INVALID") << shown;
    }
  }
  for (auto name : {"a-", "a."}) {
    EXPECT_FALSE(ValidateNamespace(name).ok()) << name;
  }
  for (auto name : {"a/b/c/d/e", "a//b", "a/", "/a", "a/../b", "a/b-"}) {
    EXPECT_FALSE(ValidateEnvironmentName(name).ok()) << name;
  }
}

TEST(NamesTest, MessagesStayShortAndPrintable) {
  absl::Status status = ValidateNamespace(std::string(1 << 20, '\x1b'));
  EXPECT_LT(Message(status).size(), 300u);
  EXPECT_EQ(Message(status).find('\x1b'), std::string_view::npos);
}

TEST(NamesTest, Labels) {
  EXPECT_TRUE(ValidateLabel("acme.com/tier", "front \xc3\xa4").ok());
  EXPECT_TRUE(ValidateLabel("a", "").ok());
  EXPECT_TRUE(ValidateLabel(std::string(63, 'k'), std::string(256, 'v')).ok());
  EXPECT_EQ(Reason(ValidateLabel(std::string(64, 'k'), "")), "LABEL_INVALID");
  EXPECT_EQ(Reason(ValidateLabel("k", std::string(257, 'v'))), "LABEL_INVALID");
  for (auto key : {"", "-a", "A", "a b", "a=b"}) {
    EXPECT_EQ(Reason(ValidateLabel(key, "")), "LABEL_INVALID") << key;
  }
  for (std::string value : {std::string("a\nb"), std::string("\xff"), std::string(1, '\0')}) {
    EXPECT_EQ(Reason(ValidateLabel("k", value)), "LABEL_INVALID");
  }
}

TEST(NamesTest, PlatformsHaveOneTextEach) {
  for (std::string id : {"any", "linux-amd64", "linux-arm-v7", "windows-x86_64", "linux-x86.64"}) {
    auto platform = Platform::Parse(id);
    ASSERT_TRUE(platform.ok()) << id << platform.status();
    EXPECT_EQ(platform->VariantId(), id);
    EXPECT_TRUE(platform->Validate().ok());
  }
  EXPECT_EQ(*Platform::Parse("any"), Platform{});
  EXPECT_EQ(*Platform::Parse("linux-arm-v7"), (Platform{"linux", "arm", "v7"}));
  for (auto id :
       {"", "linux", "linux-", "-amd64", "linux-arm-", "linux--v7", "a-b-c-d", "any-amd64",
        "linux-any", "Linux-amd64", "linux-amd64/x", "linux-..", "any-any"}) {
    EXPECT_EQ(Reason(Platform::Parse(id).status()), "NAME_INVALID") << id;
  }
  EXPECT_FALSE((Platform{"linux", "", ""}).Validate().ok());
  EXPECT_FALSE((Platform{"", "amd64", ""}).Validate().ok());
  EXPECT_FALSE((Platform{"li-nux", "amd64", ""}).Validate().ok());
}

TEST(NamesTest, VariantNamesRoundTrip) {
  for (std::string name : {"packages/acme/payments-api/versions/2.4.1/variants/linux-amd64",
                           "packages/debian/g++/versions/4:12.2.0-3/variants/any"}) {
    auto variant = VariantName::Parse(name);
    ASSERT_TRUE(variant.ok()) << name << variant.status();
    EXPECT_EQ(variant->ResourceName(), name);
  }
  for (auto name :
       {"", "packages/acme/app", "packages/acme/app/versions/1/variants/any/", "/packages/acme/app",
        "packages/acme/app/versions/1/variants/any/x", "packages/acme/app/versions//variants/any",
        "Packages/acme/app/versions/1/variants/any", "packages/acme/app/versions/../variants/any",
        "packages/acme/app/version/1/variants/any", "packages/acme/app/versions/1/variants/ANY"}) {
    EXPECT_EQ(Reason(VariantName::Parse(name).status()), "NAME_INVALID") << name;
  }
}

// Whatever is accepted is printed back unchanged: two texts never mean one variant.
TEST(NamesTest, ParsingIsInjective) {
  unsigned seed = 20240609;
  std::mt19937 random(seed);
  const std::string base = "packages/ab/c+d/versions/1:2.0~a-1/variants/linux-arm-v7";
  const std::string_view alphabet = "ab/.-:+~^%\\A _10";
  size_t accepted = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string text = base;
    for (int k = 0; k < 2; ++k) text[random() % text.size()] = alphabet[random() % alphabet.size()];
    auto variant = VariantName::Parse(text);
    if (!variant.ok()) continue;
    ++accepted;
    ASSERT_EQ(variant->ResourceName(), text) << "seed " << seed;
  }
  EXPECT_GT(accepted, 100u);
}

TEST(FilePathTest, AcceptsOrdinaryNames) {
  for (std::string path :
       {"a", "bin/tool", ".hidden", "a.b/..c", "...", "Foo::Bar.3pm", "a b", "caf\xc3\xa9", "100%",
        "50%25", "a%20b", "x%2fy", "con", "-rf", "~", "ab:c"}) {
    EXPECT_TRUE(ValidateFilePath(path).ok()) << path << ValidateFilePath(path);
  }
  std::string part(255, 'p');
  EXPECT_TRUE(ValidateFilePath(part + "/" + part + "/" + part + "/" + part).ok());
}

// attack 12, attack 30
TEST(FilePathTest, RefusesWhatLeavesTheFolder) {
  for (std::string path : {"",
                           "/",
                           "/etc/passwd",
                           "..",
                           "../x",
                           "a/..",
                           "a/../b",
                           "a/./b",
                           ".",
                           "./a",
                           "a//b",
                           "a/",
                           "\\\\host\\share",
                           "..\\x",
                           "a\\b",
                           "C:\\x",
                           "c:/x",
                           "C:x",
                           "z:",
                           "%2e%2e/x",
                           "%2E./x",
                           ".%2e",
                           "a/%2e%2e%2fb",
                           "..%2fx",
                           "..%5cx",
                           "%2fetc",
                           "c%3a/x",
                           "a%00",
                           "a%0a",
                           "a%2f"}) {
    EXPECT_EQ(Reason(ValidateFilePath(path)), "PATH_INVALID") << path;
  }
  EXPECT_FALSE(ValidateFilePath(std::string_view("a\0b", 3)).ok());
  for (std::string path :
       {"a\nb", "a\x1b", "a\x7f", "a\xc2\x85", "a\xe2\x80\xaatxt", "a\xe2\x80\xaetxt",
        "a\xe2\x81\xa6txt", "a\xe2\x81\xa9txt", "\xff", "\xc0\xae\xc0\xae/x", "a\xed\xa0\x80"}) {
    EXPECT_EQ(Reason(ValidateFilePath(path)), "PATH_INVALID") << ::testing::PrintToString(path);
  }
  EXPECT_FALSE(ValidateFilePath(std::string(256, 'a')).ok());
  std::string deep;
  while (deep.size() <= 1024) deep += "a/";
  EXPECT_FALSE(ValidateFilePath(deep + "a").ok());
  EXPECT_THAT(Message(ValidateFilePath("%2e%2e/x")), HasSubstr("percent-decoded"));
}

}  // namespace
}  // namespace dml
