#include "tools/dml/relation_argument.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

std::string Read(std::string_view text) {
  const auto target = ParseRelationArgument(text);
  if (!target.ok()) return Reason(target.status());
  return std::string(RelationKindName(target->kind)) + " " + target->name + " " +
         target->range.ToVers();
}

TEST(RelationArgumentTest, ReadsKindNameAndRange) {
  EXPECT_EQ(Read("acme/api"), "PACKAGE acme/api vers:all/*");
  EXPECT_EQ(Read("acme/api "), "PACKAGE acme/api vers:all/*");
  EXPECT_EQ(Read("package:acme/api vers:semver/>=2.0.0|<3.0.0"),
            "PACKAGE acme/api vers:semver/>=2.0.0|<3.0.0");
  EXPECT_EQ(Read("debian/libc6  deb:>= 2.36"), "PACKAGE debian/libc6 vers:deb/>=2.36");
  EXPECT_EQ(Read("service:payments npm:^2.0.0"), "SERVICE payments vers:npm/>=2.0.0|<3.0.0-0;pre=");
  EXPECT_EQ(Read("abi:libssl.so.3"), "ABI libssl.so.3 vers:all/*");
}

TEST(RelationArgumentTest, RefusesTheRest) {
  EXPECT_EQ(Read(""), "NAME_INVALID");
  EXPECT_EQ(Read("api"), "NAME_INVALID");
  EXPECT_EQ(Read("thing:x"), "ARGUMENT_INVALID");
  EXPECT_EQ(Read("acme/api >=2"), "ARGUMENT_INVALID") << "by which scheme?";
  EXPECT_EQ(Read("acme/api zzz:>=2"), "VERSION_SCHEME_UNKNOWN");
  EXPECT_EQ(Read("acme/api deb:>="), "VERSION_RANGE_INVALID");
  EXPECT_EQ(Read("acme/api vers:deb/>="), "VERSION_RANGE_INVALID");
  EXPECT_EQ(Read("service:"), "NAME_INVALID");
}

}  // namespace
}  // namespace dml
