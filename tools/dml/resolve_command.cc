// dml compat resolve|why-not|versions: what can be had together.
#include <algorithm>

#include "client/compatibility.h"
#include "core/base/text.h"
#include "core/compat/resolve_document.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/relation_argument.h"

namespace dml {
namespace {

constexpr char kWantedType[] = "NAME[ RANGE]";

struct ProblemArgs {
  std::string request_file;
  std::vector<std::string> pins;
  std::string locked_file;
  std::vector<std::string> in_use;
  std::string mode;
  std::string platform;
  uint64_t max_steps = 0;
};

void DeclareProblem(CLI::App& app, ProblemArgs& args) {
  app.add_option("--request", args.request_file,
                 "What is wanted, pinned and in use, as a document (dml.resolve/v1)")
      ->type_name("FILE");
  AddRepeated(app, "--pin", args.pins, "Only these versions of a package may be taken")
      ->type_name("\"NAMESPACE/PACKAGE RANGE\"");
  app.add_option("--locked", args.locked_file, "Pin what this lockfile has")->type_name("FILE");
  AddRepeated(app, "--in-use", args.in_use, "A variant in use, for --mode minimal-change")
      ->type_name("VARIANT");
  app.add_option("--mode", args.mode, "newest (the default), minimal-change or oldest")
      ->check(OneOf({"newest", "minimal-change", "oldest"}));
  app.add_option("--platform", args.platform, "Of the node, such as linux-amd64");
  app.add_option("--max-steps", args.max_steps, "Of the search; what needs more is undecided")
      ->check(WholeNumber("a number of steps", 1, kNoMaximum));
}

absl::Status AddPins(const ProblemArgs& args, ResolveRequest& request) {
  for (const std::string& text : args.pins) {
    DML_ASSIGN_OR_RETURN(RelationTarget target, ParseRelationArgument(text));
    if (target.kind != RelationKind::kPackage || target.range.IsAll()) {
      return InvalidArgument(
          ErrorReason("ARGUMENT_INVALID"),
          "\"{}\" pins nothing; write --pin \"NAMESPACE/PACKAGE RANGE\", such as "
          "\"acme/api semver:<3\"",
          Excerpt(text));
    }
    DML_ASSIGN_OR_RETURN(PackageName package, PackageName::Parse(target.name));
    request.constraints.push_back(
        {ResolveConstraint::Kind::kPin, std::move(package), std::move(target.range), "--pin"});
  }
  if (args.locked_file.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.locked_file, kMaxLockfileBytes));
  absl::StatusOr<Lockfile> lock = ParseLockfile(text);
  if (!lock.ok()) return Annotate(lock.status(), args.locked_file);
  for (ResolveConstraint& pin : PinsOf(*lock, Excerpt(args.locked_file, kMaxPinSourceBytes - 3))) {
    request.constraints.push_back(std::move(pin));
  }
  return absl::OkStatus();
}

// All that can be seen to be wrong without the library is found before it is asked.
absl::StatusOr<ResolveRequest> ReadProblem(Context& context, const ProblemArgs& args,
                                           const std::vector<std::string>& wanted) {
  ResolveRequest request;
  if (!args.request_file.empty()) {
    DML_ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(args.request_file, kMaxResolveDocumentBytes));
    absl::StatusOr<ResolveRequest> read = ParseResolveDocument(text);
    if (!read.ok()) return Annotate(read.status(), args.request_file);
    request = *std::move(read);
  }
  for (const std::string& text : wanted) {
    DML_ASSIGN_OR_RETURN(RelationTarget target, ParseRelationArgument(text));
    request.wanted.push_back(std::move(target));
  }
  DML_RETURN_IF_ERROR(AddPins(args, request));
  if (args.mode == "newest") request.mode = ResolveMode::kNewest;
  if (args.mode == "minimal-change") request.mode = ResolveMode::kMinimalChange;
  if (args.mode == "oldest") request.mode = ResolveMode::kOldest;
  if (!args.platform.empty()) {
    DML_ASSIGN_OR_RETURN(request.platform, Platform::Parse(args.platform));
  }
  DML_ASSIGN_OR_RETURN(std::vector<VariantName> in_use, ResolveVariants(context, args.in_use));
  request.in_use.insert(request.in_use.end(), in_use.begin(), in_use.end());
  return request;
}

