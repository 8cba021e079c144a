// dml compat installable|solve: questions to a Debian index, offline.
#include <unordered_set>

#include "tools/dml/command.h"
#include "tools/import/deb_universe.h"

namespace dml {
namespace {

// Enough for a whole archive many times over; what needs more is undecided.
constexpr uint64_t kMaxSteps = 60'000'000'000;
constexpr uint64_t kMaxStepsOfOne = 4'000'000'000;

struct IndexArgs {
  std::string file;
  std::string architecture;
};

void DeclareIndex(CLI::App& app, IndexArgs& args) {
  app.add_option("--debian-packages", args.file,
                 "A Packages file, plain or compressed (gz, xz, zst, bz2, lz4)")
      ->type_name("FILE")
      ->required();
  app.add_option("--architecture", args.architecture,
                 "The native architecture, where the index has several")
      ->type_name("ARCH");
}

struct InstallableArgs : IndexArgs {
  bool explain = false;
};

void DeclareInstallable(CLI::App& app, InstallableArgs& args) {
  DeclareIndex(app, args);
  app.add_flag("--explain", args.explain, "Say why, in numbered lines below each name");
}

Json PackageJson(const DebUniverse& universe, CandidateId id) {
  return {{"name", universe.name(id)},
          {"version", universe.version(id)},
          {"architecture", universe.architecture(id)}};
}

void NoteUndecided(const DebUniverse& universe, const std::vector<CandidateId>& undecided,
                   Reply& reply) {
  reply.document["undecided"] = Json::array();
  for (CandidateId id : undecided) {
    reply.document["undecided"].push_back(PackageJson(universe, id));
  }
  if (undecided.empty()) return;
  reply.notes.push_back(fmt::format("undecided: {} packages, the first of them {}",
                                    undecided.size(), universe.Reference(undecided.front())));
  reply.code = ExitCode::kFailed;
}

absl::StatusOr<Reply> Installable(Context&, const InstallableArgs& args) {
  DML_ASSIGN_OR_RETURN(DebUniverse universe, DebUniverse::Read(args.file, args.architecture));
  SolveBudget budget(kMaxSteps);
  std::vector<CandidateId> undecided;
  const std::vector<CandidateId> found = universe.FindUninstallable(budget, undecided);
  Reply reply;
  Json items = Json::array();
  std::unordered_set<std::string> named;
  for (CandidateId id : found) {
    Json item = PackageJson(universe, id);
    if (args.explain) {
      SolveBudget of_one(kMaxStepsOfOne);
      const std::vector<std::string> reasons = universe.ExplainUninstallable(id, of_one);
      reply.text.Line(universe.Reference(id));
      for (const std::string& line : reasons) reply.text.Line("  " + line);
      item["reasons"] = reasons;
    } else if (named.insert(universe.name(id)).second) {
      reply.text.Line(universe.name(id));
    }
    items.push_back(std::move(item));
  }
  reply.document["packages"] = universe.size();
  reply.document["uninstallable"] = std::move(items);
  NoteUndecided(universe, undecided, reply);
  return reply;
}

struct SolveArgs : IndexArgs {
  std::vector<std::string> names;
};

void DeclareSolve(CLI::App& app, SolveArgs& args) {
  DeclareIndex(app, args);
  app.add_option("name", args.names,
                 "What to install: NAME, NAME=VERSION, or a relation such as \"NAME (>= 1)\"")
      ->required();
}

absl::StatusOr<Reply> Solve(Context&, const SolveArgs& args) {
  DML_ASSIGN_OR_RETURN(DebUniverse universe, DebUniverse::Read(args.file, args.architecture));
  SolveBudget budget(kMaxStepsOfOne);
  DML_ASSIGN_OR_RETURN(const DebAnswer answer, universe.SolveJobs(args.names, budget));
  Reply reply;
  switch (answer.solvable) {
    case Solvable::kYes:
      reply.document["outcome"] = "SOLVED";
      reply.document["packages"] = Json::array();
      for (CandidateId id : answer.packages) {
        reply.text.Line(universe.Reference(id));
        reply.document["packages"].push_back(PackageJson(universe, id));
      }
      break;
    case Solvable::kNo:
      reply.document["outcome"] = "UNSOLVABLE";
      reply.document["reasons"] = answer.reasons;
      reply.text.Line({"no set of packages will do:", Style::kBad});
      for (const std::string& line : answer.reasons) reply.text.Line("  " + line);
      reply.code = ExitCode::kNegative;
      break;
    case Solvable::kUndecided:
      reply.document["outcome"] = "UNDECIDED";
      reply.text.Line({"undecided: the search was given up", Style::kWarning});
      reply.code = ExitCode::kNegative;
      break;
  }
  return reply;
}

}  // namespace

void AddDebianCommands(CommandTree& tree, CLI::App& compat) {
  tree.Add<InstallableArgs>(
      compat,
      {"installable", "Which packages of a Debian index cannot be installed in it, offline",
       "dml compat installable --debian-packages Packages.xz --explain"},
      DeclareInstallable, Installable);
  tree.Add<SolveArgs>(compat,
                      {"solve", "A set of packages of a Debian index to install, offline",
                       "dml compat solve --debian-packages Packages.xz curl \"jq (>= 1.6)\""},
                      DeclareSolve, Solve);
}

}  // namespace dml
