// Reads the views: lists, a page at a time.
//
// A page goes on after the key that the page before ended with, so that a list stays stable under
// writes: nothing is shown twice, and what was there all along is never left out. Keys are opaque
// to callers; a key that does not belong to the list is INVALID_ARGUMENT (PAGE_TOKEN_INVALID).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/journal/records.h"
#include "core/journal/rollout_records.h"
#include "storage/engine/engine.h"

namespace dml {

/// What a caller wants of a list. Items examined per page are bounded too (kMaxScanned), so a page
/// can be short, even empty, while more follows.
struct PageRequest {
  size_t size = 100;      // Most items wanted, at least 1.
  std::string after_key;  // Page::next_key of the page before; "" for the first.
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_key;  // "" after the last page.
};

inline constexpr size_t kMaxScanned = 10000;

/// A relation or provision with the variant that declares it.
struct RelationMatch {
  VariantName variant;
  RelationRecord relation;
};

/// An envelope with a good signature of a key.
struct SignatureMatch {
  VariantName variant;
  uint64_t index = 0;  // Of the entry with which it came.
  Digest envelope;
};

class ListView {
 public:
  template <typename T>
  using Result = absl::StatusOr<Page<T>>;
  template <typename T>
  using Filter = std::function<bool(const T&)>;  // Empty: all.

  /// `reader` must outlive the view.
  explicit ListView(const Reader& reader) : reader_(reader) {}

  Result<NamespaceRecord> Namespaces(const PageRequest& page,
                                     const Filter<NamespaceRecord>& filter = {}) const;
  /// By name; `ns` empty: of all namespaces.
  Result<PackageRecord> Packages(std::string_view ns, const PageRequest& page,
                                 const Filter<PackageRecord>& filter = {}) const;
  /// Highest version first.
  Result<VariantRecord> Variants(const PackageName& name, const PageRequest& page,
                                 const Filter<VariantRecord>& filter = {}) const;
  /// Of all packages of a namespace (empty: of all), by package name, lowest version first.
  Result<VariantRecord> AllVariants(std::string_view ns, const PageRequest& page,
                                    const Filter<VariantRecord>& filter = {}) const;
  Result<AttestationRecord> Attestations(const VariantName& name, const PageRequest& page) const;
  Result<KeyRecord> Keys(const PageRequest& page) const;
  /// What a key has signed, in the order of the journal.
  Result<SignatureMatch> Signatures(const Digest& key_id, const PageRequest& page) const;
  /// By version.
  Result<RootRecord> Roots(const PageRequest& page) const;
  Result<DelegationRecord> Delegations(const PageRequest& page) const;
  /// Of one kind, or of all, by kind and revision.
  Result<LicenseDataRecord> LicenseData(std::optional<LicenseDataKind> kind,
                                        const PageRequest& page) const;
  /// By id, of each the last revision.
  Result<AdvisoryRecord> Advisories(const PageRequest& page,
                                    const Filter<AdvisoryRecord>& filter = {}) const;
  /// By id; those that affect the package and are not withdrawn.
  Result<AdvisoryRecord> AdvisoriesOf(const PackageName& package, const PageRequest& page) const;
  Result<GrantRecord> Grants(const PageRequest& page) const;
  Result<TokenRecord> Tokens(const PageRequest& page) const;
  Result<HoldRecord> Holds(const PageRequest& page, const Filter<HoldRecord>& filter = {}) const;
  Result<MediaRecord> Media(const PageRequest& page, const Filter<MediaRecord>& filter = {}) const;
  /// By name, then version, as texts.
  Result<ReleaseRecord> Releases(const PageRequest& page,
                                 const Filter<ReleaseRecord>& filter = {}) const;
  /// Decisions in an environment that expire after a time, by when they do.
  Result<PermitRecord> PermitsIn(std::string_view environment, Timestamp expire_after,
                                 const PageRequest& page,
                                 const Filter<PermitRecord>& filter = {}) const;
  /// By node.
  Result<PermitUseRecord> PermitUses(std::string_view id, const PageRequest& page) const;
  /// Of exactly this environment; "": of all, by environment.
  Result<RolloutRecord> Rollouts(std::string_view environment, const PageRequest& page,
                                 const Filter<RolloutRecord>& filter = {}) const;
  /// Of a rollout, by name.
  Result<RolloutNodeRecord> RolloutNodes(const Digest& release, std::string_view environment,
                                         const PageRequest& page,
                                         const Filter<RolloutNodeRecord>& filter = {}) const;
  /// As of Rollouts.
  Result<ReevaluationRecord> Reevaluations(std::string_view environment, const PageRequest& page,
                                           const Filter<ReevaluationRecord>& filter = {}) const;
  /// In the order of the journal.
  Result<CustodyRecord> Custody(std::string_view name, const PageRequest& page) const;
  /// By id.
  Result<EntitlementRecord> Entitlements(const PageRequest& page,
                                         const Filter<EntitlementRecord>& filter = {}) const;
  /// By id; `entitlement` not empty: of that one. As last changed by an entry, forgotten ones too.
  Result<LeaseRecord> Leases(std::string_view entitlement, const PageRequest& page,
                             const Filter<LeaseRecord>& filter = {}) const;
  Result<EnvironmentRecord> Environments(const PageRequest& page,
                                         const Filter<EnvironmentRecord>& filter = {}) const;
  Result<NodeRecord> Nodes(std::string_view environment, const PageRequest& page) const;

 private:
  const Reader& reader_;
};

}  // namespace dml
