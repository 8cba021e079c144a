// Walks over what refers to what: from variants to blobs, from blobs to chunks, from deltas to
// their bases.
//
// Each walks all rows of `reader`, calling `step` now and then: it may block to slow the walk down,
// and ends it with an error. DATA_LOSS where a row or a manifest cannot be read: what is not known
// keeps everything.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>

#include "core/content/records.h"
#include "core/journal/records.h"
#include "core/package/manifest.h"
#include "storage/collect/mark_set.h"
#include "storage/engine/engine.h"

namespace dml {

using StepFn = absl::FunctionRef<absl::Status()>;

/// Namespaces as groups of a MarkSet.
class NamespaceNumbers {
 public:
  uint32_t Of(std::string_view ns);

 private:
  std::map<std::string, uint32_t, std::less<>> numbers_;
};

/// Every variant whose payload was not collected, in the order of names, with its manifest.
absl::Status ForEachPayload(
    const Reader& reader, StepFn step,
    absl::FunctionRef<absl::Status(const VariantRecord&, const Manifest&)> visit);

/// The chunks of a stored blob, in order; none where it is not stored.
absl::Status ForEachChunk(const Reader& reader, const Digest& blob,
                          absl::FunctionRef<void(const ChunkRef&)> visit);

/// Every chunk of the index, ascending by digest.
absl::Status ForEachStoredChunk(
    const Reader& reader, StepFn step,
    absl::FunctionRef<absl::Status(const Digest& chunk, const ChunkRecord& record)> visit);

absl::Status ForEachPack(const Reader& reader,
                         absl::FunctionRef<void(uint64_t pack, const PackRecord& record)> visit);

/// The namespaces that rows below `prefix`, a String of the namespace following it, are of.
absl::Status ForEachNamespace(const Reader& reader, Table table, const std::string& prefix,
                              absl::FunctionRef<absl::Status(const std::string& ns)> visit);

/// Blobs that variants of a namespace name whose payload was not collected.
absl::Status MarkPayload(const Reader& reader, StepFn step, NamespaceNumbers& numbers,
                         MarkSet& marks);
/// Blobs that some namespace sees.
absl::Status MarkVisibleBlobs(const Reader& reader, StepFn step, MarkSet& marks);
/// Chunks of blobs that a namespace sees, and of plain uploads into it.
absl::Status MarkChunksOfNamespaces(const Reader& reader, StepFn step, NamespaceNumbers& numbers,
                                    MarkSet& marks);
/// Chunks that the list of any blob or plain upload names, or that a namespace sees.
absl::Status MarkChunks(const Reader& reader, StepFn step, MarkSet& marks);
/// Bases of delta frames.
absl::Status MarkBases(const Reader& reader, StepFn step, MarkSet& marks);

}  // namespace dml
