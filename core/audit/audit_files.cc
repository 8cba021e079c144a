#include "core/audit/audit_files.h"

#include <charconv>
#include <system_error>

#include "core/crypto/sha256.h"
#include "core/os/file.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "audit-";
constexpr std::string_view kSuffix = ".jsonl";

// The number in a file's name, 0 where it is no audit file's.
uint64_t NumberOf(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return 0;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && AuditFileName(number) == std::string(kPrefix).append(name).append(kSuffix)
             ? number
             : 0;
}

// Goes from line to line.
class Walk {
 public:
  explicit Walk(const std::vector<RecordedHead>& recorded) {
    for (const RecordedHead& one : recorded) recorded_.emplace(one.head.lines, one);
  }

  void AddFile(const std::string& name, std::string_view bytes) {
    file_ = name;
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        return Fault("LINE_TORN", fmt::format("{} bytes without an end", bytes.size()));
      }
      AddLine(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    }
  }

  AuditSurvey Finish() {
    for (const auto& [lines, one] : recorded_) {
      if (lines <= survey_.head.lines) continue;
      Fault("LOG_CUT", fmt::format("entry {} of the journal recorded {} lines, and the last is {}",
                                   one.entry, lines, survey_.head.lines));
    }
    return std::move(survey_);
  }

 private:
  void AddLine(std::string_view text) {
    const absl::StatusOr<AuditLine> line = ParseAuditLine(text);
    const Digest digest = Sha256(text);
    if (!line.ok()) {
      // The next line tells whether this was the one that it followed on.
      Fault("LINE_INVALID", std::string(Message(line.status())));
      survey_.head = {survey_.head.lines + 1, digest};
      ++survey_.lines;
      return;
    }
    if (survey_.lines == 0) {
      survey_.first = line->number;
      if (line->number == 1) {
        CheckPrevious(*line);
      } else {  // It says itself what it follows on.
        survey_.head = {line->number - 1, line->previous};
        CheckRecorded();
      }
    } else if (line->number != survey_.head.lines + 1) {
      Fault("LINES_MISSING",
            fmt::format("line {} follows line {}", line->number, survey_.head.lines));
    } else {
      CheckPrevious(*line);
    }
    ++survey_.lines;
    survey_.refusals += line->refusals;
    survey_.head = {line->number, digest};
    CheckRecorded();
  }

  void CheckPrevious(const AuditLine& line) {
    if (line.previous == survey_.head.digest) return;
    Fault("CHAIN_BROKEN", fmt::format("it was written after {}, and comes after {}",
                                      line.previous.ToString(), survey_.head.digest.ToString()));
  }

  void CheckRecorded() {
    const auto [begin, end] = recorded_.equal_range(survey_.head.lines);
    for (auto it = begin; it != end; ++it) {
      const RecordedHead& one = it->second;
      if (one.head.digest == survey_.head.digest) {
        ++survey_.matched;
        continue;
      }
      Fault("HEAD_DIFFERS",
            fmt::format("entry {} of the journal recorded {}, and it is {}", one.entry,
                        one.head.digest.ToString(), survey_.head.digest.ToString()),
            survey_.head.lines);
    }
  }

  void Fault(std::string_view rule, std::string what) {
    Fault(rule, std::move(what), survey_.head.lines + 1);
  }
  void Fault(std::string_view rule, std::string what, uint64_t line) {
    ++survey_.fault_count;
    if (survey_.faults.size() >= AuditSurvey::kMaxFaults) return;
    survey_.faults.push_back({file_, line, std::string(rule), std::move(what)});
  }

  std::multimap<uint64_t, RecordedHead> recorded_;  // By lines.
  std::string file_;
  AuditSurvey survey_;
};

}  // namespace

std::string AuditFileName(uint64_t number) {
  return fmt::format("{}{:06}{}", kPrefix, number, kSuffix);
}

absl::StatusOr<std::map<uint64_t, fs::path>> FindAuditFiles(const fs::path& folder) {
  std::map<uint64_t, fs::path> out;
  std::error_code error;
  fs::directory_iterator it(folder, error);
  if (error == std::errc::no_such_file_or_directory) return out;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const uint64_t number = NumberOf(it->path().filename().string());
    if (number > 0) out.emplace(number, it->path());
  }
  if (!error) return out;
  return FailedPrecondition(ErrorReason("AUDIT_LOG_UNREADABLE"),
                            "cannot look into the folder {} of the audit log: {}", folder.string(),
                            error.message());
}

absl::StatusOr<AuditSurvey> SurveyAuditLog(const fs::path& folder,
                                           const std::vector<RecordedHead>& recorded) {
  DML_ASSIGN_OR_RETURN(const auto files, FindAuditFiles(folder));
  if (files.empty()) {
    return NotFound(ErrorReason("AUDIT_LOG_NOT_FOUND"),
                    "{} has no file {}: name the folder 'audit' of a data directory, or a copy",
                    folder.string(), AuditFileName(1));
  }
  Walk walk(recorded);
  for (const auto& [number, path] : files) {
    DML_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxAuditFileBytes));
    walk.AddFile(path.filename().string(), bytes);
  }
  return walk.Finish();
}

}  // namespace dml
