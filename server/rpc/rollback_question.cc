// To which versions of a package nodes can go back.
#include <algorithm>

#include "core/compat/match.h"
#include "core/compat/upgrade_order.h"
#include "core/wire/api_compatibility.h"
#include "server/rpc/nodes_reader.h"
#include "server/rpc/relation_questions.h"
#include "server/rpc/service_util.h"
#include "storage/library/inventory.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

// What the releases in an environment say that runs there, nodes with the same labels as one.
absl::StatusOr<std::vector<Nodes>> ReadInventory(const Question& question, NodesReader& reader,
                                                 const std::string& environment) {
  DML_RETURN_IF_ERROR(question.caller.MayInEnvironment(environment));
  DML_ASSIGN_OR_RETURN(const auto found, LibraryView(reader.state()).FindEnvironment(environment));
  if (!found.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", environment);
  }
  std::map<std::pair<std::string, Labels>, std::vector<VariantName>> runs;
  DML_RETURN_IF_ERROR(ReleaseInventory().Visit(
      reader.state(), environment,
      [&](const std::string& name) { return question.caller.Sees("environments/" + name); },
      [&](const UsedVariant& used) {
        runs[{used.environment, used.node_labels}].push_back(used.variant);
        return true;
      }));
  std::vector<Nodes> out;
  for (const auto& [where, variants] : runs) {
    Nodes& nodes = out.emplace_back();
    nodes.name = where.first;
    for (const auto& [key, value] : where.second) nodes.name += fmt::format(" {}={}", key, value);
    std::vector<VariantName> all = variants;
    // What is for every node runs on these, too.
    if (const auto common = runs.find({where.first, {}});
        !where.second.empty() && common != runs.end()) {
      all.insert(all.end(), common->second.begin(), common->second.end());
    }
    for (const VariantName& name : all) {
      DML_ASSIGN_OR_RETURN(const PackageSpec* spec, reader.ReadSpec(name));
      if (std::ranges::find(nodes.runs, spec) == nodes.runs.end()) nodes.runs.push_back(spec);
    }
    std::ranges::sort(nodes.runs);
  }
  if (!out.empty()) return out;
  return NotFound(ErrorReason("NOTHING_IN_USE"),
                  "no release is in use in {}; say what runs there with `nodes`", environment);
}

class Rollback {
 public:
  Rollback(const Question& question, NodesReader& reader, const PackageName& package,
           std::string node)
      : question_(question), reader_(reader), package_(package), node_(std::move(node)) {}

  absl::Status Answer(std::vector<Nodes> nodes, const v1::SafeRollbackTargetsRequest& request,
                      v1::SafeRollbackTargetsResponse& response) {
    nodes_ = std::move(nodes);
    DML_RETURN_IF_ERROR(FindRunning());
    DML_ASSIGN_OR_RETURN(const std::vector<VariantName> targets, FindTargets());
    DML_ASSIGN_OR_RETURN(const Slice slice,
                         ReadSlice(request.page_size(), request.page_token(), targets.size()));
    for (size_t i = slice.begin; i < slice.end; ++i) {
      DML_RETURN_IF_ERROR(Judge(targets[i], *response.add_targets()));
    }
    response.set_next_page_token(slice.next_page_token);
    response.set_target_count(targets.size());
    response.set_index(reader_.index());
    return absl::OkStatus();
  }

 private:
  bool GoesBack(const Nodes& nodes) const {
    return (node_.empty() || nodes.name == node_) &&
           std::ranges::any_of(nodes.runs,
                               [&](const PackageSpec* spec) { return spec->package == package_; });
  }

  // The lowest version that runs on what goes back.
  absl::Status FindRunning() {
    for (const Nodes& nodes : nodes_) {
      if (!GoesBack(nodes)) continue;
      for (const PackageSpec* spec : nodes.runs) {
        if (spec->package != package_) continue;
        if (lowest_ == nullptr || Compare(spec->version, lowest_->version) < 0) lowest_ = spec;
        platforms_.push_back(nodes.platform);
      }
    }
    if (lowest_ != nullptr) return absl::OkStatus();
    return NotFound(ErrorReason("NOTHING_CHANGES"), "{} runs {}{}", package_.ToString(),
                    node_.empty() ? "on none of the nodes" : "not on node ", node_);
  }

