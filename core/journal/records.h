// Records: what the views know of each thing in the library, as values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal/entry.h"
#include "core/journal/permit_records.h"
#include "core/journal/release_records.h"
#include "core/journal/seat_records.h"
#include "core/journal/trust_records.h"
#include "core/package/package_spec.h"

namespace dml {

struct NamespaceRecord {
  std::string name;
  std::string description;
  Labels labels;
  uint64_t created_index = 0;
  Timestamp created_time;
  bool operator==(const NamespaceRecord&) const = default;
};

/// The retention policy of a namespace that has one.
struct RetentionRecord {
  std::string ns;
  RetentionPolicy policy;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  /// What a writer must have seen to replace this policy: the index of its entry; "" for none.
  std::string Etag() const;
  bool operator==(const RetentionRecord&) const = default;
};

struct PackageRecord {
  PackageName name;
  VersionScheme scheme = VersionScheme::kSemver;
  std::string title;           // Of the highest version that is not withdrawn.
  std::string latest;          // That version's text; "" where all are withdrawn.
  uint64_t version_count = 0;  // Distinct versions, withdrawn ones included.
  uint64_t created_index = 0;
  uint64_t updated_index = 0;
  bool operator==(const PackageRecord&) const = default;
};

/// Only what is published is there for deployment and for reading; what is quarantined waits for a
/// decision, and what was rejected or withdrawn never comes back.
enum class VariantState { kPublished = 1, kWithdrawn = 2, kQuarantined = 3, kRejected = 4 };

/// "PUBLISHED", "WITHDRAWN", "QUARANTINED", "REJECTED".
std::string_view VariantStateName(VariantState state);

struct VariantRecord {
  VariantName name;
  VersionScheme scheme = VersionScheme::kSemver;
  BlobRef manifest;
  BlobRef spec;
  uint64_t payload_size = 0;  // Bytes of all files together.
  uint32_t file_count = 0;
  VariantState state = VariantState::kPublished;
  std::string withdraw_reason;
  std::string title;
  std::string declared_license;
  std::string purl;
  Labels labels;
  std::string publisher;
  uint64_t published_index = 0;
  Timestamp published_time;
  uint64_t withdrawn_index = 0;
  Timestamp withdrawn_time;
  bool payload_collected = false;
  uint32_t attestation_count = 0;  // Distinct envelopes. 0 where a client was told the record.
  std::string admission_reason;    // Of the last decision; "" where it was accepted at once.
  uint64_t admission_index = 0;    // Of the last decision.
  std::optional<ScanReport> scan;  // The last one, and when it was made.
  uint64_t scan_index = 0;
  Timestamp scan_time;
  uint32_t hold_count = 0;
  bool operator==(const VariantRecord&) const = default;
};

struct AttestationRecord {
  AttestationRef ref;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  Digest statement;  // Of the bytes that were signed; zero where a client was told the record.
  bool operator==(const AttestationRecord&) const = default;
};

struct EnvironmentRecord {
  std::string name;
  std::string description;
  Labels labels;
  uint64_t created_index = 0;
  Timestamp created_time;
  bool operator==(const EnvironmentRecord&) const = default;
};

struct NodeRecord {
  std::string environment;
  std::string name;
  Labels labels;
  uint64_t created_index = 0;
  Timestamp created_time;
  bool operator==(const NodeRecord&) const = default;
};

struct PolicyRecord {
  std::string environment;
  uint64_t revision = 0;  // From 1.
  BlobRef document;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  BlobRef envelope{};  // DSSE, of the role policy; size 0 where nobody signed it.
  /// What a writer must have seen to replace this revision: the document's digest and the revision.
  std::string Etag() const;
  bool operator==(const PolicyRecord&) const = default;
};

/// A request id that was carried out, to answer a retry with the first outcome.
struct RequestRecord {
  uint64_t index = 0;
  Timestamp time;
  Digest payload;  // Of the serialized payload, to tell a retry from another request.
  bool operator==(const RequestRecord&) const = default;
};

/// A relation as it is indexed under the name that it points to.
struct RelationRecord {
  std::string relation;  // "requires", "conflicts", "breaks", "replaces", "provides".
  std::string range;     // VERS; for "provides" the version or "".
  std::string scope;     // RelationScopeName, "" for "provides".
  std::string source;
  bool operator==(const RelationRecord&) const = default;
};

}  // namespace dml
