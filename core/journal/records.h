// Records: what the views know of each thing in the library, as values.
#pragma once

#include <string>
#include <vector>

#include "core/journal/entry.h"
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

enum class VariantState { kPublished = 1, kWithdrawn = 2 };

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

struct KeyRecord {
  std::string spki;  // DER; the key's id is its SHA-256.
  std::string owner;
  std::vector<std::string> roles;
  std::vector<std::string> namespaces;
  uint64_t registered_index = 0;
  Timestamp registered_time;
  bool revoked = false;
  uint64_t revoked_index = 0;
  std::string revoke_reason;
  bool operator==(const KeyRecord&) const = default;
};

/// Whether a key may vouch for packages of a namespace: not revoked, role `role`, namespace listed.
bool KeyCovers(const KeyRecord& key, std::string_view role, std::string_view ns);
/// The same in any signing role.
bool KeyCovers(const KeyRecord& key, std::string_view ns);

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

/// Signing roles that a key can be registered for.
inline constexpr std::string_view kSigningRoles[] = {"publisher", "tester"};

}  // namespace dml
