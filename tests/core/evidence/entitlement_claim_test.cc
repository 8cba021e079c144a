#include "core/evidence/entitlement_claim.h"

#include <gtest/gtest.h>

#include "core/crypto/keys.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

Entitlement Terms() {
  Entitlement terms;
  terms.id = "db-2026";
  terms.product = "acme/database";
  terms.vendor = "Größe AG";
  terms.metric = SeatMetric::kNamedUser;
  terms.quantity = 40;
  terms.overage_percent = 10;
  terms.start = *ParseTime("2026-01-01T00:00:00Z");
  terms.expiry = *ParseTime("2027-01-01T00:00:00Z");
  terms.environments = {"production/eu", "test"};
  terms.contract_digest = Sha256("contract").ToString();
  terms.max_borrowed = 5;
  terms.max_borrow_duration = std::chrono::hours(24);
  terms.low_water = 3;
  return terms;
}

constexpr std::string_view kPredicate =
    R"({"environments":["production/eu","test"],"expiry":"2027-01-01T00:00:00Z","id":"db-2026",)"
    R"("lowWater":3,"maxBorrowSeconds":86400,"maxBorrowed":5,"metric":"NAMED_USER",)"
    R"("overagePercent":10,"product":"acme/database","quantity":40,"revision":7,)"
    R"("start":"2026-01-01T00:00:00Z","vendor":"Größe AG"})";

absl::StatusOr<ReadEntitlement> Read(const std::string& statement) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const Signer* keys[] = {&key};
  return ReadEntitlementClaim(
      FormatEnvelope(SignEnvelope(kInTotoPayloadType, statement, keys).value()));
}

// The reason for a predicate in which one text is in the place of another.
std::string ReasonWith(std::string_view what, std::string_view instead) {
  std::string predicate(kPredicate);
  const size_t at = predicate.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  predicate.replace(at, what.size(), instead);
  const auto statement = FormatStatement(
      {{{"db-2026", Sha256("contract")}}, std::string(kEntitlementPredicate), predicate});
  return std::string(Reason(Read(statement.value()).status()));
}

TEST(EntitlementClaimTest, ReadsWhatItWrites) {
  const EntitlementClaim claim{Terms(), 7};
  const auto text = FormatEntitlementClaim(claim);
  ASSERT_TRUE(text.ok()) << text.status();
  const auto statement = ParseStatement(*text);
  ASSERT_TRUE(statement.ok()) << statement.status();
  EXPECT_EQ(statement->predicate_type, kEntitlementPredicate);
  EXPECT_EQ(statement->predicate_json, kPredicate);
  ASSERT_EQ(statement->subjects.size(), 1u);
  EXPECT_EQ(statement->subjects[0].sha256, Sha256("contract")) << "the contract gives the terms";
  const auto read = Read(*text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->claim, claim);
}

TEST(EntitlementClaimTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(ReasonWith(R"("revision":7)", R"("revision":7)"), "");
  for (const auto& [what, instead] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"("revision":7)", R"("revision":0)"},
           {R"("revision":7)", R"("revision":9007199254740992)"},
           {R"("revision":7,)", ""},
           {R"("revision":7)", R"("revision":7,"unless":"it rains")"},
           {"NAMED_USER", "named_user"},
           {R"("metric":"NAMED_USER",)", ""},
           {R"("quantity":40)", R"("quantity":0)"},
           {R"("quantity":40)", R"("quantity":4e1)"},
           {R"("quantity":40)", R"("quantity":1000000001)"},
           {R"("overagePercent":10)", R"("overagePercent":1001)"},
           {"2027-01-01T00:00:00Z", "2027-01-01"},
           {"2027-01-01T00:00:00Z", "2027-01-01T00:00:00.5Z"},
           {R"("id":"db-2026")", R"("id":"")"},
           {R"("id":"db-2026")", R"("id":"a\u0007b")"},
           {R"("maxBorrowSeconds":86400)", R"("maxBorrowSeconds":3162240001)"},
           {R"("environments":["production/eu","test"])", R"("environments":"all")"}}) {
    EXPECT_EQ(ReasonWith(what, instead), "CLAIM_INVALID") << what << " -> " << instead;
  }
  // Terms that contradict themselves.
  EXPECT_EQ(ReasonWith("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), "ENTITLEMENT_INVALID");
  EXPECT_EQ(ReasonWith(R"("maxBorrowed":5)", R"("maxBorrowed":0)"), "ENTITLEMENT_INVALID");
  EXPECT_EQ(ReasonWith(R"("lowWater":3)", R"("lowWater":41)"), "ENTITLEMENT_INVALID");
}

TEST(EntitlementClaimTest, WhatItWouldRoundIsNotSigned) {
  EntitlementClaim claim{Terms(), 7};
  claim.terms.start += std::chrono::microseconds(1);
  EXPECT_EQ(Reason(FormatEntitlementClaim(claim).status()), "CLAIM_INVALID");
  claim.terms = Terms();
  claim.terms.max_borrow_duration += std::chrono::milliseconds(1);
  EXPECT_EQ(Reason(FormatEntitlementClaim(claim).status()), "CLAIM_INVALID");
  claim = {Terms(), 0};
  EXPECT_EQ(Reason(FormatEntitlementClaim(claim).status()), "CLAIM_INVALID");
  claim = {Terms(), 7};
  claim.terms.contract_digest = "sha256:12";
  EXPECT_FALSE(FormatEntitlementClaim(claim).ok());
}

TEST(EntitlementClaimTest, AStatementAboutTwoContractsIsNone) {
  const auto statement = FormatStatement({{{"a", Sha256("contract")}, {"b", Sha256("another")}},
                                          std::string(kEntitlementPredicate),
                                          std::string(kPredicate)});
  EXPECT_EQ(Reason(Read(statement.value()).status()), "SUBJECT_UNEXPECTED");
}

}  // namespace
}  // namespace dml
