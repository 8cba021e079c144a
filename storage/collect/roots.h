// Roots: what keeps the payload of a variant in the library.
//
// Payload goes only where no source names its variant. Each part of the library that relies on
// payload is a source; retention is the first. Entries go on between a plan and the entry that
// carries it out, so what a source names must also be seen by the rule of PayloadCollected
// (core/rules): the plan spares the rule questions, the rule alone decides.
//
// Implementations have no state of their own and may be called by any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

#include "core/journal/records.h"
#include "core/rules/retention.h"
#include "storage/engine/engine.h"

namespace dml {

class RootSource {
 public:
  using Visit = absl::FunctionRef<void(const VariantName& variant, std::string reason)>;

  virtual ~RootSource() = default;
  /// Names the variants of a package whose payload must stay in the state of `state`, in any order;
  /// `now` is journal time, or what it would be. Work and memory go by the package's variants.
  virtual absl::Status ForEachRoot(const Reader& state, const PackageName& package, Timestamp now,
                                   Visit visit) const = 0;
};

/// What the retention policy of the package's namespace keeps.
class RetentionRoots : public RootSource {
 public:
  absl::Status ForEachRoot(const Reader& state, const PackageName& package, Timestamp now,
                           Visit visit) const override;
};

/// A variant that nothing keeps, and why not.
struct Collectable {
  VariantName name;
  BlobRef manifest;
  uint64_t payload_size = 0;  // Bytes of all files, whether others share them or not.
  std::string reason;
};

using RootSources = std::span<const RootSource* const>;

/// The variants of a package whose payload is there and that no source names, ascending.
absl::StatusOr<std::vector<Collectable>> PlanPackage(const Reader& state, RootSources sources,
                                                     const PackageName& package, Timestamp now);

/// PlanPackage for every package that has such variants, ascending. Ends with an error of `visit`.
absl::Status PlanCollection(const Reader& state, RootSources sources, Timestamp now,
                            absl::FunctionRef<absl::Status(std::vector<Collectable>)> visit);

}  // namespace dml
