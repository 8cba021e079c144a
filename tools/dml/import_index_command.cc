// dml import debian-index: the packages of an archive as references, for planning.
#include "client/references.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/import/deb_references.h"

namespace dml {
namespace {

struct IndexArgs {
  std::string file;
  std::string ns;
  std::string source;
  std::vector<std::string> keys;
  std::string passphrase_file;
  bool dry_run = false;
};

void Declare(CLI::App& app, IndexArgs& args) {
  app.add_option("file", args.file, "A Packages file, plain or compressed")
      ->required()
      ->type_name("FILE");
  app.add_option("--namespace", args.ns, "Where to publish them")->required();
  app.add_option("--source", args.source,
                 "Where the index comes from, for people; the file's name if left out");
  AddRepeated(app, "--key", args.keys, "A publisher's private key, to sign each batch with")
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--dry-run", args.dry_run, "Read the index and publish nothing");
}

// What became of all batches.
struct Totals {
  uint64_t read = 0;
  uint64_t published = 0;
  uint64_t present = 0;
  uint64_t batches = 0;
  std::vector<ReferencesAnswer::Refusal> refused;

  void Add(ReferencesAnswer answer) {
    ++batches;
    published += answer.published;
    present += answer.present;
    for (auto& refusal : answer.refused) refused.push_back(std::move(refusal));
  }
};

Reply Describe(const DebReferences& references, const Totals& totals, bool dry_run) {
  Reply reply;
  Json faults = Json::array();
  for (const DebReferences::Fault& fault : references.faults) {
    faults.push_back({{"package", fault.package}, {"error", ErrorJson(fault.why)["error"]}});
    reply.text.Line({fmt::format("{}: {}", fault.package, Message(fault.why)), Style::kBad});
  }
  Json refused = Json::array();
  for (const ReferencesAnswer::Refusal& item : totals.refused) {
    refused.push_back(
        {{"variant", item.variant}, {"reason", item.reason}, {"message", item.message}});
    reply.text.Line({fmt::format("{}: {}", item.variant, item.message), Style::kBad});
  }
  Json unmapped = Json::array();
  for (const auto& [what, gap] : references.unmapped) {
    unmapped.push_back({{"what", what}, {"packages", gap.packages}, {"example", gap.example}});
    reply.text.Line(
        fmt::format("not mapped: {} ({} times, first of {})", what, gap.packages, gap.example));
  }
  reply.document = {{"packages", references.packages}, {"read", totals.read},
                    {"published", totals.published},   {"present", totals.present},
                    {"batches", totals.batches},       {"failed", references.fault_count},
                    {"failures", std::move(faults)},   {"refused", std::move(refused)},
                    {"unmapped", std::move(unmapped)}};
  reply.notes.push_back(
      dry_run ? fmt::format("{} packages: {} read, {} failed", references.packages, totals.read,
                            references.fault_count)
              : fmt::format("{} packages: {} published, {} present before, {} refused, {} failed",
                            references.packages, totals.published, totals.present,
                            totals.refused.size(), references.fault_count));
  if (references.fault_count > 0 || !totals.refused.empty()) reply.code = ExitCode::kFailed;
  return reply;
}

absl::StatusOr<Reply> Run(Context& context, const IndexArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.ns));
  Totals totals;
  if (args.dry_run) {
    DML_ASSIGN_OR_RETURN(const DebReferences read,
                         ReadDebReferences(args.file, args.ns, [&](const ReferenceSpecs& specs) {
                           totals.read += specs.size();
                           return absl::OkStatus();
                         }));
    return Describe(read, totals, true);
  }
  if (args.keys.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--key is required: give a publisher's private key, or --dry-run");
  }
  DML_ASSIGN_OR_RETURN(const Signers signers, Signers::Read(args.keys, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ReferenceClient publisher(*client);
  const std::string source =
      args.source.empty() ? std::filesystem::path(args.file).filename().string() : args.source;
  DML_ASSIGN_OR_RETURN(
      const DebReferences read,
      ReadDebReferences(args.file, args.ns, [&](const ReferenceSpecs& specs) -> absl::Status {
        totals.read += specs.size();
        DML_ASSIGN_OR_RETURN(ReferencesAnswer answer,
                             publisher.Publish(args.ns, source, specs, signers.get()));
        totals.Add(std::move(answer));
        return absl::OkStatus();
      }));
  return Describe(read, totals, false);
}

}  // namespace

void AddImportIndexCommand(CommandTree& tree, CLI::App& noun) {
  tree.Add<IndexArgs>(noun,
                      {"debian-index", "Publish the packages of an index as references",
                       "dml import debian-index Packages.xz --namespace debian --key me.key"},
                      Declare, Run);
}

}  // namespace dml
