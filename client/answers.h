// What a library answers, as values (client/client.h).
#pragma once

#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/journal/records.h"
#include "core/license/policy.h"
#include "core/trust/checkpoint.h"

namespace dml {

/// A mutation that was carried out; its entry is durable and included in `checkpoint` (verified).
struct Commit {
  uint64_t index = 0;
  Timestamp time;
  Checkpoint checkpoint;
  bool replayed = false;
};

template <typename T>
struct Committed {
  T value;
  Commit commit;
};

/// One page of a list; ask again with the token until it is empty.
template <typename T>
struct ListPage {
  std::vector<T> items;
  std::string next_page_token;
};

struct ListOptions {
  int page_size = 100;
  std::string page_token;
  std::string filter;  // docs/filter.md; where the list has one.
};

struct MutationOptions {
  bool validate_only = false;
  std::string request_id;  // "": a new one.
};

/// A variant with its documents as stored, digests verified.
struct VariantDetails {
  VariantRecord record;
  std::string manifest;
  std::string spec;
  std::vector<std::string> envelopes;  // Same order as `attestations`.
  std::vector<AttestationRecord> attestations;
};

struct LicenseAnswer {
  LicenseOutcome outcome = LicenseOutcome::kReview;
  std::string expression;
  std::string chosen;
  struct Reason {
    std::string license;
    LicenseOutcome outcome;
    std::string rule;
  };
  std::vector<Reason> reasons;
  std::string license_list_version;
  uint64_t policy_revision = 0;
};

struct LicenseUse {
  VariantName variant;
  std::string declared_license;
};

struct RelationUse {
  VariantName variant;
  RelationRecord relation;
};

enum class CompatibilityOutcome { kCompatible = 1, kIncompatible = 2, kNotProven = 3 };

struct CompatibilityAnswer {
  CompatibilityOutcome outcome = CompatibilityOutcome::kNotProven;
  std::vector<Finding> violations;  // All of them.
  uint64_t index = 0;
};

struct GateAnswer {
  bool allowed = false;
  std::vector<Finding> findings;  // All of them.
  uint64_t index = 0;
  std::string policy_environment;
  uint64_t policy_revision = 0;
  std::string license_list_version;
  std::string findings_digest;
};

struct JournalLine {
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  std::string kind;
  std::string summary;
  std::string request_id;
  std::string leaf;  // The exact bytes.
};

/// An inclusion proof that was verified against `checkpoint`.
struct ProvenEntry {
  uint64_t index = 0;
  std::string leaf;
  std::vector<Digest> proof;
  Checkpoint checkpoint;
  std::string checkpoint_note;
};

struct PolicyDocument {
  PolicyRecord record;
  std::string text;
};

struct ServerStatus {
  std::string server_version;
  std::string origin;
  uint64_t journal_size = 0;
  Timestamp start_time;
  uint64_t stored_bytes = 0;
  uint64_t frames_sent = 0;     // Since its start, as they are stored;
  uint64_t chunks_decoded = 0;  // those that had to be decoded for their receivers.
  std::string principal;
  std::vector<std::string> roles;
};

struct ViewsVerdict {
  bool consistent = false;
  uint64_t entries = 0;
  uint64_t rows = 0;
  std::vector<std::string> differences;
};

}  // namespace dml
