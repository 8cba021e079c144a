// What the daemon says of its own certificate's dates.
#include "server/auth/tls.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "tests/server/support/tls_world.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::WallClock;

class CertificateDatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)));
  }
  void TearDown() override { spdlog::set_default_logger(before_); }

  // What is logged so many days after a certificate of 100 days was made.
  std::string LoggedAfter(int days) {
    auto certificate = IssueServerCertificate(authority_, {{"localhost"}, {}}, {WallClock(), 100});
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    const std::filesystem::path file = dir_.path() / "server.pem";
    std::ofstream(file) << certificate->certificate_pem;
    log_.str("");
    LogCertificateDates(file, WallClock() + std::chrono::days(days));
    return log_.str();
  }

  testing::TempDir dir_;
  const CertificateWithKey authority_ =
      *MakeCertificateAuthority("test authority", {WallClock(), 200});
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(CertificateDatesTest, AreSilentWhileAllIsWell) { EXPECT_EQ(LoggedAfter(60), ""); }

TEST_F(CertificateDatesTest, WarnAMonthBeforeTheEnd) {
  EXPECT_THAT(LoggedAfter(80), AllOf(HasSubstr("[warning]"), HasSubstr("server.pem expires on ")));
}

TEST_F(CertificateDatesTest, AreAnErrorAfterwardsAndBefore) {
  EXPECT_THAT(LoggedAfter(101), AllOf(HasSubstr("[error]"), HasSubstr("server.pem expired on ")));
  EXPECT_THAT(LoggedAfter(-10), AllOf(HasSubstr("[error]"), HasSubstr("is good only from ")));
}

}  // namespace
}  // namespace dml
