// Entries about permits; see core/journal/entry.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/license/lease.h"

namespace dml {

inline constexpr size_t kMaxPermitNodes = 4096;

/// INVALID_ARGUMENT (PERMIT_INVALID) unless it is a UUID in lower case.
absl::Status CheckPermitId(std::string_view id);

/// How many findings there are of a rule.
struct RuleCount {
  std::string rule;
  uint32_t count = 0;
  bool operator==(const RuleCount&) const = default;
};

/// A release may go to an environment, or may not; decided on the journal's first `journal_size`
/// entries. What is signed as the permit, once this is durable, is the statement.
struct PermitDecided {
  std::string id;  // UUID.
  bool allowed = false;
  Digest release;
  std::string environment;
  std::vector<std::string> nodes;  // Ascending, distinct; empty: all of the environment.
  Digest policy;                   // Of its document; zero where there was none.
  uint64_t policy_revision = 0;
  uint64_t journal_size = 0;
  Digest findings;  // Of all findings in order.
  BlobRef permit;   // Metadata blob: the statement; size 0 where it was denied.
  Timestamp expires;
  Timestamp not_before{};
  Digest request{};                  // Of what was asked for; zero: nobody can ask again.
  std::vector<RuleCount> errors{};   // Findings that deny, by rule, ascending.
  uint64_t findings_size = 0;        // Of the metadata blob that `findings` names; 0: not kept.
  std::vector<SeatRequest> seats{};  // Reserved until `expires`: leases permit-ID/0, ...
  std::string back_out{};            // The permit to go back by; "": none.
  bool is_back_out = false;
  bool operator==(const PermitDecided&) const = default;
};

/// The permit counts for nothing from here on. What it reserved and nobody took is free again.
struct PermitRevoked {
  std::string id;
  std::string reason;
  bool operator==(const PermitRevoked&) const = default;
};

/// A node begins to act on a permit, which it does once.
struct PermitUsed {
  std::string id;
  std::string node;
  BlobRef baseline;  // Metadata blob: what was in use there (core/release/baseline.h).
  bool operator==(const PermitUsed&) const = default;
};

}  // namespace dml
