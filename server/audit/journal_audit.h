// The audit log of a library: its folder, and its head in the journal.
#pragma once

#include <memory>

#include "server/audit/audit_log.h"
#include "server/config/server_config.h"
#include "storage/library/library.h"

namespace dml {

/// What the journal says of the audit log; nullopt where nothing yet.
struct AuditRecord {
  AuditHead head;
  Timestamp time;  // Of the entry.
};
absl::StatusOr<std::optional<AuditRecord>> LastAuditRecord(Library& library);

/// Enters how far the audit log has come, by the daemon.
absl::Status RecordAuditHead(Library& library, const AuditHead& head);

/// Opens the log in the data directory. `library` must outlive it.
absl::StatusOr<std::unique_ptr<AuditLog>> StartAuditLog(const ServerConfig& config,
                                                        Library& library);

}  // namespace dml
