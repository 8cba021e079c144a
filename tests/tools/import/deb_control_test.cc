#include "tools/import/deb_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dml {
namespace {

using ::testing::HasSubstr;

std::string ControlError(std::string_view text) {
  absl::StatusOr<DebControl> control = ParseDebControl(text);
  if (control.ok()) return "accepted";
  EXPECT_EQ(Reason(control.status()), "DEB_INVALID");
  return std::string(Message(control.status()));
}

TEST(DebControl, FieldsInOrder) {
  DebControl control = ParseDebControl(
                           "\nPackage: curl\npre-DEPENDS:  a,\n b \nDescription: first\n"
                           " second\n  verbatim\n .\n\tlast\nEmpty:\n\n \n")
                           .value();
  ASSERT_EQ(control.fields.size(), 4u);
  EXPECT_EQ(control.fields[0].name, "Package");
  EXPECT_EQ(control.fields[1].name, "Pre-Depends");
  EXPECT_EQ(control.Get("Package"), "curl");
  EXPECT_EQ(control.Get("Pre-Depends"), "a,\nb");
  EXPECT_EQ(control.Get("Description"), "first\nsecond\n verbatim\n.\nlast");
  EXPECT_EQ(control.Get("Empty"), "");
  EXPECT_EQ(control.Get("Absent"), "");
  EXPECT_EQ(FoldDebValue(" a,\n\t b  c "), "a, b c");
}

TEST(DebControl, ErrorsNameTheLine) {
  EXPECT_THAT(ControlError(" x\n"), HasSubstr("line 1: continues no field"));
  EXPECT_THAT(ControlError("A: 1\nno colon\n"), HasSubstr("line 2: 'no colon' is not"));
  EXPECT_THAT(ControlError("A: 1\n: 2\n"), HasSubstr("line 2"));
  EXPECT_THAT(ControlError("A b: 1\n"), HasSubstr("line 1"));
  EXPECT_THAT(ControlError("# comment: 1\n"), HasSubstr("line 1"));
  EXPECT_THAT(ControlError("Depends: a\ndepends: b\n"), HasSubstr("line 2: a second field"));
  EXPECT_THAT(ControlError("A: 1\n\nB: 2\n"), HasSubstr("line 3: a second paragraph"));
  EXPECT_THAT(ControlError("A: \x01\n"), HasSubstr("control characters"));
  EXPECT_THAT(ControlError("A: \xff\n"), HasSubstr("not valid UTF-8 (byte 3)"));
  std::string many;
  for (size_t i = 0; i <= kMaxDebControlFields; ++i) many += "A" + std::to_string(i) + ":\n";
  EXPECT_THAT(ControlError(many), HasSubstr("line 257: more than 256 fields"));
}

TEST(DebRelations, EveryForm) {
  auto clauses = ParseDebRelations("Depends",
                                   "libc6 (>= 2.36),  a:any|b (<<1:2~)\n | c( = 3 )[amd64 !i386],"
                                   "d:native (>> 4), e (<= 5), f (< 6), g (> 7),")
                     .value();
  ASSERT_EQ(clauses.size(), 6u);
  EXPECT_EQ(clauses[0].text, "libc6 (>= 2.36)");
  EXPECT_EQ(clauses[1].text, "a:any|b (<<1:2~) | c( = 3 )[amd64 !i386]");
  ASSERT_EQ(clauses[1].alternatives.size(), 3u);
  auto check = [&](size_t clause, size_t alternative, std::string_view name, VersionOp op,
                   std::string_view version) {
    const DebRelation& relation = clauses[clause].alternatives[alternative];
    EXPECT_EQ(relation.name, name);
    ASSERT_TRUE(relation.constraint.has_value()) << name;
    EXPECT_EQ(relation.constraint->op, op) << name;
    EXPECT_EQ(relation.constraint->version.text(), version) << name;
  };
  check(0, 0, "libc6", VersionOp::kGreaterEqual, "2.36");
  EXPECT_EQ(clauses[1].alternatives[0].qualifier, "any");
  EXPECT_FALSE(clauses[1].alternatives[0].constraint.has_value());
  check(1, 1, "b", VersionOp::kLess, "1:2~");
  check(1, 2, "c", VersionOp::kEqual, "3");
  EXPECT_EQ(clauses[1].alternatives[2].architectures, "amd64 !i386");
  EXPECT_EQ(clauses[2].alternatives[0].qualifier, "native");
  check(2, 0, "d", VersionOp::kGreater, "4");
  check(3, 0, "e", VersionOp::kLessEqual, "5");
  check(4, 0, "f", VersionOp::kLessEqual, "6");
  check(5, 0, "g", VersionOp::kGreaterEqual, "7");
  EXPECT_FALSE(clauses[3].alternatives[0].obsolete_operator);
  EXPECT_TRUE(clauses[4].alternatives[0].obsolete_operator);
  EXPECT_TRUE(clauses[5].alternatives[0].obsolete_operator);
  EXPECT_TRUE(ParseDebRelations("Depends", " \n ")->empty());
}

TEST(DebRelations, BadSyntaxNamesTheField) {
  for (std::string_view value : {"a b",
                                 "a,,b",
                                 ",a",
                                 "a|",
                                 "|a",
                                 "a || b",
                                 "a (",
                                 "a ()",
                                 "a (1)",
                                 "a (>=)",
                                 "a (>= )",
                                 "a (>= 1",
                                 "a (>= 1 2)",
                                 "a (=> 1)",
                                 "a (== 1)",
                                 "a (>= ${x})",
                                 "a (>= 1) (<= 2)",
                                 "a [",
                                 "a []",
                                 "a [amd64",
                                 "a <!nocheck>",
                                 "a:",
                                 "a: any",
                                 "A",
                                 "a/b",
                                 "${misc:Depends}",
                                 "a;b",
                                 "(>= 1)",
                                 "a (>= 1)b"}) {
    absl::StatusOr<std::vector<DebClause>> clauses = ParseDebRelations("Depends", value);
    ASSERT_FALSE(clauses.ok()) << value;
    EXPECT_EQ(Reason(clauses.status()), "DEB_RELATION_INVALID") << value;
    ASSERT_EQ(FieldViolations(clauses.status()).size(), 1u) << value;
    EXPECT_EQ(FieldViolations(clauses.status())[0].field, "Depends") << value;
    EXPECT_THAT(std::string(Message(clauses.status())), HasSubstr("control field Depends, byte "));
  }
}

TEST(DebRelations, Limits) {
  std::string clauses = "a";
  for (int i = 1; i < 4096; ++i) clauses += ",a";
  EXPECT_EQ(ParseDebRelations("Depends", clauses)->size(), 4096u);
  EXPECT_FALSE(ParseDebRelations("Depends", clauses + ",a").ok());
  std::string alternatives = "a";
  for (int i = 1; i < 64; ++i) alternatives += "|a";
  EXPECT_TRUE(ParseDebRelations("Depends", alternatives).ok());
  EXPECT_FALSE(ParseDebRelations("Depends", alternatives + "|a").ok());
}

}  // namespace
}  // namespace dml
