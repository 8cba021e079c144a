// dml license parse, eval and compare, offline: single questions, and one answer a line.
#include <sstream>
#include <streambuf>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/license/compatibility.h"
#include "core/os/file.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_data.h"
#include "tools/dml/app.h"
#include "tools/dml/batch.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome Dml(const std::vector<std::string>& args, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Outcome run;
  run.code = RunDml(args, out, err, {}, in);
  run.out = out.str();
  run.err = err.str();
  return run;
}

TEST(LicenseBatchTest, ParsesALineEach) {
  const Outcome run = Dml({"license", "parse", "--batch"},
                          "mit and (isc or x11)\n"
                          "MIT AND\n"
                          "\n"
                          "NOASSERTION\r\n"
                          "MIT And ISC\n"
                          "gpl-2.0+ with bison-exception-2.2");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out,
            "MIT AND (ISC OR X11)\n"
            "invalid: column 8: expected a license, found the end\n"
            "invalid: column 1: expected a license, found the end\n"
            "NOASSERTION\n"
            "invalid: column 5: expected an operator wholly in upper or wholly in lower case, "
            "found 'And'\n"
            "GPL-2.0+ WITH Bison-exception-2.2\n");
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(Dml({"license", "parse", "--batch"}, "").out, "");
}

TEST(LicenseBatchTest, EvaluatesALineEach) {
  const std::string input =
      "MIT\nGPL-3.0-only\nMIT OR GPL-3.0-only\nMIT AND GPL-3.0-only\nISC\nISC AND GPL-3.0-only\n"
      "NOASSERTION\nMIT OR Unheard-Of\nZlib\nGPL-2.0-only WITH Classpath-exception-2.0\n";
  const Outcome run =
      Dml({"license", "eval", "--batch", "--allow", "MIT,GPL-2.0-only WITH Classpath-exception-2.0",
           "--deny", "GPL-3.0-only", "--allow-with-obligations", "Zlib"},
          input);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out.substr(0, run.out.find("invalid")),
            "ALLOW\nDENY\nALLOW\nDENY\nREVIEW\nDENY\nREVIEW\n");
  EXPECT_THAT(run.out, HasSubstr("\ninvalid: column 8: expected a license id, found 'Unheard-Of'"));
  EXPECT_THAT(run.out, HasSubstr("\nALLOW_WITH_OBLIGATIONS\nALLOW\n"));
  // Denied is denied, in whatever order it is said.
  EXPECT_EQ(Dml({"license", "eval", "--batch", "--deny", "MIT", "--allow", "MIT"}, "MIT\n").out,
            "DENY\n");
  EXPECT_EQ(Dml({"license", "eval", "--batch", "--allow", "LGPL-3.0-only"},
                "LGPL-2.1-only\nLGPL-2.1-or-later\n")
                .out,
            "REVIEW\nALLOW\n");
}

TEST(LicenseBatchTest, RefusesWhatMakesNoSense) {
  const std::vector<std::vector<std::string>> bad = {
      {"license", "eval", "--batch"},
      {"license", "eval", "MIT"},
      {"license", "eval", "MIT", "--batch", "--allow", "MIT"},
      {"license", "eval", "--batch", "--allow", "Unheard-Of"},
      {"license", "eval", "--batch", "--allow", "MIT", "--environment", "prod"},
      {"license", "eval", "--batch", "--environment", "prod"},
      {"license", "eval", "--batch", "--allow", "MIT", "--policy", "p.yaml"},
      {"license", "parse"},
      {"license", "parse", "MIT", "--batch"},
      {"license", "parse", "MIT AND"},
      {"license", "compare", "--batch"},
      {"license", "compare", "MIT", "--matrix", "m.json"},
      {"--output", "json", "license", "parse", "--batch"}};
  for (const std::vector<std::string>& args : bad) {
    const Outcome run = Dml(args, "MIT\n");
    EXPECT_EQ(run.code, 2) << ::testing::PrintToString(args) << run.out;
    EXPECT_EQ(run.out, "");
    EXPECT_NE(run.err, "");
  }
}

TEST(LicenseBatchTest, SingleQuestions) {
  Outcome run = Dml({"--output", "json", "license", "parse", "gpl-2.0 or LicenseRef-x"});
  EXPECT_EQ(run.code, 0) << run.err;
  const Json document = Json::parse(run.out);
  EXPECT_EQ(document["expression"], "GPL-2.0 OR LicenseRef-x");
  EXPECT_EQ(document["licenses"][0]["replacement"], "GPL-2.0-only");
  EXPECT_EQ(document["licenses"][1]["known"], false);
  run = Dml({"license", "eval", "MIT AND ISC", "--allow", "MIT"});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_THAT(run.out, HasSubstr("REVIEW"));
  EXPECT_EQ(Dml({"license", "eval", "MIT", "--allow", "MIT"}).code, 0);
}

