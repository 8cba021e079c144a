// That seats were lent, for a node that asks nobody: the entry of the loan and the entry that set
// its entitlement's terms, each with the proof that it is in the library's log (log_proof.h).
// Pure functions; any thread.
#pragma once

#include <string>

#include "core/evidence/log_proof.h"
#include "core/license/entitlement.h"

namespace dml {

struct LoanProof {
  LogProof terms;
  LogProof loan;
};

struct ProvenLoan {
  std::string lease;  // Its id.
  std::string environment;
  SeatRequest item;  // Whose seats, who holds them, how many.
  Entitlement terms;
  Timestamp from{};
  Timestamp end{};  // When it was to end; never after the terms' expiry.
  std::string log_origin;
  uint64_t log_index = 0;
};

/// What both proofs say together. DATA_LOSS (LOAN_NOT_VERIFIED): a proof that does not hold or
/// whose checkpoint the log of this key did not sign, logs of two origins, entries of other kinds,
/// terms of another entitlement or set after the loan. Whether terms were amended in between, or
/// the lease was taken back since, only the library knows.
absl::StatusOr<ProvenLoan> VerifyLoan(const LoanProof& proof, const PublicKey& log_key);

}  // namespace dml
