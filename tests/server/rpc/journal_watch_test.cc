// Watches of the journal, over a connection whose reader may stand still.
#include <atomic>
#include <thread>

#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "dml/v1/journal.grpc.pb.h"
#include "server/admission/admission.h"
#include "server/rpc/services.h"
#include "tests/server/support/bearers.h"
#include "tests/support/library_fixture.h"

namespace dml {
namespace {

using Stub = v1::JournalService::Stub;

// More than a stream takes in before its reader reads: the first window of HTTP/2 is 64 KiB.
constexpr int kNamespaces = 100;
constexpr size_t kDescriptionBytes = 4000;

class JournalWatchTest : public ::testing::Test {
 protected:
  JournalWatchTest() {
    for (int i = 0; i < kNamespaces; ++i) Create("n" + std::to_string(i));
    // Beyond the 200 ms after which a watch without news looks around.
    context_.stall_timeout = std::chrono::milliseconds(2000);
    service_ = MakeJournalService(context_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials());
  }
  ~JournalWatchTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  void Create(const std::string& name) {
    EXPECT_TRUE(
        library_.Commit(NamespaceCreated{name, std::string(kDescriptionBytes, 'd'), {}}).ok());
  }
  int watches() const { return context_.watches->load(); }

  // A watch from `start` on; the call ends with the test where the daemon does not end it.
  struct Watch {
    Watch(JournalWatchTest& test, uint64_t start) {
      context.AddMetadata("authorization", "Bearer " + FormatAccessToken(test.bearer_));
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
      v1::WatchEntriesRequest request;
      request.set_start_index(start);
      stream = Stub(test.channel_).WatchEntries(&context, request);
    }
    ~Watch() { context.TryCancel(); }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::WatchEntriesResponse>> stream;
  };

  testing::TestLibrary library_;
  testing::Bearers bearers_;
  Authenticator authenticator_{{}, &bearers_};
  CallGuard guard_{authenticator_};
  TransferBudget budget_{TransferLimits()};
  std::unique_ptr<Maintenance> maintenance_ = *Maintenance::Start(*library_, {});
  TrustCache trust_;
  Admission admission_{*library_, {}};
  ServiceContext context_{*library_, guard_, budget_, *maintenance_, trust_, admission_};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  const AccessToken bearer_ = bearers_.Add({{"auditor", ""}});
};

// attack 14: whoever takes nothing holds no thread and no place for longer than the limit.
TEST_F(JournalWatchTest, AWatchThatTakesNothingIsCanceledAndAnIdleOneIsNot) {
  const uint64_t size = library_->checkpoint()->checkpoint.size;
  v1::WatchEntriesResponse message;
  Watch idle(*this, size);
  ASSERT_TRUE(idle.stream->Read(&message));
  EXPECT_EQ(message.next_index(), size);

  Watch stalled(*this, 0);
  EXPECT_EQ(stalled.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (watches() > 1) std::this_thread::yield();

  // The limit has passed for the idle one, too.
  Create("news");
  ASSERT_TRUE(idle.stream->Read(&message));
  ASSERT_EQ(message.entries_size(), 1);
  EXPECT_EQ(message.entries(0).index(), size);
}

}  // namespace
}  // namespace dml
