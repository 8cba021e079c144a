#include "tools/dml/app.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>

#include "client/options.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "tools/dml/command.h"
#include "tools/dml/completion.h"
#include "tools/dml/progress.h"

namespace dml {
namespace {

constexpr std::chrono::days kExpiryWarning{14};
constexpr std::chrono::milliseconds kLongWait{1000};  // What people are told of.

// Whether --output json was asked for, in a command line that could not be parsed.
bool AsksForJson(const std::vector<std::string>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--output=json") return true;
    if (args[i] == "--output" && i + 1 < args.size() && args[i + 1] == "json") return true;
  }
  return false;
}

void PrintError(const absl::Status& status, std::string_view next, bool json, std::ostream& err) {
  if (json) {
    err << RenderJson(ErrorJson(status));
    return;
  }
  err << "dml: " << EscapeForTerminal(Message(status)) << "\n";
  for (const FieldViolation& violation : FieldViolations(status)) {
    const bool said = Message(status).find(violation.description) != std::string_view::npos;
    err << "  at " << EscapeForTerminal(violation.field)
        << (said ? "" : ": " + EscapeForTerminal(violation.description)) << "\n";
  }
  if (!next.empty()) err << "  " << next << "\n";
}

// "dml package get": as far as the command line was understood.
std::string CommandPath(const CLI::App& root) {
  std::string path = root.get_name();
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().back();
    path += " " + app->get_name();
  }
  return path;
}

// What is wrong with a command line, better than CLI11 says it where a word is not known.
std::string UsageMessage(const CLI::ParseError& error, const CLI::App& root) {
  const std::vector<std::string> rest = root.remaining(/*recurse=*/true);
  const auto kind = static_cast<CLI::ExitCodes>(error.get_exit_code());
  const bool unknown = kind == CLI::ExitCodes::RequiredError || kind == CLI::ExitCodes::ExtrasError;
  if (!unknown || rest.empty()) return error.what();
  const std::string path = CommandPath(root);
  const bool option = rest.front().starts_with("-");
  std::vector<CompletionNode> nodes = CompletionNodes(root);
  auto node = std::ranges::find(nodes, path.substr(root.get_name().size()), &CompletionNode::path);
  std::vector<std::string_view> known;
  for (const CompletionNode::Word& word : node->words) {
    if (word.text.starts_with("-") == option) known.push_back(word.text);
  }
  if (known.empty()) return error.what();  // A word too many for a command.
  std::string_view closest = ClosestMatch(rest.front(), known);
  return fmt::format("{} has no {} \"{}\"{}", path, option ? "option" : "command",
                     Excerpt(rest.front()),
                     closest.empty() ? "" : fmt::format("; did you mean {}?", closest));
}

int PrintReply(const Reply& reply, const GlobalOptions& options, Terminal terminal,
               std::ostream& out, std::ostream& err) {
  if (options.no_color) terminal.color = false;
  errno = 0;
  out << (options.json() ? RenderJson(reply.document) : reply.text.Render(terminal));
  out.flush();
  // A reader that went away has all that it wanted: the command's answer stands.
  if (!out && errno == EPIPE) return static_cast<int>(reply.code);
  if (!out) {
    PrintError(Internal(ErrorReason("OUTPUT_FAILED"), "cannot write the output; is the disk full?"),
               "", options.json(), err);
    return static_cast<int>(ExitCode::kFailed);
  }
  if (!options.quiet && !options.json()) {
    for (const std::string& note : reply.notes) err << EscapeForTerminal(note) << "\n";
  }
  return static_cast<int>(reply.code);
}

}  // namespace

