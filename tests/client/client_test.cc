#include "client/client.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_library.h"
#include "tests/client/temp_dir.h"

namespace dml {
namespace {

using std::chrono::milliseconds;
using testing::FakeLibrary;
using testing::ServerError;

class ClientTest : public ::testing::Test {
 protected:
  Client Connect() { return *Client::Create(library_.Options()); }
  // Refuses the next `times` calls of a method.
  void Refuse(const std::string& method, int times, grpc::Status status) {
    library_.before = [=, left = times](const std::string& called) mutable {
      return called == method && left-- > 0 ? status : grpc::Status::OK;
    };
  }
  FakeLibrary library_;
};

TEST_F(ClientTest, AMutationIsProven) {
  Client client = Connect();
  auto done = client.CreateNamespace("acme", "", {});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->value.name, "acme");
  EXPECT_EQ(done->commit.index, 1u);
  EXPECT_EQ(done->commit.checkpoint.size, 2u);
  EXPECT_FALSE(done->commit.replayed);
  EXPECT_EQ(library_.calls["GetInclusionProof"], 1);
  EXPECT_EQ(library_.calls["GetCheckpoint"], 1) << "before anything else";
  EXPECT_EQ(library_.calls["GetConsistencyProof"], 1) << "from there to the receipt's";
  ASSERT_TRUE(client.CreateNamespace("other", "", {}).ok());
  EXPECT_EQ(library_.calls["GetInclusionProof"], 2);
  EXPECT_EQ(library_.calls["GetCheckpoint"], 1);
  EXPECT_EQ(library_.calls["GetConsistencyProof"], 2);
}

TEST_F(ClientTest, ARetryKeepsItsRequestIdAndIsCarriedOutOnce) {
  library_.after = [left = 2](const std::string&) mutable {  // Done, but the answer is lost.
    return left-- > 0 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "reset") : grpc::Status::OK;
  };
  auto done = Connect().CreateNamespace("acme", "", {});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->commit.replayed);
  EXPECT_EQ(library_.log_size(), 2u);
  ASSERT_EQ(library_.request_ids.size(), 3u);
  EXPECT_EQ(library_.request_ids[0], library_.request_ids[1]);
  EXPECT_EQ(library_.request_ids[0], library_.request_ids[2]);
  EXPECT_EQ(library_.request_ids[0].size(), 36u);
  ASSERT_TRUE(Connect().CreateNamespace("other", "", {}).ok());
  EXPECT_NE(library_.request_ids[0], library_.request_ids[3]);
}

TEST_F(ClientTest, TheCallersRequestIdIsUsed) {
  MutationOptions options{.request_id = "3b2c5a52-6f1e-4b8e-9d55-000000000001"};
  ASSERT_TRUE(Connect().CreateNamespace("acme", "", {}, options).ok());
  EXPECT_EQ(library_.request_ids[0], options.request_id);
}

TEST_F(ClientTest, WaitsLongerEachTimeAndGivesUp) {
  Refuse("GetCheckpoint", 1000, {grpc::StatusCode::UNAVAILABLE, "down"});
  absl::Status status = Connect().GetCheckpoint().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reason(status), "SERVER_UNAVAILABLE");
  EXPECT_EQ(library_.calls["GetCheckpoint"], 5);
  ASSERT_EQ(library_.waits.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    milliseconds full(100 << i);
    EXPECT_GE(library_.waits[i], full / 2);
    EXPECT_LE(library_.waits[i], full);
  }
}

