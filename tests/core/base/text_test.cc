#include "core/base/text.h"

#include <array>

#include <gtest/gtest.h>

#include "core/base/bytes.h"

namespace dml {
namespace {

TEST(TextTest, ExcerptCutsBetweenCharacters) {
  EXPECT_EQ(Excerpt("short"), "short");
  EXPECT_EQ(Excerpt("abcdef", 3), "abc...");
  EXPECT_EQ(Excerpt("ab\xc3\xa4xyz", 3), "ab...");
  EXPECT_EQ(Excerpt("ab\xc3\xa4xyz", 4), "ab\xc3\xa4...");
  for (size_t size = 0; size < 12; ++size) {
    EXPECT_TRUE(
        IsValidUtf8(Excerpt("a\xf0\x9f\x98\x80"
                            "b\xe2\x82\xac"
                            "c\xc3\xa4",
                            size)))
        << size;
  }
}

TEST(TextTest, ExcerptIsFitForATerminal) {
  EXPECT_EQ(Excerpt("a\x1b[31m\n\x7f"), "a?[31m??");
  EXPECT_EQ(Excerpt("x\xc2\x9bz"), "x??z") << "C1 control sequence introducer";
  EXPECT_EQ(Excerpt("\xff\xfe."), "??.");
  EXPECT_EQ(Excerpt(std::string(1000, '\x80'), 8).size(), 8u - 3 + 3);
}

TEST(TextTest, Utf8FaultNamesTheFirstWrongByte) {
  EXPECT_EQ(Utf8Fault(""), "");
  EXPECT_EQ(Utf8Fault("a\xc3\xa4\xf0\x9f\x98\x80"), "");
  EXPECT_EQ(Utf8Fault("\xff"), "not valid UTF-8 (byte 0)");
  EXPECT_EQ(Utf8Fault("a\xc3\xa4\xf0\x9f\x98\x80\x80z"), "not valid UTF-8 (byte 7)");
  EXPECT_EQ(Utf8Fault("ab\xe2\x82"), "not valid UTF-8 (byte 2)") << "cut off";
  EXPECT_EQ(Utf8Fault("ab\xed\xa0\x80z"), "not valid UTF-8 (byte 2)") << "a surrogate";
}

TEST(TextTest, ClosestMatchFindsTypingErrorsOnly) {
  const std::array<std::string_view, 3> words = {"version", "versionScheme", "license"};
  EXPECT_EQ(ClosestMatch("verison", words), "version");
  EXPECT_EQ(ClosestMatch("licence", words), "license");
  EXPECT_EQ(ClosestMatch("versionscheme", words), "versionScheme");
  EXPECT_EQ(ClosestMatch("fsLayers", words), "");
  EXPECT_EQ(ClosestMatch(std::string(1 << 20, 'v'), words), "");
  EXPECT_EQ(ClosestMatch("", words), "");
}

TEST(TextTest, FindsControlCharacters) {
  EXPECT_FALSE(HasControlCharacters("plain \xc3\xa4 text"));
  EXPECT_TRUE(HasControlCharacters("a\nb"));
  EXPECT_FALSE(HasControlCharacters("a\n\tb\r", /*allow_lines=*/true));
  EXPECT_TRUE(HasControlCharacters("a\x1b", /*allow_lines=*/true));
  EXPECT_TRUE(HasControlCharacters(std::string_view("a\0b", 3)));
  EXPECT_TRUE(HasControlCharacters("a\x7f"));
  EXPECT_TRUE(HasControlCharacters("a\xc2\x85"));
}

}  // namespace
}  // namespace dml
