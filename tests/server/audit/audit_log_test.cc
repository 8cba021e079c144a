#include "server/audit/audit_log.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "core/audit/audit_files.h"
#include "tests/core/os/scratch_folder.h"

namespace dml {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class AuditLogTest : public ::testing::Test {
 protected:
  AuditLogTest() {
    options_.folder = folder_.path() / "audit";
    options_.clock = [this] { return now_; };
    options_.record = [this](const AuditHead& head) {
      if (record_status_.ok()) recorded_.push_back(head);
      return record_status_;
    };
    options_.thread = false;
  }

  std::unique_ptr<AuditLog> Open() {
    auto log = AuditLog::Open(options_);
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? *std::move(log) : nullptr;
  }
  static void NoteMany(AuditLog& log, int count, const std::string& principal = "pat",
                       const std::string& reason = "ROLE_REQUIRED") {
    for (int i = 0; i < count; ++i) log.Note({principal, "p", "m", reason});
  }
  std::string Text(int file = 1) { return folder_.Read("audit/" + AuditFileName(file)); }
  std::vector<nlohmann::json> Lines() {
    std::vector<nlohmann::json> out;
    for (int file = 1; std::filesystem::exists(options_.folder / AuditFileName(file)); ++file) {
      std::istringstream in(Text(file));
      for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
    }
    return out;
  }
  AuditSurvey Survey(const std::vector<RecordedHead>& recorded = {}) {
    auto survey = SurveyAuditLog(options_.folder, recorded);
    EXPECT_TRUE(survey.ok()) << survey.status();
    return survey.ok() ? *std::move(survey) : AuditSurvey();
  }

