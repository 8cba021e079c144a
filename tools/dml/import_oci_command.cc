// dml import oci.
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/oci/oci_import.h"

namespace dml {
namespace {

struct OciArgs {
  std::string from;
  std::string work_dir;
  std::string log_key;
  bool leave_out_untrusted = false;
};

void DeclareOci(CLI::App& app, OciArgs& args) {
  app.add_option("layout", args.from, "What dml export oci wrote")
      ->required()
      ->type_name("DIR|FILE.tar");
  app.add_option("--source-log-key", args.log_key,
                 "The public key of the log that the variants come from, a PEM file; without it "
                 "that log's signature is not checked")
      ->type_name("FILE");
  app.add_flag("--leave-out-untrusted", args.leave_out_untrusted,
               "Leave out attestations that no key of this library vouches for");
  app.add_option(
         "--work-dir", args.work_dir,
         "Where a tar file is unpacked and changed files are made whole; default: beside it, or "
         "$TMPDIR")
      ->type_name("DIR");
}

std::string_view ResultName(ImportedVariant::Result result) {
  switch (result) {
    case ImportedVariant::Result::kPublished:
      return "published";
    case ImportedVariant::Result::kPresent:
      return "present";
    case ImportedVariant::Result::kWithdrawn:
      return "withdrawn";
  }
  return "";
}

Json ImportedJson(const ImportedVariant& item) {
  return {{"variant", item.name.ResourceName()},
          {"manifest", item.manifest.ToString()},
          {"result", ResultName(item.result)},
          {"attestationsAdded", item.attestations_added},
          {"attestationsLeftOut", item.attestations_left_out},
          {"sourceLog", item.source_log},
          {"sourceIndex", item.source_index}};
}

std::vector<Cell> ImportedRow(const ImportedVariant& item, bool checked) {
  const bool withdrawn = item.result == ImportedVariant::Result::kWithdrawn;
  return {item.name.ResourceName(),
          {std::string(ResultName(item.result)), withdrawn ? Style::kWarning : Style::kGood},
          fmt::format("{} added{}", item.attestations_added,
                      item.attestations_left_out == 0
                          ? ""
                          : fmt::format(", {} left out", item.attestations_left_out)),
          {fmt::format("{}, entry {}, {}", item.source_log, item.source_index,
                       checked ? "checked" : "NOT CHECKED"),
           checked ? Style::kGood : Style::kWarning}};
}

absl::StatusOr<Reply> ImportOciCommand(Context& context, const OciArgs& args) {
  OciImportOptions options;
  options.from = args.from;
  options.work_dir = args.work_dir;
  options.leave_out_untrusted = args.leave_out_untrusted;
  if (!args.log_key.empty()) {
    DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(args.log_key, ""));
    options.source_log_key = std::move(key);
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(OciImport done, ImportOci(*client, options, context.Progress("import")));
  Reply reply;
  Json items = Json::array();
  TextTable table{{"VARIANT", "RESULT", "ATTESTATIONS", "SOURCE LOG"}, {}};
  std::map<std::string_view, size_t> counts;
  for (const ImportedVariant& item : done.variants) {
    items.push_back(ImportedJson(item));
    table.rows.push_back(ImportedRow(item, done.source_log_checked));
    ++counts[ResultName(item.result)];
  }
  reply.document = {{"items", std::move(items)},
                    {"sourceLogChecked", done.source_log_checked},
                    {"filesUploaded", done.files_uploaded},
                    {"filesPatched", done.files_patched}};
  for (const char* result : {"published", "present", "withdrawn"}) {
    reply.document[result] = counts[result];
  }
  reply.text.Add(std::move(table));
  reply.notes.push_back(fmt::format("{} published, {} present before, {} withdrawn here",
                                    counts["published"], counts["present"], counts["withdrawn"]));
  if (!done.source_log_checked) {
    reply.notes.push_back(
        "the signature of the source log was not checked: give its key with --source-log-key");
  }
  return reply;
}

}  // namespace

void AddImportOciCommand(CommandTree& tree, CLI::App& noun) {
  tree.Add<OciArgs>(noun,
                    {"oci", "Verify and publish what another library exported",
                     "dml import oci api.tar --source-log-key site-a-log.pem"},
                    DeclareOci, ImportOciCommand);
}

}  // namespace dml
