// In which order the items of a release are carried out on a node: what others require comes before
// them, what is taken away comes last. Pure; any thread.
#pragma once

#include <span>
#include <vector>

#include "core/package/package_spec.h"
#include "core/release/release.h"

namespace dml {

/// `specs`: of each item, null where it is not known. Items in a circle, and those of whom nobody
/// requires another, are in the order of the document. The same items in the same order always give
/// the same.
std::vector<VariantName> OrderItems(const Release& release,
                                    std::span<const PackageSpec* const> specs);

}  // namespace dml
