#include "server/rpc/compatibility_questions.h"

#include <algorithm>

#include "core/compat/lockfile.h"
#include "core/wire/api_compatibility.h"
#include "server/rpc/service_util.h"
#include "storage/library/library_packages.h"

namespace dml {
namespace {

/// A search under way: its slot, its snapshot, and the packages that its caller sees there.
class Search {
 public:
  static absl::StatusOr<std::unique_ptr<Search>> Begin(const Question& question,
                                                       const ResolveRequest& problem,
                                                       uint64_t max_steps) {
    question.caller.WillSeeEach();
    DML_ASSIGN_OR_RETURN(SolveSlots::Slot slot,
                         question.context.solves->Take(question.caller.principal()));
    std::unique_ptr<Search> out(new Search(question, max_steps, std::move(slot)));
    LibraryPackagesOptions options;
    options.sees = [&question](std::string_view ns) { return question.caller.SeesNamespace(ns); };
    options.in_use = {problem.in_use.begin(), problem.in_use.end()};
    options.stop = question.stop;
    DML_ASSIGN_OR_RETURN(out->packages_,
                         LibraryPackages::Open(*out->snapshot_, question.context.trust,
                                               *question.context.specs, std::move(options)));
    return out;
  }

  const PackageSource& packages() const { return *packages_; }
  SolveBudget& budget() { return budget_; }
  uint64_t index() const { return packages_->index(); }

  /// CANCELLED where nobody waits any more; otherwise the answer, a universe that is too large
  /// being undecided.
  absl::StatusOr<Resolution> Judge(absl::StatusOr<Resolution> answer) const {
    DML_RETURN_IF_ERROR(CheckStopped(budget_));
    if (Reason(answer.status()) != "UNIVERSE_TOO_LARGE") return answer;
    Resolution out;
    out.reasons.emplace_back(Message(answer.status()));
    return out;
  }

 private:
  Search(const Question& question, uint64_t max_steps, SolveSlots::Slot slot)
      : slot_(std::move(slot)),
        snapshot_(question.context.library.Read()),
        budget_(std::min(max_steps == 0 ? kDefaultResolveSteps : max_steps, kMaxResolveSteps),
                question.stop) {}

