// Domain values <-> API messages (proto/dml/v1), for server and client alike.
//
// `To` never fails. `From` checks what the domain needs and answers INVALID_ARGUMENT with the
// field's name; a client treats that as a broken server.
#pragma once

#include <string>

#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include "core/base/finding.h"
#include "core/content/records.h"
#include "core/journal/records.h"
#include "dml/v1/catalog.pb.h"
#include "dml/v1/common.pb.h"
#include "dml/v1/content.pb.h"
#include "dml/v1/environment.pb.h"
#include "dml/v1/key.pb.h"
#include "dml/v1/policy.pb.h"

namespace dml::wire {

using ApiLabels = google::protobuf::Map<std::string, std::string>;

void To(Timestamp time, google::protobuf::Timestamp* out);
Timestamp From(const google::protobuf::Timestamp& in);
void To(const Labels& labels, ApiLabels* out);
Labels From(const ApiLabels& in);

void To(const BlobRef& ref, v1::Blob* out);
absl::StatusOr<BlobRef> From(const v1::Blob& in);
void To(const Finding& finding, v1::Finding* out);
Finding From(const v1::Finding& in);

void To(const NamespaceRecord& record, v1::Namespace* out);
absl::StatusOr<NamespaceRecord> From(const v1::Namespace& in);
void To(const PackageRecord& record, v1::Package* out);
absl::StatusOr<PackageRecord> From(const v1::Package& in);
void To(const VariantRecord& record, v1::Variant* out);
absl::StatusOr<VariantRecord> From(const v1::Variant& in);
/// Without the envelope's bytes.
void To(const AttestationRecord& record, v1::Attestation* out);
absl::StatusOr<AttestationRecord> From(const v1::Attestation& in);
void To(const KeyRecord& record, v1::Key* out);
absl::StatusOr<KeyRecord> From(const v1::Key& in);
void To(const EnvironmentRecord& record, v1::Environment* out);
absl::StatusOr<EnvironmentRecord> From(const v1::Environment& in);
void To(const NodeRecord& record, v1::Node* out);
absl::StatusOr<NodeRecord> From(const v1::Node& in);
/// Without the document's text.
void To(const PolicyRecord& record, v1::Policy* out);
absl::StatusOr<PolicyRecord> From(const v1::Policy& in);

void To(const ChunkRef& chunk, v1::ChunkId* out);
absl::StatusOr<ChunkRef> From(const v1::ChunkId& in);
/// Moves the stored bytes.
void To(EncodedChunk&& chunk, v1::Chunk* out);
/// A delta with its base; the base's frame may be empty, where the receiver has it.
void To(EncodedChunk&& delta, EncodedChunk&& base, v1::Chunk* out);
/// RAW and ZSTD only: what may be uploaded. INVALID_ARGUMENT (CHUNK_CODEC_UNKNOWN).
absl::StatusOr<EncodedChunk> From(v1::Chunk&& in);
/// The base of a delta, likewise.
absl::StatusOr<EncodedChunk> From(v1::ChunkBase&& in);

// Resource names.
std::string NamespaceResource(std::string_view ns);      // namespaces/N
std::string KeyResource(const Digest& id);               // keys/<hex>
std::string EnvironmentResource(std::string_view name);  // environments/E
std::string NodeResource(std::string_view environment, std::string_view node);
/// What follows the collection's name, e.g. ParseResource("environments/a/b", "environments") is
/// "a/b". INVALID_ARGUMENT (NAME_INVALID) where the text is no name in that collection.
absl::StatusOr<std::string> ParseResource(std::string_view name, std::string_view collection);
absl::StatusOr<Digest> ParseKeyResource(std::string_view name);
/// environments/E/nodes/N -> {E, N}.
absl::StatusOr<std::pair<std::string, std::string>> ParseNodeResource(std::string_view name);
/// packages/N/P -> the package.
absl::StatusOr<PackageName> ParsePackageResource(std::string_view name);

}  // namespace dml::wire
