// The command line program: global options, what a command is given and what it answers.
//
// A command is a function from its options and a Context to a Reply; it prints nothing itself, but
// for a batch, which answers each line of its input as it comes. The reply is printed as a table or
// as JSON, an error as text or as JSON on the error stream.
#pragma once

#include <iostream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/transfer.h"
#include "tools/dml/output.h"

namespace dml {

/// What the process returns; documented in `dml --help` and docs/cli.md.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,     // Refused on this side: arguments, or a file that they or the profile name.
  kNegative = 3,  // Denied, not compatible, not verified: the answer to a question was no.
  kNotFound = 4,
  kNotPermitted = 5,  // Not authenticated, or without permission.
  kUnavailable = 6,   // The server was not reached, or did not answer in time.
  kUnchecked = 7,     // Good as far as it was looked at: whether it was revoked was not.
};

/// The exit code for an error, `asked` telling whether the library was asked for anything before.
/// What is refused before that is kUsage, and so is at any time ARGUMENT_INVALID, a file or folder
/// on this machine that cannot be used (FILE_*, PATH_UNSAFE) and a layout that is none
/// (LAYOUT_INVALID, LAYOUT_TYPE_UNKNOWN, LAYOUT_BLOB_MISSING, LAYOUT_BLOB_DAMAGED, PATCH_INVALID).
/// Any other error after that is the library's, by its code.
ExitCode ExitCodeFor(const absl::Status& status, bool asked);

/// What to do after an error of the command `path` ("dml policy set") whose message cannot know of
/// commands; "" where it says all, and where it would be to run that very command.
std::string_view NextStep(const absl::Status& status, std::string_view path);

struct GlobalOptions {
  std::string profile;           // "": FindProfile looks for one.
  std::string output = "table";  // or "json".
  bool quiet = false;            // No progress and no notes.
  bool no_color = false;
  int page_size = 100;
  std::string page_token;
  bool all = false;  // All pages of a list.

  bool json() const { return output == "json"; }
};

/// The outcome of a command in both forms.
struct Reply {
  Json document = Json::object();
  Text text;
  std::vector<std::string> notes;  // For people, on the error stream.
  ExitCode code = ExitCode::kOk;
  bool streamed = false;  // The command wrote its lines itself; nothing above is printed.
};

/// What commands share. One per run, one thread.
class Context {
 public:
  /// The streams must outlive it.
  Context(GlobalOptions options, Terminal terminal, std::ostream& out, std::ostream& err,
          std::istream& in)
      : options_(std::move(options)), terminal_(terminal), out_(out), err_(err), in_(in) {}

  const GlobalOptions& options() const { return options_; }

  /// The client of the profile; made by the first call, valid while the context lives. The errors
  /// of FindProfile, LoadProfile and Client::Create.
  absl::StatusOr<Client*> client();
  /// Whether client() was there for the command, or it has asked somebody by other means.
  bool asked() const { return asked_ || client_.has_value(); }
  void MarkAsked() { asked_ = true; }

  /// For commands that read or answer line by line (batch.h).
  std::istream& in() const { return in_; }
  std::ostream& out() const { return out_; }

  ListOptions list_options(std::string filter = "") const;

  /// A line for people on the error stream, at once: of a command that runs for long.
  void Say(std::string_view line) const;

  /// Draws on the error stream where that is a terminal, until it is destroyed; else empty.
  ProgressFn Progress(const std::string& label) const;

 private:
  absl::Status WarnOfExpiry(const ClientOptions& options) const;
  // Says once on the error stream that the library is waited for, from whichever thread waits.
  RetryOptions WaitAndSay(RetryOptions retry, const std::string& target) const;

  const GlobalOptions options_;
  const Terminal terminal_;
  std::ostream& out_;
  std::ostream& err_;
  std::istream& in_;
  std::optional<Client> client_;
  bool asked_ = false;
};

/// Runs one command line, without the program's name. Returns the exit code.
int RunDml(const std::vector<std::string>& args, std::ostream& out, std::ostream& err,
           const Terminal& terminal = {}, std::istream& in = std::cin);

/// Fetches a page, or all of them with --all, by fetch(const ListOptions&).
template <typename T, typename Fetch>
absl::StatusOr<ListPage<T>> FetchPages(const Context& context, std::string filter, Fetch fetch) {
  ListOptions options = context.list_options(std::move(filter));
  ListPage<T> out;
  do {
    DML_ASSIGN_OR_RETURN(ListPage<T> page, fetch(options));
    for (T& item : page.items) out.items.push_back(std::move(item));
    out.next_page_token = std::move(page.next_page_token);
    options.page_token = out.next_page_token;
  } while (context.options().all && !out.next_page_token.empty());
  return out;
}

/// A list as {"items": [...], "nextPageToken"} and as a table, by to_json(item) and to_row(item).
template <typename T, typename ToJson, typename ToRow>
Reply ListReply(const ListPage<T>& page, std::vector<std::string> headers, ToJson to_json,
                ToRow to_row) {
  Reply reply;
  Json items = Json::array();
  TextTable table{std::move(headers), {}};
  for (const T& item : page.items) {
    items.push_back(to_json(item));
    table.rows.push_back(to_row(item));
  }
  reply.document["items"] = std::move(items);
  reply.document["nextPageToken"] = page.next_page_token;
  reply.text.Add(std::move(table));
  if (page.items.empty()) reply.notes.push_back("nothing found");
  if (!page.next_page_token.empty()) {
    reply.notes.push_back("there is more: repeat with --all, or with --page-token " +
                          page.next_page_token);
  }
  return reply;
}

}  // namespace dml
