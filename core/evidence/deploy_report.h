// What a tool that deploys without an agent says it has fetched by a permit: an in-toto statement
// about the release document, signed by whoever runs it. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/time.h"
#include "core/package/names.h"

namespace dml {

inline constexpr std::string_view kDeployReportPredicate = "https://dml.dev/deploy-report/v1";

struct FetchedItem {
  VariantName variant;
  Digest manifest;
  uint64_t files = 0;
  uint64_t bytes = 0;  // Of the files.
  bool operator==(const FetchedItem&) const = default;
};

struct DeployReport {
  std::string permit;  // Id.
  std::string environment;
  std::string node;                // "": for all of the environment.
  Timestamp time;                  // Whole seconds.
  std::vector<FetchedItem> items;  // In the permit's order.
  bool operator==(const DeployReport&) const = default;
};

/// Reads the predicate strictly. INVALID_ARGUMENT (DEPLOY_REPORT_INVALID) with the place.
absl::StatusOr<DeployReport> ParseDeployReport(std::string_view json);
/// Compact, members in alphabetical order. The errors of the parser for what it would refuse.
absl::StatusOr<std::string> FormatDeployReport(const DeployReport& report);

}  // namespace dml
