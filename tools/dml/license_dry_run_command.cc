// dml license dry-run: what a new policy would change.
#include "client/licenses.h"
#include "core/gate/policy.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct DryRunArgs {
  std::string policy;
  std::string environment;
};

void DeclareDryRun(CLI::App& app, DryRunArgs& args) {
  app.add_option("--policy", args.policy, "The policy document to try")
      ->required()
      ->type_name("FILE");
  app.add_option("--environment", args.environment, "Whose policy it would become")->required();
}

Json ToJson(const LicensePolicyVerdict& verdict) {
  Json out = {{"outcome", nullptr},
              {"chosen", verdict.chosen},
              {"obligations", verdict.obligations},
              {"explanation", verdict.explanation}};
  if (verdict.outcome.has_value()) out["outcome"] = LicenseOutcomeName(*verdict.outcome);
  return out;
}

Cell OutcomeOf(const LicensePolicyVerdict& verdict) {
  if (!verdict.outcome.has_value()) return {"no policy", Style::kBad};
  return OutcomeCell(*verdict.outcome);
}

absl::StatusOr<Reply> DryRun(Context& context, const DryRunArgs& args) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_ASSIGN_OR_RETURN(const std::string policy, ReadFile(args.policy, kMaxPolicyBytes));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  LicenseClient licenses(*client);
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<LicensePolicyChange>(context, "", [&](const ListOptions& options) {
        return licenses.DryRun(args.environment, policy, options);
      }));
  return ListReply(
      page, {"VARIANT", "LICENSE", "BEFORE", "AFTER", "WHY"},
      [](const LicensePolicyChange& item) {
        return Json{{"variant", item.variant.ResourceName()},
                    {"license", item.license},
                    {"before", ToJson(item.before)},
                    {"after", ToJson(item.after)}};
      },
      [](const LicensePolicyChange& item) {
        return std::vector<Cell>{item.variant.ResourceName(), item.license, OutcomeOf(item.before),
                                 OutcomeOf(item.after), item.after.explanation};
      });
}

}  // namespace

void AddLicenseDryRunCommand(CommandTree& tree, CLI::App& license) {
  tree.Add<DryRunArgs>(license,
                       {"dry-run", "What a new policy would change of everything published",
                        "dml license dry-run --policy policy.yaml --environment production --all"},
                       DeclareDryRun, DryRun);
}

}  // namespace dml
