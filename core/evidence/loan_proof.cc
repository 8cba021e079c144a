#include "core/evidence/loan_proof.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"

namespace dml {
namespace {

absl::Status Wrong(std::string_view what) {
  return DataLoss(ErrorReason("LOAN_NOT_VERIFIED"), "the loan is not proven: {}", what);
}

absl::StatusOr<LoggedEntry> Verify(const LogProof& proof, const PublicKey& log_key,
                                   std::string_view what) {
  absl::StatusOr<LoggedEntry> logged = VerifyLogProof(proof, &log_key);
  if (!logged.ok()) return Wrong(fmt::format("{}: {}", what, Message(logged.status())));
  return logged;
}

absl::StatusOr<Entitlement> TermsOf(const Entry& entry) {
  if (const auto* granted = std::get_if<EntitlementGranted>(&entry.payload)) return granted->terms;
  if (const auto* amended = std::get_if<EntitlementAmended>(&entry.payload)) return amended->terms;
  return Wrong(fmt::format("entry {} sets no terms: {}", entry.index,
                           Excerpt(EntrySummary(entry.payload), 512)));
}

}  // namespace

absl::StatusOr<ProvenLoan> VerifyLoan(const LoanProof& proof, const PublicKey& log_key) {
  DML_ASSIGN_OR_RETURN(const LoggedEntry loan, Verify(proof.loan, log_key, "the loan's entry"));
  DML_ASSIGN_OR_RETURN(const LoggedEntry set, Verify(proof.terms, log_key, "the terms' entry"));
  if (set.checkpoint.origin != loan.checkpoint.origin) {
    return Wrong(fmt::format("the terms are of log {}, the loan of {}",
                             Excerpt(set.checkpoint.origin), Excerpt(loan.checkpoint.origin)));
  }
  const auto* borrowed = std::get_if<LeaseBorrowed>(&loan.entry.payload);
  if (borrowed == nullptr) {
    return Wrong(fmt::format("entry {} lends nothing: {}", loan.entry.index,
                             Excerpt(EntrySummary(loan.entry.payload), 512)));
  }
  ProvenLoan out;
  DML_ASSIGN_OR_RETURN(out.terms, TermsOf(set.entry));
  if (out.terms.id != borrowed->item.entitlement || set.entry.index >= loan.entry.index) {
    return Wrong(fmt::format("the terms of {}, entry {}, are not those that entry {} lent by",
                             out.terms.id, set.entry.index, loan.entry.index));
  }
  out.lease = LeaseId(borrowed->id, 0);
  out.environment = borrowed->environment;
  out.item = borrowed->item;
  out.from = loan.entry.time;
  out.end = std::min(loan.entry.time + borrowed->duration, out.terms.expiry);
  out.log_origin = loan.checkpoint.origin;
  out.log_index = loan.entry.index;
  return out;
}

}  // namespace dml