TEST_F(ClientTest, ALibraryThatHasAnsweredIsWaitedForAsLongAsPatienceLasts) {
  Client client = Connect();
  ASSERT_TRUE(client.GetStatus().ok());
  Refuse("GetStatus", 1000, {grpc::StatusCode::UNAVAILABLE, "down"});
  EXPECT_EQ(Reason(client.GetStatus().status()), "SERVER_UNAVAILABLE");
  EXPECT_GT(library_.waits.size(), 10u);
  const milliseconds waited =
      std::accumulate(library_.waits.begin(), library_.waits.end(), milliseconds(0));
  EXPECT_GE(waited, milliseconds(60'000));
  EXPECT_LT(waited, milliseconds(65'000));
}

TEST_F(ClientTest, ALibraryThatIsBusyIsWaitedForLikewise) {
  Client client = Connect();
  ASSERT_TRUE(client.GetStatus().ok());
  Refuse("GetStatus", 40,
         ServerError(grpc::StatusCode::RESOURCE_EXHAUSTED, "BUSY", milliseconds(1000)));
  EXPECT_TRUE(client.GetStatus().ok());
  EXPECT_EQ(library_.waits.size(), 40u);
}

TEST_F(ClientTest, PatienceIsForNoErrorThatTheLibraryGivesAReasonFor) {
  Client client = Connect();
  ASSERT_TRUE(client.GetStatus().ok());
  Refuse("GetStatus", 1000, ServerError(grpc::StatusCode::UNAVAILABLE, "WRITE_FAILED"));
  EXPECT_EQ(Reason(client.GetStatus().status()), "WRITE_FAILED");
  EXPECT_EQ(library_.waits.size(), 4u);
}

TEST_F(ClientTest, OneAttemptIsOneAttemptWithPatienceToo) {
  ClientOptions options = library_.Options();
  options.retry.max_attempts = 1;
  Client client = *Client::Create(options);
  ASSERT_TRUE(client.GetStatus().ok());
  Refuse("GetStatus", 1000, {grpc::StatusCode::UNAVAILABLE, "down"});
  EXPECT_EQ(Reason(client.GetStatus().status()), "SERVER_UNAVAILABLE");
  EXPECT_TRUE(library_.waits.empty());
}

TEST_F(ClientTest, WaitsAsLongAsTheServerSays) {
  Refuse("GetCheckpoint", 2,
         ServerError(grpc::StatusCode::RESOURCE_EXHAUSTED, "BUSY", milliseconds(1234)));
  EXPECT_TRUE(Connect().GetCheckpoint().ok());
  EXPECT_EQ(library_.waits, (std::vector<milliseconds>(2, milliseconds(1234))));
}

TEST_F(ClientTest, DoesNotWaitForMoreThanAMinute) {
  Refuse("GetCheckpoint", 1,
         ServerError(grpc::StatusCode::UNAVAILABLE, "MAINTENANCE", milliseconds(3'600'000)));
  absl::Status status = Connect().GetCheckpoint().status();
  EXPECT_EQ(Reason(status), "MAINTENANCE");
  EXPECT_EQ(RetryAfter(status), milliseconds(3'600'000));
  EXPECT_TRUE(library_.waits.empty());
}

TEST_F(ClientTest, OtherErrorsAreReturnedAtOnceWithTheirReason) {
  Refuse("GetCheckpoint", 1, ServerError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  absl::Status status = Connect().GetCheckpoint().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Reason(status), "ROLE_MISSING");
  EXPECT_EQ(library_.calls["GetCheckpoint"], 1);
}

TEST_F(ClientTest, AServerThatIsNotThereIsNamed) {
  ClientOptions options = library_.Options();
  options.target = "127.0.0.1:1";
  absl::Status status = Client::Create(options)->GetCheckpoint().status();
  EXPECT_EQ(Reason(status), "SERVER_UNAVAILABLE");
  EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr("127.0.0.1:1"));
}

TEST_F(ClientTest, ValidateOnlyHasNoReceipt) {
  auto done = Connect().CreateNamespace("acme", "", {}, {.validate_only = true});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->commit.checkpoint.size, 0u);
  EXPECT_EQ(library_.log_size(), 1u);
}

// attack T8
TEST_F(ClientTest, ALogThatWasRewrittenIsFoundOutByTheNextCommit) {
  testing::TempDir dir;
  ClientOptions options = library_.Options();
  options.state_file = dir / "state";
  ASSERT_TRUE(Client::Create(options)->CreateNamespace("acme", "", {}).ok());
  library_.RewriteLog();
  library_.calls.clear();
  Client client = *Client::Create(options);
  EXPECT_EQ(Reason(client.CreateNamespace("other", "", {}).status()), "LOG_FORKED");
  EXPECT_EQ(Reason(client.Evaluate({}, "production").status()), "LOG_FORKED");
  EXPECT_EQ(library_.calls["CreateNamespace"], 0) << "found out before anything was written";
  EXPECT_EQ(library_.calls["Evaluate"], 0) << "and before anything was believed";
  EXPECT_EQ(Reason(client.GetCheckpoint().status()), "LOG_FORKED");
}

TEST_F(ClientTest, NothingIsAskedOfAnotherLibraryThanThePinnedOne) {
  FakeLibrary other;
  ClientOptions options = library_.Options();
  options.target = other.Options().target;
  Client client = *Client::Create(options);
  EXPECT_EQ(Reason(client.CreateNamespace("acme", "", {}).status()), "LOG_KEY_MISMATCH");
  EXPECT_EQ(Reason(client.GetStatus().status()), "LOG_KEY_MISMATCH");
  EXPECT_EQ(other.calls["CreateNamespace"] + other.calls["GetStatus"], 0);
}

// attack T8
TEST_F(ClientTest, ALogThatLostEntriesWentBack) {
  Client client = Connect();
  ASSERT_TRUE(client.CreateNamespace("acme", "", {}).ok());
  library_.CutLog(1);
  EXPECT_EQ(Reason(client.GetCheckpoint().status()), "LOG_WENT_BACK");
}

TEST_F(ClientTest, AnOlderCheckpointOfTheSameLogIsFine) {
  Client client = Connect();
  MutationOptions options{.request_id = "3b2c5a52-6f1e-4b8e-9d55-000000000001"};
  std::string note;
  ASSERT_TRUE(client.CreateNamespace("acme", "", {}, options).ok());
  ASSERT_TRUE(client.GetCheckpoint(&note).ok());
  for (int i = 0; i < 5; ++i) library_.Append();
  ASSERT_TRUE(client.GetCheckpoint().ok());
  library_.change_receipt = [&](v1::Receipt& receipt) { receipt.set_checkpoint(note); };
  auto replayed = client.CreateNamespace("acme", "", {}, options);
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->commit.replayed);
  EXPECT_EQ(replayed->commit.checkpoint.size, 2u);
}

// attack 3
TEST_F(ClientTest, AReceiptForAnotherEntryIsRefused) {
  Client client = Connect();
  library_.change_receipt = [](v1::Receipt& receipt) { receipt.set_index(0); };
  EXPECT_EQ(Reason(client.CreateNamespace("acme", "", {}).status()), "RECEIPT_INVALID");
  library_.change_receipt = [](v1::Receipt& receipt) { receipt.set_index(1000); };
  EXPECT_EQ(Reason(client.CreateNamespace("b", "", {}).status()), "RECEIPT_INVALID");
  library_.change_receipt = [](v1::Receipt& receipt) { receipt.clear_checkpoint(); };
  EXPECT_EQ(Reason(client.CreateNamespace("c", "", {}).status()), "NOTE_INVALID");
}

// attack 2
TEST_F(ClientTest, ALeafOrProofThatWasChangedIsRefused) {
  Client client = Connect();
  library_.Append();
  library_.change_inclusion = [](auto& response) { response.mutable_leaf()->push_back('x'); };
  EXPECT_EQ(Reason(client.CreateNamespace("a", "", {}).status()), "LOG_PROOF_INVALID");
  library_.change_inclusion = [](auto& response) { response.add_proof(std::string(32, 'x')); };
  EXPECT_EQ(Reason(client.CreateNamespace("b", "", {}).status()), "LOG_PROOF_INVALID");
  library_.change_inclusion = [](auto& response) { response.set_proof(0, "short"); };
  EXPECT_EQ(Reason(client.CreateNamespace("c", "", {}).status()), "LOG_PROOF_INVALID");
  library_.change_inclusion = nullptr;
  EXPECT_TRUE(client.CreateNamespace("d", "", {}).ok());
}

TEST_F(ClientTest, ProvesAnyEntry) {
  for (int i = 0; i < 6; ++i) library_.Append();
  Client client = Connect();
  for (uint64_t index = 0; index < 7; ++index) {
    auto proven = client.ProveEntry(index);
    ASSERT_TRUE(proven.ok()) << proven.status();
    EXPECT_TRUE(VerifyInclusion(LeafHash(AsBytes(proven->leaf)), index, proven->checkpoint.size,
                                proven->proof, proven->checkpoint.root)
                    .ok());
  }
  EXPECT_EQ(Reason(client.ProveEntry(7).status()), "ENTRY_NOT_FOUND");
}

TEST_F(ClientTest, WhoRequiresAsksForAVersionOfAScheme) {
  Client client = Connect();
  auto found = client.WhoRequires(RelationKind::kPackage, "debian/libc6", "deb:1:2.36-9", {});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->items[0].relation.relation, "requires");
  EXPECT_EQ(library_.who_requires.version_scheme(), "deb");
  EXPECT_EQ(library_.who_requires.version(), "1:2.36-9");
  EXPECT_EQ(library_.who_requires.kind(), "PACKAGE");
  ASSERT_TRUE(client.WhoRequires(RelationKind::kPackage, "debian/libc6", "", {}).ok());
  EXPECT_EQ(library_.who_requires.version(), "");
  EXPECT_EQ(Reason(client.WhoRequires(RelationKind::kPackage, "debian/libc6", "2.36", {}).status()),
            "VERSION_SCHEME_UNKNOWN");
}

