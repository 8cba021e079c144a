// dml log verify-audit: the audit log of refused calls, by its chain and by the journal.
#include "core/audit/audit_files.h"
#include "core/wire/entry.h"
#include "tools/dml/command.h"

namespace dml {
namespace {

struct VerifyAuditArgs {
  std::string folder;
  bool journal = false;
};

void DeclareVerifyAudit(CLI::App& app, VerifyAuditArgs& args) {
  app.add_option("folder", args.folder, "The folder 'audit' of a data directory, or a copy")
      ->required()
      ->type_name("FOLDER");
  app.add_flag("--journal", args.journal,
               "Compare it with what the library's journal has recorded of it");
}

// What the journal says, each entry proven to be in it.
absl::StatusOr<std::vector<RecordedHead>> RecordedHeads(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  const std::string kind(EntryKind(AuditRecorded()));
  std::vector<RecordedHead> out;
  ListOptions options;
  options.page_size = 1000;
  do {
    DML_ASSIGN_OR_RETURN(ListPage<JournalLine> page,
                         client->ListEntries(0, kind, /*newest_first=*/false, options));
    for (const JournalLine& line : page.items) {
      DML_ASSIGN_OR_RETURN(const ProvenEntry proven, client->ProveEntry(line.index));
      DML_ASSIGN_OR_RETURN(const Entry entry, wire::DecodeEntry(proven.leaf));
      const auto* recorded = std::get_if<AuditRecorded>(&entry.payload);
      if (recorded == nullptr) {
        return DataLoss(ErrorReason("LOG_ENTRY_UNEXPECTED"),
                        "the library lists entry {} as {}, which is in the log as {}", line.index,
                        kind, EntryKind(entry.payload));
      }
      out.push_back({line.index, {recorded->lines, recorded->head}});
    }
    options.page_token = page.next_page_token;
  } while (!options.page_token.empty());
  return out;
}

Json FaultsJson(const AuditSurvey& survey) {
  Json out = Json::array();
  for (const AuditFault& fault : survey.faults) {
    out.push_back(Json{
        {"file", fault.file}, {"line", fault.line}, {"rule", fault.rule}, {"what", fault.what}});
  }
  return out;
}

absl::StatusOr<Reply> VerifyAudit(Context& context, const VerifyAuditArgs& args) {
  std::vector<RecordedHead> recorded;
  if (args.journal) {
    DML_ASSIGN_OR_RETURN(recorded, RecordedHeads(context));
  }
  DML_ASSIGN_OR_RETURN(const AuditSurvey survey, SurveyAuditLog(args.folder, recorded));
  const bool good = survey.fault_count == 0;
  Reply reply;
  reply.code = good ? ExitCode::kOk : ExitCode::kNegative;
  reply.document = {{"verified", good},
                    {"firstLine", survey.first},
                    {"lines", survey.lines},
                    {"refusals", survey.refusals},
                    {"lastLine", survey.head.lines},
                    {"head", survey.head.digest.ToString()},
                    {"faultCount", survey.fault_count},
                    {"faults", FaultsJson(survey)}};
  if (good) {
    reply.text.Line(
        {fmt::format("VERIFIED: {} line(s), each as it was written", survey.lines), Style::kGood});
  } else {
    reply.text.Line({fmt::format("NOT VERIFIED: {} fault(s)", survey.fault_count), Style::kBad});
    TextTable table{{"FILE", "LINE", "RULE", "WHAT"}, {}};
    for (const AuditFault& fault : survey.faults) {
      table.rows.push_back({fault.file, fmt::format("{}", fault.line), fault.rule, fault.what});
    }
    reply.text.Add(std::move(table));
  }
  reply.text.Fields({{"lines", fmt::format("{} to {}", survey.first, survey.head.lines)},
                     {"refusals", fmt::format("{}", survey.refusals)},
                     {"head", survey.head.digest.ToString()}});
  if (args.journal) {
    reply.document["recordedHeads"] = recorded.size();
    reply.document["matchedHeads"] = survey.matched;
    reply.text.Fields({{"journal", fmt::format("{} of {} recorded heads are in it", survey.matched,
                                               recorded.size())}});
  }
  return reply;
}

}  // namespace

void AddAuditLogCommand(CommandTree& tree, CLI::App& log) {
  tree.Add<VerifyAuditArgs>(log,
                            {"verify-audit", "Check the audit log of refused calls, offline",
                             "dml log verify-audit /var/lib/dml/audit --journal"},
                            DeclareVerifyAudit, VerifyAudit);
}

}  // namespace dml
