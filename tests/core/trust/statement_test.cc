#include "core/trust/statement.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "tests/core/trust/test_keys.h"

namespace dml {
namespace {

using testing::ExpectRefusal;
using testing::GoldenFile;

constexpr char kZeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

PublicationPredicate GoldenPublication() {
  return {{{"acme", "payments-api"}, "2.4.1", {"linux", "amd64", ""}},
          "application/vnd.oci.image.manifest.v1+json"};
}

Statement GoldenStatement() {
  return {{{"acme/payments-api", Sha256("a manifest")}},
          std::string(kPublicationPredicate),
          FormatPublicationPredicate(GoldenPublication())};
}

// A statement whose parts are given as JSON text.
std::string Document(std::string_view subject, std::string_view rest = R"("predicateType":"t")",
                     std::string_view type = kStatementType) {
  return fmt::format(R"({{"_type":"{}","subject":{},{}}})", type, subject, rest);
}

std::string OneSubject() { return fmt::format(R"([{{"digest":{{"sha256":"{}"}}}}])", kZeros); }

TEST(StatementTest, MatchesTheGoldenFileInBothDirections) {
  EXPECT_EQ(*FormatStatement(GoldenStatement()), GoldenFile("publication-statement.json"));
  absl::StatusOr<Statement> read = ParseStatement(GoldenFile("publication-statement.json"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, GoldenStatement());
  EXPECT_EQ(*ParsePublicationPredicate(read->predicate_json), GoldenPublication());
}

TEST(StatementTest, ReadsWhatOthersWrite) {
  std::string json = fmt::format(
      R"( {{"subject": [{{"uri": "pkg:x", "digest": {{"sha512": "ab", "sha256": "{}"}},
            "annotations": {{}}}},
           {{"name": "b", "digest": {{"sha256": "{}"}}}}],
          "predicateType": "https://example.com/p", "_type": "{}", "futureMember": [1]}} )",
      kZeros, kZeros, kStatementType);
  absl::StatusOr<Statement> read = ParseStatement(json);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->subjects.size(), 2u);
  EXPECT_EQ(read->subjects[0].name, "");
  EXPECT_EQ(read->subjects[1].name, "b");
  EXPECT_EQ(read->predicate_type, "https://example.com/p");
  EXPECT_EQ(read->predicate_json, "{}") << "an absent predicate is an empty one";
  EXPECT_EQ(
      ParseStatement(Document(OneSubject(), R"("predicateType":"t","predicate":{"b":1,"a":[]})"))
          ->predicate_json,
      R"({"a":[],"b":1})");
}

TEST(StatementTest, RefusesMalformedStatements) {
  const std::string sha = fmt::format(R"({{"digest":{{"sha256":"{}"}}}})", kZeros);
  const std::string upper = std::string(63, '0') + "A";
  const std::string cases[] = {
      "",
      "{}",
      "[]",
      "null",
      "{",
      Document(OneSubject(), R"("predicateType":"t")", "https://in-toto.io/Statement/v0.1"),
      Document(OneSubject(), R"("predicateType":"t")", "https://in-toto.io/Statement/v1 "),
      fmt::format(R"({{"subject":[{}],"predicateType":"t"}})", sha),
      fmt::format(R"({{"_type":"{}","predicateType":"t"}})", kStatementType),
      Document("[]"),
      Document("{}"),
      Document("null"),
      Document("[7]"),
      Document("[{}]"),
      Document(R"([{"digest":{}}])"),
      Document(R"([{"digest":{"sha512":"ab"}}])"),
      Document(R"([{"digest":{"sha256":"ab"}}])"),
      Document(R"([{"digest":{"sha256":7}}])"),
      Document(R"([{"digest":{"sha256":")" + upper + R"("}}])"),
      Document(R"([{"digest":{"sha256":"sha256:)" + std::string(kZeros) + R"("}}])"),
      Document("[" + sha + "," + sha + "]"),
      Document(fmt::format(R"([{{"name":"a\u0000b","digest":{{"sha256":"{}"}}}}])", kZeros)),
      Document(fmt::format(R"([{{"name":7,"digest":{{"sha256":"{}"}}}}])", kZeros)),
      Document(OneSubject(), R"("predicateType":"")"),
      Document(OneSubject(), R"("predicateType":7)"),
      Document(OneSubject(), R"("predicateType":"a\nb")"),
      Document(OneSubject(), R"("other":1)"),
      Document(OneSubject(), R"("predicateType":"t","predicateType":"u")"),
      Document(OneSubject(), R"("predicateType":"t","predicate":[])"),
      Document(OneSubject(), R"("predicateType":"t","predicate":null)"),
      Document(OneSubject(), R"("predicateType":"t","predicate":{"a":1,"a":2})"),
      Document(OneSubject(), R"("predicateType":"t","predicate":)" + std::string(100, '[')),
  };
  for (const std::string& bad : cases) {
    absl::Status status = ParseStatement(bad).status();
    ExpectRefusal(status);
    EXPECT_EQ(Reason(status), "STATEMENT_INVALID") << bad;
  }
}

