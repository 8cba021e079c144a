#include "core/evidence/entitlement_claim.h"

#include <utility>

#include "core/package/document_members.h"

namespace dml {
namespace {

using std::chrono::seconds;

constexpr ErrorReason kInvalid("CLAIM_INVALID");
// 1024 environments with names of 1 KiB would be more than an envelope may have.
constexpr size_t kMaxPredicateBytes = 128 << 10;
constexpr uint64_t kMaxBorrowSeconds = uint64_t{366} * 100 * 24 * 3600;
constexpr std::string_view kMetrics[] = {"NODE",       "INSTANCE",   "CORE", "SOCKET",
                                         "NAMED_USER", "CONCURRENT", "SITE", "TERM"};

absl::StatusOr<EntitlementClaim> ParseClaim(std::string_view text, const Digest& contract) {
  DML_ASSIGN_OR_RETURN(const nlohmann::json document,
                       ParseStrictJson(text, kMaxPredicateBytes, kInvalid));
  ObjectReader in(document, kInvalid);
  EntitlementClaim out;
  Entitlement& terms = out.terms;
  auto name = [&in](std::string_view key) {
    return document::ReadText(in, key, kMaxEntitlementTextBytes, kInvalid);
  };
  terms.id = name("id");
  terms.product = name("product");
  terms.vendor = name("vendor");
  terms.metric = static_cast<SeatMetric>(in.Word("metric", kMetrics));
  terms.quantity = in.Unsigned("quantity", 1, kMaxSeats);
  terms.overage_percent =
      static_cast<uint32_t>(in.Unsigned("overagePercent", 0, kMaxOveragePercent));
  terms.start = document::ReadTime(in, "start", kInvalid);
  terms.expiry = document::ReadTime(in, "expiry", kInvalid);
  terms.environments =
      in.Strings("environments", kMaxEntitlementEnvironments, document::kMaxNameBytes);
  terms.max_borrowed = in.Unsigned("maxBorrowed", 0, kMaxSeats);
  terms.max_borrow_duration = seconds(in.Unsigned("maxBorrowSeconds", 0, kMaxBorrowSeconds));
  terms.low_water = in.Unsigned("lowWater", 0, kMaxSeats);
  terms.contract_digest = contract.ToString();
  out.revision = in.Unsigned("revision", 1, document::kMaxNumber);
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(ValidateEntitlement(terms));
  return out;
}

absl::StatusOr<EntitlementClaim> ParseLocated(std::string_view text, const Digest& contract) {
  absl::StatusOr<EntitlementClaim> out = ParseClaim(text, contract);
  if (!out.ok()) return LocateError(out.status(), "entitlement predicate");
  return out;
}

}  // namespace

absl::StatusOr<std::string> FormatEntitlementClaim(const EntitlementClaim& claim) {
  const Entitlement& terms = claim.terms;
  DML_ASSIGN_OR_RETURN(const Digest contract, Digest::Parse(terms.contract_digest));
  const std::string predicate = document::WritePredicate(
      {{"id", terms.id},
       {"product", terms.product},
       {"vendor", terms.vendor},
       {"metric", SeatMetricName(terms.metric)},
       {"quantity", terms.quantity},
       {"overagePercent", terms.overage_percent},
       {"start", FormatTime(terms.start)},
       {"expiry", FormatTime(terms.expiry)},
       {"environments", terms.environments},
       {"maxBorrowed", terms.max_borrowed},
       {"maxBorrowSeconds", std::chrono::floor<seconds>(terms.max_borrow_duration).count()},
       {"lowWater", terms.low_water},
       {"revision", claim.revision}});
  DML_ASSIGN_OR_RETURN(const EntitlementClaim read, ParseLocated(predicate, contract));
  if (read != claim) {
    return InvalidArgument(kInvalid,
                           "times and durations of an entitlement are in whole seconds, and its "
                           "contract's digest in lower case");
  }
  return FormatClaim(kEntitlementPredicate, {terms.id, contract}, predicate);
}

absl::StatusOr<ReadEntitlement> ReadEntitlementClaim(std::string_view text) {
  DML_ASSIGN_OR_RETURN(ClaimEnvelope claim, ReadClaim(text, kEntitlementPredicate));
  DML_ASSIGN_OR_RETURN(EntitlementClaim says, ParseLocated(claim.predicate_json, claim.subject));
  return ReadEntitlement{std::move(says), std::move(claim.envelope)};
}

}  // namespace dml
