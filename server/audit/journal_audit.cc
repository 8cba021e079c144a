#include "server/audit/journal_audit.h"

#include "core/rules/command.h"
#include "storage/journal/journal.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr char kFolder[] = "audit";  // Of a data directory.

}  // namespace

absl::StatusOr<std::optional<AuditRecord>> LastAuditRecord(Library& library) {
  const auto snapshot = library.Read();
  DML_ASSIGN_OR_RETURN(const uint64_t index, LibraryView(*snapshot).Stamp(kAuditStamp));
  if (index == 0) return std::nullopt;
  DML_ASSIGN_OR_RETURN(const StoredEntry stored, JournalView(*snapshot).At(index));
  const auto* recorded = std::get_if<AuditRecorded>(&stored.entry.payload);
  if (recorded == nullptr) {
    return DataLoss(ErrorReason("JOURNAL_INCONSISTENT"),
                    "entry {} is not about the audit log, as the views say", index);
  }
  return AuditRecord{{recorded->lines, recorded->head}, stored.entry.time};
}

absl::Status RecordAuditHead(Library& library, const AuditHead& head) {
  Command command;
  command.author = "dmld";
  command.payload = AuditRecorded{head.lines, head.digest};
  return library.Commit(std::move(command)).status();
}

absl::StatusOr<std::unique_ptr<AuditLog>> StartAuditLog(const ServerConfig& config,
                                                        Library& library) {
  AuditLogOptions options;
  options.folder = config.data_dir / kFolder;
  options.lines_per_second = config.audit.lines_per_second;
  DML_ASSIGN_OR_RETURN(const std::optional<AuditRecord> last, LastAuditRecord(library));
  if (last.has_value()) {
    options.recorded = last->head;
    options.recorded_time = last->time;
  }
  options.record = [&library](const AuditHead& head) { return RecordAuditHead(library, head); };
  return AuditLog::Open(std::move(options));
}

}  // namespace dml
