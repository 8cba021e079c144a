// What somebody asks of the gate when asking for a permit. Functions without state; any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/labels.h"
#include "core/journal/seat_entries.h"
#include "storage/engine/engine.h"

namespace dml {

/// The longest time from `not_before` to `expires`.
inline constexpr std::chrono::hours kMaxPermitTime{24 * 31};

/// Times are whole seconds.
struct PermitRequest {
  Digest release;
  std::string environment;
  std::vector<std::string> nodes;  // Of exactly this environment; with `node_labels` or neither.
  Labels node_labels;
  Timestamp not_before;
  Timestamp expires;
  std::chrono::seconds max_revocation_age{0};  // 0: as long as the policy lets it be.
  std::vector<SeatRequest> seats;
  std::string deployer;  // Person who asks.
  bool is_back_out = false;
  std::string back_out{};  // The permit to go back by, given before.

  /// Of everything that is asked, so that a retry can be told from another request.
  Digest ToDigest() const;
};

/// INVALID_ARGUMENT (PERMIT_INVALID) with the field for times that make no permit at `now`, nodes
/// by name and by labels, or too much of either.
absl::Status CheckPermitRequest(const PermitRequest& request, Timestamp now);

/// The names of the nodes, ascending; empty: all of the environment. NOT_FOUND
/// (ENVIRONMENT_NOT_FOUND, NODE_NOT_FOUND): nothing is permitted for a place that is not there.
absl::StatusOr<std::vector<std::string>> ResolveNodes(const Reader& state,
                                                      const PermitRequest& request);

}  // namespace dml
