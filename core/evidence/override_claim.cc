#include "core/evidence/override_claim.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/gate/release_rules.h"
#include "core/package/document_members.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("CLAIM_INVALID");
constexpr size_t kMaxClaimBytes = 16 << 10;
constexpr size_t kMaxRuleBytes = 64;

absl::Status CheckRules(const std::vector<std::string>& rules) {
  if (rules.empty()) return InvalidArgument(kInvalid, "is empty: say what is set aside");
  for (size_t i = 0; i < rules.size(); ++i) {
    if (i > 0 && rules[i] <= rules[i - 1]) {
      return InvalidArgument(kInvalid, "is not in ascending order, or has one twice");
    }
    if (!IsOverridable(rules[i])) {
      return InvalidArgument(kInvalid, "'{}' is nothing that may be overridden", Excerpt(rules[i]));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OverrideClaim> ParseOverrideClaim(std::string_view text) {
  constexpr std::string_view kWhat = "override predicate";
  const auto document = ParseStrictJson(text, kMaxClaimBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), kWhat);
  ObjectReader in(*document, kInvalid);
  OverrideClaim out;
  out.environment = document::ReadEnvironment(in, "environment");
  out.rules = in.Strings("rules", kMaxOverrideRules, kMaxRuleBytes);
  in.Check("rules", CheckRules(out.rules));
  out.requester = document::ReadDigest(in, "requester");
  out.reason = document::ReadText(in, "reason", kMaxOverrideReasonBytes, kInvalid);
  out.expires = document::ReadTime(in, "expires", kInvalid);
  if (absl::Status status = in.Finish(); !status.ok()) return LocateError(status, kWhat);
  return out;
}

std::string FormatOverrideClaim(const OverrideClaim& claim) {
  return document::WritePredicate({{"environment", claim.environment},
                                   {"rules", claim.rules},
                                   {"requester", claim.requester.ToString()},
                                   {"reason", claim.reason},
                                   {"expires", FormatTime(claim.expires)}});
}

}  // namespace dml
