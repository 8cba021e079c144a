// Bytes that are not what they are said to be: refused, and nothing of them can be seen.
#include "core/content/frame.h"
#include "core/wire/api.h"
#include "dml/v1/content.grpc.pb.h"
#include "tests/integration/support/bad_input.h"

namespace dml {
namespace {

using Content = v1::ContentService;
constexpr auto kRefusedOutOfHand = absl::StatusCode::kResourceExhausted;

class BadContentTest : public testing::BadInputTest {
 protected:
  absl::Status Upload(const v1::Chunk& chunk, const std::string& ns = "acme",
                      std::string* answer = nullptr) {
    grpc::ClientContext context;
    v1::UploadBlobsResponse response;
    auto stream = stub<Content>().UploadBlobs(&context, &response);
    v1::UploadBlobsRequest request;
    request.set_namespace_(ns);
    *request.add_parts()->mutable_chunk() = chunk;
    stream->Write(request);
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    if (answer != nullptr) *answer = response.ShortDebugString();
    return FromGrpcStatus(status);
  }

  bool IsMissing(const Digest& chunk, const std::string& ns = "acme") {
    v1::FindMissingChunksRequest request;
    request.set_namespace_(ns);
    request.add_sha256(std::string(chunk.raw()));
    auto response = client_->connection().Call(&Content::Stub::FindMissingChunks, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() && response->missing_size() == 1;
  }

  absl::Status Write(const BlobRef& blob, const std::vector<std::string>& parts) {
    grpc::ClientContext context;
    v1::WriteBlobResponse response;
    auto stream = stub<Content>().WriteBlob(&context, &response);
    v1::WriteBlobRequest request;
    request.set_namespace_("acme");
    wire::To(blob, request.mutable_blob());
    for (const std::string& part : parts) {
      request.set_data(part);
      if (!stream->Write(request)) break;
      request.Clear();
    }
    stream->WritesDone();
    return FromGrpcStatus(stream->Finish());
  }

  // No blob of this name, and no part of one, is there.
  void ExpectNoBlob(const BlobRef& blob) {
    v1::QueryWriteRequest request;
    request.set_namespace_("acme");
    wire::To(blob, request.mutable_blob());
    auto response = client_->connection().Call(&Content::Stub::QueryWrite, request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_FALSE(response->complete());
    EXPECT_EQ(response->committed_size(), 0u);
  }

  static v1::Chunk ChunkOf(const std::string& raw) {
    v1::Chunk chunk;
    wire::To(EncodeChunk(AsBytes(raw)), &chunk);
    return chunk;
  }
};

TEST_F(BadContentTest, AChunkWithAnotherDigest) {
  const Digest claimed = Sha256("what it claims to be");
  v1::Chunk chunk = ChunkOf("what it is");
  chunk.set_sha256(std::string(claimed.raw()));
  ExpectInvalid(Upload(chunk), "CHUNK_DIGEST_MISMATCH");
  EXPECT_TRUE(IsMissing(claimed));
  EXPECT_TRUE(IsMissing(Sha256("what it is")));
}

TEST_F(BadContentTest, AChunkWithAnotherSize) {
  v1::Chunk chunk = ChunkOf("ten bytes.");
  for (uint32_t size : {0u, 9u, 11u}) {
    chunk.set_size(size);
    ExpectInvalid(Upload(chunk), "CHUNK_FRAME_INVALID");
  }
  EXPECT_TRUE(IsMissing(Sha256("ten bytes.")));
}

TEST_F(BadContentTest, AChunkWithoutADigestOrOfAnUnknownCodec) {
  v1::Chunk chunk = ChunkOf("bytes");
  chunk.set_sha256("short");
  ExpectInvalid(Upload(chunk), "DIGEST_INVALID", "parts.chunk.sha256");
  chunk = ChunkOf("bytes");
  chunk.set_codec(static_cast<v1::ChunkCodec>(77));
  ExpectInvalid(Upload(chunk), "CHUNK_CODEC_UNKNOWN", "parts.chunk.codec");
  EXPECT_TRUE(IsMissing(Sha256("bytes")));
}

// attack 19
TEST_F(BadContentTest, AFrameThatUnfoldsToMoreThanItSays) {
  const std::string zeros(kMaxChunkBytes, '\0');
  v1::Chunk bomb = ChunkOf(zeros);
  ASSERT_LT(bomb.data().size(), 1024u);
  bomb.set_size(16);
  ExpectInvalid(Upload(bomb), "CHUNK_FRAME_INVALID");
  bomb.set_size(UINT32_MAX);
  ExpectInvalid(Upload(bomb), "CHUNK_TOO_LARGE");
  // Two frames in one: stock decoders disagree about what that is.
  v1::Chunk twice = ChunkOf(zeros);
  twice.set_data(twice.data() + twice.data());
  ExpectInvalid(Upload(twice), "CHUNK_FRAME_INVALID");
  EXPECT_TRUE(IsMissing(Sha256(zeros)));
}

TEST_F(BadContentTest, AChunkForANamespaceThatIsNotThere) {
  ExpectRefused(Upload(ChunkOf("bytes"), "nowhere"), absl::StatusCode::kNotFound,
                "NAMESPACE_NOT_FOUND", "namespace");
}

TEST_F(BadContentTest, ABlobWithAnotherDigest) {
  const std::string bytes(300 << 10, 'x');
  const BlobRef blob{Sha256("something else"), bytes.size()};
  ExpectInvalid(Write(blob, {bytes}), "BLOB_DIGEST_MISMATCH", "blob");
  ExpectNoBlob(blob);
}

TEST_F(BadContentTest, ABlobWhoseChunksComeInAnotherOrder) {
  const std::string first(300, '1');
  const std::string second(200, '2');
  const BlobRef blob{Sha256(first + second), 500};
  auto upload = [&](const std::string& a, const std::string& b) {
    grpc::ClientContext context;
    v1::UploadBlobsResponse response;
    auto stream = stub<Content>().UploadBlobs(&context, &response);
    v1::UploadBlobsRequest request;
    request.set_namespace_("acme");
    *request.add_parts()->mutable_chunk() = ChunkOf(a);
    *request.add_parts()->mutable_chunk() = ChunkOf(b);
    wire::To(blob, request.add_parts()->mutable_end());
    stream->Write(request);
    stream->WritesDone();
    return FromGrpcStatus(stream->Finish());
  };
  EXPECT_EQ(Reason(upload(second, first)), "BLOB_DIGEST_MISMATCH");
  ExpectNoBlob(blob);
  EXPECT_TRUE(upload(first, second).ok());
}

TEST_F(BadContentTest, AnUploadThatEndsEarly) {
  const std::string bytes(300 << 10, 'y');
  const BlobRef blob{Sha256(bytes), bytes.size()};
  ExpectInvalid(Write(blob, {bytes.substr(0, 1000)}), "BLOB_SIZE_MISMATCH", "blob");
  ExpectNoBlob(blob);
  ExpectInvalid(Write(blob, {}), "STREAM_EMPTY");
  EXPECT_TRUE(Write(blob, {bytes}).ok()) << "a refused upload stands in the way of the right one";
}

TEST_F(BadContentTest, AnUploadThatGoesOnBeyondItsEnd) {
  const std::string bytes(1000, 'z');
  const BlobRef blob{Sha256(bytes), bytes.size()};
  ExpectInvalid(Write(blob, {bytes, "and more"}), "BLOB_SIZE_MISMATCH");
  ExpectNoBlob(blob);
}

TEST_F(BadContentTest, AnUploadThatChangesItsBlob) {
  const BlobRef blob{Sha256("one two"), 7};
  grpc::ClientContext context;
  v1::WriteBlobResponse response;
  auto stream = stub<Content>().WriteBlob(&context, &response);
  v1::WriteBlobRequest request;
  request.set_namespace_("acme");
  wire::To(blob, request.mutable_blob());
  request.set_data("one");
  stream->Write(request);
  wire::To(BlobRef{Sha256("another"), 7}, request.mutable_blob());
  request.set_data(" two");
  stream->Write(request);
  stream->WritesDone();
  ExpectInvalid(FromGrpcStatus(stream->Finish()), "BLOB_CHANGED", "blob");
  ExpectNoBlob(blob);
}

TEST_F(BadContentTest, ABlobThatCannotBe) {
  v1::WriteBlobRequest request;
  ExpectInvalid(Write({Sha256("x"), UINT64_MAX}, {"x"}), "BLOB_TOO_LARGE", "blob");
  grpc::ClientContext context;
  v1::WriteBlobResponse response;
  auto stream = stub<Content>().WriteBlob(&context, &response);
  request.set_namespace_("acme");
  request.mutable_blob()->set_digest("md5:d41d8cd98f00b204e9800998ecf8427e");
  stream->Write(request);
  stream->WritesDone();
  ExpectInvalid(FromGrpcStatus(stream->Finish()), "DIGEST_INVALID", "blob.digest");
}

// attack 23
TEST_F(BadContentTest, ABlobOfChunksOfAnotherNamespace) {
  const std::string secret = "only other may see this";
  ASSERT_TRUE(Upload(ChunkOf(secret), "other").ok());
  EXPECT_FALSE(IsMissing(Sha256(secret), "other"));
  EXPECT_TRUE(IsMissing(Sha256(secret)));
  const BlobRef blob{Sha256(secret), secret.size()};
  grpc::ClientContext context;
  v1::UploadBlobsResponse response;
  auto stream = stub<Content>().UploadBlobs(&context, &response);
  v1::UploadBlobsRequest request;
  request.set_namespace_("acme");
  wire::To(ChunkRef{blob.digest, static_cast<uint32_t>(blob.size)},
           request.add_parts()->mutable_known());
  wire::To(blob, request.add_parts()->mutable_end());
  stream->Write(request);
  stream->WritesDone();
  ExpectRefused(FromGrpcStatus(stream->Finish()), absl::StatusCode::kNotFound, "CHUNK_NOT_FOUND");
  ExpectNoBlob(blob);
}

// attack 23: neither the answer nor the figures tell whether somebody else has the bytes.
TEST_F(BadContentTest, AnUploadTellsNothingOfOtherNamespaces) {
  const std::string secret(20'000, 's');
  const std::string fresh(20'000, 'f');
  ASSERT_TRUE(Upload(ChunkOf(secret), "other").ok());
  std::string known;
  std::string unknown;
  ASSERT_TRUE(Upload(ChunkOf(secret), "acme", &known).ok());
  ASSERT_TRUE(Upload(ChunkOf(fresh), "acme", &unknown).ok());
  EXPECT_EQ(known, unknown);
  EXPECT_NE(known, "");
}

TEST_F(BadContentTest, AMessageThatIsTooLarge) {
  v1::Chunk chunk = ChunkOf("bytes");
  chunk.set_data(std::string(5 << 20, 'x'));
  EXPECT_EQ(Upload(chunk).code(), kRefusedOutOfHand);
  const std::string huge = testing::SpecJson("acme/huge", "1.0.0", "MIT",
                                             R"(,"title":")" + std::string(5 << 20, 'x') + '"');
  EXPECT_EQ(Publish({MakeManifest(huge), huge, {"{}"}}).code(), kRefusedOutOfHand);
}

}  // namespace
}  // namespace dml
