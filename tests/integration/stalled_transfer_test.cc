// Callers that begin a transfer and then do nothing, or next to nothing.
#include "client/connection.h"
#include "core/content/frame.h"
#include "core/wire/api.h"
#include "dml/v1/content.grpc.pb.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"

namespace dml {
namespace {

using Content = v1::ContentService;
using testing::RunningLibrary;
using testing::ScratchFolder;

class StalledTransferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::WriteBytes(config_, "limits: {stallTimeoutSeconds: 1, maxTransfers: 1}\n");
    ASSERT_TRUE(library_.Start());
    client_.emplace(library_.NewClient());
    ASSERT_TRUE(client_->CreateNamespace("acme", "", {}).ok());
  }
  Content::Stub stub() { return Content::Stub(client_->connection().channel()); }

  ScratchFolder folder_;
  const std::filesystem::path config_ = folder_.path() / "dmld.yaml";
  RunningLibrary library_{folder_.path() / "data", {"--config", config_.string()}};
  std::optional<Client> client_;
};

TEST_F(StalledTransferTest, AnUploadThatGoesSilentIsEndedAndWhatCameIsKept) {
  EncodedChunk chunk = EncodeChunk(AsBytes(std::string(1000, 'x')));
  const Digest digest = chunk.raw_digest;
  grpc::ClientContext context;
  v1::UploadBlobsResponse response;
  auto stream = stub().UploadBlobs(&context, &response);
  v1::UploadBlobsRequest request;
  request.set_namespace_("acme");
  wire::To(std::move(chunk), request.add_parts()->mutable_chunk());
  ASSERT_TRUE(stream->Write(request));
  // Says no more, and does not close the stream either: Finish returns when the server ends it.
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);

  // The one place for transfers is free again.
  const std::filesystem::path file = testing::WriteBytes(folder_.path() / "file", "content");
  ClientOptions options = library_.AdminOptions();
  options.retry.max_attempts = 20;
  Client patient = RunningLibrary::NewClient(options);
  EXPECT_TRUE(UploadFile(patient, "acme", file, nullptr).ok());
  v1::FindMissingChunksRequest find;
  find.set_namespace_("acme");
  find.add_sha256(std::string(digest.raw()));
  auto missing = client_->connection().Call(&Content::Stub::FindMissingChunks, find);
  ASSERT_TRUE(missing.ok()) << missing.status();
  EXPECT_EQ(missing->missing_size(), 0);
}

TEST_F(StalledTransferTest, AStreamWithoutAFirstMessageIsEnded) {
  grpc::ClientContext context;
  v1::WriteBlobResponse response;
  auto stream = stub().WriteBlob(&context, &response);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace dml
