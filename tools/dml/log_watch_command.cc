// dml log watch: entries as they come.
#include "client/log_watch.h"
#include "core/base/bytes.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/run_command.h"

namespace dml {
namespace {

struct WatchArgs {
  std::optional<uint64_t> start;
  std::string kind;
  std::string command;
  uint64_t count = 0;
};

void DeclareWatch(CLI::App& app, WatchArgs& args) {
  app.add_option("--start", args.start, "The first entry's index (default: only what comes)")
      ->check(WholeNumber("an entry's number", 0, kNoMaximum))
      ->type_name("INDEX");
  app.add_option("--kind", args.kind, "Only of one kind, such as version_published")
      ->check(OneOf(EntryKinds()))
      ->type_name("KIND");
  app.add_option("--count", args.count, "End after so many entries (default: never)")
      ->check(WholeNumber("a number of entries", 1, kNoMaximum))
      ->type_name("N");
  app.add_option("--exec", args.command,
                 "Run this with sh for each entry, with the entry as JSON on its input")
      ->type_name("COMMAND");
}

std::string LineFor(const JournalLine& entry) {
  return fmt::format("{}  {}  {}  {}  {}\n", entry.index, FormatTime(entry.time), entry.author,
                     entry.kind, entry.summary);
}

absl::StatusOr<Reply> WatchLog(Context& context, const WatchArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  absl::Status told;
  uint64_t seen = 0;
  const absl::Status watched =
      WatchEntries(*client, args.start, args.kind, [&](const JournalLine& entry) {
        const std::string document =
            ToJson(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
        if (!args.command.empty()) {
          told = RunCommand(args.command, document);
        } else {
          context.out() << (context.options().json() ? document : LineFor(entry)) << std::flush;
          if (!context.out()) {
            told = Aborted(ErrorReason("OUTPUT_FAILED"), "nobody reads the output any more");
          }
        }
        return told.ok() && (args.count == 0 || ++seen < args.count);
      });
  DML_RETURN_IF_ERROR(told);
  DML_RETURN_IF_ERROR(watched);
  Reply reply;
  reply.streamed = true;
  return reply;
}

}  // namespace

void AddLogWatchCommand(CommandTree& tree, CLI::App& log) {
  tree.Add<WatchArgs>(log,
                      {"watch", "Show entries as they come, or run a command for each",
                       "dml log watch --kind version_published --exec 'jq -r .summary'"},
                      DeclareWatch, WatchLog);
}

}  // namespace dml
