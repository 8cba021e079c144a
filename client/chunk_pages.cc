#include "client/chunk_pages.h"

#include "client/calls.h"
#include "dml/v1/content.grpc.pb.h"

namespace dml {
namespace {

constexpr int kChunksPage = 1000;

}  // namespace

ChunkPages::ChunkPages(Connection& connection, const std::string& variant, const BlobRef& blob,
                       bool with_bases, const std::string& permit)
    : connection_(connection), blob_(blob), ended_(blob.size == 0) {
  request_.set_name(variant);
  request_.set_permit(permit);
  request_.set_digest(blob.digest.ToString());
  request_.set_page_size(kChunksPage);
  request_.set_with_bases(with_bases);
}

absl::StatusOr<std::optional<ChunkPage>> ChunkPages::Next() {
  if (ended_) return std::nullopt;
  DML_ASSIGN_OR_RETURN(auto response,
                       connection_.Call(&v1::ContentService::Stub::GetBlobChunks, request_));
  ChunkPage page;
  DML_RETURN_IF_ERROR(Add(response, page));
  request_.set_page_token(response.next_page_token());
  ended_ = request_.page_token().empty();
  if (ended_ && offset_ != blob_.size) return DoesNotFit();
  return page;
}

absl::Status ChunkPages::Add(const v1::GetBlobChunksResponse& response, ChunkPage& page) {
  for (const v1::ChunkId& id : response.chunks()) {
    DML_ASSIGN_OR_RETURN(ChunkRef chunk, Answered(wire::From(id)));
    if (chunk.size == 0 || chunk.size > kMaxChunkBytes || chunk.size > blob_.size - offset_) {
      return DoesNotFit();
    }
    page.chunks.push_back({chunk, ordinal_++, offset_});
    offset_ += chunk.size;
  }
  if (page.chunks.empty()) return BadAnswer("a page of a chunk list is empty");
  if (response.base_sha256_size() > response.chunks_size()) {
    return BadAnswer("a page of a chunk list has more bases than chunks");
  }
  for (const std::string& raw : response.base_sha256()) {
    DML_ASSIGN_OR_RETURN(Digest base, Answered(Digest::FromBytes(raw)));
    page.bases.push_back(base);
  }
  return absl::OkStatus();
}

absl::Status ChunkPages::DoesNotFit() const {
  return BadAnswer(fmt::format("the chunk list of {} does not fit its {} bytes",
                               blob_.digest.ToString(), blob_.size));
}

}  // namespace dml
