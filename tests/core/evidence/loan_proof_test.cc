#include "core/evidence/loan_proof.h"

#include <gmock/gmock.h>

#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "core/wire/entry.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

class LoanProofTest : public ::testing::Test {
 protected:
  LoanProofTest() {
    terms_.id = "db";
    terms_.product = "database";
    terms_.vendor = "v";
    terms_.quantity = 10;
    terms_.expiry = testing::kNow + hours(50);
    terms_.contract_digest = Sha256("contract").ToString();
    terms_.max_borrowed = 1;
    terms_.max_borrow_duration = hours(72);
  }
  // Of a log of two entries.
  LoanProof Prove(const EntryPayload& first, const EntryPayload& second) {
    const std::string leaves[] = {
        wire::EncodeEntry({0, testing::kNow, "lea", "", first}).value(),
        wire::EncodeEntry({1, testing::kNow + hours(1), "pat", "", second}).value()};
    const Digest hashes[] = {LeafHash(AsBytes(leaves[0])), LeafHash(AsBytes(leaves[1]))};
    const std::string note =
        SignCheckpoint({"library.example/dml", 2, NodeHash(hashes[0], hashes[1])}, keys_["log"])
            .value();
    return {{0, leaves[0], {hashes[1]}, note}, {1, leaves[1], {hashes[0]}, note}};
  }
  static LeaseBorrowed Loan(hours time) { return {"9f8b2c44", "fleet", time, {"db", "ship-7", 1}}; }
  std::string Fault(const LoanProof& proof) {
    const auto loan = VerifyLoan(proof, keys_["log"].public_key());
    EXPECT_EQ(Reason(loan.status()), "LOAN_NOT_VERIFIED");
    return std::string(Message(loan.status()));
  }

  testing::KeyRing keys_;
  Entitlement terms_;
};

TEST_F(LoanProofTest, SaysWhoHoldsWhatUntilWhen) {
  const auto loan =
      VerifyLoan(Prove(EntitlementGranted{terms_}, Loan(hours(24))), keys_["log"].public_key());
  ASSERT_TRUE(loan.ok()) << loan.status();
  EXPECT_EQ(loan->lease, "9f8b2c44/0");
  EXPECT_EQ(loan->item.holder, "ship-7");
  EXPECT_EQ(loan->environment, "fleet");
  EXPECT_EQ(loan->terms, terms_);
  EXPECT_EQ(loan->from, testing::kNow + hours(1));
  EXPECT_EQ(loan->end, testing::kNow + hours(25));
  EXPECT_EQ(loan->log_index, 1u);
}

TEST_F(LoanProofTest, NoLoanOutlivesItsEntitlement) {
  const auto loan = VerifyLoan(Prove(EntitlementAmended{terms_, "0"}, Loan(hours(72))),
                               keys_["log"].public_key());
  ASSERT_TRUE(loan.ok()) << loan.status();
  EXPECT_EQ(loan->end, terms_.expiry);
}

TEST_F(LoanProofTest, RefusesWhatTheLogDoesNotSay) {
  const LoanProof good = Prove(EntitlementGranted{terms_}, Loan(hours(24)));
  EXPECT_EQ(Reason(VerifyLoan(good, keys_["other"].public_key()).status()), "LOAN_NOT_VERIFIED");
  LoanProof bad = good;
  bad.loan.leaf = wire::EncodeEntry({1, testing::kNow, "pat", "", Loan(hours(9000))}).value();
  EXPECT_THAT(Fault(bad), HasSubstr("the loan's entry"));
  bad = good;
  std::swap(bad.loan, bad.terms);
  EXPECT_THAT(Fault(bad), HasSubstr("lends nothing"));
  bad = good;
  bad.terms = good.loan;
  EXPECT_THAT(Fault(bad), HasSubstr("sets no terms"));
  Entitlement other = terms_;
  other.id = "app";
  EXPECT_THAT(Fault(Prove(EntitlementGranted{other}, Loan(hours(24)))), HasSubstr("terms of app"));
  bad = good;
  const Digest leaf = LeafHash(AsBytes(good.terms.leaf));
  bad.terms = {
      0, good.terms.leaf, {}, SignCheckpoint({"elsewhere", 1, leaf}, keys_["log"]).value()};
  EXPECT_THAT(Fault(bad), HasSubstr("elsewhere"));
}

}  // namespace
}  // namespace dml