ExitCode ExitCodeFor(const absl::Status& status, bool asked) {
  const std::string reason = Reason(status);
  const bool own_file =
      reason == "PATH_UNSAFE" ||
      (reason.starts_with("FILE_") && reason != "FILE_CHANGED" && reason != "FILE_IO_FAILED");
  if (reason == "ARGUMENT_INVALID" || own_file) return ExitCode::kUsage;
  if (reason == "LAYOUT_INVALID" || reason == "LAYOUT_TYPE_UNKNOWN" ||
      reason == "LAYOUT_BLOB_MISSING" || reason == "LAYOUT_BLOB_DAMAGED" ||
      reason == "PATCH_INVALID") {
    return ExitCode::kUsage;
  }
  if (reason == "CERTIFICATE_EXPIRED" || reason == "CERTIFICATE_NOT_YET_VALID") {
    return ExitCode::kNotPermitted;
  }
  if (reason == "VARIANT_NOT_VERIFIED" || reason == "LOG_FORKED" || reason == "LOG_WENT_BACK" ||
      reason == "ROOT_FORKED") {
    return ExitCode::kNegative;
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kNotFound:
      return asked ? ExitCode::kNotFound : ExitCode::kUsage;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return asked ? ExitCode::kNotPermitted : ExitCode::kUsage;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return asked ? ExitCode::kFailed : ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnavailable;
    default:
      return ExitCode::kFailed;
  }
}

std::string_view NextStep(const absl::Status& status, std::string_view path) {
  struct Step {
    std::string_view reason;
    std::string_view text;
    std::string_view below = "";  // Only for commands whose path begins so.
  };
  static constexpr std::array kSteps = {
      Step{"ETAG_MISMATCH", "see what is set now: dml namespace retention show NAMESPACE",
           "dml namespace"},
      Step{"ETAG_MISMATCH", "see what is set now: dml policy show --environment NAME"},
      Step{"KEY_ENCRYPTED", "give the key's passphrase: --passphrase-file FILE"},
      Step{"ROLE_REQUIRED", "see which roles you have: dml status"},
      Step{"METHOD_NOT_AUTHORIZED", "see which roles you have: dml status"},
      Step{"NAMESPACE_NOT_FOUND", "see which there are: dml namespace list"},
      Step{"PACKAGE_NOT_FOUND", "see which there are: dml package list NAMESPACE"},
      Step{"ENVIRONMENT_NOT_FOUND", "see which there are: dml environment list"},
      Step{"KEY_NOT_FOUND", "see which there are: dml key list"},
      Step{"THRESHOLD_NOT_MET",
           "for the root's other holders to sign, too: write the next root with --out FILE; each "
           "signs it (dml root sign), then set it (dml root set)",
           "dml key register"},
      Step{"PUBLISHER_KEY_MISSING", "register the key: dml key register --help"},
      Step{"VARIANT_WITHDRAWN", "fetch it all the same: --withdrawn", "dml package get"},
      Step{"FILE_EXISTS", "replace it: --overwrite", "dml package get"},
      Step{"POLICY_INVALID", "check the document offline: dml policy check FILE"},
      Step{"LOG_FORKED", "trust nothing of this library until its operator explains it"},
      Step{"LOG_WENT_BACK", "trust nothing of this library until its operator explains it"},
      Step{"ROOT_EXPIRED",
           "for whoever holds root keys: dml root fetch --out root.json; dml root renew root.json "
           "--out next-root.json; dml root sign next-root.json; dml root set next-root.json. The "
           "others wait, or ask them"},
  };
  std::string reason = Reason(status);
  for (const Step& step : kSteps) {
    if (step.reason != reason || !path.starts_with(step.below)) continue;
    return step.text.find(path) == std::string_view::npos ? step.text : "";
  }
  if (status.code() == absl::StatusCode::kUnavailable ||
      status.code() == absl::StatusCode::kDeadlineExceeded) {
    return "check that the server runs and that the profile names it";
  }
  if (reason.starts_with("CERTIFICATE_")) return "";
  if (status.code() == absl::StatusCode::kUnauthenticated) {
    return "check certificateFile, privateKeyFile and caFile in the profile";
  }
  return "";
}

absl::Status Context::WarnOfExpiry(const ClientOptions& options) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  DML_ASSIGN_OR_RETURN(auto end, CheckCertificate(options, now));
  if (!end.has_value() || *end - now > kExpiryWarning || options_.quiet || options_.json()) {
    return absl::OkStatus();
  }
  err_ << "dml: certificate " << EscapeForTerminal(options.certificate_file.string())
       << " expires on " << FormatTime(*end) << "; issue a new one with: dmld issue-certificate\n";
  return absl::OkStatus();
}