  const SolveSlots::Slot slot_;
  const std::unique_ptr<const Snapshot> snapshot_;
  SolveBudget budget_;
  std::unique_ptr<LibraryPackages> packages_;
};

absl::StatusOr<ResolveRequest> ReadProblem(const v1::ResolveProblem& problem) {
  absl::StatusOr<ResolveRequest> out = wire::From(problem);
  if (!out.ok()) return AtField(out.status(), "problem");
  return out;
}

absl::StatusOr<ResolveRequest> ReadWanted(const v1::ResolveProblem& problem) {
  DML_ASSIGN_OR_RETURN(ResolveRequest out, ReadProblem(problem));
  if (!out.wanted.empty() || !out.in_use.empty()) return out;
  return AtField(
      InvalidArgument(ErrorReason("NOTHING_WANTED"), "name what is wanted, or what is in use"),
      "problem.wanted");
}

void Fill(const SourcePackage& package, v1::ResolvedPackage* out) {
  const PackageSpec& spec = *package.spec;
  out->set_variant(VariantName{spec.package, spec.version.text(), spec.platform}.ResourceName());
  out->set_version_scheme(std::string(VersionSchemeName(spec.version.scheme())));
  out->set_manifest(package.manifest);
}

/// What the answers to both questions tell of a search that came to no set.
template <typename Response>
void FillReasons(const Resolution& resolution, Response& response) {
  response.set_outcome(wire::ToApi(resolution.solvable));
  for (const std::string& line : resolution.reasons) response.add_reasons(line);
  response.set_minimal(resolution.minimal);
}

}  // namespace

absl::Status CheckStopped(const SolveBudget& budget) {
  if (!budget.stopped()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kCancelled, ErrorReason("CALL_CANCELED"),
                   "nobody waits for the answer any more");
}

absl::Status AnswerResolve(const Question& question, const v1::ResolveRequest& request,
                           v1::ResolveResponse& response) {
  DML_ASSIGN_OR_RETURN(const ResolveRequest problem, ReadWanted(request.problem()));
  DML_ASSIGN_OR_RETURN(auto search,
                       Search::Begin(question, problem, request.problem().max_steps()));
  DML_ASSIGN_OR_RETURN(const Resolution resolution,
                       search->Judge(Resolve(search->packages(), problem, search->budget())));
  DML_ASSIGN_OR_RETURN(const Slice slice, ReadSlice(request.page_size(), request.page_token(),
                                                    resolution.packages.size(), kMaxResolvedPage));
  FillReasons(resolution, response);
  for (size_t i = slice.begin; i < slice.end; ++i) {
    Fill(resolution.packages[i], response.add_packages());
  }
  response.set_next_page_token(slice.next_page_token);
  response.set_package_count(resolution.packages.size());
  for (const std::string& revision : LockOf(resolution, problem.mode).schemes) {
    response.add_scheme_revisions(revision);
  }
  response.set_steps(search->budget().steps());
  response.set_index(search->index());
  return absl::OkStatus();
}

absl::Status AnswerWhyNot(const Question& question, const v1::WhyNotRequest& request,
                          v1::WhyNotResponse& response) {
  DML_ASSIGN_OR_RETURN(const ResolveRequest problem, ReadProblem(request.problem()));
  absl::StatusOr<RelationTarget> target = wire::From(request.target());
  if (!target.ok()) return AtField(target.status(), "target");
  DML_ASSIGN_OR_RETURN(auto search,
                       Search::Begin(question, problem, request.problem().max_steps()));
  DML_ASSIGN_OR_RETURN(
      const Resolution resolution,
      search->Judge(WhyNot(search->packages(), problem, *target, search->budget())));
  FillReasons(resolution, response);
  response.set_steps(search->budget().steps());
  response.set_index(search->index());
  return absl::OkStatus();
}

absl::Status AnswerCompatibleVersions(const Question& question,
                                      const v1::CompatibleVersionsRequest& request,
                                      v1::CompatibleVersionsResponse& response) {
  DML_ASSIGN_OR_RETURN(const ResolveRequest problem, ReadProblem(request.problem()));
  absl::StatusOr<PackageName> package = wire::ParsePackageResource(request.package());
  if (!package.ok()) return AtField(package.status(), "package");
  DML_RETURN_IF_ERROR(question.caller.MayInNamespace(package->ns));
  DML_ASSIGN_OR_RETURN(auto search,
                       Search::Begin(question, problem, request.problem().max_steps()));
  absl::StatusOr<std::vector<VersionAnswer>> found =
      CompatibleVersions(search->packages(), problem, *package, search->budget());
  DML_RETURN_IF_ERROR(CheckStopped(search->budget()));
  const bool too_large = Reason(found.status()) == "UNIVERSE_TOO_LARGE";
  if (!found.ok() && !too_large) return found.status();
  const std::vector<VersionAnswer> versions =
      too_large ? std::vector<VersionAnswer>() : *std::move(found);
  if (versions.empty() && !too_large && !search->budget().exhausted()) {
    return NotFound(ErrorReason("PACKAGE_NOT_FOUND"),
                    "no version of {} that may be deployed on the platform",
                    package->ResourceName());
  }
  DML_ASSIGN_OR_RETURN(const Slice slice,
                       ReadSlice(request.page_size(), request.page_token(), versions.size()));
  for (size_t i = slice.begin; i < slice.end; ++i) {
    const PackageSpec& spec = *versions[i].package.spec;
    v1::VersionAnswer* item = response.add_versions();
    item->set_variant(VariantName{spec.package, spec.version.text(), spec.platform}.ResourceName());
    item->set_outcome(wire::ToApi(versions[i].solvable));
  }
  response.set_next_page_token(slice.next_page_token);
  response.set_version_count(versions.size());
  response.set_complete(!too_large && !search->budget().exhausted());
  response.set_steps(search->budget().steps());
  response.set_index(search->index());
  return absl::OkStatus();
}

}  // namespace dml
