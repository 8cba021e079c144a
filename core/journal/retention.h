// Which payload of a namespace is kept, beside what is held: a value, part of an entry.
#pragma once

#include <chrono>
#include <cstdint>

namespace dml {

/// How live versions are kept. Numbers are part of stored formats.
enum class RetentionKeep : uint8_t {
  kEverything = 1,
  kMatching = 2,  // Those that keep_versions or keep_age names.
  kOnlyHeld = 3,  // Nothing but what something else names: a release, a node, a hold.
};

/// The default is the policy of a namespace without one: everything is kept for ever.
struct RetentionPolicy {
  RetentionKeep keep = RetentionKeep::kEverything;
  uint32_t keep_versions = 0;  // The highest live versions of each package; 0: none by number.
  std::chrono::seconds keep_age{0};         // What was published within this time; 0: none by age.
  bool collect_withdrawn = false;           // Whether payload of withdrawn variants goes,
  std::chrono::seconds withdrawn_grace{0};  // so long after the withdrawal.
  bool operator==(const RetentionPolicy&) const = default;
};

}  // namespace dml
