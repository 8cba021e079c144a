// dml compat installable and solve, end to end.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kIndex =
    "Package: app\nVersion: 2\nArchitecture: amd64\nDepends: lib (>= 2)\n\n"
    "Package: broken\nVersion: 1\nArchitecture: all\nDepends: gone\n\n"
    "Package: lib\nVersion: 2\nArchitecture: amd64\n\n";

class DebianCommandTest : public ::testing::Test {
 protected:
  DebianCommandTest() { std::ofstream(index_) << kIndex; }

  int Dml(const std::vector<std::string>& args) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunDml(args, out, err);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  testing::TempDir dir_;
  std::string index_ = (dir_.path() / "Packages").string();
  std::string out_;
  std::string err_;
};

TEST_F(DebianCommandTest, ListsWhatCannotBeInstalled) {
  EXPECT_EQ(Dml({"compat", "installable", "--debian-packages", index_}), 0) << err_;
  EXPECT_EQ(out_, "broken\n");
  EXPECT_EQ(Dml({"compat", "installable", "--debian-packages", index_, "--explain"}), 0) << err_;
  EXPECT_EQ(out_,
            "broken=1\n"
            "  1. broken=1 is asked for\n"
            "  2. broken=1 (1) requires gone [Depends], which nothing provides\n");
  ASSERT_EQ(Dml({"--output", "json", "compat", "installable", "--debian-packages", index_}), 0);
  const Json document = Json::parse(out_, nullptr, false);
  EXPECT_EQ(document["packages"], 3);
  EXPECT_EQ(document["uninstallable"][0]["name"], "broken");
  EXPECT_TRUE(document["undecided"].empty());
}

TEST_F(DebianCommandTest, SolvesOrSaysWhyNot) {
  EXPECT_EQ(Dml({"compat", "solve", "--debian-packages", index_, "app"}), 0) << err_;
  EXPECT_EQ(out_, "app=2\nlib=2\n");
  EXPECT_EQ(Dml({"compat", "solve", "--debian-packages", index_, "app", "lib (<< 2)"}), 3);
  EXPECT_THAT(out_, HasSubstr("lib (<< 2) is asked for, which nothing provides"));
  EXPECT_EQ(Dml({"compat", "solve", "--debian-packages", index_, "Not A Name"}), 2);
  EXPECT_EQ(Dml({"compat", "solve", "--debian-packages", index_ + ".none", "app"}), 2);
  EXPECT_THAT(err_, HasSubstr("cannot be found"));
}

}  // namespace
}  // namespace dml
