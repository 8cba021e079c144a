// dml deploy fetch: what a permit names, for tools that deploy without an agent.
#include <algorithm>

#include "client/permitted_files.h"
#include "core/evidence/claims.h"
#include "core/os/file.h"
#include "core/trust/dsse.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/permit_check.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct DeployArgs {
  PermitCheckArgs check;
  std::string out;
  std::vector<std::string> keys;
  std::string passphrase_file;
  std::string report;
  bool overwrite = false;
};

void DeclareFetch(CLI::App& app, DeployArgs& args) {
  app.add_option("--permit", args.check.bundle, "The permit bundle")->required()->type_name("FILE");
  app.add_option("--out", args.out, "The folder for the files; made where it is not there")
      ->required()
      ->type_name("FOLDER");
  app.add_option("--root", args.check.root, "The trust root that is pinned here")
      ->required()
      ->type_name("FILE");
  app.add_option("--environment", args.check.environment, "Where it goes")->required();
  app.add_option("--node", args.check.node, "To which node, where the permit names nodes");
  app.add_option("--memory", args.check.memory,
                 "As of dml permit verify; the permit counts as used")
      ->type_name("FILE");
  app.add_option("--revocations", args.check.revocations,
                 "A list of revoked permits; default: it is asked for")
      ->type_name("FILE");
  app.add_flag("--overwrite", args.overwrite, "Replace files of the same name");
  CLI::Option* key = AddRepeated(app, "--key", args.keys, "A private key that signs the report");
  key->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_option("--report", args.report, "Write the signed report there")
      ->type_name("FILE")
      ->needs(key);
}

// The list of now, where none was given.
absl::Status AskForRevocations(Client& client, const DeployArgs& args, PermitCheck& check) {
  if (check.revocations.has_value() || !args.check.revocations.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const RevocationAnswer answer, PermitClient(client).Revocations());
  const PermitMemory& next = check.verdict.next;
  const TrustDomain domain =
      TrustDomain::Assemble(next.root->root, {}, check.now, next.revoked_keys);
  absl::StatusOr<RevocationList> list =
      OpenRevocationList(answer.envelope, domain, next.revocations);
  check.revoked =
      list.ok() ? CheckNotRevoked(*list, check.verdict.permit, check.verdict.log_index, check.now)
                : list.status();
  if (list.ok()) {
    check.verdict.next.revocations = RememberedRevocations{list->number, list->time};
    check.revocations = *std::move(list);
  }
  return absl::OkStatus();
}

absl::Status WriteReport(const DeployArgs& args, const PermitVerdict& verdict,
                         const DeployReport& report, Reply& reply) {
  if (args.report.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const std::string predicate, FormatDeployReport(report));
  DML_ASSIGN_OR_RETURN(
      const std::string payload,
      FormatClaim(kDeployReportPredicate, Subject{"", verdict.release_digest}, predicate));
  DML_ASSIGN_OR_RETURN(const Signers signers, Signers::Read(args.keys, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(kInTotoPayloadType, payload, signers.get()));
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(args.report, AsBytes(FormatEnvelope(envelope) + "\n"), 0644));
  reply.document["report"] = args.report;
  reply.text.Line("wrote the report to " + args.report);
  return absl::OkStatus();
}

absl::StatusOr<Reply> Fetch(Context& context, const DeployArgs& args) {
  DML_ASSIGN_OR_RETURN(PermitCheck check, CheckPermitFile(args.check));
  // Before anything is asked of anybody.
  if (!check.good()) return PermitCheckReply(check);
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_RETURN_IF_ERROR(AskForRevocations(*client, args, check));
  if (!check.good()) {
    DML_RETURN_IF_ERROR(RememberCheck(args.check, check));
    return PermitCheckReply(check);
  }
  DownloadOptions options;
  options.overwrite = args.overwrite;
  DML_ASSIGN_OR_RETURN(DeployReport report, FetchPermitted(*client, check.verdict, args.out,
                                                           options, context.Progress("fetching")));
  report.node = args.check.node;
  MarkUsed(check.verdict.permit, check.now, check.verdict.next);
  DML_RETURN_IF_ERROR(RememberCheck(args.check, check));
  Reply reply;
  Json items = Json::array();
  TextTable table{{"VARIANT", "FILES", "BYTES"}, {}};
  for (const FetchedItem& item : report.items) {
    items.push_back({{"variant", item.variant.ResourceName()},
                     {"manifest", item.manifest.ToString()},
                     {"files", item.files},
                     {"bytes", item.bytes}});
    table.rows.push_back(
        {item.variant.ResourceName(), std::to_string(item.files), FormatBytes(item.bytes)});
  }
  reply.document = {{"permit", report.permit},
                    {"environment", "environments/" + report.environment},
                    {"folder", args.out},
                    {"items", std::move(items)}};
  reply.text.Add(std::move(table));
  reply.text.Line(fmt::format("fetched what permit {} names to {}", report.permit, args.out));
  DML_RETURN_IF_ERROR(WriteReport(args, check.verdict, report, reply));
  return reply;
}

}  // namespace

void AddDeployCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("deploy", "Deploying without an agent");
  tree.Add<DeployArgs>(noun,
                       {"fetch", "Fetch what a permit names, and nothing else",
                        "dml deploy fetch --permit p.json --root root.json --environment "
                        "production/eu --node web-1 --out ./release"},
                       DeclareFetch, Fetch);
}

}  // namespace dml
