// Which variants a release brings, and which are in use in an environment, as far as the releases
// that went there tell.
#pragma once

#include <string>
#include <vector>

#include "core/package/names.h"
#include "storage/engine/engine.h"

namespace dml {

/// What a release installs, upgrades to or configures, in the order of its items. NOT_FOUND
/// (RELEASE_NOT_FOUND); the errors of ReadMetadata.
absl::StatusOr<std::vector<VariantName>> ItemsOfRelease(const Reader& state,
                                                        const std::string& name,
                                                        const std::string& version);

/// By resource name, what the releases brought that went to an environment or to what is below it,
/// and which later ones did not take away again. A release on its way is there, as some nodes have
/// it; what it takes away is too, until it is deployed. One that was backed out is not. NOT_FOUND
/// (ENVIRONMENT_NOT_FOUND; NOTHING_DEPLOYED, where there is none).
absl::StatusOr<std::vector<VariantName>> ItemsInEnvironment(const Reader& state,
                                                            const std::string& environment);

}  // namespace dml
