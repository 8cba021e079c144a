#include "tools/dml/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Terminal kPipe;
constexpr Terminal kNarrow{.out_is_tty = true, .width = 30, .color = false};

TextTable ThreeColumns() {
  TextTable table{{"NAME", "STATE", "TITLE"}, {}};
  table.rows.push_back({"acme/api", {"PUBLISHED", Style::kGood}, "Payments for everyone, always"});
  table.rows.push_back({"acme/ledger-of-all", "WITHDRAWN", ""});
  return table;
}

std::string Rendered(const TextTable& table, const Terminal& terminal) {
  Text text;
  text.Add(table);
  return text.Render(terminal);
}

TEST(TableTest, AlignsColumnsAndLeavesNoBlanksAtLineEnds) {
  EXPECT_EQ(Rendered(ThreeColumns(), kPipe),
            "NAME                STATE      TITLE\n"
            "acme/api            PUBLISHED  Payments for everyone, always\n"
            "acme/ledger-of-all  WITHDRAWN\n");
}

TEST(TableTest, FitsTheTerminalByCuttingTheWidestColumns) {
  std::string out = Rendered(ThreeColumns(), kNarrow);
  EXPECT_EQ(out,
            "NAME      STATE      TITLE\n"
            "acme/api  PUBLISHED  Payments…\n"
            "acme/le…  WITHDRAWN\n");
}

TEST(TableTest, NeverCutsInAPipeHoweverNarrowItSays) {
  Terminal pipe{.out_is_tty = false, .width = 10};
  EXPECT_THAT(Rendered(ThreeColumns(), pipe), HasSubstr("Payments for everyone, always"));
}

TEST(TableTest, GivesUpOnATerminalTooNarrowForAllColumns) {
  Terminal tiny{.out_is_tty = true, .width = 3};
  EXPECT_THAT(Rendered(ThreeColumns(), tiny), HasSubstr("acme/ap"));
}

TEST(TableTest, ColorsOnlyWhereAskedTo) {
  Terminal color{.out_is_tty = true, .width = 100, .color = true};
  EXPECT_THAT(Rendered(ThreeColumns(), color), HasSubstr("\x1b[32mPUBLISHED\x1b[0m"));
  EXPECT_THAT(Rendered(ThreeColumns(), kNarrow), Not(HasSubstr("\x1b")));
}

TEST(TableTest, CountsColumnsAndNotBytes) {
  TextTable table{{"NAME", "X"}, {}};
  table.rows.push_back({"gr\u00fc\u00dfe", "1"});
  table.rows.push_back({"\u6771\u4eac", "2"});
  EXPECT_EQ(Rendered(table, kPipe),
            "NAME   X\n"
            "gr\u00fc\u00dfe  1\n"
            "\u6771\u4eac   2\n");
}

TEST(TextTest, LeavesOutFieldsWithoutValue) {
  Text text;
  text.Fields({{"a", "1"}, {"bcd", ""}, {"ef", "2"}});
  EXPECT_EQ(text.Render(kPipe), "a   1\nef  2\n");
}

// Text of strangers must not drive the reader's terminal.
TEST(EscapeTest, LetsNothingThroughThatDrivesATerminal) {
  EXPECT_EQ(EscapeForTerminal("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(EscapeForTerminal("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(EscapeForTerminal("a\r\nb\tc"), "a\\x0d\\x0ab\\x09c");
  EXPECT_EQ(EscapeForTerminal("a\r\nb\tc", true), "a\\x0d\nb\tc");
  EXPECT_EQ(EscapeForTerminal("\x7f"), "\\x7f");
  EXPECT_EQ(EscapeForTerminal("\u009b31m"), "\\x9b31m");  // CSI of C1.
  EXPECT_EQ(EscapeForTerminal("a\u202egpj.exe"), "a\\u{202e}gpj.exe");
  EXPECT_EQ(EscapeForTerminal("a\u200bb\u2066c"), "a\\u{200b}b\\u{2066}c");
  EXPECT_EQ(EscapeForTerminal(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(EscapeTest, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(EscapeForTerminal("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(EscapeForTerminal("\xc0\x9b"), "\\xc0\\x9b");  // Overlong.
  EXPECT_EQ(EscapeForTerminal("\xe2\x82"), "\\xe2\\x82");  // Cut short.
}

TEST(EscapeTest, KeepsOrdinaryText) {
  EXPECT_EQ(EscapeForTerminal("Gr\u00fc\u00dfe, \u6771\u4eac \U0001f600"),
            "Gr\u00fc\u00dfe, \u6771\u4eac \U0001f600");
}

TEST(EscapeTest, EveryPartOfATextIsEscaped) {
  Text text;
  text.Line("\x1b[31m");
  text.Fields({{"a", "\x1b[32m"}});
  text.Add(TextTable{{"H"}, {{"\x1b[33m"}}});
  text.Block("\x1b[34m\nline");
  EXPECT_THAT(text.Render(kPipe), Not(HasSubstr("\x1b")));
}

TEST(EscapeTest, JsonIsAsciiAndSurvivesBytesThatAreNoText) {
  std::string out = RenderJson({{"a", "\u009b\u202e\x7f\xff"}});
  for (char c : out) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
}

TEST(TruncateTest, CutsBetweenCharacters) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdef", 4), "abc…");
  EXPECT_EQ(Truncate("\u00e4\u00f6\u00fc\u00df", 3), "\u00e4\u00f6…");
  EXPECT_EQ(Truncate("\u6771\u4eac\u90fd", 4), "\u6771…");
  EXPECT_EQ(Truncate("abc", 0), "");
}

TEST(ErrorJsonTest, HasCodeReasonMessageAndFields) {
  absl::Status status =
      AtField(InvalidArgument(ErrorReason("NAME_INVALID"), "no name"), "requires[2].name");
  Json json = ErrorJson(status);
  EXPECT_EQ(json["error"]["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(json["error"]["reason"], "NAME_INVALID");
  EXPECT_EQ(json["error"]["message"], "no name");
  EXPECT_EQ(json["error"]["fields"][0]["field"], "requires[2].name");
}

TEST(FormatBytesTest, TakesTheUnitThatFits) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(1048575), "1.0 MiB");
  EXPECT_EQ(FormatBytes(UINT64_MAX), "16.0 EiB");
}

}  // namespace
}  // namespace dml