RetryOptions Context::WaitAndSay(RetryOptions retry, const std::string& target) const {
  if (options_.quiet || options_.json()) return retry;
  auto said = std::make_shared<std::once_flag>();
  const std::string note = fmt::format(
      "{}dml: the library at {} does not answer or is busy; waiting for it for up to {} s\n",
      terminal_.err_is_tty ? "\r\x1b[K" : "", EscapeForTerminal(target),
      std::chrono::floor<std::chrono::seconds>(retry.patience).count());
  retry.before_wait = [&err = err_, said, note](std::chrono::milliseconds delay) {
    if (delay >= kLongWait) std::call_once(*said, [&] { err << note << std::flush; });
  };
  return retry;
}

absl::StatusOr<Client*> Context::client() {
  if (!client_.has_value()) {
    DML_ASSIGN_OR_RETURN(std::filesystem::path profile, FindProfile(options_.profile));
    DML_ASSIGN_OR_RETURN(ClientOptions options, LoadProfile(profile));
    DML_RETURN_IF_ERROR(WarnOfExpiry(options));
    options.retry = WaitAndSay(std::move(options.retry), options.target);
    DML_ASSIGN_OR_RETURN(Client client, Client::Create(std::move(options)));
    client_.emplace(std::move(client));
  }
  return &*client_;
}

ListOptions Context::list_options(std::string filter) const {
  ListOptions out;
  out.page_size = options_.page_size;
  out.page_token = options_.page_token;
  out.filter = std::move(filter);
  return out;
}

void Context::Say(std::string_view line) const {
  if (options_.quiet) return;
  err_ << EscapeForTerminal(line) << "\n" << std::flush;
}

ProgressFn Context::Progress(const std::string& label) const {
  if (options_.quiet || options_.json() || !terminal_.err_is_tty) return {};
  auto line = std::make_shared<ProgressLine>(err_, EscapeForTerminal(label), terminal_.width);
  return [line](const TransferProgress& progress) { line->Update(progress); };
}

namespace {

// No answer could name text that is not UTF-8, and no call could carry it.
absl::Status CheckArguments(const std::vector<std::string>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (const std::string fault = Utf8Fault(args[i]); !fault.empty()) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "argument {} (\"{}\") is {}", i + 1,
                             Excerpt(args[i]), fault);
    }
  }
  return absl::OkStatus();
}

}  // namespace

int RunDml(const std::vector<std::string>& args, std::ostream& out, std::ostream& err,
           const Terminal& terminal, std::istream& in) {
  if (absl::Status status = CheckArguments(args); !status.ok()) {
    PrintError(status, "", AsksForJson(args), err);
    return static_cast<int>(ExitCode::kUsage);
  }
  CommandTree tree;
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    tree.root().parse(reversed);
  } catch (const CLI::CallForHelp&) {
    out << tree.root().help();
    return static_cast<int>(ExitCode::kOk);
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << "\n";
    return static_cast<int>(ExitCode::kOk);
  } catch (const CLI::ParseError& error) {
    PrintError(
        InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "{}", UsageMessage(error, tree.root())),
        fmt::format("see: {} --help", CommandPath(tree.root())), AsksForJson(args), err);
    return static_cast<int>(ExitCode::kUsage);
  }
  const GlobalOptions& options = tree.options();
  Context context(options, terminal, out, err, in);
  absl::StatusOr<Reply> reply = tree.selected()(context);
  if (!reply.ok()) {
    PrintError(reply.status(), NextStep(reply.status(), CommandPath(tree.root())), options.json(),
               err);
    return static_cast<int>(ExitCodeFor(reply.status(), context.asked()));
  }
  if (reply->streamed) return static_cast<int>(reply->code);
  return PrintReply(*reply, options, terminal, out, err);
}

}  // namespace dml
