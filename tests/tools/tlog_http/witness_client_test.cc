#include "tools/tlog_http/witness_client.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/merkle/merkle.h"
#include "tests/support/http_witness.h"

namespace dml {
namespace {

using testing::HttpPeer;
using testing::HttpRequest;
using testing::HttpResponse;
using testing::HttpWitness;

constexpr char kOrigin[] = "library.example/dml";
constexpr char kName[] = "w1.example";

class WitnessClientTest : public ::testing::Test {
 protected:
  struct Signed {
    Checkpoint checkpoint;
    Note note;
  };
  // The log's first `size` entries; `salt` makes another history.
  Signed At(uint64_t size, const std::string& salt = "") {
    std::vector<Digest> leaves;
    for (uint64_t i = 0; i < size; ++i) {
      leaves.push_back(LeafHash(AsBytes(fmt::format("{}entry {}", salt, i))));
    }
    Checkpoint checkpoint{kOrigin, size, RootOf(leaves)};
    Note note = *ParseNote(*SignCheckpoint(checkpoint, log_));
    return {std::move(checkpoint), std::move(note)};
  }
  // Two trees are enough: of all entries but the last `size`, by the definition of RFC 6962.
  absl::StatusOr<std::vector<NoteSignature>> Ask(const std::string& url, const Signed& at) {
    HttpLogOptions options;
    options.url = url;
    DML_ASSIGN_OR_RETURN(std::unique_ptr<HttpLog> log, HttpLog::Create(std::move(options)));
    const Witness witness{kName, key_.public_key(), "w1"};
    return AskWitness(*log, witness, at.note, at.checkpoint,
                      [](uint64_t first, uint64_t second) { return Prove(first, second); });
  }
  std::string AskReason(const std::string& answer) {
    const HttpPeer peer([&](const HttpRequest&) { return answer; });
    return std::string(Reason(Ask(peer.url(), At(3)).status()));
  }

  static Digest RootOf(const std::vector<Digest>& leaves) {
    if (leaves.empty()) return Sha256("");
    if (leaves.size() == 1) return leaves[0];
    const size_t split = Split(leaves.size());
    return NodeHash(RootOf({leaves.begin(), leaves.begin() + static_cast<ptrdiff_t>(split)}),
                    RootOf({leaves.begin() + static_cast<ptrdiff_t>(split), leaves.end()}));
  }
  static size_t Split(size_t size) {
    size_t split = 1;
    while (split * 2 < size) split *= 2;
    return split;
  }
  // PROOF and SUBPROOF of RFC 6962 section 2.1.2.
  static void SubProof(uint64_t first, const std::vector<Digest>& leaves, bool whole,
                       std::vector<Digest>& out) {
    if (first == leaves.size()) {
      if (!whole) out.push_back(RootOf(leaves));
      return;
    }
    const size_t split = Split(leaves.size());
    const std::vector<Digest> left(leaves.begin(), leaves.begin() + static_cast<ptrdiff_t>(split));
    const std::vector<Digest> right(leaves.begin() + static_cast<ptrdiff_t>(split), leaves.end());
    if (first <= split) {
      SubProof(first, left, whole, out);
      out.push_back(RootOf(right));
    } else {
      SubProof(first - split, right, false, out);
      out.push_back(RootOf(left));
    }
  }
  static std::vector<Digest> Prove(uint64_t first, uint64_t second) {
    std::vector<Digest> leaves;
    for (uint64_t i = 0; i < second; ++i) {
      leaves.push_back(LeafHash(AsBytes(fmt::format("entry {}", i))));
    }
    std::vector<Digest> out;
    SubProof(first, leaves, true, out);
    return out;
  }

