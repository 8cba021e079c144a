// dml admin status|verify-views; the others are in upkeep_command.cc.
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/server_status.h"

namespace dml {
namespace {

absl::StatusOr<Reply> VerifyViews(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(ViewsVerdict verdict, client->VerifyViews());
  Reply reply;
  reply.document = {{"consistent", verdict.consistent},
                    {"entries", verdict.entries},
                    {"rows", verdict.rows},
                    {"differences", verdict.differences}};
  reply.text.Line(verdict.consistent
                      ? Cell("CONSISTENT: the views are what the journal says", Style::kGood)
                      : Cell("NOT CONSISTENT: the views differ from the journal", Style::kBad));
  reply.text.Fields(
      {{"entries", fmt::format("{}", verdict.entries)}, {"rows", fmt::format("{}", verdict.rows)}});
  for (const std::string& difference : verdict.differences) reply.text.Line("  " + difference);
  if (!verdict.consistent) reply.code = ExitCode::kNegative;
  return reply;
}

absl::StatusOr<Reply> AcceptClock(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const Commit commit, client->AcceptClock(WallClockNow()));
  const std::string time = FormatTime(commit.time);
  return CommittedReply("time", time, commit, "the journal goes on at " + time);
}

}  // namespace

void AddAdminCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("admin", "For the library's operator");
  tree.Add(noun, {"status", "What the server says of itself", "dml admin status"},
           ShowServerStatus);
  tree.Add(noun,
           {"verify-views", "Compare the views with the journal, from its first entry",
            "dml admin verify-views"},
           VerifyViews);
  tree.Add(noun,
           {"accept-clock",
            "Say that the library's clock is right, where it is far ahead of the journal; it must "
            "agree with the clock here",
            "dml admin accept-clock"},
           AcceptClock);
  AddUpkeepCommands(tree, noun);
  AddOperationsCommands(tree, noun);
}

}  // namespace dml
