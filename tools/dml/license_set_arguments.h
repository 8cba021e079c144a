// What questions on the licenses of several variants are about: some, a release's, or those that
// are deployed in an environment.
#pragma once

#include <string>
#include <vector>

#include "client/licenses.h"
#include "tools/dml/license_offline.h"

namespace dml {

struct LicenseSetArgs {
  std::vector<std::string> variants;
  std::string release;
  std::string environment;
  ContextArgs context;
};
void DeclareLicenseSet(CLI::App& app, LicenseSetArgs& args);

/// The question, without outbound license. ARGUMENT_INVALID where nothing, or more than one thing,
/// is asked about; the errors of ResolveVariants.
absl::StatusOr<LicenseSetQuestion> ReadLicenseSet(Context& context, const LicenseSetArgs& args);

}  // namespace dml