Json PackagesJson(const Lockfile& lock) {
  Json out = Json::array();
  for (const LockedPackage& package : lock.packages) {
    out.push_back({{"variant", package.variant.ResourceName()},
                   {"versionScheme", std::string(VersionSchemeName(package.scheme))},
                   {"manifest", package.manifest}});
  }
  return out;
}

// Members and lines that every search has; SOLVED is said as `solved`.
Reply SearchReply(const ResolveAnswer& answer, const char* solved, const char* solved_line,
                  const char* unsolved_line) {
  Reply reply;
  reply.document = {{"outcome", answer.outcome == Solvable::kYes  ? solved
                                : answer.outcome == Solvable::kNo ? "UNSOLVABLE"
                                                                  : "UNDECIDED"},
                    {"index", answer.index},
                    {"steps", answer.steps}};
  if (answer.outcome == Solvable::kYes) {
    reply.text.Line({solved_line, Style::kGood});
    return reply;
  }
  reply.code = ExitCode::kNegative;
  reply.document["reasons"] = answer.reasons;
  reply.document["minimal"] = answer.minimal;
  reply.text.Line(answer.outcome == Solvable::kNo
                      ? Cell(unsolved_line, Style::kBad)
                      : Cell("undecided: the search was given up", Style::kWarning));
  for (const std::string& line : answer.reasons) reply.text.Line("  " + line);
  return reply;
}

struct ResolveArgs : ProblemArgs {
  std::vector<std::string> wanted;
  std::string lockfile;
};

void DeclareResolve(CLI::App& app, ResolveArgs& args) {
  app.add_option("wanted", args.wanted, "What is wanted, each by one package of the set")
      ->type_name(kWantedType);
  DeclareProblem(app, args);
  app.add_option("--lockfile", args.lockfile, "Write the set there, to have it again by --locked")
      ->type_name("FILE");
}

absl::StatusOr<Reply> RunResolve(Context& context, const ResolveArgs& args) {
  DML_ASSIGN_OR_RETURN(const ResolveRequest request, ReadProblem(context, args, args.wanted));
  if (request.wanted.empty() && request.in_use.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "name what is wanted, or give a --request");
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const ResolveAnswer answer,
                       CompatibilityClient(*client).Resolve(request, args.max_steps));
  Reply reply =
      SearchReply(answer, "SOLVED", "a set that is compatible:", "no set of packages will do:");
  if (answer.outcome != Solvable::kYes) return reply;
  reply.document["mode"] = std::string(ResolveModeName(request.mode));
  reply.document["packages"] = PackagesJson(answer.lock);
  TextTable table{{"VARIANT", "MANIFEST"}, {}};
  for (const LockedPackage& package : answer.lock.packages) {
    table.rows.push_back({package.variant.ResourceName(), package.manifest});
  }
  reply.text.Add(std::move(table));
  if (!args.lockfile.empty()) {
    DML_RETURN_IF_ERROR(
        WriteFileAtomically(args.lockfile, AsBytes(FormatLockfile(answer.lock)), 0644));
    reply.document["lockfile"] = args.lockfile;
    reply.text.Line("written to " + args.lockfile);
  }
  return reply;
}

struct WhyNotArgs : ProblemArgs {
  std::string target;
  std::vector<std::string> with;
};

void DeclareWith(CLI::App& app, std::vector<std::string>& with) {
  AddRepeated(app, "--with", with, "What is wanted beside it")->type_name(kWantedType);
}

