#include "tools/dml/license_set_arguments.h"

#include "tools/dml/arguments.h"
#include "tools/dml/release_arguments.h"

namespace dml {

void DeclareLicenseSet(CLI::App& app, LicenseSetArgs& args) {
  app.add_option("variant", args.variants, "NAMESPACE/PACKAGE@VERSION[:PLATFORM] each");
  app.add_option("--release", args.release,
                 "In place of variants: what this release installs, upgrades to or configures")
      ->type_name(kReleaseNameHelp);
  app.add_option("--environment", args.environment,
                 "By whose policy each is used, and under which branch of its license; alone: what "
                 "is deployed there");
  AddContextOptions(app, args.context);
}

absl::StatusOr<LicenseSetQuestion> ReadLicenseSet(Context& context, const LicenseSetArgs& args) {
  LicenseSetQuestion out;
  if (!args.variants.empty() && !args.release.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "give variants or --release, not both");
  }
  out.environment = args.environment;
  if (!args.environment.empty()) DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  if (args.context.given()) out.context = ContextOf(args.context);
  if (!args.release.empty()) {
    DML_ASSIGN_OR_RETURN(out.release, ParseReleaseArgument(args.release));
  } else if (!args.variants.empty()) {
    DML_ASSIGN_OR_RETURN(out.variants, ResolveVariants(context, args.variants));
  } else if (args.environment.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "say what to look at: variants, --release, or --environment for what is "
                           "deployed there");
  } else {
    out.deployed = true;
  }
  return out;
}

}  // namespace dml
