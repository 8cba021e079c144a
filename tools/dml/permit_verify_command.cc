// dml permit verify, on a machine without a network.
#include "tools/dml/command.h"
#include "tools/dml/permit_check.h"

namespace dml {
namespace {

void DeclareVerify(CLI::App& app, PermitCheckArgs& args) {
  app.add_option("bundle", args.bundle, "What dml permit fetch wrote")
      ->required()
      ->type_name("FILE");
  app.add_option("--root", args.root, "The trust root that is pinned here")
      ->required()
      ->type_name("FILE");
  app.add_option("--environment", args.environment,
                 "Where it is to be used; default: as remembered");
  app.add_option("--node", args.node, "On which node; default: as remembered");
  app.add_option("--memory", args.memory,
                 "What was seen before, kept from bundle to bundle; made where it is not there")
      ->type_name("FILE");
  app.add_option("--revocations", args.revocations,
                 "The list of revoked permits, as dml permit fetch-revocations wrote it")
      ->type_name("FILE");
  app.add_option("--at", args.at, "When it is to be good; default: now")->type_name("TIME");
}

absl::StatusOr<Reply> Verify(Context&, const PermitCheckArgs& args) {
  DML_ASSIGN_OR_RETURN(const PermitCheck check, CheckPermitFile(args));
  DML_RETURN_IF_ERROR(RememberCheck(args, check));
  return PermitCheckReply(check);
}

}  // namespace

void AddPermitVerifyCommand(CommandTree& tree, CLI::App& permit) {
  tree.Add<PermitCheckArgs>(
      permit,
      {"verify", "May a permit be acted upon here and now, offline",
       "dml permit verify p.json --root root.json --environment production/eu --node web-1 "
       "--revocations revocations.json"},
      DeclareVerify, Verify);
}

}  // namespace dml
