// Lines of the audit log: refused calls, each with the digest of the line before.
//
// One JSON object a line; grammar in docs/formats.md, "Audit log". The chain shows what was changed
// or removed between its ends; what shows a removed end is the journal, where the daemon enters how
// far the log has come once an hour (AuditRecorded). Pure; the files are server/audit's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/base/digest.h"
#include "core/base/time.h"

namespace dml {

/// Lines are cut to fit: none that is written is longer, line feed included.
inline constexpr size_t kMaxAuditLineBytes = 8192;
/// Reasons that a summary tells apart; what is beyond counts as "OTHER", which is one of them.
inline constexpr size_t kMaxAuditReasons = 32;

/// A call that was refused. Texts may come from outside: they are excerpted when written. Never a
/// token, nor anything else of what was sent with the call.
struct Refusal {
  std::string principal;  // "-" where nobody is known.
  std::string peer;       // "ipv4:10.0.0.7:50412".
  std::string method;     // As in the authorization table.
  std::string reason;     // "ROLE_REQUIRED".
  bool operator==(const Refusal&) const = default;
};

/// Refusals that had no lines of their own, by reason.
class UnwrittenRefusals {
 public:
  void Add(std::string_view reason, uint64_t count = 1);
  bool empty() const { return counts_.empty(); }
  const std::map<std::string, uint64_t>& counts() const { return counts_; }

 private:
  std::map<std::string, uint64_t> counts_;
};

/// Where a log has come to: what the next line follows on.
struct AuditHead {
  uint64_t lines = 0;  // From the first on; also the number of the last.
  Digest digest;       // SHA-256 of the last line without its line feed; zero before the first.
  bool operator==(const AuditHead&) const = default;
};

/// Each writes the line that follows `head`, without a line feed, and moves `head` on.
std::string AppendRefusal(const Refusal& refusal, Timestamp time, AuditHead& head);
std::string AppendSummary(const UnwrittenRefusals& unwritten, Timestamp time, AuditHead& head);
/// What happened to the log itself: a line that a crash tore, lines that are gone.
std::string AppendRepair(std::string_view what, Timestamp time, AuditHead& head);

/// What a line says of its place.
struct AuditLine {
  uint64_t number = 0;  // From 1.
  Timestamp time;
  Digest previous;
  uint64_t refusals = 0;  // One, or what a summary counts.
};

/// Reads a line without its line feed, strictly. INVALID_ARGUMENT (AUDIT_LINE_INVALID).
absl::StatusOr<AuditLine> ParseAuditLine(std::string_view line);

}  // namespace dml
