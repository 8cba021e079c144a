// What a client that lives long makes of the journal size in each answer.
#include "client/connection.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_library.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::FakeLibrary;
using testing::TempDir;

struct Question {
  const char* name;
  absl::Status (*ask)(Client& client);
};

// A library with five entries, all of them seen by `client_`.
class ConnectionTest : public ::testing::TestWithParam<Question> {
 protected:
  ConnectionTest() {
    for (int i = 0; i < 4; ++i) library_.Append();
  }
  void SetUp() override { ASSERT_EQ(client_.GetStatus()->journal_size, 5u); }

  ClientOptions Options(milliseconds log_check_interval) {
    ClientOptions options = library_.Options();
    options.state_file = dir_ / "state";
    options.log_check_interval = log_check_interval;
    return options;
  }
  absl::Status Ask() { return GetParam().ask(client_); }
  int Evidence() {
    int out = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      out += entry.path().string().find("evidence") != std::string::npos ? 1 : 0;
    }
    return out;
  }
  // How often the client has asked about the log itself since the last time.
  int LogCalls() {
    int out = library_.calls["GetCheckpoint"] + library_.calls["GetConsistencyProof"];
    library_.calls.clear();
    return out;
  }

  TempDir dir_;
  FakeLibrary library_;
  Client client_ = *Client::Create(Options(milliseconds(0)));
};

// attack T8
TEST_P(ConnectionTest, AnAnswerOfAShorterLogIsRefused) {
  for (uint64_t size : {0u, 4u}) {
    library_.answer_size = size;
    absl::Status status = Ask();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_EQ(Reason(status), "LOG_WENT_BACK") << size;
  }
  EXPECT_EQ(Evidence(), 0) << "nothing signed contradicts the checkpoint remembered";
  library_.answer_size.reset();
  EXPECT_TRUE(Ask().ok());
}

// attack T8
TEST_P(ConnectionTest, ALogThatWentBackIsAccusedAndNoLongerWritten) {
  ASSERT_TRUE(Ask().ok());
  library_.CutLog(3);
  EXPECT_EQ(Reason(Ask()), "LOG_WENT_BACK");
  EXPECT_EQ(Evidence(), 2) << "both signed checkpoints";
  EXPECT_EQ(Reason(client_.CreateNamespace("acme", "", {}).status()), "LOG_WENT_BACK");
  EXPECT_EQ(library_.calls["CreateNamespace"], 0);
}

// attack T8
TEST_P(ConnectionTest, ALogThatWentBackAndGrewBeyondIsAFork) {
  library_.CutLog(3);
  library_.RewriteLog();
  for (int i = 0; i < 4; ++i) library_.Append();
  EXPECT_EQ(Reason(Ask()), "LOG_FORKED");
  EXPECT_EQ(Evidence(), 2);
  EXPECT_EQ(Reason(client_.CreateNamespace("acme", "", {}).status()), "LOG_FORKED");
  EXPECT_EQ(library_.calls["CreateNamespace"], 0);
}

TEST_P(ConnectionTest, ALongerLogIsProvenOnceForEachGrowth) {
  LogCalls();
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(LogCalls(), 0) << "all of it is known";
  library_.Append();
  library_.Append();
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(LogCalls(), 2) << "a checkpoint and its proof";
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(LogCalls(), 0);
  library_.answer_size = 6;
  EXPECT_EQ(Reason(Ask()), "LOG_WENT_BACK") << "what was fetched is remembered";
}

TEST_P(ConnectionTest, ALongerLogIsNotProvenAgainWithinTheInterval) {
  Client client = *Client::Create(Options(hours(1)));
  ASSERT_TRUE(GetParam().ask(client).ok());
  LogCalls();
  for (int i = 0; i < 3; ++i) {
    library_.Append();
    ASSERT_TRUE(GetParam().ask(client).ok());
  }
  EXPECT_EQ(LogCalls(), 0);
  library_.answer_size = 4;
  EXPECT_EQ(Reason(GetParam().ask(client)), "LOG_WENT_BACK") << "that costs nothing to see";
}

TEST_P(ConnectionTest, ALogThatIsSignedAMomentLaterIsWaitedFor) {
  library_.answer_size = 6;
  library_.before = [this](const std::string& method) {
    if (method == "GetCheckpoint" && library_.calls[method] == 2) library_.Append();
    return grpc::Status::OK;
  };
  library_.calls.clear();
  EXPECT_TRUE(Ask().ok()) << Ask();
  EXPECT_EQ(library_.calls["GetCheckpoint"], 3);
  EXPECT_EQ(library_.waits.size(), 2u);
}

TEST_P(ConnectionTest, AnAnswerBeyondAllThatIsSignedIsNotBelieved) {
  library_.answer_size = 1ull << 60;
  absl::Status status = Ask();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reason(status), "LOG_NOT_SIGNED");
  EXPECT_EQ(library_.waits.size(), 4u) << "all attempts are used";
  library_.answer_size.reset();
  EXPECT_TRUE(Ask().ok()) << "and only what is signed is remembered";
}

INSTANTIATE_TEST_SUITE_P(
    Questions, ConnectionTest,
    ::testing::Values(
        Question{"Evaluate", [](Client& c) { return c.Evaluate({}, "prod").status(); }},
        Question{"CheckSet", [](Client& c) { return c.CheckSet({}).status(); }},
        Question{"License", [](Client& c) { return c.EvaluateLicense("MIT", "p", "").status(); }},
        Question{"VariantLicense",
                 [](Client& c) { return c.EvaluateVariantLicense({}, "p", "").status(); }},
        Question{"Status", [](Client& c) { return c.GetStatus().status(); }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ConnectionTest, AnAnswerThatIsOvertakenIsFine) {
  library_.while_deciding = [this] {
    library_.Append();
    EXPECT_EQ(client_.GetCheckpoint()->size, 6u);
  };
  auto answer = client_.Evaluate({}, "production");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->index, 5u);
}

TEST_F(ConnectionTest, WhatAnotherProcessHasSeenCounts) {
  library_.Append();
  ASSERT_EQ(Client::Create(Options(hours(1)))->GetCheckpoint()->size, 6u);
  library_.answer_size = 5;
  EXPECT_EQ(Reason(client_.Evaluate({}, "production").status()), "LOG_WENT_BACK");
}

}  // namespace
}  // namespace dml