void DeclareWhyNot(CLI::App& app, WhyNotArgs& args) {
  app.add_option("target", args.target, "What cannot be had")->type_name(kWantedType)->required();
  DeclareWith(app, args.with);
  DeclareProblem(app, args);
}

absl::StatusOr<Reply> RunWhyNot(Context& context, const WhyNotArgs& args) {
  DML_ASSIGN_OR_RETURN(const RelationTarget target, ParseRelationArgument(args.target));
  DML_ASSIGN_OR_RETURN(const ResolveRequest request, ReadProblem(context, args, args.with));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const ResolveAnswer answer,
                       CompatibilityClient(*client).WhyNot(request, target, args.max_steps));
  return SearchReply(answer, "POSSIBLE", "it can be had", "it cannot be had:");
}

struct VersionsArgs : ProblemArgs {
  std::string package;
  std::vector<std::string> with;
};

void DeclareVersions(CLI::App& app, VersionsArgs& args) {
  app.add_option("package", args.package, "Whose versions")
      ->type_name("NAMESPACE/PACKAGE")
      ->required();
  DeclareWith(app, args.with);
  DeclareProblem(app, args);
}

absl::StatusOr<Reply> RunVersions(Context& context, const VersionsArgs& args) {
  DML_ASSIGN_OR_RETURN(const PackageName package, ParsePackageArgument(args.package));
  DML_ASSIGN_OR_RETURN(const ResolveRequest request, ReadProblem(context, args, args.with));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  bool complete = true;
  uint64_t index = 0;
  DML_ASSIGN_OR_RETURN(
      const auto page,
      FetchPages<VersionOutcome>(
          context, "", [&](const ListOptions& options) -> absl::StatusOr<ListPage<VersionOutcome>> {
            DML_ASSIGN_OR_RETURN(
                VersionOutcomes found,
                CompatibilityClient(*client).Versions(request, package, options, args.max_steps));
            complete = complete && found.complete;
            index = found.index;
            return std::move(found.page);
          }));
  auto word = [](Solvable outcome) {
    return outcome == Solvable::kYes  ? Cell("COMPATIBLE", Style::kGood)
           : outcome == Solvable::kNo ? Cell("INCOMPATIBLE", Style::kBad)
                                      : Cell("UNDECIDED", Style::kWarning);
  };
  Reply reply = ListReply(
      page, {"VARIANT", "OUTCOME"},
      [&](const VersionOutcome& item) {
        return Json{{"variant", item.variant.ResourceName()}, {"outcome", word(item.outcome).text}};
      },
      [&](const VersionOutcome& item) {
        return std::vector<Cell>{item.variant.ResourceName(), word(item.outcome)};
      });
  reply.document["complete"] = complete;
  reply.document["index"] = index;
  const bool any = std::ranges::any_of(
      page.items, [](const VersionOutcome& item) { return item.outcome == Solvable::kYes; });
  if (!complete) reply.notes.push_back("the search was given up before all was found");
  if (!any) reply.code = ExitCode::kNegative;
  return reply;
}

}  // namespace

void AddResolveCommands(CommandTree& tree, CLI::App& compat) {
  tree.Add<ResolveArgs>(compat,
                        {"resolve", "A compatible set of packages for what is wanted",
                         "dml compat resolve acme/shop \"acme/ledger semver:>=2 <3\" "
                         "--platform linux-amd64 --lockfile shop.lock"},
                        DeclareResolve, RunResolve);
  tree.Add<WhyNotArgs>(compat,
                       {"why-not", "Why a version cannot be had, by whose word",
                        "dml compat why-not \"acme/api semver:=3.0.0\" --with acme/shop"},
                       DeclareWhyNot, RunWhyNot);
  tree.Add<VersionsArgs>(compat,
                         {"versions", "Which versions of a package can be had",
                          "dml compat versions acme/api --with \"acme/ledger semver:<3\""},
                         DeclareVersions, RunVersions);
}

}  // namespace dml
