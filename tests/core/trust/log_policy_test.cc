#include "core/trust/log_policy.h"

#include <random>

#include "tests/core/trust/test_keys.h"
#include "tests/core/trust/trust_builder.h"

namespace dml {
namespace {

using testing::KeyRing;
using testing::kNow;

constexpr char kText[] =
    "library.example/dml\n"
    "3\n"
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";

class LogPolicyTest : public ::testing::Test {
 protected:
  std::string Vkey(const std::string& name, NoteKeyType type = NoteKeyType::kCosignature) {
    return FormatVerifierKey({name + ".example", ring_[name].public_key(), type});
  }
  std::string LogKey() {
    return FormatVerifierKey({"library.example/dml", ring_["log"].public_key()});
  }
  std::string Line(const std::string& name) {
    return fmt::format("witness {} {}\n", name, Vkey(name));
  }
  static std::string Refusal(const std::string& text) {
    const auto policy = ParseLogPolicy(text);
    EXPECT_EQ(Reason(policy.status()), "LOG_POLICY_INVALID") << text;
    return std::string(Message(policy.status()));
  }
  Note CosignedBy(const std::vector<std::string>& names, Timestamp time = kNow) {
    Note note{kText, {{"library.example/dml", 7, "the log's own, which is not looked at"}}};
    for (const std::string& name : names) {
      note.signatures.push_back(*CosignNote(kText, name + ".example", ring_[name], time));
    }
    return note;
  }