TEST_F(ClientTest, AllAttestationsAreRead) {
  for (size_t count : {0u, 3u, 63u, 64u, 100u}) {
    library_.calls.clear();
    VariantName name{{"acme", "api"}, "1.0." + std::to_string(count), {}};
    std::vector<std::string> envelopes;
    for (size_t i = 0; i < count; ++i) envelopes.push_back("envelope " + std::to_string(i));
    library_.Force(name, "manifest", "spec", envelopes);
    auto details = Connect().GetVariant(name);
    ASSERT_TRUE(details.ok()) << details.status();
    EXPECT_EQ(details->envelopes, envelopes);
    EXPECT_EQ(details->attestations.size(), count);
    EXPECT_EQ(library_.calls["ListAttestations"] > 0, count > 64) << "only where some are left";
  }
}

v1::EvaluateResponse GatePage(v1::Decision decision, uint64_t index, uint64_t count,
                              const std::string& rule, const std::string& next) {
  v1::EvaluateResponse out;
  out.set_decision(decision);
  out.set_index(index);
  out.set_finding_count(count);
  out.set_next_page_token(next);
  if (!rule.empty()) {
    out.add_findings()->set_rule(rule);
    out.mutable_findings(0)->set_severity(v1::SEVERITY_ERROR);
  }
  return out;
}

