// What a library answers, as values (client/client.h).
//
// The answers of Evaluate, CheckSet, EvaluateLicense, EvaluateVariantLicense and GetStatus carry
// the size of the log that they were given at. One that is shorter than the checkpoint remembered
// when the call began is refused: LOG_WENT_BACK. For one that is longer, a checkpoint that covers
// it is fetched and its consistency proven before the answer is returned, unless that was done less
// than ClientOptions::log_check_interval ago; UNAVAILABLE (LOG_NOT_SIGNED) where the library offers
// none. After an accusation nothing more is asked of the library before its checkpoint is accepted.
#pragma once

#include <string>
#include <vector>

#include "client/license_answers.h"
#include "core/base/finding.h"
#include "core/content/upkeep.h"
#include "core/journal/records.h"
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

/// Whether long work of the library is under way, and how it ended the last time.
struct JobStatus {
  bool waiting = false;  // For other work to end.
  bool running = false;
  std::string error_reason;  // "" where it went well, or never ran since the daemon's start.
  std::string error_message;

  bool busy() const { return waiting || running; }
};

struct CollectionStatus {
  JobStatus job;
  CollectionRecord record;  // Of the pass under way, else the last one.
};

struct RepackStatus {
  JobStatus job;
  RepackRecord record;  // Of the pass under way, else the last one since the daemon's start.
};

/// A variant whose payload a collection would let go, and why nothing keeps it.
struct PlannedVariant {
  VariantName name;
  uint64_t payload_size = 0;
  std::string reason;
};

/// What a collection would do: the last plan that was made.
struct CollectionPlanStatus {
  JobStatus job;
  uint64_t variants = 0;       // All of them,
  uint64_t variant_bytes = 0;  // and the size of their payload, shared or not.
  StorageFigures figures;      // As if it had gone; time 1970: no plan was made.
  ListPage<PlannedVariant> page;
};

struct ScrubStatus {
  JobStatus job;
  ScrubRecord record;  // Without the cursor.
};

struct StorageStatus {
  JobStatus job;
  StorageFigures figures;  // Time 1970: never measured since the daemon's start.
};

}  // namespace dml
