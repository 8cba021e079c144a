#include "core/journal/records.h"

#include <algorithm>

#include "core/trust/subject_pattern.h"

namespace dml {

bool MayVouch(const KeyRecord& key, std::string_view role, std::string_view subject) {
  if (key.revoked) return false;
  return std::ranges::any_of(key.grants, [&](const KeyGrant& grant) {
    if (!role.empty() && grant.role != role) return false;
    if (grant.subjects.empty()) return true;
    return std::ranges::any_of(grant.subjects, [&](const std::string& text) {
      absl::StatusOr<SubjectPattern> pattern = SubjectPattern::Parse(text);
      return pattern.ok() && pattern->Covers(subject);
    });
  });
}

std::string_view VariantStateName(VariantState state) {
  switch (state) {
    case VariantState::kPublished:
      return "PUBLISHED";
    case VariantState::kWithdrawn:
      return "WITHDRAWN";
    case VariantState::kQuarantined:
      return "QUARANTINED";
    case VariantState::kRejected:
      return "REJECTED";
  }
  return "UNKNOWN";
}

std::string RetentionRecord::Etag() const { return index == 0 ? "" : fmt::format("{}", index); }

std::string PolicyRecord::Etag() const {
  return fmt::format("{}-{}", revision, document.digest.hex().substr(0, 16));
}

}  // namespace dml
