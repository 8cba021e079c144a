// Continuous re-evaluation: what was let go is judged again when what it was judged by changes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.h"
#include "core/journal/rollout_records.h"
#include "storage/library/library.h"
#include "storage/library/policies.h"
#include "storage/library/trust.h"

namespace dml {

/// Whether an entry may change what is found of a release that was let go: it is about policies,
/// advisories, keys, license data, entitlements, variants or their evidence, or withdraws a
/// release.
bool MayChangeFindings(const EntryPayload& payload);

/// The findings of a re-evaluation's report, which is FormatFindings(). The errors of ReadMetadata
/// and ParseFindings.
absl::StatusOr<std::vector<Finding>> ReadReevaluation(const Reader& state,
                                                      const ReleaseReevaluated& found);

/// Judges what is permitted, on its way or deployed in each environment, but for what later
/// releases have taken the place of. One thread at a time.
class Reevaluator {
 public:
  /// Told of each entry that it makes, and of all that is found now.
  using OnFound = std::function<void(const ReleaseReevaluated&, const std::vector<Finding>&)>;

  /// All must outlive it. Entries are in the name of `author`.
  Reevaluator(Library& library, TrustCache& trust, PolicyCache& policies, std::string author,
              OnFound on_found = {})
      : library_(library),
        trust_(trust),
        policies_(policies),
        author_(std::move(author)),
        on_found_(std::move(on_found)) {}

  /// Looks at the entries that came since the last call (the first looks at nothing before), and
  /// where one of them may change findings, or it is the first call, judges everything again. Where
  /// other errors are found than the last time, enters that, at most the first kMaxFindingsBytes of
  /// them; those that approving or waiting changes are left out. How many entries it made.
  absl::StatusOr<size_t> Run();

 private:
  struct Let;  // A release in an environment.

  absl::StatusOr<bool> IsDue(const Reader& state);
  absl::StatusOr<std::vector<Let>> LetGo(const Reader& state, Timestamp now) const;
  absl::StatusOr<std::vector<Let>> LetGoIn(const Reader& state, const std::string& environment,
                                           Timestamp now) const;
  absl::StatusOr<bool> Judge(const Reader& state, const Let& let, Timestamp now);

  Library& library_;
  TrustCache& trust_;
  PolicyCache& policies_;
  const std::string author_;
  const OnFound on_found_;
  std::optional<uint64_t> seen_;  // Entries that were looked at.
};

}  // namespace dml
