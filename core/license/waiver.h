// Waivers: a person's decision that one license may be used in one place for a time, though the
// policy denies it or wants it looked at.
//
// A waiver never makes a license better than ALLOW_WITH_OBLIGATIONS, so that an OR takes a waived
// branch only where no other is allowed, and it is named in every verdict that it decides. What is
// not known cannot be waived: NONE and NOASSERTION want a concluded license instead.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/license/context.h"
#include "core/license/expression.h"

namespace dml {

struct LicenseWaiver {
  std::string id;
  std::string license;  // One license, with its exception; matched as a policy's pattern is.
  std::string package;  // "namespace/name", or its start and '*' at the end; never "" or "*".
  LicenseCondition when{};
  std::string reason;
  std::string author;
  Timestamp expires{};  // Not in force from this moment on.
};

inline constexpr size_t kMaxLicenseWaivers = 4096;
inline constexpr size_t kMaxWaiverTextBytes = 1024;

/// An immutable set, indexed by license. Safe to read from any thread.
class LicenseWaivers {
 public:
  LicenseWaivers() = default;
  /// INVALID_ARGUMENT (LICENSE_WAIVER_INVALID) naming the waiver: an id that is empty or used
  /// twice, a license that is not one license on `list` or a reference, a package that is empty or
  /// would stand for all, no reason or author, a text over kMaxWaiverTextBytes or with control
  /// characters, more than kMaxLicenseWaivers.
  static absl::StatusOr<LicenseWaivers> Create(std::vector<LicenseWaiver> waivers,
                                               const LicenseList& list);

  const std::vector<LicenseWaiver>& waivers() const { return waivers_; }

  /// Those for this license in this place, expired ones too, in the order given.
  std::vector<const LicenseWaiver*> Find(const LicenseLeaf& leaf, const LicenseContext& context,
                                         std::string_view package) const;

 private:
  std::vector<LicenseWaiver> waivers_;
  std::map<std::pair<LicenseVersion, std::string>, std::vector<size_t>> by_license_;
};

}  // namespace dml
