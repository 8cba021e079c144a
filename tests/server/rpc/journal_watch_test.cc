// Watches of the journal, over a connection whose reader may stand still.
#include <atomic>

#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "dml/v1/journal.grpc.pb.h"
#include "tests/server/support/service_parts.h"

namespace dml {
namespace {

using Stub = v1::JournalService::Stub;

constexpr size_t kDescriptionBytes = 4'000;
// More than sockets and gRPC, whose window grows with the speed of the connection, take in before
// the reader reads: 400 MB.
constexpr int kMaxNamespaces = 100'000;

class JournalWatchTest : public ::testing::Test {
 protected:
  JournalWatchTest() {
    // Beyond the 200 ms after which a watch without news looks around.
    context_.stall_timeout = std::chrono::milliseconds(2000);
    service_ = MakeJournalService(context_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~JournalWatchTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  void Create(const std::string& name) {
    EXPECT_TRUE(
        library_.Commit(NamespaceCreated{name, std::string(kDescriptionBytes, 'd'), {}}).ok());
  }
  int watches() const { return context_.watches->load(); }

  // A watch from `start` on; the call ends with the test where the daemon does not end it.
  struct Watch {
    Watch(JournalWatchTest& test, const std::string& kind) {
      context.AddMetadata("authorization", "Bearer " + FormatAccessToken(test.bearer_));
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
      v1::WatchEntriesRequest request;
      request.set_kind(kind);
      // A connection of its own: one that is full holds up nobody else.
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stream = Stub(grpc::CreateCustomChannel(test.address_, grpc::InsecureChannelCredentials(),
                                              arguments))
                   .WatchEntries(&context, request);
    }
    ~Watch() { context.TryCancel(); }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::WatchEntriesResponse>> stream;
  };

  testing::ServiceParts parts_;
  testing::TestLibrary& library_ = parts_.library;
  testing::Bearers& bearers_ = parts_.bearers;
  ServiceContext context_ = parts_.context();
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  const AccessToken bearer_ = bearers_.Add({{"auditor", ""}});
};

// attack 14: whoever takes nothing holds no thread and no place for longer than the limit.
TEST_F(JournalWatchTest, AWatchThatTakesNothingIsCanceledAndOneWithoutNewsIsNot) {
  v1::WatchEntriesResponse message;
  Watch idle(*this, "policy_set");
  ASSERT_TRUE(idle.stream->Read(&message));
  EXPECT_EQ(message.entries_size(), 0);

  Watch stalled(*this, "");
  stalled.stream->WaitForInitialMetadata();  // Of the first message, which is not read.
  ASSERT_EQ(watches(), 2);
  for (int i = 0; i < kMaxNamespaces && watches() > 1; ++i) Create("n" + std::to_string(i));
  ASSERT_EQ(watches(), 1) << "all was taken, or held the place for longer than the limit";
  while (stalled.stream->Read(&message)) {
  }
  EXPECT_EQ(stalled.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);

  // The limit has passed for the other one, too.
  EXPECT_TRUE(library_.Commit(EnvironmentCreated{"lab", "", {}}).ok());
  EXPECT_TRUE(library_.Commit(PolicySet{"lab", {Sha256("policy"), 6}, ""}, {"policy"}).ok());
  do {
    ASSERT_TRUE(idle.stream->Read(&message));
  } while (message.entries_size() == 0);  // It says now and then that it is there.
  EXPECT_EQ(message.entries(0).kind(), "policy_set");
}

}  // namespace
}  // namespace dml