  bool Fits(const Platform& platform) const {
    return std::ranges::all_of(platforms_,
                               [&](const Platform& node) { return FitsPlatform(platform, node); });
  }

  // Older than all that runs, and there to be installed. References have no files.
  absl::StatusOr<std::vector<VariantName>> FindTargets() {
    std::vector<VariantRecord> records;
    DML_RETURN_IF_ERROR(
        LibraryView(reader_.state()).ScanVariants(package_, [&](const VariantRecord& record) {
          if (record.state == VariantState::kPublished) {
            records.push_back(record);
          }
          return true;
        }));
    std::vector<VariantName> out;
    for (const VariantRecord& record : records) {
      DML_ASSIGN_OR_RETURN(const Version version,
                           Version::Parse(record.scheme, record.name.version));
      if (record.scheme != lowest_->version.scheme() || Compare(version, lowest_->version) >= 0 ||
          !Fits(record.name.platform)) {
        continue;
      }
      DML_ASSIGN_OR_RETURN(const PackageSpec* spec, reader_.ReadSpec(record.name));
      if (spec->is_reference) continue;
      out.push_back(record.name);
      if (out.size() == kMaxRollbackTargets) break;
    }
    return out;
  }

  absl::Status Judge(const VariantName& target, v1::RollbackTarget& out) {
    DML_ASSIGN_OR_RETURN(const PackageSpec* spec, reader_.ReadSpec(target));
    std::vector<UpgradeGroup> groups;
    for (const Nodes& nodes : nodes_) {
      UpgradeGroup group{nodes.name, nodes.platform, nodes.count, nodes.runs, nodes.runs};
      if (GoesBack(nodes)) {
        std::erase_if(group.target,
                      [&](const PackageSpec* old) { return old->package == package_; });
        group.target.push_back(spec);
        std::ranges::sort(group.target);
      }
      groups.push_back(std::move(group));
    }
    SolveBudget budget(kDefaultPlanSteps, question_.stop);
    const UpgradePlan plan = PlanUpgradeOrder(groups, budget);
    DML_RETURN_IF_ERROR(CheckStopped(budget));
    out.set_variant(target.ResourceName());
    out.set_outcome(wire::ToApi(plan.outcome == Solvable::kYes  ? EnvironmentVerdict::kCompatible
                                : plan.outcome == Solvable::kNo ? EnvironmentVerdict::kIncompatible
                                                                : EnvironmentVerdict::kNotProven));
    const size_t told = std::min(plan.reasons.size(), kMaxRollbackReasons);
    out.set_reason_count(plan.reasons.size());
    return reader_.Fill(std::span(plan.reasons).first(told), out.mutable_reasons());
  }

  const Question& question_;
  NodesReader& reader_;
  const PackageName& package_;
  const std::string node_;
  std::vector<Nodes> nodes_;
  const PackageSpec* lowest_ = nullptr;
  std::vector<Platform> platforms_;
};

}  // namespace

absl::Status AnswerSafeRollbackTargets(const Question& question,
                                       const v1::SafeRollbackTargetsRequest& request,
                                       v1::SafeRollbackTargetsResponse& response) {
  absl::StatusOr<PackageName> package = wire::ParsePackageResource(request.package());
  if (!package.ok()) return AtField(package.status(), "package");
  DML_RETURN_IF_ERROR(question.caller.MayInNamespace(package->ns));
  if (request.nodes().empty() == request.environment().empty()) {
    return AtField(InvalidArgument(ErrorReason("NODES_REQUIRED"),
                                   "say which nodes there are and what they run, or name an "
                                   "environment"),
                   "nodes");
  }
  if (request.nodes_size() > kMaxPlanNodes) {
    return TooLarge("nodes; give those that are alike as one", request.nodes_size(), kMaxPlanNodes,
                    "nodes");
  }
  DML_ASSIGN_OR_RETURN(auto reader, NodesReader::Begin(question));
  std::vector<Nodes> nodes;
  if (request.environment().empty()) {
    DML_ASSIGN_OR_RETURN(nodes, reader->ReadNodes(request.nodes()));
  } else {
    DML_ASSIGN_OR_RETURN(const std::string environment,
                         wire::ParseResource(request.environment(), "environments"));
    DML_ASSIGN_OR_RETURN(nodes, ReadInventory(question, *reader, environment));
  }
  return Rollback(question, *reader, *package, request.node())
      .Answer(std::move(nodes), request, response);
}

}  // namespace dml
