#include "storage/library/policy_lock_out.h"

#include <set>
#include <string>

#include "storage/views/library_view.h"

namespace dml {
namespace {

// As many as they are, unless there is nobody.
std::optional<uint32_t> Count(const std::set<std::string>& persons) {
  if (persons.empty()) return std::nullopt;
  return static_cast<uint32_t>(persons.size());
}

}  // namespace

absl::StatusOr<std::vector<Finding>> FindLockOuts(const Reader& state, const TrustDomain* trust,
                                                  const Policy& policy,
                                                  std::string_view environment, Timestamp now) {
  LockOutFacts facts{.time = now};
  if (trust != nullptr) {
    std::set<std::string> approvers;
    for (const Authority& authority : trust->AuthoritiesFor(SigningRole::kApprover, environment)) {
      for (const TrustKey& key : authority.keys) {
        if (key.person) approvers.insert(key.holder);
      }
    }
    facts.approvers = Count(approvers);
    // Of all packages together: for a single one there are no more.
    std::set<std::string> publishers;
    DML_RETURN_IF_ERROR(LibraryView(state).ScanKeys([&](const KeyRecord& key) {
      for (const KeyGrant& grant : key.grants) {
        if (!key.revoked && key.person && grant.role == "publisher") publishers.insert(key.holder);
      }
      return true;
    }));
    facts.publishers = Count(publishers);
  }
  return FindLockOuts(policy, environment, facts);
}

absl::Status RequireNoLockOut(const Reader& state, const TrustDomain* trust, const Policy& policy,
                              std::string_view environment, Timestamp now,
                              std::string_view force_reason) {
  DML_ASSIGN_OR_RETURN(const std::vector<Finding> found,
                       FindLockOuts(state, trust, policy, environment, now));
  if (found.empty() || !force_reason.empty()) return absl::OkStatus();
  std::string reasons;
  for (const Finding& finding : found) {
    reasons += fmt::format("; {}: {} ({})", finding.subject, finding.message, finding.remedy);
  }
  return AtField(
      FailedPrecondition(ErrorReason("POLICY_LOCKS_OUT"),
                         "nothing could be deployed to {} any more by this policy{}. To set it all "
                         "the same, say why: --force-reason",
                         environment, reasons),
      "document");
}

}  // namespace dml