// attack 14
TEST(StatementTest, CapsSubjectsAndSize) {
  Statement many = GoldenStatement();
  many.subjects.clear();
  for (size_t i = 0; i < kMaxSubjects; ++i) {
    many.subjects.push_back({std::to_string(i), Sha256("same")});
  }
  absl::StatusOr<std::string> text = FormatStatement(many);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*ParseStatement(*text), many);
  many.subjects.push_back({"one more", Sha256("same")});
  EXPECT_EQ(Reason(FormatStatement(many).status()), "STATEMENT_INVALID");
  EXPECT_EQ(Reason(ParseStatement(std::string(kMaxStatementBytes + 1, ' ')).status()),
            "STATEMENT_INVALID");
}

TEST(StatementTest, FormatsOnlyWhatCanBeRead) {
  Statement statement = GoldenStatement();
  for (const char* predicate : {"", "[]", "1", "{", "{\"a\":1,\"a\":2}"}) {
    statement.predicate_json = predicate;
    EXPECT_EQ(Reason(FormatStatement(statement).status()), "STATEMENT_INVALID") << predicate;
  }
  statement = GoldenStatement();
  statement.subjects.push_back(statement.subjects[0]);
  EXPECT_EQ(Reason(FormatStatement(statement).status()), "STATEMENT_INVALID");
  statement = GoldenStatement();
  statement.predicate_type = "";
  EXPECT_EQ(Reason(FormatStatement(statement).status()), "STATEMENT_INVALID");
}

TEST(StatementTest, DamagedStatementsAreRefusedOrReadDifferently) {
  const std::string good = GoldenFile("publication-statement.json");
  for (size_t i = 0; i < good.size(); ++i) {
    ExpectRefusal(ParseStatement(good.substr(0, i)).status());
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    absl::StatusOr<Statement> read = ParseStatement(bad);
    if (read.ok()) {
      EXPECT_FALSE(*read == GoldenStatement()) << i;
    }
  }
}

TEST(PublicationTest, RefusesWhatItDoesNotUnderstand) {
  const std::string good = FormatPublicationPredicate(GoldenPublication());
  ASSERT_TRUE(ParsePublicationPredicate(good).ok());
  auto replaced = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::string cases[] = {
      "{}",
      "[]",
      replaced("acme/payments-api", "payments-api"),
      replaced("acme/payments-api", "acme/../api"),
      replaced("acme/payments-api", "Acme/payments-api"),
      replaced("2.4.1", ""),
      replaced("2.4.1", "2/4"),
      replaced("linux-amd64", "linux/amd64"),
      replaced("linux-amd64", ""),
      replaced("application/vnd.oci.image.manifest.v1+json", ""),
      replaced("\"version\"", "\"versions\""),
      replaced("{", "{\"withdrawn\":true,"),
      replaced("{", "{\"version\":\"1\","),
  };
  for (const std::string& bad : cases) {
    absl::Status status = ParsePublicationPredicate(bad).status();
    ExpectRefusal(status);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace dml
