// dml export oci, dml inventory.
#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/oci/oci_export.h"

namespace dml {
namespace {

struct ExportArgs {
  std::vector<std::string> variants;
  std::string to;
  std::string since;
  std::string filter;
};

void DeclareExport(CLI::App& app, ExportArgs& args) {
  app.add_option("variant", args.variants, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]");
  app.add_option("--to", args.to, "A folder to make, or a file that ends in .tar")
      ->required()
      ->type_name("DIR|FILE.tar");
  app.add_option("--since", args.since,
                 "What the receiving library has, as its dml inventory wrote it; that is left out")
      ->type_name("INVENTORY");
  app.add_option(
      "--filter", args.filter,
      "Also all variants that match, neither withdrawn nor collected; see docs/filter.md");
}

Json ExportedJson(const ExportedVariant& item) {
  return {{"variant", item.name.ResourceName()},
          {"manifest", item.manifest.ToString()},
          {"leftOut", item.left_out},
          {"files", item.files},
          {"filesLeftOut", item.files_left_out},
          {"filesPatched", item.files_patched},
          {"attestations", item.attestations}};
}

std::vector<Cell> ExportedRow(const ExportedVariant& item) {
  if (item.left_out) return {item.name.ResourceName(), {"left out", Style::kFaint}, "", "", "", ""};
  return {item.name.ResourceName(),
          {"exported", Style::kGood},
          fmt::format("{}", item.files - item.files_left_out - item.files_patched),
          fmt::format("{}", item.files_patched),
          fmt::format("{}", item.files_left_out),
          fmt::format("{}", item.attestations)};
}

absl::StatusOr<Reply> ExportOciCommand(Context& context, const ExportArgs& args) {
  if (args.variants.empty() && args.filter.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "say what to export: VARIANT... or --filter FILTER");
  }
  OciExportOptions options;
  options.to = args.to;
  if (!args.since.empty()) {
    DML_ASSIGN_OR_RETURN(std::string document, ReadFile(args.since, kMaxInventoryBytes));
    absl::StatusOr<Inventory> since = ParseInventory(document);
    if (!since.ok()) return Annotate(since.status(), args.since);
    options.since = *std::move(since);
    options.since_digest = Sha256(document);
  }
  DML_ASSIGN_OR_RETURN(options.variants, ResolveVariants(context, args.variants));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  size_t collected = 0;  // Of those that match the filter.
  if (!args.filter.empty()) {
    DML_ASSIGN_OR_RETURN(std::vector<VariantRecord> found, FindLiveVariants(*client, args.filter));
    for (VariantRecord& record : found) {
      if (record.payload_collected) {
        ++collected;
      } else {
        options.variants.push_back(std::move(record.name));
      }
    }
    if (options.variants.empty()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"),
                      "no variant with payload matches \"{}\"{}; nothing was written",
                      EscapeForTerminal(args.filter),
                      collected == 0 ? "" : fmt::format(" ({} were collected)", collected));
    }
  }
  DML_ASSIGN_OR_RETURN(OciExport done, ExportOci(*client, options, context.Progress("export")));
  Reply reply;
  Json items = Json::array();
  TextTable table{{"VARIANT", "RESULT", "FILES", "CHANGES", "LEFT OUT", "ATTESTATIONS"}, {}};
  size_t left_out = 0;
  for (const ExportedVariant& item : done.variants) {
    items.push_back(ExportedJson(item));
    table.rows.push_back(ExportedRow(item));
    left_out += item.left_out ? 1 : 0;
  }
  reply.document = {{"to", args.to}, {"size", done.blob_bytes}, {"items", std::move(items)}};
  reply.text.Add(std::move(table));
  reply.notes.push_back(fmt::format("{}: {} variant(s), {}; {} left out, as they are there already",
                                    args.to, done.variants.size() - left_out,
                                    FormatBytes(done.blob_bytes), left_out));
  if (collected > 0) {
    reply.notes.push_back(
        fmt::format("{} variant(s) that match have no payload any more and are not exported: it "
                    "was collected",
                    collected));
  }
  return reply;
}

struct InventoryArgs {
  std::string to;
  std::string filter;
};

void DeclareInventory(CLI::App& app, InventoryArgs& args) {
  app.add_option("--to", args.to, "The file to write")->required()->type_name("FILE");
  app.add_option("--filter", args.filter, "Which variants; see docs/filter.md");
}

absl::StatusOr<Reply> TakeInventoryCommand(Context& context, const InventoryArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(Inventory inventory, TakeInventory(*client, args.filter));
  DML_ASSIGN_OR_RETURN(std::string document, FormatInventory(inventory));
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.to, AsBytes(document), 0644));
  size_t variants = 0;
  size_t blobs = 0;
  for (const auto& [ns, listed] : inventory.namespaces) {
    variants += listed.variants.size();
    blobs += listed.blobs.size();
  }
  Reply reply;
  reply.document = {{"file", args.to},
                    {"digest", Sha256(document).ToString()},
                    {"origin", inventory.origin},
                    {"logSize", inventory.log_size},
                    {"variants", variants},
                    {"blobs", blobs}};
  reply.text.Line(fmt::format("{}: {} variant(s), {} file(s) of {}", args.to, variants, blobs,
                              inventory.origin));
  return reply;
}

}  // namespace

void AddExportCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("export", "Variants with their evidence, to carry elsewhere");
  tree.Add<ExportArgs>(noun,
                       {"oci", "Write an OCI image layout, for dml import oci and other tools",
                        "dml export oci acme/api@2.4.1 --to api.tar --since site-b.inventory"},
                       DeclareExport, ExportOciCommand);
  tree.Add<InventoryArgs>(
      tree.root(),
      {"inventory", "Write down what the library has, for dml export oci --since elsewhere",
       "dml inventory --to site-b.inventory"},
      DeclareInventory, TakeInventoryCommand);
}

}  // namespace dml
