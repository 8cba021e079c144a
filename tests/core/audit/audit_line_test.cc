#include "core/audit/audit_line.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

Timestamp At(const char* text) { return ParseTime(text).value(); }

UnwrittenRefusals Counts() {
  UnwrittenRefusals out;
  out.Add("TOKEN_INVALID", 70'000);
  out.Add("ROLE_REQUIRED");
  out.Add("ROLE_REQUIRED", 2);
  return out;
}

// The golden log was made by make_audit_log.py beside it, which knows docs/formats.md only.
TEST(AuditLineTest, LinesAreThoseOfTheGoldenLog) {
  AuditHead head;
  std::string log = AppendRefusal({"-", "ipv4:10.0.0.7:50412", "/dml.v1.CatalogService/GetPackage",
                                   "TOKEN_INVALID"},
                                  At("2026-03-01T12:00:00Z"), head) +
                    "\n";
  log += AppendRefusal({"spiffe://x/principals/Jürgen \"J\"", "ipv6:[::1]:9", "/http/checkpoint",
                        "ROLE_REQUIRED"},
                       At("2026-03-01T12:00:01Z"), head) +
         "\n";
  log += AppendSummary(Counts(), At("2026-03-01T12:01:00Z"), head) + "\n";
  const std::string last = AppendRepair("cut 57 bytes of a torn line off audit-000001.jsonl",
                                        At("2026-03-01T12:02:00Z"), head);
  log += last + "\n";
  EXPECT_EQ(log, testing::GoldenText("audit/audit-000001.jsonl", log));
  EXPECT_EQ(head, (AuditHead{4, Sha256(last)}));
}

TEST(AuditLineTest, ALineSaysItsPlaceAndHowManyRefusalsItTellsOf) {
  AuditHead head{6, Sha256("line 6")};
  const std::string text = AppendSummary(Counts(), At("2026-03-01T12:01:00Z"), head);
  const auto line = ParseAuditLine(text);
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->number, 7u);
  EXPECT_EQ(line->previous, Sha256("line 6"));
  EXPECT_EQ(line->time, At("2026-03-01T12:01:00Z"));
  EXPECT_EQ(line->refusals, 70'003u);
  EXPECT_EQ(ParseAuditLine(AppendRefusal({"-", "p", "m", "R"}, {}, head))->refusals, 1u);
  EXPECT_EQ(ParseAuditLine(AppendRepair("cut", {}, head))->refusals, 0u);
}

// Whoever chooses a text can neither begin a line of their own nor make one without end.
TEST(AuditLineTest, TextsFromOutsideAreExcerptedAndEscaped) {
  AuditHead head;
  const std::string text = AppendRefusal(
      {"a\n{\"line\":2}\r\x1b[2J\xff", std::string(100'000, '"'), std::string(100'000, '\\'), "R"},
      {}, head);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_LT(text.size(), kMaxAuditLineBytes);
  EXPECT_TRUE(ParseAuditLine(text).ok()) << ParseAuditLine(text).status();
}

TEST(AuditLineTest, ASummaryTellsSoManyReasonsApartAndNoMore) {
  UnwrittenRefusals many;
  for (int i = 0; i < 1000; ++i) many.Add(fmt::format("{}{}", std::string(200, 'R'), i));
  for (int i = 0; i < 1000; ++i) many.Add(fmt::format("R{:03}", i));
  EXPECT_EQ(many.counts().size(), kMaxAuditReasons);
  EXPECT_EQ(many.counts().at("OTHER"), 2000 - 1000 - (kMaxAuditReasons - 2));
  AuditHead head;
  const auto line = ParseAuditLine(AppendSummary(many, {}, head));
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->refusals, 2000u);
}

TEST(AuditLineTest, WhatIsNoLineIsRefused) {
  AuditHead head;
  const std::string good = AppendRefusal({"-", "p", "m", "R"}, {}, head);
  ASSERT_TRUE(ParseAuditLine(good).ok());
  auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{}"), std::string(1 << 20, ' '), good + "x",
        good.substr(0, good.size() - 1), with("\"line\":1", "\"line\":0"),
        with("\"line\":1", "\"line\":1,\"line\":1"), with("sha256:", "sha1:"), with("Z\"", "\""),
        with("\"reason\"", "\"token\""), with("\"peer\":\"p\"", "\"peer\":7"),
        with("\"peer\":\"p\"", "\"unwritten\":{}"), with("\"peer\":\"p\"", "\"repair\":\"r\"")}) {
    EXPECT_EQ(Reason(ParseAuditLine(bad).status()), "AUDIT_LINE_INVALID") << bad.substr(0, 200);
  }
}

}  // namespace
}  // namespace dml
