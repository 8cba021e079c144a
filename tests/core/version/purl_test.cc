#include "core/version/purl.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(PurlTest, CanonicalTextsRoundTrip) {
  for (const char* text :
       {"pkg:npm/%40angular/core@12.3.1", "pkg:deb/debian/curl@7.88.1?arch=amd64",
        "pkg:golang/google.golang.org/genproto#googleapis/api/annotations",
        "pkg:maven/org.apache/xmlgraphics@1.9?classifier=sources&type=pom",
        "pkg:generic/openssl@1.1.1%2Bx", "pkg:rpm/fedora/curl@1:7.50.3-1.fc25",
        "pkg:cargo/rand@0.7.2", "pkg:pypi/django-allauth@12.23"}) {
    auto purl = Purl::Parse(text);
    ASSERT_TRUE(purl.ok()) << purl.status();
    EXPECT_EQ(purl->ToString(), text);
    EXPECT_EQ(Purl::Parse(purl->ToString()).value(), *purl);
  }
}

TEST(PurlTest, PartsAreDecodedAndNormalized) {
  Purl purl =
      Purl::Parse("PKG://NPM/%40Angular/Core@1.2.3?Repo=a%26b&empty=#./lib//x/../y").value();
  EXPECT_EQ(purl.type, "npm");
  EXPECT_EQ(purl.ns, "@Angular");
  EXPECT_EQ(purl.name, "core");
  EXPECT_EQ(purl.version, "1.2.3");
  EXPECT_EQ(purl.qualifiers, (std::map<std::string, std::string>{{"repo", "a&b"}}));
  EXPECT_EQ(purl.subpath, "lib/x/y");
  EXPECT_EQ(Purl::Parse("pkg:PYPI/Django_package@1.0")->ToString(), "pkg:pypi/django-package@1.0");
  EXPECT_EQ(Purl::Parse("pkg:npm/@scope/name")->ns, "@scope");
}

TEST(PurlTest, TypesWithASchemeOfVersions) {
  auto scheme = [](const char* text) { return Purl::Parse(text)->version_scheme(); };
  EXPECT_EQ(scheme("pkg:pypi/x"), VersionScheme::kPep440);
  EXPECT_EQ(scheme("pkg:cargo/x"), VersionScheme::kCargo);
  EXPECT_EQ(scheme("pkg:swift/x/y"), std::nullopt);
}

TEST(PurlTest, WhatIsNoPurlIsRefused) {
  for (const std::string& text :
       {std::string(""), std::string("pkg:"), std::string("pkg:npm"), std::string("pkg:npm/"),
        std::string("npm/x"), std::string("pkg:/x"), std::string("pkg:1npm/x"),
        std::string("pkg:n pm/x"), std::string("pkg:npm/a%2Fb"), std::string("pkg:npm/a%2"),
        std::string("pkg:npm/a%00"), std::string("pkg:npm/a%FF"), std::string("pkg:npm/a?x"),
        std::string("pkg:npm/a?1=x"), std::string("pkg:npm/a?x=1&x=2"),
        std::string("pkg:npm/\xc3\xa9"), "pkg:npm/" + std::string(5000, 'a')}) {
    auto purl = Purl::Parse(text);
    ASSERT_FALSE(purl.ok()) << text;
    EXPECT_EQ(Reason(purl.status()), "PURL_INVALID") << text;
  }
}

}  // namespace
}  // namespace dml