  KeyRing ring_;
};

// The key that the documentation of golang.org/x/mod/sumdb/note has as its example.
TEST_F(LogPolicyTest, VerifierKeysAreThoseOfOthers) {
  constexpr char kOfGo[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const auto key = ParseVerifierKey(kOfGo);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->name, "PeterNeumann");
  EXPECT_EQ(key->type, NoteKeyType::kEd25519);
  EXPECT_EQ(FormatVerifierKey(*key), kOfGo);
  const auto witness = ParseVerifierKey(Vkey("w1"));
  ASSERT_TRUE(witness.ok()) << witness.status();
  EXPECT_EQ(witness->type, NoteKeyType::kCosignature);
  EXPECT_EQ(witness->key, ring_["w1"].public_key());
}

TEST_F(LogPolicyTest, OtherTextIsNoVerifierKey) {
  for (const char* text : {"", "PeterNeumann", "PeterNeumann+c74f20a3",
                           "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumanN+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
                           "PeterNeumann+c74f20a3+AQ==", "PeterNeumann+c74f20a3+",
                           "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"}) {
    EXPECT_FALSE(ParseVerifierKey(text).ok()) << text;
  }
}

// The example of the specification, with keys.
TEST_F(LogPolicyTest, TwoOfOneHouseAndAnyOfAnother) {
  std::string text =
      "# who must have seen it\nlog " + LogKey() + " https://library.example:7480\n\n";
  for (const char* name : {"X1", "X2", "X3"}) text += Line(name);
  text += "group X-witnesses 2 X1 X2 X3\n";
  for (const char* name : {"Y1", "Y2", "Y3"}) text += "\t" + Line(name);
  text +=
      "group Y-witnesses any Y1 Y2 Y3\n group\tX-and-Y  all X-witnesses Y-witnesses \nquorum "
      "X-and-Y";
  const auto policy = ParseLogPolicy(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_EQ(policy->logs.size(), 1U);
  EXPECT_EQ(policy->logs[0].origin, "library.example/dml");
  EXPECT_EQ(policy->logs[0].url, "https://library.example:7480");
  auto enough = [&](const std::vector<std::string>& names) {
    return Reason(RequireQuorum(CosignedBy(names), *policy, kNow).status());
  };
  EXPECT_EQ(enough({"X1", "X3", "Y2"}), "");
  EXPECT_EQ(enough({"X1", "X2", "X3", "Y1", "Y2", "Y3"}), "");
  EXPECT_EQ(enough({"X1", "Y1", "Y2", "Y3"}), "WITNESSES_MISSING");
  EXPECT_EQ(enough({"X1", "X2", "X3"}), "WITNESSES_MISSING");
  EXPECT_EQ(enough({"X1", "X1", "Y1"}), "WITNESSES_MISSING") << "attack 4: one counts once";
  EXPECT_EQ(enough({}), "WITNESSES_MISSING");
  const Note late = CosignedBy({"X1", "X2", "Y1"});
  EXPECT_EQ(Reason(RequireQuorum(late, *policy, kNow + std::chrono::seconds(1)).status()),
            "WITNESSES_MISSING");
}

// attack T5
TEST_F(LogPolicyTest, WhatIsStillToComeCountsAsAbsent) {
  const auto policy = ParseLogPolicy(Line("w1") + "quorum w1\n");
  ASSERT_TRUE(policy.ok()) << policy.status();
  const Note note = CosignedBy({"w1"}, kNow + std::chrono::hours(1));
  EXPECT_EQ(Reason(RequireQuorum(note, *policy, kNow, kNow + kMaxCosignatureSkew).status()),
            "WITNESSES_MISSING");
}

// A line of a witness that is over something else is told, and not passed over.
TEST_F(LogPolicyTest, ACosignatureOfAnotherCheckpointIsAnAccusation) {
  const auto policy = ParseLogPolicy(Line("w1") + Line("w2") + "group g any w1 w2\nquorum g\n");
  ASSERT_TRUE(policy.ok()) << policy.status();
  Note note = CosignedBy({"w1", "w2"});
  note.text[20] = '4';
  EXPECT_EQ(Reason(RequireQuorum(note, *policy, kNow).status()), "COSIGNATURE_INVALID");
}

TEST_F(LogPolicyTest, NoneDemandsNothingAndAWitnessItself) {
  const auto none = ParseLogPolicy("quorum none\n");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_TRUE(RequireQuorum(CosignedBy({}), *none, kNow).ok());
  const auto one = ParseLogPolicy(Line("w1") + "quorum w1\n" + Line("w2"));
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(Reason(RequireQuorum(CosignedBy({"w2"}), *one, kNow).status()), "WITNESSES_MISSING");
  const auto found = RequireQuorum(CosignedBy({"w1", "w2"}), *one, kNow);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->size(), 2U);
}

TEST_F(LogPolicyTest, BadPoliciesAreRefusedWithTheirLine) {
  const std::string w1 = Line("w1");
  const std::string w2 = Line("w2");
  EXPECT_NE(Refusal("").find("no quorum"), std::string::npos);
  EXPECT_NE(Refusal(w1).find("no quorum"), std::string::npos);
  EXPECT_NE(Refusal("quorum none\nquorum none\n").find("line 2"), std::string::npos);
  EXPECT_NE(Refusal(w1 + "\nquorum w2\n" + w2).find("line 3: 'w2'"), std::string::npos);
  EXPECT_NE(Refusal("wittness\n").find("line 1"), std::string::npos);
  EXPECT_NE(Refusal(w1 + w1 + "quorum w1\n").find("line 2"), std::string::npos);
  EXPECT_NE(Refusal(w1 + "witness w2 " + Vkey("w1") + "\nquorum w1\n").find("given before"),
            std::string::npos)
      << "attack 4: the same key under two names";
  EXPECT_NE(Refusal("log " + LogKey() + "\nlog " + LogKey() + "\nquorum none").find("line 2"),
            std::string::npos);
  EXPECT_NE(Refusal("log " + Vkey("w1") + "\nquorum none\n").find("no log's"), std::string::npos);
  EXPECT_NE(Refusal("witness w " + LogKey() + "\nquorum w\n").find("no witness'"),
            std::string::npos);
  EXPECT_NE(Refusal("witness none " + Vkey("w1") + "\nquorum none\n").find("is no name"),
            std::string::npos);
  // attack 8: thresholds of nothing, and of more than there are.
  for (const char* k : {"0", "3", "-1", "01", "2x", "+1", "18446744073709551617", "ALL", ""}) {
    Refusal(fmt::format("{}{}group g {} w1 w2\nquorum g\n", w1, w2, k));
  }
  EXPECT_NE(Refusal(w1 + "group g any\nquorum g\n").find("line 2"), std::string::npos);
  EXPECT_NE(Refusal(w1 + "group g any g\nquorum g\n").find("'g'"), std::string::npos) << "itself";
  EXPECT_NE(Refusal(w1 + w2 + "group g all w1 w2\ngroup h all g w1\nquorum h\n").find("'w1'"),
            std::string::npos)
      << "counts twice";
  EXPECT_NE(Refusal(w1 + "group g 2 w1 w1\nquorum g\n").find("'w1'"), std::string::npos);
  Refusal("quorum none extra\n");
  Refusal("log\nquorum none\n");
  Refusal(std::string("quorum none\0\n", 13));
  Refusal("quorum none\r\n");
  Refusal(std::string(kMaxLogPolicyBytes, '#') + "\nquorum none\n");
}

// Any quorum is met exactly where counting by its definition says so.
TEST_F(LogPolicyTest, AgreesWithTheDefinitionOnRandomPolicies) {
  const uint32_t seed = 20261129;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    const int witnesses = 1 + static_cast<int>(random() % 5);
    std::string text;
    struct Node {
      std::vector<int> of;
      uint32_t k = 0;
    };
    std::vector<Node> nodes;
    std::vector<int> free;
    for (int i = 0; i < witnesses; ++i) {
      text += Line(fmt::format("w{}", i));
      nodes.push_back({});
      free.push_back(i);
    }
    while (free.size() > 1) {
      std::ranges::shuffle(free, random);
      const size_t count = 2 + random() % (free.size() - 1);
      Node node{{free.end() - static_cast<ptrdiff_t>(count), free.end()}, 0};
      node.k = 1 + static_cast<uint32_t>(random() % count);
      free.resize(free.size() - count);
      free.push_back(static_cast<int>(nodes.size()));
      text += fmt::format("group n{} {}", nodes.size(), node.k);
      for (int of : node.of) text += fmt::format(" {}{}", of < witnesses ? "w" : "n", of);
      text += "\n";
      nodes.push_back(std::move(node));
    }
    text += fmt::format("quorum {}{}\n", free[0] < witnesses ? "w" : "n", free[0]);
    const auto policy = ParseLogPolicy(text);
    ASSERT_TRUE(policy.ok()) << policy.status() << text;
    for (unsigned subset = 0; subset < 1U << witnesses; ++subset) {
      std::vector<std::string> names;
      for (int i = 0; i < witnesses; ++i) {
        if ((subset >> i & 1U) != 0) names.push_back(fmt::format("w{}", i));
      }
      const std::function<bool(int)> met = [&](int at) -> bool {
        if (at < witnesses) return (subset >> at & 1U) != 0;
        return std::ranges::count_if(nodes[at].of, met) >= static_cast<ptrdiff_t>(nodes[at].k);
      };
      EXPECT_EQ(RequireQuorum(CosignedBy(names), *policy, kNow).ok(), met(free[0])) << text;
    }
  }
}

}  // namespace
}  // namespace dml
