#include "core/base/bytes.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(HexTest, RoundTripsAndRefusesUpperCase) {
  EXPECT_EQ(HexEncode(AsBytes("\x01\xff")), "01ff");
  EXPECT_EQ(HexDecode("01ff"), std::string("\x01\xff"));
  EXPECT_EQ(HexDecode("01FF"), std::nullopt);
  EXPECT_EQ(HexDecode("01f"), std::nullopt);
}

// RFC 4648 section 10.
TEST(Base64Test, Vectors) {
  const std::pair<std::string, std::string> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [raw, text] : cases) {
    EXPECT_EQ(Base64Encode(AsBytes(raw)), text);
    EXPECT_EQ(Base64Decode(text), raw);
  }
}

TEST(Base64Test, StrictDecodeRefusesWhatDoesNotRoundTrip) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm8", "Z===", "Zm9v\n", "_-8=", "Zg==Zg=="}) {
    EXPECT_EQ(Base64Decode(bad), std::nullopt) << bad;
  }
}

TEST(Base64Test, LenientDecodeTakesUrlSafeAndUnpaddedButNotMixed) {
  EXPECT_EQ(Base64DecodeLenient("_-8"), std::string("\xff\xef"));
  EXPECT_EQ(Base64DecodeLenient("/+8="), std::string("\xff\xef"));
  EXPECT_EQ(Base64DecodeLenient("_+8="), std::nullopt);
}

TEST(Utf8Test, RefusesOverlongSurrogatesAndTruncated) {
  EXPECT_TRUE(IsValidUtf8("h\xc3\xa9llo \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

}  // namespace
}  // namespace dml
