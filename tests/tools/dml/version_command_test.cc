// dml version: batches for scripts, and the same questions asked by people.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/version/range.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome Dml(const std::vector<std::string>& args, const std::string& input = "") {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(input);
  Outcome run;
  run.code = RunDml(args, out, err, {}, in);
  run.out = out.str();
  run.err = err.str();
  return run;
}

std::string Batch(const char* verb, const char* scheme, const std::string& input,
                  std::vector<std::string> more = {}) {
  std::vector<std::string> args = {"version", verb, "--scheme", scheme, "--batch"};
  args.insert(args.end(), more.begin(), more.end());
  const Outcome run = Dml(args, input);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  return run.out;
}

TEST(VersionCommandTest, CompareBatch) {
  EXPECT_EQ(Batch("compare", "deb", "1.0~rc1\t1.0\n1\t0:1-0\n2\t1\nx\t1\n1\tx\n"),
            "<\n=\n>\ninvalid\ninvalid\n");
  EXPECT_EQ(Batch("compare", "pep440", "1.0.dev1\t1.0a1\n"), "<\n");
  EXPECT_EQ(Batch("compare", "maven", "1-sp\t1.1\n"), "<\n");
  EXPECT_EQ(Batch("compare", "rpm", "1.0^git1\t1.0.1\n"), "<\n");
}

TEST(VersionCommandTest, EveryLineIsAnsweredOnceHoweverItEnds) {
  EXPECT_EQ(Batch("compare", "semver", ""), "");
  EXPECT_EQ(Batch("compare", "semver", "\n"), "invalid\n");
  EXPECT_EQ(Batch("compare", "semver", "1.0.0\t1.0.0"), "=\n");
  EXPECT_EQ(Batch("compare", "semver", "1.0.0\t1.0.1\r\n\r\n1.0.0\t1.0.0\r\n"), "<\ninvalid\n=\n");
  EXPECT_EQ(Batch("compare", "semver", "1.0.0\n1.0.0\t\n\t1.0.0\n1.0.0\t1.0.0\t1.0.0\n"),
            "invalid\ninvalid\ninvalid\ninvalid\n");
  EXPECT_EQ(Batch("compare", "semver", "1.0.0 \t1.0.0\n1.0.0\t1.0.0\r\r\n\xff\t1.0.0\n"),
            "invalid\ninvalid\ninvalid\n");
  const std::string endless(1 << 20, '1');
  EXPECT_EQ(Batch("compare", "generic", endless + "\t1\n1\t1\n" + endless),
            "invalid\n=\ninvalid\n");
  EXPECT_EQ(Batch("compare", "generic", std::string("1\0\t1\n", 5)), "invalid\n");
}

TEST(VersionCommandTest, ContainsBatch) {
  EXPECT_EQ(Batch("contains", "npm", "^1.2\t1.4.0\n^1.2\t2.0.0\n^1.2\t1.4.0-a\n^\t1.0.0\n^1\tx\n"),
            "yes\nno\nno\ninvalid\ninvalid\n");
  EXPECT_EQ(Batch("contains", "npm", "^1.2\t1.4.0-a\n", {"--prereleases"}), "yes\n");
  EXPECT_EQ(Batch("contains", "npm", "\t1.4.0\n<\t2.0.0\t1.0.0\n"), "yes\nyes\n")
      << "the version stands behind the last tab";
  EXPECT_EQ(Batch("contains", "pep440", ">=1.0\t1.1a1\n>=1.0a1\t1.1a1\n"), "no\nyes\n");
  EXPECT_EQ(Batch("contains", "cargo", "1.2, <1.9\t1.5.0\n"), "yes\n");
  EXPECT_EQ(Batch("contains", "maven", "[1,2)\t1.9\n1.0\t1.0\n"), "yes\ninvalid\n");
  EXPECT_EQ(Batch("contains", "deb", "vers:deb/>=1|<2\t1.5\n>= 1\t0\n"), "yes\nno\n");
}

TEST(VersionCommandTest, RelationBatch) {
  EXPECT_EQ(Batch("relation", "npm",
                  "^1.2.0\t^1\n^1\t^1.2.0\n^1\t^2\n>1.0.0 <1.0.1\t^2\n^1\n^1\tx.1\n^1\t^1\t^1\n"),
            "subset=yes\tintersects=yes\nsubset=no\tintersects=yes\nsubset=no\tintersects=no\n"
            "subset=yes\tintersects=no\ninvalid\ninvalid\ninvalid\n");
}

TEST(VersionCommandTest, PeopleAskOneAtATime) {
  Outcome run = Dml({"version", "compare", "--scheme", "deb", "1.0~rc1", "1.0"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out, "1.0~rc1 < 1.0\n");
  run = Dml({"version", "contains", "--scheme", "npm", "^1.2", "2.0.0"});
  EXPECT_EQ(run.code, 3);
  EXPECT_THAT(run.out, HasSubstr("no: 2.0.0 is not in >= 1.2.0, < 2.0.0-0"));
  run = Dml({"--output", "json", "version", "relation", "--scheme", "maven", "[1,2)", "[1.5,3)"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(Json::parse(run.out)["intersection"], "vers:maven/>=1.5|<2");
  run = Dml({"--output", "json", "version", "parse", "--scheme", "rpm", "1:2.0~rc1-3"});
  EXPECT_EQ(Json::parse(run.out)["scheme"], "rpm@1");
  run = Dml({"version", "parse", "--scheme", "semver", "1.2"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("position 4"));
}

TEST(VersionCommandTest, Sort) {
  EXPECT_EQ(
      Dml({"version", "sort", "--scheme", "maven"}, "1.0\r\n\n1.0-rc1\n1.0-SNAPSHOT\n1.0.0").out,
      "1.0-rc1\n1.0-SNAPSHOT\n1.0\n1.0.0\n");
  const Outcome run = Dml({"version", "sort", "--scheme", "semver"}, "1.0.0\n1.0\n");
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("line 2: "));
}

TEST(VersionCommandTest, WithoutAVerbItIsTheProgramsOwn) {
  const Outcome run = Dml({"version"});
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.out, HasSubstr("semver@2, deb@1, rpm@1, pep440@1"));
}

TEST(VersionCommandTest, WrongUsesAreRefused) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"version", "compare", "1", "2"},
           {"version", "compare", "--scheme", "deb", "1"},
           {"version", "compare", "--scheme", "deb", "1", "2", "3"},
           {"version", "compare", "--scheme", "deb", "--batch", "1"},
           {"version", "compare", "--scheme", "pypi", "--batch"},
           {"version", "compare", "--scheme", "deb", "--batch", "--prereleases"},
           {"version", "bogus"},
           {"version", "parse", "--scheme", "deb"}}) {
    EXPECT_EQ(Dml(args).code, 2) << ::testing::PrintToString(args);
  }
}

}  // namespace
}  // namespace dml
