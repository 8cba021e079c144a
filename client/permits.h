// dml::PermitClient: permits of a library, by its Client.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/releases.h"
#include "core/journal/permit_records.h"

namespace dml {

/// What is asked for; see proto/dml/v1/permit.proto.
struct PermitWish {
  ReleaseName release;
  std::string environment;
  std::vector<std::string> nodes;
  Labels node_labels;
  std::optional<Timestamp> not_before;
  std::optional<Timestamp> expires;
  std::chrono::seconds max_revocation_age{0};
  std::vector<SeatRequest> seats;
};

/// A decision as the library tells it.
struct PermitStanding {
  PermitRecord record;
  PermitState state = PermitState::kDenied;  // At the journal's time of the answer.
  std::string release;                       // releases/N/versions/V; "" where it is not known.
};

struct PermitAnswer {
  PermitStanding permit;
  std::vector<Finding> findings;  // The first of them.
  uint64_t finding_count = 0;
  std::optional<PermitStanding> back_out;
};

struct PermitDetails {
  PermitStanding permit;
  std::vector<Finding> findings;  // All that are kept.
  std::string statement;          // Verified against the record; "" where it was denied.
  std::vector<PermitUseRecord> uses;
};

struct PermitFilter {
  std::string environment;
  std::optional<ReleaseName> release;
  std::string node;
  bool only_valid = false;
};

struct RevocationAnswer {
  std::string envelope;
  uint64_t number = 0;
  Timestamp time;
};

struct BatchItem {
  ReleaseName release;
  std::string environment;
  std::optional<Timestamp> time;
};

struct BatchAnswer {
  bool allowed = false;
  std::vector<RuleCount> errors;
  uint64_t finding_count = 0;
  std::string findings_digest;
  std::string error;  // Reason; "": there is an answer.
  std::string error_message;
};

struct WhatIfAnswer {
  bool allowed_before = false;
  bool allowed_after = false;
  std::vector<Finding> gone;
  std::vector<Finding> added;
  std::vector<Finding> findings;
  uint64_t index = 0;
  Timestamp time;
};

struct ExplainAnswer {
  Finding finding;
  std::string rule_says;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::string> changes;
  std::optional<Timestamp> gone_by;
  uint64_t other_errors = 0;
  uint64_t index = 0;
};

/// Of a permit that was denied, or of a release in an environment.
struct ExplainQuestion {
  std::string permit;  // Id; "": the release.
  ReleaseName release;
  std::string environment;
  std::optional<Timestamp> time;
  std::string rule;
  std::string subject;
};

/// Thread-safe, as its Client is. Permits are named by their ids.
class PermitClient {
 public:
  /// `client` must outlive it.
  explicit PermitClient(Client& client) : client_(client) {}

  /// A denial is an answer: see PermitAnswer::permit.
  absl::StatusOr<Committed<PermitAnswer>> Issue(const PermitWish& wish,
                                                const MutationOptions& options = {});
  absl::StatusOr<PermitDetails> Get(const std::string& id);
  absl::StatusOr<ListPage<PermitStanding>> List(const PermitFilter& filter,
                                                const ListOptions& options);
  /// The bundle's text. `history_sizes`: of checkpoints that may be remembered; `after_root`: roots
  /// after this version come.
  absl::StatusOr<std::string> Bundle(const std::string& id,
                                     const std::vector<uint64_t>& history_sizes = {},
                                     uint64_t after_root = 0);
  absl::StatusOr<Committed<PermitStanding>> Revoke(const std::string& id, const std::string& reason,
                                                   const MutationOptions& options = {});
  absl::StatusOr<RevocationAnswer> Revocations();
  absl::StatusOr<Committed<PermitStanding>> Use(const std::string& id, const std::string& node,
                                                const std::vector<VariantName>& baseline,
                                                const MutationOptions& options = {});
  /// A manifest, package spec or configuration of the permit's release, verified.
  absl::StatusOr<std::string> ReadDocument(const std::string& id, const Digest& digest);

  absl::StatusOr<std::vector<BatchAnswer>> Evaluate(const std::vector<BatchItem>& items);
  /// `document` and `policy`: "" as they are.
  absl::StatusOr<WhatIfAnswer> WhatIf(const ReleaseName& release, const std::string& environment,
                                      const std::string& document, const std::string& policy,
                                      std::optional<Timestamp> time);
  absl::StatusOr<ExplainAnswer> Explain(const ExplainQuestion& question);

 private:
  Client& client_;
};

}  // namespace dml