  const PrivateKey log_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey key_ = PrivateKey::Generate(KeyAlgorithm::kEd25519);
};

TEST_F(WitnessClientTest, AWitnessFollowsTheLog) {
  HttpWitness peer(kName, key_, kOrigin, log_.public_key());
  for (const uint64_t size : {3, 7, 7, 8}) {
    const Signed at = At(size);
    const auto lines = Ask(peer.url(), at);
    ASSERT_TRUE(lines.ok()) << lines.status();
    ASSERT_EQ(lines->size(), 1U);
    const Witness witness{kName, key_.public_key(), "w1"};
    EXPECT_TRUE(RequireWitnesses({at.note.text, *lines}, {&witness, 1}, 1, Timestamp()).ok());
    EXPECT_EQ(peer.size(), size);
  }
  EXPECT_EQ(Reason(Ask(peer.url(), At(5)).status()), "WITNESS_AHEAD");
  EXPECT_EQ(peer.size(), 8U);
}

// attack: a forked log is shown to two clients.
TEST_F(WitnessClientTest, AnotherHistoryIsAnAccusation) {
  HttpWitness peer(kName, key_, kOrigin, log_.public_key());
  peer.Remember(At(4, "other ").checkpoint);
  EXPECT_EQ(Reason(Ask(peer.url(), At(6)).status()), "WITNESS_DISAGREES");
  EXPECT_EQ(Reason(Ask(peer.url(), At(4)).status()), "WITNESS_DISAGREES");
  EXPECT_EQ(peer.size(), 4U);
}

TEST_F(WitnessClientTest, AWitnessOfOtherLogsOrKeysRefuses) {
  HttpWitness of_others(kName, key_, "other.example/log", log_.public_key());
  EXPECT_EQ(Reason(Ask(of_others.url(), At(3)).status()), "WITNESS_REFUSED");
  HttpWitness of_another_key(kName, key_, kOrigin, key_.public_key());
  EXPECT_EQ(Reason(Ask(of_another_key.url(), At(3)).status()), "WITNESS_REFUSED");
}

TEST_F(WitnessClientTest, WhatIsNotSignedByTheWitnessIsNotBelieved) {
  const PrivateKey stranger = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  HttpWitness other_key(kName, stranger, kOrigin, log_.public_key());
  EXPECT_EQ(Reason(Ask(other_key.url(), At(3)).status()), "COSIGNATURE_MISSING");
  auto line = [&](const std::string& text, const std::string& name) {
    const Note note{text, {*CosignNote(text, name, key_, WallClockNow())}};
    return FormatNote(note).substr(text.size() + 1);
  };
  const std::string text = At(3).note.text;
  EXPECT_EQ(AskReason(HttpResponse("200 OK", line(At(4).note.text, kName))), "COSIGNATURE_INVALID");
  EXPECT_EQ(AskReason(HttpResponse("200 OK", line(text, "w2.example"))), "COSIGNATURE_MISSING");
  EXPECT_EQ(AskReason(HttpResponse("200 OK", "")), "NOTE_INVALID");
  EXPECT_EQ(AskReason(HttpResponse("200 OK", "cosigned\n")), "NOTE_INVALID");
  // attack 2: lines around the good one change nothing, and are not passed on.
  const HttpPeer chatty([&](const HttpRequest&) {
    return HttpResponse("200 OK", line(text, "w2.example") + line(text, kName));
  });
  const auto lines = Ask(chatty.url(), At(3));
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 1U);
  EXPECT_EQ(lines->front().name, kName);
}

TEST_F(WitnessClientTest, OddAnswersEnd) {
  for (const char* body : {"", "x\n", "3", "03\n", "-1\n", "0\n", "18446744073709551616\n"}) {
    EXPECT_EQ(AskReason(HttpResponse("409 Conflict", body)), "WITNESS_REFUSED") << body;
  }
  EXPECT_EQ(AskReason(HttpResponse("409 Conflict", "2\n")), "WITNESS_DISAGREES") << "for ever";
  EXPECT_EQ(AskReason(HttpResponse("409 Conflict", "18446744073709551615\n")), "WITNESS_AHEAD");
  EXPECT_EQ(AskReason(HttpResponse("503 Busy", "")), "HTTP_UNAVAILABLE");
  EXPECT_EQ(AskReason(HttpResponse("429 Slow", "")), "HTTP_UNAVAILABLE");
  EXPECT_EQ(AskReason(HttpResponse("302 Found", "")), "WITNESS_REFUSED");
  EXPECT_EQ(AskReason(HttpResponse("200 OK", std::string(20'000, 'x'))), "HTTP_TOO_LARGE");
  // Something newer each time: it is given up on.
  int asked = 0;
  const HttpPeer moving([&](const HttpRequest&) {
    return HttpResponse("409 Conflict", std::to_string(++asked) + "\n");
  });
  EXPECT_EQ(Reason(Ask(moving.url(), At(100)).status()), "HTTP_UNAVAILABLE");
  EXPECT_LE(asked, 8);
}

}  // namespace
}  // namespace dml
