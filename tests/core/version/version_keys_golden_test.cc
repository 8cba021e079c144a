// The keys of versions. A change here needs a new revision of the scheme and a new kViewVersion.
#include <gtest/gtest.h>

#include "core/base/bytes.h"
#include "core/version/version.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

std::vector<const char*> SamplesOf(VersionScheme scheme) {
  using enum VersionScheme;
  switch (scheme) {
    case kSemver:
      return {"0.1.0-rc-1.12.0", "1.0.10+build", "9007199254740991.0.0"};
    case kDeb:
      return {"0", "1.0+b1", "2:1.05~a-0"};
    case kRpm:
      return {"1.0~rc1^git2", "1:1.0a-3.el9", "5.5p01"};
    case kPep440:
      return {"1!1.2.0rc3.post4.dev5+ubuntu.07", "1.0.dev1", "1.0"};
    case kMaven:
      return {"1.0.0-alpha-2", "1.0.Final-redhat-1", "1.2.0-jre", "2-1"};
    case kNpm:
      return {"v1.2.3", "1.2.3-0"};
    case kCargo:
      return {"1.2.3-beta.2+x", "18446744073709551615.0.0"};
    case kCalver:
      return {"24.04", "2024.1-rc1", "20241101.2"};
    case kGeneric:
      return {"1.0~x", "1_0-rc1", "r12b"};
  }
  return {};
}

TEST(VersionKeysGoldenTest, EveryScheme) {
  std::string now;
  for (VersionScheme scheme : AllVersionSchemes()) {
    for (const char* text : SamplesOf(scheme)) {
      auto version = Version::Parse(scheme, text);
      ASSERT_TRUE(version.ok()) << version.status();
      const std::string revision(VersionSchemeRevision(scheme));
      EXPECT_EQ(revision.back() - '0', version->key()[0]) << "the first byte is the revision";
      now += fmt::format("{} {} {}\n", revision, text, HexEncode(AsBytes(version->key())));
    }
  }
  // The count of digits takes a second byte from 255 on.
  for (size_t digits : {255, 256}) {
    auto version = Version::Parse(VersionScheme::kDeb, std::string(digits, '9'));
    now += fmt::format("deb@1 {}x9 {}\n", digits,
                       HexEncode(AsBytes(std::string_view(version->key()).substr(0, 6))));
  }
  EXPECT_EQ(now, testing::GoldenText("version/keys.txt", now));
}

}  // namespace
}  // namespace dml