  testing::ScratchFolder folder_;
  Timestamp now_ = ParseTime("2026-03-01T12:00:00Z").value();
  AuditLogOptions options_;
  std::vector<AuditHead> recorded_;
  absl::Status record_status_;
};

TEST_F(AuditLogTest, ARefusalIsOneLineForItsOwnerAlone) {
  auto log = Open();
  EXPECT_FALSE(std::filesystem::exists(options_.folder / AuditFileName(1)));
  log->Note({"pat", "ipv4:10.0.0.7:50412", "/dml.v1.AccessService/GrantRole", "ROLE_REQUIRED"});
  EXPECT_EQ(log->head().lines, 0u) << "it is not durable yet";
  log->Work();
  EXPECT_EQ(log->head(), Survey().head);
  const nlohmann::json line = Lines().at(0);
  EXPECT_EQ(line["line"], 1);
  EXPECT_EQ(line["time"], "2026-03-01T12:00:00Z");
  EXPECT_EQ(line["principal"], "pat");
  EXPECT_EQ(line["peer"], "ipv4:10.0.0.7:50412");
  EXPECT_EQ(line["method"], "/dml.v1.AccessService/GrantRole");
  EXPECT_EQ(line["reason"], "ROLE_REQUIRED");
  struct stat info{};
  ASSERT_EQ(::stat((options_.folder / AuditFileName(1)).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(AuditLogTest, FilesAreClosedAtTheirSizeAndTheChainGoesOn) {
  options_.file_bytes = 500;
  options_.lines_per_second = 100;
  auto log = Open();
  for (int i = 0; i < 10; ++i) {
    NoteMany(*log, 1);
    log->Work();
  }
  EXPECT_GT(FindAuditFiles(options_.folder)->size(), 3u);
  EXPECT_LT(Text(1).size(), 1000u);
  EXPECT_EQ(Survey().fault_count, 0u);
  EXPECT_EQ(Survey().lines, 10u);
}

TEST_F(AuditLogTest, ARestartGoesOnWhereItWas) {
  NoteMany(*Open(), 3);
  EXPECT_EQ(Survey().lines, 3u) << "the end writes what was noted";
  const std::string before = Text();
  NoteMany(*Open(), 2);
  EXPECT_EQ(Survey().lines, 5u);
  EXPECT_EQ(Survey().fault_count, 0u);
  EXPECT_TRUE(Text().starts_with(before)) << "nothing that was written changes";
}

TEST_F(AuditLogTest, ATornLineIsCutAndTold) {
  NoteMany(*Open(), 2);
  const std::string whole = Text();
  folder_.Write("audit/" + AuditFileName(1), whole + "{\"line\":3,\"time\":\"20");
  NoteMany(*Open(), 1);
  EXPECT_TRUE(Text().starts_with(whole));
  EXPECT_EQ(Survey().fault_count, 0u);
  EXPECT_EQ(Lines().at(2)["repair"], "cut 20 bytes of a torn line off audit-000001.jsonl");
  EXPECT_EQ(Lines().at(3)["reason"], "ROLE_REQUIRED");
}

TEST_F(AuditLogTest, AFirstLineThatWasTornIsCutToo) {
  std::filesystem::create_directory(options_.folder);
  std::filesystem::permissions(options_.folder, std::filesystem::perms::owner_all);
  folder_.Write("audit/" + AuditFileName(1), "{\"li");
  std::filesystem::permissions(
      options_.folder / AuditFileName(1),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  NoteMany(*Open(), 1);
  EXPECT_EQ(Survey().fault_count, 0u);
  EXPECT_EQ(Survey().lines, 2u);
}

// As a disk may leave it after the power failed: nothing is written behind it, and it shows.
TEST_F(AuditLogTest, AnEndThatCannotBeReadStaysAsItIs) {
  NoteMany(*Open(), 2);
  const std::string damaged = Text() + std::string(100, '\0') + "\n";
  folder_.Write("audit/" + AuditFileName(1), damaged);
  NoteMany(*Open(), 1);
  EXPECT_EQ(Text(1), damaged);
  EXPECT_NE(Text(2).find("\"repair\":\"the end of audit-000001.jsonl cannot be read\""),
            std::string::npos);
  const AuditSurvey survey = Survey();
  ASSERT_GE(survey.faults.size(), 1u);
  EXPECT_EQ(survey.faults[0].rule, "LINE_INVALID");
  EXPECT_EQ(survey.head.lines, 4u);
}

TEST_F(AuditLogTest, LinesThatTheJournalKnowsAreNotReplacedByOthers) {
  NoteMany(*Open(), 5);
  options_.recorded = Survey().head;
  std::filesystem::remove_all(options_.folder);
  NoteMany(*Open(), 1);
  EXPECT_EQ(Survey().first, 6u);
  EXPECT_EQ(Lines().at(0)["repair"], "lines 1 to 5 are gone: the journal has recorded them");
  const AuditSurvey survey = Survey({{9, options_.recorded}});
  EXPECT_EQ(survey.fault_count, 0u) << "as where older files were taken away";
  EXPECT_EQ(survey.matched, 1u) << "what is there follows on what was recorded";
}

// attack: lines removed from the end of the log
TEST_F(AuditLogTest, ALogThatWasCutShowsAGap) {
  NoteMany(*Open(), 2);
  const std::string cut = Text();
  NoteMany(*Open(), 3);
  options_.recorded = Survey().head;
  folder_.Write("audit/" + AuditFileName(1), cut);
  NoteMany(*Open(), 1);
  const AuditSurvey survey = Survey();
  ASSERT_EQ(survey.faults.size(), 1u);
  EXPECT_EQ(survey.faults[0].rule, "LINES_MISSING");
  EXPECT_EQ(survey.head.lines, 7u);
}

// attack: refusals flood the disk
TEST_F(AuditLogTest, WhatIsBeyondTheBudgetIsCountedAndToldOnceAMinute) {
  options_.lines_per_second = 2;  // 20 at once.
  auto log = Open();
  NoteMany(*log, 1000);
  NoteMany(*log, 500, "pat", "TOKEN_REVOKED");
  log->Work();
  EXPECT_EQ(Lines().size(), 20u);
  now_ += seconds(59);
  log->Work();
  EXPECT_EQ(Lines().size(), 20u);
  now_ += seconds(1);
  log->Work();
  ASSERT_EQ(Lines().size(), 21u);
  EXPECT_EQ(Lines()[20]["unwritten"],
            (nlohmann::json{{"ROLE_REQUIRED", 980}, {"TOKEN_REVOKED", 500}}));
  now_ += minutes(5);
  log->Work();
  EXPECT_EQ(Lines().size(), 21u) << "nothing is left to tell";
  EXPECT_EQ(Survey().refusals, 1500u);
}

TEST_F(AuditLogTest, TheBudgetComesBackWithTimeAndIsBounded) {
  options_.lines_per_second = 2;
  auto log = Open();
  NoteMany(*log, 100);
  now_ += seconds(3);
  NoteMany(*log, 100);
  log->Work();
  EXPECT_EQ(Lines().size(), 26u);
  now_ -= hours(5);  // A clock that is set back gives nothing,
  NoteMany(*log, 100);
  log->Work();
  EXPECT_EQ(Lines().at(26)["unwritten"]["ROLE_REQUIRED"], 274) << "and does not delay summaries";
  now_ += hours(24);  // and a long silence not more than at first.
  NoteMany(*log, 100);
  log->Work();
  EXPECT_EQ(Survey().refusals, 20u + 6 + 274 + 20 + 80);
}

// attack: strangers hide the refusals of a stolen certificate behind a flood of their own
TEST_F(AuditLogTest, StrangersLeaveHalfTheBudgetToThoseWhoAreKnown) {
  options_.lines_per_second = 2;
  auto log = Open();
  NoteMany(*log, 1000, "-", "CREDENTIALS_REQUIRED");
  NoteMany(*log, 7, "pat");
  log->Work();
  int of_strangers = 0, of_pat = 0;
  for (const nlohmann::json& line : Lines()) {
    of_strangers += line.value("principal", "") == "-";
    of_pat += line.value("principal", "") == "pat";
  }
  EXPECT_EQ(of_strangers, 10);
  EXPECT_EQ(of_pat, 7);
}

TEST_F(AuditLogTest, NotesThatNobodyWritesAreBounded) {
  options_.lines_per_second = 10'000;
  auto log = Open();
  NoteMany(*log, 5000);  // Within the budget, and the disk is slow.
  log->Work();
  EXPECT_EQ(Lines().size(), 1024u);
  log.reset();
  EXPECT_EQ(Survey().refusals, 5000u);
}

TEST_F(AuditLogTest, TheHeadIsEnteredOnceAnHourWhereThereIsSomething) {
  auto log = Open();
  now_ += hours(3);
  log->Work();
  EXPECT_TRUE(recorded_.empty()) << "there are no lines";
  NoteMany(*log, 2);
  log->Work();
  ASSERT_EQ(recorded_.size(), 1u);
  EXPECT_EQ(recorded_[0], log->head());
  NoteMany(*log, 1);
  now_ += minutes(59);
  log->Work();
  EXPECT_EQ(recorded_.size(), 1u);
  now_ += minutes(1);
  log->Work();
  ASSERT_EQ(recorded_.size(), 2u);
  EXPECT_EQ(recorded_[1], log->head());
  EXPECT_EQ(recorded_[1].lines, 3u);
  now_ += hours(1);
  log->Work();
  EXPECT_EQ(recorded_.size(), 2u) << "no line was added";
}

TEST_F(AuditLogTest, AHeadThatCannotBeEnteredIsTriedAgain) {
  auto log = Open();
  NoteMany(*log, 1);
  now_ += hours(1);
  record_status_ = Unavailable(ErrorReason("NOT_NOW"), "not now");
  log->Work();
  record_status_ = absl::OkStatus();
  log->Work();
  EXPECT_TRUE(recorded_.empty());
  now_ += minutes(1);
  log->Work();
  EXPECT_EQ(recorded_.size(), 1u);
}

TEST_F(AuditLogTest, RestartsDoNotPutOffTheEntry) {
  NoteMany(*Open(), 1);
  options_.recorded = Survey().head;
  options_.recorded_time = now_;
  NoteMany(*Open(), 1);
  now_ += minutes(50);
  Open()->Work();
  EXPECT_TRUE(recorded_.empty());
  now_ += minutes(10);
  Open()->Work();
  ASSERT_EQ(recorded_.size(), 1u);
  EXPECT_EQ(recorded_[0].lines, 2u);
}

TEST_F(AuditLogTest, WithoutADiskRefusalsAreCountedUntilThereIsOne) {
  auto log = Open();
  NoteMany(*log, 1);
  log->Work();
  log = nullptr;
  const std::filesystem::path file = options_.folder / AuditFileName(1);
  options_.file_bytes = 1;  // Each line has a file.
  log = Open();
  const std::filesystem::path blocked = options_.folder / AuditFileName(2);
  std::filesystem::create_directory(blocked);  // Which cannot be opened.
  NoteMany(*log, 3);
  log->Work();
  EXPECT_EQ(log->head().lines, 1u);
  std::filesystem::remove(blocked);
  now_ += seconds(9);
  NoteMany(*log, 1);
  log->Work();
  EXPECT_EQ(Lines().size(), 1u) << "the disk is not asked all the time";
  now_ += seconds(1);
  NoteMany(*log, 1);
  log->Work();
  EXPECT_EQ(Lines().size(), 2u);
  now_ += minutes(1);
  log->Work();
  EXPECT_EQ(Lines().at(2)["unwritten"]["ROLE_REQUIRED"], 4);
  EXPECT_EQ(Survey().refusals, 6u);
  EXPECT_EQ(Survey().fault_count, 0u);
}

TEST_F(AuditLogTest, AFileThatOthersMayReadIsRefused) {
  NoteMany(*Open(), 1);
  std::filesystem::permissions(options_.folder / AuditFileName(1),
                               std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(Reason(AuditLog::Open(options_).status()), "FILE_NOT_PRIVATE");
}

TEST_F(AuditLogTest, ItsThreadWritesByItself) {
  options_.thread = true;
  options_.clock = WallClockNow;
  auto log = Open();
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] { NoteMany(*log, 500); });
  }
  for (std::thread& caller : callers) caller.join();
  log.reset();
  EXPECT_EQ(Survey().refusals, 2000u);
  EXPECT_EQ(Survey().fault_count, 0u);
}

}  // namespace
}  // namespace dml
