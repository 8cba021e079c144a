#include "server/runtime/logging.h"

#include <algorithm>

#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "server/runtime/call_scope.h"

namespace dml {
namespace {

class LoggingTest : public ::testing::Test {
 protected:
  void TearDown() override { spdlog::set_default_logger(before_); }

  static std::string Logged(const LogConfig& config, const std::string& message) {
    ::testing::internal::CaptureStderr();
    StartLogging(config);
    spdlog::debug("detail");
    spdlog::info("{}", message);
    spdlog::default_logger()->flush();
    return ::testing::internal::GetCapturedStderr();
  }

 private:
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(LoggingTest, AMessageIsOneLineWhateverIsInIt) {
  const std::string evil = "a\nb\r\x1b[31m\"c\"\xff";
  const std::string text = Logged({LogLevel::kInfo, LogFormat::kText}, evil);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_TRUE(text.ends_with("Z info a?b??[31m\"c\"?\n")) << text;

  const std::string line = Logged({LogLevel::kInfo, LogFormat::kJson}, evil);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  const auto json = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json["level"], "info");
  EXPECT_EQ(json["message"], "a?b??[31m\"c\"?");
}

TEST_F(LoggingTest, LinesOfACallCarryItsIds) {
  const CallScope call({"req-1", "4bf92f3577b34da6a3ce929d0e0e4736"});
  const std::string text = Logged({LogLevel::kInfo, LogFormat::kText}, "x");
  EXPECT_TRUE(text.ends_with("x request=req-1 trace=4bf92f3577b34da6a3ce929d0e0e4736\n")) << text;
  const auto json = nlohmann::json::parse(Logged({LogLevel::kInfo, LogFormat::kJson}, "x"));
  EXPECT_EQ(json["message"], "x");
  EXPECT_EQ(json["request"], "req-1");
  EXPECT_EQ(json["trace"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(LoggingTest, TheLevelCanChange) {
  ::testing::internal::CaptureStderr();
  StartLogging({LogLevel::kWarning, LogFormat::kText});
  spdlog::info("before");
  SetLogLevel(LogLevel::kInfo);
  spdlog::info("after");
  spdlog::default_logger()->flush();
  const std::string logged = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(logged.find("before"), std::string::npos);
  EXPECT_NE(logged.find("after"), std::string::npos);
}

TEST_F(LoggingTest, WhatGrpcSaysIsForDebugging) {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // As grpc_init does.
  auto logged = [](LogLevel level) {
    ::testing::internal::CaptureStderr();
    StartLogging({level, LogFormat::kText});
    gpr_log(GPR_ERROR, "no address added");
    spdlog::default_logger()->flush();
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(logged(LogLevel::kInfo), "");
  EXPECT_NE(logged(LogLevel::kDebug).find("debug grpc: no address added"), std::string::npos);
}

TEST_F(LoggingTest, LevelsAreKept) {
  EXPECT_EQ(Logged({LogLevel::kWarning, LogFormat::kText}, "x"), "");
  EXPECT_NE(Logged({LogLevel::kDebug, LogFormat::kText}, "x").find("debug detail"),
            std::string::npos);
}

}  // namespace
}  // namespace dml
