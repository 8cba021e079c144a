// Variants as licenses are judged: what is known of each, and what that comes to.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/gate/policy.h"
#include "core/license/license_set.h"
#include "core/package/package_spec.h"
#include "storage/library/policies.h"
#include "storage/library/trust.h"

namespace dml {

/// At what, and by what, licenses are judged. Everything borrowed outlives what uses it.
struct LicenseState {
  const Reader* reader = nullptr;
  std::shared_ptr<const TrustDomain> trust;  // Null: nobody's conclusion counts.
  std::shared_ptr<const LicenseData> data;
  std::shared_ptr<const Policy> policy;  // Null: none was asked for.
  std::string environment;               // "" where there is no policy, or it came with a request.
  Timestamp time{};                      // Journal time.
  uint64_t index = 0;                    // Journal size.
};

/// The state of a snapshot, without a policy.
absl::StatusOr<LicenseState> ReadLicenseState(const Reader& state, TrustCache& trust,
                                              PolicyCache& policies);

struct VariantLicense {
  VariantName name;
  PackageSpec spec;  // Only of ReadVariantLicenses.
  LicenseEvidence evidence;
  LicenseExpression effective;            // NOASSERTION where it is not known.
  LicenseContext context{};               // By the policy, else the default.
  std::optional<LicenseVerdict> verdict;  // By the policy.
  /// The branch that an allowing verdict took, else `effective`.
  LicenseExpression taken;
};

/// What is known of a variant's license. A declared license that the list in force cannot read is
/// an observation with a fault. The errors of ReadMetadata.
absl::StatusOr<VariantLicense> ReadVariantLicense(const LicenseState& state, PolicyCache& policies,
                                                  const VariantRecord& record);

/// The verdict of another policy, in the environment of the state.
LicenseVerdict JudgeLicense(const LicenseExpression& license, const VariantName& name,
                            const LicenseState& state, const Policy& policy);

/// The same of a set, with package specs. NOT_FOUND (VARIANT_NOT_FOUND) for the first that is not
/// there.
absl::StatusOr<std::vector<VariantLicense>> ReadVariantLicenses(const LicenseState& state,
                                                                PolicyCache& policies,
                                                                std::span<const VariantName> names);

/// How a whole of this state's policy is provided, and how parts are in it, where no package is
/// named; the default without a policy.
LicenseContext WholeContextOf(const LicenseState& state);

/// Components by resource name, under the licenses taken.
std::vector<LicensedComponent> ComponentsOf(std::span<const VariantLicense> variants);

/// The set's dependencies. Each has the context of the part that is used, but what is required of
/// another node is used SEPARATE from it, and an ABI is linked to dynamically at most. `given`
/// takes the place of the policy's contexts. SET_TOO_LARGE beyond kMaxSetEdges.
absl::StatusOr<std::vector<LicensedEdge>> EdgesOf(std::span<const VariantLicense> variants,
                                                  const std::optional<LicenseContext>& given);

}  // namespace dml
