#include "server/audit/audit_log.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace dml {
namespace {

constexpr size_t kMaxNoted = 1024;
constexpr std::chrono::minutes kSummaryInterval(1);
constexpr std::chrono::hours kRecordInterval(1);
constexpr std::chrono::minutes kRecordAgain(1);
constexpr std::chrono::seconds kOpenAgain(10);
constexpr double kBurstSeconds = 10;
// How soon the thread looks whether something is due.
constexpr absl::Duration kLook = absl::Seconds(5);

// Whether what happens once in an interval is due; also where the clock was set back meanwhile.
bool IsDue(Timestamp now, Timestamp next, Timestamp::duration interval) {
  return now >= next || now + interval < next;
}

void AddLine(std::string line, std::string& lines) {
  lines += std::move(line);
  lines += '\n';
}

}  // namespace

AuditLog::AuditLog(AuditLogOptions options, AuditWriter writer)
    : options_(std::move(options)),
      capacity_(kBurstSeconds * options_.lines_per_second),
      writer_(std::move(writer)),
      recorded_(options_.recorded),
      budget_(capacity_) {
  const Timestamp now = options_.clock();
  head_ = writer_->head();
  // What an earlier run left unrecorded is due an hour after the last entry, not after this start.
  next_record_ = head_.lines == 0 ? now + kRecordInterval
                                  : options_.recorded_time.value_or(Timestamp()) + kRecordInterval;
  next_summary_ = now + kSummaryInterval;
  budget_time_ = now;
  if (options_.thread) thread_ = std::thread([this] { Run(); });
}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(AuditLogOptions options) {
  DML_ASSIGN_OR_RETURN(AuditWriter writer,
                       AuditWriter::Open(options.folder, options.file_bytes, options.recorded));
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(options), std::move(writer)));
}

AuditLog::~AuditLog() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  WorkOnce(true);
}

AuditHead AuditLog::head() const {
  absl::MutexLock lock(&mutex_);
  return head_;
}

bool AuditLog::TakeBudget(const Refusal& refusal, Timestamp now) {
  const std::chrono::duration<double> passed = now - budget_time_;
  budget_time_ = now;
  const double earned = std::max(0.0, passed.count()) * options_.lines_per_second;
  budget_ = std::min(capacity_, budget_ + earned);
  // Half of it is for callers who are known: strangers, of whom there can be any number, leave that
  // to them.
  const double least = refusal.principal == "-" ? capacity_ / 2 : 0;
  if (budget_ < least + 1) return false;
  budget_ -= 1;
  return true;
}

void AuditLog::Note(Refusal refusal) {
  const Timestamp now = options_.clock();
  absl::MutexLock lock(&mutex_);
  if (noted_.size() < kMaxNoted && TakeBudget(refusal, now)) {
    noted_.push_back({now, std::move(refusal)});
  } else {
    unwritten_.Add(refusal.reason);
  }
}

absl::Status AuditLog::ReadyWriter(Timestamp now) {
  if (writer_.has_value()) return absl::OkStatus();
  if (!IsDue(now, next_open_, kOpenAgain)) {
    return Unavailable(ErrorReason("AUDIT_LOG_UNAVAILABLE"), "the audit log could not be written");
  }
  next_open_ = now + kOpenAgain;
  DML_ASSIGN_OR_RETURN(AuditWriter writer,
                       AuditWriter::Open(options_.folder, options_.file_bytes, recorded_));
  writer_.emplace(std::move(writer));
  return absl::OkStatus();
}

absl::Status AuditLog::Write(const std::vector<Noted>& noted, const UnwrittenRefusals& summary,
                             Timestamp now) {
  DML_RETURN_IF_ERROR(ReadyWriter(now));
  AuditHead head = writer_->head();
  std::string lines;
  for (const std::string& repair : writer_->repairs()) {
    AddLine(AppendRepair(repair, now, head), lines);
  }
  for (const Noted& one : noted) AddLine(AppendRefusal(one.refusal, one.time, head), lines);
  if (!summary.empty()) AddLine(AppendSummary(summary, now, head), lines);
  if (lines.empty()) return absl::OkStatus();
  const absl::Status status = writer_->Append(lines, head);
  if (status.ok()) return status;
  spdlog::error("audit log: {}; refusals are counted until it can be written", Message(status));
  writer_.reset();
  next_open_ = now + kOpenAgain;
  return status;
}

void AuditLog::WorkOnce(bool last) {
  absl::MutexLock work(&work_mutex_);
  const Timestamp now = options_.clock();
  std::vector<Noted> noted;
  UnwrittenRefusals summary;
  {
    absl::MutexLock lock(&mutex_);
    noted.swap(noted_);
    if (last || IsDue(now, next_summary_, kSummaryInterval)) {
      std::swap(summary, unwritten_);
      next_summary_ = now + kSummaryInterval;
    }
  }
  const absl::Status status = Write(noted, summary, now);
  {
    absl::MutexLock lock(&mutex_);
    if (status.ok()) {
      head_ = writer_->head();
    } else {
      for (const Noted& one : noted) unwritten_.Add(one.refusal.reason);
      for (const auto& [reason, count] : summary.counts()) unwritten_.Add(reason, count);
    }
  }
  if (!last && status.ok()) RecordHead(now);
}

void AuditLog::RecordHead(Timestamp now) {
  if (!options_.record || !IsDue(now, next_record_, kRecordInterval)) return;
  const AuditHead head = writer_->head();
  if (head.lines <= recorded_.lines) return;
  if (const absl::Status status = options_.record(head); !status.ok()) {
    spdlog::warn(
        "cannot enter the head of the audit log in the journal, and try again in a minute: "
        "{}",
        Message(status));
    next_record_ = now + kRecordAgain;
    return;
  }
  recorded_ = head;
  next_record_ = now + kRecordInterval;
}

void AuditLog::Run() {
  auto wanted = [this]()
                    ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !noted_.empty(); };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&wanted), kLook);
      if (stopping_) return;
    }
    Work();
  }
}

}  // namespace dml
