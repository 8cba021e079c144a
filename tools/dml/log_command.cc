// dml log checkpoint|entries|prove.
#include <utility>

#include "core/base/bytes.h"
#include "core/crypto/sha256.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

CLI::Validator EntryIndex() { return WholeNumber("an entry's number", 0, kNoMaximum); }

std::vector<std::pair<std::string, Cell>> CheckpointFields(const Checkpoint& checkpoint) {
  return {{"log", checkpoint.origin},
          {"size", fmt::format("{}", checkpoint.size)},
          {"root", checkpoint.root.ToString()}};
}

absl::StatusOr<Reply> ShowCheckpoint(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  std::string note;
  DML_ASSIGN_OR_RETURN(Checkpoint checkpoint, client->GetCheckpoint(&note));
  Reply reply;
  reply.document = {{"checkpoint", ToJson(checkpoint)}, {"note", note}};
  reply.text.Fields(CheckpointFields(checkpoint));
  reply.text.Line("");
  reply.text.Block(note);
  return reply;
}

struct EntriesArgs {
  uint64_t start = 0;
  std::string kind;
  bool newest_first = false;
};

void DeclareEntries(CLI::App& app, EntriesArgs& args) {
  app.add_option("--start", args.start, "The first entry's index")
      ->check(EntryIndex())
      ->type_name("INDEX");
  app.add_option("--kind", args.kind, "Only of one kind, such as version_published")
      ->check(OneOf(EntryKinds()))
      ->type_name("KIND");
  app.add_flag("--newest-first", args.newest_first, "From the newest to the oldest");
}

absl::StatusOr<Reply> ListEntries(Context& context, const EntriesArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<JournalLine>(context, "", [&](const ListOptions& options) {
        return client->ListEntries(args.start, args.kind, args.newest_first, options);
      }));
  return ListReply(
      page, {"ENTRY", "TIME", "AUTHOR", "KIND", "SUMMARY"},
      [](const JournalLine& item) { return ToJson(item); },
      [](const JournalLine& item) {
        return std::vector<Cell>{fmt::format("{}", item.index), FormatTime(item.time), item.author,
                                 item.kind, item.summary};
      });
}

struct ProveArgs {
  uint64_t index = 0;
};

void DeclareProve(CLI::App& app, ProveArgs& args) {
  app.add_option("index", args.index, "The entry's index")
      ->required()
      ->check(EntryIndex())
      ->type_name("INDEX");
}

absl::StatusOr<Reply> Prove(Context& context, const ProveArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(ProvenEntry entry, client->ProveEntry(args.index));
  Reply reply;
  Json proof = Json::array();
  for (const Digest& digest : entry.proof) proof.push_back(digest.ToString());
  reply.document = {{"index", entry.index},
                    {"leaf", Base64Encode(AsBytes(entry.leaf))},
                    {"proof", std::move(proof)},
                    {"checkpoint", ToJson(entry.checkpoint)},
                    {"note", entry.checkpoint_note}};
  reply.text.Line({fmt::format("PROVEN: entry {} is in the log", entry.index), Style::kGood});
  reply.text.Fields(
      {{"leaf", fmt::format("{} bytes, {}", entry.leaf.size(), Sha256(entry.leaf).ToString())},
       {"proof", fmt::format("{} hashes", entry.proof.size())}});
  reply.text.Fields(CheckpointFields(entry.checkpoint));
  return reply;
}

}  // namespace

std::vector<std::string> EntryKinds() {
  return []<size_t... I>(std::index_sequence<I...>) {
    return std::vector<std::string>{
        std::string(EntryKind(std::variant_alternative_t<I, EntryPayload>()))...};
  }(std::make_index_sequence<std::variant_size_v<EntryPayload>>());
}

void AddLogCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("log", "The journal, the log of everything that was done");
  tree.Add(noun,
           {"checkpoint", "The newest checkpoint, checked against the last one seen",
            "dml log checkpoint"},
           ShowCheckpoint);
  tree.Add<EntriesArgs>(
      noun, {"entries", "List entries", "dml log entries --kind version_published --newest-first"},
      DeclareEntries, ListEntries);
  tree.Add<ProveArgs>(noun, {"prove", "Prove that an entry is in the log", "dml log prove 42"},
                      DeclareProve, Prove);
  AddLogWatchCommand(tree, noun);
  AddLogAuditCommands(tree, noun);
  AddLogWitnessCommand(tree, noun);
  AddLogCosignCommands(tree, noun);
  AddAuditLogCommand(tree, noun);
}

}  // namespace dml
