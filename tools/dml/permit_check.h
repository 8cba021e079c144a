// Judging a permit bundle on this machine, for dml permit verify and dml deploy fetch.
#pragma once

#include <optional>
#include <string>

#include "core/evidence/permit_verifier.h"
#include "core/evidence/revocation_list.h"
#include "tools/dml/app.h"

namespace dml {

struct PermitCheckArgs {
  std::string bundle;       // File.
  std::string root;         // File; pinned.
  std::string environment;  // "": that of the memory.
  std::string node;
  std::string memory;       // File; "": nothing is remembered.
  std::string revocations;  // File; "": not checked.
  std::string at;           // "": now.
};

struct PermitCheck {
  PermitVerdict verdict;
  /// Of the list of revoked permits; not there where none was given.
  std::optional<RevocationList> revocations;
  absl::Status revoked;  // Why the list does not let it be acted upon.
  Timestamp now;
  bool good() const { return verdict.status.ok() && revoked.ok(); }
  bool unchecked() const { return !revocations.has_value() && revoked.ok(); }
};

/// Reads everything and judges. What is refused is in the answer; errors are of the files and
/// arguments.
absl::StatusOr<PermitCheck> CheckPermitFile(const PermitCheckArgs& args);
/// Keeps what was seen, where a memory was named and the bundle holds, whatever the list of revoked
/// permits says.
absl::Status RememberCheck(const PermitCheckArgs& args, const PermitCheck& check);

/// {"good", "steps", "revocation": {"checked", ...}, "permit"}, and the same as text.
Reply PermitCheckReply(const PermitCheck& check);

}  // namespace dml
