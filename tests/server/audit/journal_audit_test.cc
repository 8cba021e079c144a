#include "server/audit/journal_audit.h"

#include <gtest/gtest.h>

#include "storage/journal/journal.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using std::chrono::hours;

class JournalAuditTest : public ::testing::Test {
 protected:
  JournalAuditTest() {
    options_.folder = folder_.path() / "audit";
    options_.clock = [this] { return now_; };
    options_.record = [this](const AuditHead& head) { return RecordAuditHead(*library_, head); };
    options_.thread = false;
  }
  Entry Newest() {
    const auto snapshot = library_->Read();
    return JournalView(*snapshot).At(library_->checkpoint()->checkpoint.size - 1)->entry;
  }

  testing::ScratchFolder folder_;
  testing::TestLibrary library_;
  Timestamp now_ = ParseTime("2026-03-01T12:00:00Z").value();
  AuditLogOptions options_;
};

TEST_F(JournalAuditTest, TheHeadIsAnEntryOfTheDaemonOnceAnHour) {
  auto log = AuditLog::Open(options_);
  ASSERT_TRUE(log.ok()) << log.status();
  const uint64_t size = library_->checkpoint()->checkpoint.size;
  EXPECT_EQ(*LastAuditRecord(*library_), std::nullopt);
  for (int i = 0; i < 600; ++i) {
    now_ += std::chrono::seconds(12);  // Two hours.
    (*log)->Note({"pat", "p", "m", "ROLE_REQUIRED"});
    (*log)->Work();
  }
  EXPECT_EQ(library_->checkpoint()->checkpoint.size, size + 2);
  const Entry entry = Newest();
  EXPECT_EQ(entry.author, "dmld");
  const auto* recorded = std::get_if<AuditRecorded>(&entry.payload);
  ASSERT_NE(recorded, nullptr);
  EXPECT_EQ((AuditHead{recorded->lines, recorded->head}), (*log)->head());
  const auto last = LastAuditRecord(*library_);
  ASSERT_TRUE(last.ok() && last->has_value());
  EXPECT_EQ((*last)->head, (*log)->head());
  EXPECT_EQ((*last)->time, entry.time);
  const auto views = library_->VerifyViews();
  ASSERT_TRUE(views.ok()) << views.status();
  EXPECT_TRUE(views->differing_keys.empty());
}

TEST_F(JournalAuditTest, AHeadWithoutLinesIsNoEntry) {
  EXPECT_EQ(Reason(RecordAuditHead(*library_, {})), "AUDIT_HEAD_INVALID");
  EXPECT_EQ(Reason(RecordAuditHead(*library_, {3, Digest()})), "AUDIT_HEAD_INVALID");
}

// The daemon's own settings: its folder, its budget, and what the journal knows already.
TEST_F(JournalAuditTest, TheDaemonsLogGoesOnFromTheJournal) {
  const AuditHead before{41, Sha256("line 41")};
  ASSERT_TRUE(RecordAuditHead(*library_, before).ok());
  ServerConfig config;
  config.data_dir = folder_.path();
  config.audit.lines_per_second = 1;
  {
    auto log = StartAuditLog(config, *library_);
    ASSERT_TRUE(log.ok()) << log.status();
    for (int i = 0; i < 100; ++i) (*log)->Note({"pat", "p", "m", "ROLE_REQUIRED"});
  }
  const auto survey = SurveyAuditLog(folder_.path() / "audit", {{1, before}});
  ASSERT_TRUE(survey.ok()) << survey.status();
  EXPECT_EQ(survey->fault_count, 0u);
  EXPECT_EQ(survey->first, 42u);
  EXPECT_EQ(survey->matched, 1u);
  EXPECT_EQ(survey->refusals, 100u);
  EXPECT_LT(survey->lines, 20u);
}

}  // namespace
}  // namespace dml
