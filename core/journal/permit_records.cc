#include "core/journal/permit_records.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace dml {

absl::Status CheckPermitId(std::string_view id) {
  bool is_good = id.size() == 36;
  for (size_t i = 0; is_good && i < id.size(); ++i) {
    const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    is_good =
        is_hyphen ? id[i] == '-' : std::string_view("0123456789abcdef").find(id[i]) != id.npos;
  }
  if (is_good) return absl::OkStatus();
  return InvalidArgument(ErrorReason("PERMIT_INVALID"), "'{}' is not a UUID in lower case",
                         Excerpt(id));
}

std::string_view PermitStateName(PermitState state) {
  constexpr std::array<std::string_view, 5> kNames = {"DENIED", "PENDING", "OPEN", "EXPIRED",
                                                      "REVOKED"};
  return kNames[static_cast<size_t>(state) - 1];
}

PermitState PermitRecord::StateAt(Timestamp now) const {
  if (!decided.allowed) return PermitState::kDenied;
  if (revoked) return PermitState::kRevoked;
  if (now >= decided.expires) return PermitState::kExpired;
  return now < decided.not_before ? PermitState::kPending : PermitState::kOpen;
}

absl::Status PermitRecord::CheckValid(Timestamp now) const {
  switch (StateAt(now)) {
    case PermitState::kDenied:
      return FailedPrecondition(ErrorReason("PERMIT_DENIED"),
                                "{} is no permit: the release was denied", decided.id);
    case PermitState::kRevoked:
      return FailedPrecondition(ErrorReason("PERMIT_REVOKED"),
                                "permit {} was revoked at entry {}: {}", decided.id, revoked_index,
                                revoke_reason);
    case PermitState::kExpired:
      return FailedPrecondition(ErrorReason("PERMIT_EXPIRED"), "permit {} expired on {}",
                                decided.id, FormatTime(decided.expires));
    case PermitState::kPending:
    case PermitState::kOpen:
      break;
  }
  return absl::OkStatus();
}

bool PermitRecord::IsFor(std::string_view node) const {
  return decided.nodes.empty() || std::ranges::binary_search(decided.nodes, node);
}

}  // namespace dml