TEST_F(ClientTest, AllFindingsOfOneDecisionAreRead) {
  library_.gate_pages = {GatePage(v1::DECISION_DENY, 5, 2, "a", "1"),
                         GatePage(v1::DECISION_DENY, 5, 2, "b", "")};
  auto answer = Connect().Evaluate({}, "production");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->allowed);
  ASSERT_EQ(answer->findings.size(), 2u);
  EXPECT_EQ(answer->findings[1].rule, "b");
  EXPECT_EQ(answer->index, 5u);
}

TEST_F(ClientTest, PagesOfTwoDecisionsAreNeverMixed) {
  library_.gate_pages = {
      GatePage(v1::DECISION_DENY, 5, 2, "a", "1"), GatePage(v1::DECISION_DENY, 6, 2, "b", ""),
      GatePage(v1::DECISION_DENY, 6, 2, "c", "1"), GatePage(v1::DECISION_DENY, 6, 2, "d", "")};
  auto answer = Connect().Evaluate({}, "production");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->findings[0].rule, "c");
}

TEST_F(ClientTest, ADecisionThatIsNotUnderstoodIsNoPermission) {
  for (const v1::EvaluateResponse& page :
       {GatePage(v1::DECISION_UNSPECIFIED, 5, 0, "", ""),
        GatePage(static_cast<v1::Decision>(9), 5, 0, "", ""),
        GatePage(v1::DECISION_ALLOW, 5, 1, "error", ""), GatePage(v1::DECISION_ALLOW, 5, 7, "", ""),
        GatePage(v1::DECISION_ALLOW, 5, 7, "", "on"),
        GatePage(v1::DECISION_ALLOW, 5, 1ull << 60, "", "on")}) {
    library_.gate_pages = {page};
    EXPECT_EQ(Reason(Connect().Evaluate({}, "production").status()), "SERVER_ANSWER_INVALID");
  }
}

}  // namespace
}  // namespace dml
