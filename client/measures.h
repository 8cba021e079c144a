// dml::MeasuresClient: measures of a library, by its Client.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "core/measures/measures.h"

namespace dml {

/// What is asked; as MeasuresQuestion.
struct MeasuresRequest {
  std::string environment;
  std::string service;
  std::optional<Timestamp> from;
  std::optional<Timestamp> until;
  MeasureSpan by = MeasureSpan::kAll;
};

struct MeasuresReport {
  std::vector<MeasuredPeriod> periods;
  uint64_t index = 0;  // Journal size.
  Timestamp time;      // Of its last entry.
};

/// A release that was let go, with what is found against it by now.
struct ReleaseFindings {
  std::string release;  // Resource name.
  std::string environment;
  std::vector<Finding> findings;
  uint32_t new_findings = 0;
  uint64_t journal_size = 0;  // Judged on its first entries.
  uint64_t index = 0;
  Timestamp time;
};

/// Thread-safe, as its Client is.
class MeasuresClient {
 public:
  /// `client` must outlive it.
  explicit MeasuresClient(Client& client) : client_(client) {}

  absl::StatusOr<MeasuresReport> Get(const MeasuresRequest& request);
  /// Of exactly this environment; "": of all that the caller sees.
  absl::StatusOr<ListPage<ReleaseFindings>> Findings(const std::string& environment,
                                                     const ListOptions& options);

 private:
  Client& client_;
};

}  // namespace dml