TEST(LicenseBatchTest, AnswersALineThatIsTooLongAndGoesOn) {
  const std::string line(kMaxBatchLineBytes + 1, ' ');
  EXPECT_EQ(Dml({"license", "parse", "--batch"}, line + "\nMIT\n").out,
            "invalid: column 65537: expected the end of the line, found more\nMIT\n");
  EXPECT_EQ(Dml({"license", "parse", "--batch"}, line.substr(1) + "\nMIT\n").out,
            "invalid: column 16385: expected at most 16384 bytes, found 65536\nMIT\n");
}

TEST(LicenseBatchTest, ComparesALineEach) {
  testing::TempDir dir;
  const std::string file = dir.path() / "matrix.json";
  const std::string matrix =
      R"({"timestamp": "t", "licenses": [
        {"name": "MIT", "compatibilities": [
          {"name": "MIT", "compatibility": "Same", "explanation": "n.a."},
          {"name": "GPL-2.0-only", "compatibility": "No", "explanation": "Not so."}]},
        {"name": "GPL-2.0-only", "compatibilities": [
          {"name": "MIT", "compatibility": "Yes", "explanation": "Fine."},
          {"name": "GPL-2.0-only", "compatibility": "Same", "explanation": "n.a."}]}]})";
  ASSERT_TRUE(WriteFileAtomically(file, AsBytes(matrix), 0600).ok());
  const std::vector<std::string> command = {"license", "compare", "--matrix", file, "--batch"};
  const Outcome run = Dml(command,
                          "MIT\tMIT\nMIT\tGPL-2.0-only\ngpl-2.0\tmit\nMIT\tISC\nMIT MIT\n"
                          "MIT\tnope\nNOPE\tMIT\n");
  EXPECT_EQ(run.code, 0) << run.err;
  const std::vector<std::string> expected = {"ALLOW\tn.a.",
                                             "DENY\tNot so.",
                                             "ALLOW\tFine.",
                                             "REVIEW\tNo data on ISC in MIT.",
                                             "invalid\tcolumn 8: expected a tab",
                                             "invalid\tinbound: column 1: expected a license id",
                                             "invalid\toutbound: column 1: expected a license id"};
  std::istringstream lines(run.out);
  for (const std::string& start : expected) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << start;
    EXPECT_THAT(line, ::testing::StartsWith(start));
  }
  Outcome single = Dml({"license", "compare", "MIT", "GPL-2.0-only", "--matrix", file});
  EXPECT_EQ(single.code, 3);
  EXPECT_THAT(single.out, HasSubstr("Not so."));
  single = Dml({"license", "compare", "MIT", "GPL-2.0-only", "--matrix", file, "--combination",
                "LINKED_DYNAMIC"});
  EXPECT_THAT(single.out, HasSubstr("REVIEW"));
  // A matrix with a blank is refused, and says where.
  std::string blank = matrix;
  blank.replace(blank.find("Yes"), 3, "");
  ASSERT_TRUE(WriteFileAtomically(file, AsBytes(blank), 0600).ok());
  const Outcome refused = Dml(command, "MIT\tMIT\n");
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("GPL-2.0-only <- MIT"));
}

// Gives one line at a time, and notes what was written whenever it is waited for.
class AskingBuffer : public std::streambuf {
 public:
  AskingBuffer(std::vector<std::string> lines, const std::ostringstream& out)
      : lines_(std::move(lines)), out_(out) {}
  std::vector<std::string> seen;  // The output at each wait.

 protected:
  int_type underflow() override {
    seen.push_back(out_.str());
    if (next_ == lines_.size()) return traits_type::eof();
    std::string& line = lines_[next_++];
    setg(line.data(), line.data(), line.data() + line.size());
    return traits_type::to_int_type(line[0]);
  }

 private:
  std::vector<std::string> lines_;
  const std::ostringstream& out_;
  size_t next_ = 0;
};

TEST(LicenseBatchTest, AnswersBeforeItWaits) {
  std::ostringstream out;
  std::ostringstream err;
  AskingBuffer buffer({"mit\n", "isc\nx11\n", "zlib\n"}, out);
  std::istream in(&buffer);
  EXPECT_EQ(RunDml({"license", "parse", "--batch"}, out, err, {}, in), 0) << err.str();
  EXPECT_THAT(buffer.seen,
              ::testing::ElementsAre("", "MIT\n", "MIT\nISC\nX11\n", "MIT\nISC\nX11\nZlib\n"));
}

}  // namespace
}  // namespace dml
