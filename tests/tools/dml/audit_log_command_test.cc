// dml log verify-audit, offline.
#include <sstream>

#include <gtest/gtest.h>

#include "core/audit/audit_files.h"
#include "tests/core/os/scratch_folder.h"
#include "tools/dml/app.h"

namespace dml {
namespace {

class AuditLogCommandTest : public ::testing::Test {
 protected:
  AuditLogCommandTest() {
    AuditHead head;
    std::string lines;
    for (int i = 0; i < 3; ++i) {
      lines += AppendRefusal({"-", "p", "m", "TOKEN_INVALID"}, {}, head) + "\n";
    }
    folder_.Write(AuditFileName(1), lines);
    head_ = head.digest.ToString();
  }
  // The document of the command, which must end with this code.
  Json Verify(int code) {
    std::ostringstream out, err;
    std::istringstream in;
    EXPECT_EQ(RunDml({"--output", "json", "log", "verify-audit", folder_.path().string()}, out, err,
                     {}, in),
              code)
        << err.str();
    return Json::parse(code == 0 || code == 3 ? out.str() : err.str(), nullptr, false);
  }

  testing::ScratchFolder folder_;
  std::string head_;
};

TEST_F(AuditLogCommandTest, AnUntouchedLogIsVerified) {
  const Json document = Verify(0);
  EXPECT_EQ(document["verified"], true);
  EXPECT_EQ(document["firstLine"], 1);
  EXPECT_EQ(document["lastLine"], 3);
  EXPECT_EQ(document["refusals"], 3);
  EXPECT_EQ(document["head"], head_);
  EXPECT_EQ(document["faults"], Json::array());
}

TEST_F(AuditLogCommandTest, AChangedLineIsNot) {
  std::string bytes = folder_.Read(AuditFileName(1));
  bytes.replace(bytes.find("TOKEN_INVALID"), 13, "TOKEN_EXPIRED");
  folder_.Write(AuditFileName(1), bytes);
  const Json document = Verify(3);
  EXPECT_EQ(document["verified"], false);
  EXPECT_EQ(document["faultCount"], 1);
  EXPECT_EQ(document["faults"][0]["rule"], "CHAIN_BROKEN");
  EXPECT_EQ(document["faults"][0]["line"], 2);
}

TEST_F(AuditLogCommandTest, AFolderWithoutALogIsAnError) {
  std::filesystem::remove(folder_.path() / AuditFileName(1));
  EXPECT_EQ(Verify(2)["error"]["reason"], "AUDIT_LOG_NOT_FOUND");
}

}  // namespace
}  // namespace dml
