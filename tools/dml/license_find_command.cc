// dml license find: which variants carry what.
#include "client/licenses.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"

namespace dml {
namespace {

struct FindArgs {
  LicenseQuestion question;
  ContextArgs context;
};

void DeclareFind(CLI::App& app, FindArgs& args) {
  LicenseQuestion& question = args.question;
  CLI::Option_group& subject = *app.add_option_group("Subject", "Exactly one of them");
  subject.add_option("license", question.license,
                     "A license id, such as GPL-2.0-only, an exception, a LicenseRef or "
                     "AdditionRef, NONE or NOASSERTION");
  subject.add_option("--category", question.category,
                     "A category of the library's license properties, such as copyleft-strong");
  subject.add_option("--obligation", question.obligation,
                     "What a license obliges to, such as source-offer");
  subject.add_option("--part", question.part,
                     "An expression that is the license, or a part of it, in any order");
  subject.add_flag("--unknown", question.unknown,
                   "NOASSERTION, or an id that the library's license list does not have");
  subject.require_option(1);
  AddContextOptions(app, args.context);
}

absl::StatusOr<Reply> Find(Context& context, const FindArgs& args) {
  LicenseQuestion question = args.question;
  if (!question.obligation.empty()) question.context = ContextOf(args.context);
  if (question.obligation.empty() && args.context.given()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--provision, --combination and --unmodified go with --obligation");
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<LicenseUse>(context, "", [&](const ListOptions& options) {
                         return LicenseClient(*client).Find(question, options);
                       }));
  return ListReply(
      page, {"VARIANT", "LICENSE"},
      [](const LicenseUse& item) {
        return Json{{"variant", item.variant.ResourceName()}, {"license", item.declared_license}};
      },
      [](const LicenseUse& item) {
        return std::vector<Cell>{item.variant.ResourceName(), item.declared_license};
      });
}

}  // namespace

void AddContextOptions(CLI::App& app, ContextArgs& args) {
  app.add_option("--provision", args.provision, "How the whole is provided; default: DISTRIBUTED")
      ->check(OneOf({"INTERNAL", "SERVICE", "DISTRIBUTED"}));
  app.add_option("--combination", args.combination,
                 "How the part is combined with it; default: MERGED")
      ->check(OneOf({"SEPARATE", "LINKED_DYNAMIC", "LINKED_STATIC", "MERGED"}));
  app.add_flag("--unmodified", args.unmodified, "The part is used as it came");
}

LicenseContext ContextOf(const ContextArgs& args) {
  LicenseContext out;
  if (const auto provision = ParseLicenseProvision(args.provision)) out.provision = *provision;
  if (const auto combination = ParseLicenseCombination(args.combination)) {
    out.combination = *combination;
  }
  out.modified = !args.unmodified;
  return out;
}

void AddLicenseFindCommand(CommandTree& tree, CLI::App& license) {
  tree.Add<FindArgs>(license,
                     {"find", "Find variants by their licenses",
                      "dml license find --obligation source-offer --provision DISTRIBUTED --all"},
                     DeclareFind, Find);
}

}  // namespace dml
