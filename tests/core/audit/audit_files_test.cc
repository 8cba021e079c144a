#include "core/audit/audit_files.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "tests/core/os/scratch_folder.h"

namespace dml {
namespace {

using Rules = std::vector<std::string>;

// A log of nine lines in three files.
class AuditFilesTest : public ::testing::Test {
 protected:
  AuditFilesTest() { Write(); }

  // The log of these refusals, from line 1 on.
  void Write(const std::string& reason = "ROLE_REQUIRED") {
    heads_ = {AuditHead()};
    for (int file = 1; file <= 3; ++file) {
      std::string bytes;
      for (int i = 0; i < 3; ++i) {
        AuditHead head = heads_.back();
        bytes += AppendRefusal({"-", "p", "m", reason}, {}, head) + "\n";
        heads_.push_back(head);
      }
      folder_.Write(AuditFileName(file), bytes);
    }
  }
  void Edit(int file, const std::string& from, const std::string& to) {
    std::string bytes = folder_.Read(AuditFileName(file));
    ASSERT_NE(bytes.find(from), std::string::npos);
    folder_.Write(AuditFileName(file), bytes.replace(bytes.find(from), from.size(), to));
  }
  // Without the line at `index` of a file.
  void RemoveLine(int file, int index) {
    std::string bytes = folder_.Read(AuditFileName(file));
    size_t start = 0;
    for (int i = 0; i < index; ++i) start = bytes.find('\n', start) + 1;
    folder_.Write(AuditFileName(file), bytes.erase(start, bytes.find('\n', start) + 1 - start));
  }
  RecordedHead Recorded(uint64_t entry, uint64_t line) const { return {entry, heads_.at(line)}; }

  AuditSurvey Survey(const std::vector<RecordedHead>& recorded = {}) {
    auto survey = SurveyAuditLog(folder_.path(), recorded);
    EXPECT_TRUE(survey.ok()) << survey.status();
    return survey.ok() ? *std::move(survey) : AuditSurvey();
  }
  Rules Faults(const std::vector<RecordedHead>& recorded = {}) {
    Rules out;
    for (const AuditFault& fault : Survey(recorded).faults) {
      out.push_back(fmt::format("{} {}:{}", fault.rule, fault.file, fault.line));
    }
    return out;
  }

  testing::ScratchFolder folder_;
  std::vector<AuditHead> heads_;  // After each line.
};

TEST_F(AuditFilesTest, AnUntouchedLogHasNoFaults) {
  folder_.Write("audit-4.jsonl", "not ours: the number is not written so");
  folder_.Write("notes.txt", "nor this");
  const AuditSurvey survey = Survey({Recorded(7, 3), Recorded(9, 9)});
  EXPECT_EQ(survey.fault_count, 0u);
  EXPECT_EQ(survey.first, 1u);
  EXPECT_EQ(survey.lines, 9u);
  EXPECT_EQ(survey.refusals, 9u);
  EXPECT_EQ(survey.head, heads_.back());
  EXPECT_EQ(survey.matched, 2u);
}

TEST_F(AuditFilesTest, AChangedLineShowsInTheNextOne) {
  Edit(2, "ROLE_REQUIRED", "TOKEN_REVOKED");
  EXPECT_EQ(Faults(), Rules{"CHAIN_BROKEN audit-000002.jsonl:5"});
}

TEST_F(AuditFilesTest, ARemovedLineShows) {
  RemoveLine(2, 1);
  EXPECT_EQ(Faults(), Rules{"LINES_MISSING audit-000002.jsonl:5"});
  Write();
  RemoveLine(3, 0);
  EXPECT_EQ(Faults(), Rules{"LINES_MISSING audit-000003.jsonl:7"});
  Write();
  std::filesystem::remove(folder_.path() / AuditFileName(2));
  EXPECT_EQ(Faults(), Rules{"LINES_MISSING audit-000003.jsonl:4"});
}

TEST_F(AuditFilesTest, AFirstLineOfAnotherLogShows) {
  AuditHead head{0, Sha256("another")};
  folder_.Write(AuditFileName(1), AppendRefusal({"-", "p", "m", "R"}, {}, head) + "\n");
  std::filesystem::remove(folder_.path() / AuditFileName(2));
  std::filesystem::remove(folder_.path() / AuditFileName(3));
  EXPECT_EQ(Faults(), Rules{"CHAIN_BROKEN audit-000001.jsonl:1"});
}

// The chain alone says nothing about its end, nor about one that was made anew from a line on.
TEST_F(AuditFilesTest, TheJournalShowsWhatTheChainCannot) {
  const std::vector<RecordedHead> recorded = {Recorded(5, 3), Recorded(8, 9)};
  RemoveLine(3, 2);
  EXPECT_EQ(Faults(), Rules{});
  EXPECT_EQ(Faults(recorded), Rules{"LOG_CUT audit-000003.jsonl:9"});
  Write("ANOTHER_REASON");
  EXPECT_EQ(Faults(), Rules{});
  EXPECT_EQ(Faults(recorded),
            (Rules{"HEAD_DIFFERS audit-000001.jsonl:3", "HEAD_DIFFERS audit-000003.jsonl:9"}));
}

TEST_F(AuditFilesTest, OlderFilesMayHaveBeenTakenAway) {
  std::filesystem::remove(folder_.path() / AuditFileName(1));
  const AuditSurvey survey = Survey({Recorded(5, 2), Recorded(8, 6)});
  EXPECT_EQ(survey.fault_count, 0u);
  EXPECT_EQ(survey.first, 4u);
  EXPECT_EQ(survey.lines, 6u);
  EXPECT_EQ(survey.matched, 1u) << "of what is not there nothing is known,";
  EXPECT_EQ(Survey({Recorded(5, 3)}).matched, 1u) << "but what the first line follows on";
  RecordedHead other = Recorded(5, 3);
  other.head.digest = Sha256("another");
  EXPECT_EQ(Faults({other}), Rules{"HEAD_DIFFERS audit-000002.jsonl:3"});
}

TEST_F(AuditFilesTest, WhatIsNoLineShowsAndTheWalkGoesOn) {
  Edit(1, "{\"line\":2", "[\"line\":2");
  EXPECT_EQ(Faults(),
            (Rules{"LINE_INVALID audit-000001.jsonl:2", "CHAIN_BROKEN audit-000001.jsonl:3"}));
  Write();
  folder_.Write(AuditFileName(3), folder_.Read(AuditFileName(3)) + "{\"line\":10,\"ti");
  EXPECT_EQ(Faults(), Rules{"LINE_TORN audit-000003.jsonl:10"});
}

TEST_F(AuditFilesTest, FaultsThatAreKeptAreBounded) {
  folder_.Write(AuditFileName(4), std::string(5000, '\n'));
  const AuditSurvey survey = Survey();
  EXPECT_EQ(survey.fault_count, 5000u);
  EXPECT_EQ(survey.faults.size(), AuditSurvey::kMaxFaults);
}

TEST_F(AuditFilesTest, AFolderWithoutALogIsAnError) {
  EXPECT_EQ(Reason(SurveyAuditLog(folder_.path() / "none", {}).status()), "AUDIT_LOG_NOT_FOUND");
  EXPECT_EQ(Reason(SurveyAuditLog(folder_.path() / AuditFileName(1), {}).status()),
            "AUDIT_LOG_UNREADABLE");
}

}  // namespace
}  // namespace dml
