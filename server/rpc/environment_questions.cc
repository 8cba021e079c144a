#include "server/rpc/environment_questions.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/compat/upgrade_order.h"
#include "core/wire/api_compatibility.h"
#include "server/rpc/nodes_reader.h"
#include "server/rpc/service_util.h"

namespace dml {
namespace {

/// Nodes that are alike become one group, named after the first.
absl::StatusOr<std::vector<NodeGroup>> GroupAlike(std::span<const Nodes> nodes) {
  std::map<std::pair<Platform, Specs>, size_t> known;
  std::vector<NodeGroup> out;
  for (const Nodes& item : nodes) {
    auto [it, added] = known.try_emplace({item.platform, item.runs}, out.size());
    if (added) {
      out.push_back({item.name, item.platform, item.count, item.runs});
    } else {
      out[it->second].nodes += item.count;
    }
  }
  if (out.size() > kMaxNodeConfigurations) {
    return TooLarge("configurations of nodes", out.size(), kMaxNodeConfigurations, "nodes");
  }
  return out;
}

Specs Sorted(Specs specs) {
  std::sort(specs.begin(), specs.end());
  return specs;
}

/// What runs once each package of the set has replaced the one of its name, where there is one.
Specs Upgrade(const Specs& runs, const Specs& set) {
  Specs there;
  for (const PackageSpec* item : set) {
    if (std::ranges::any_of(
            runs, [&](const PackageSpec* old) { return old->package == item->package; })) {
      there.push_back(item);
    }
  }
  return Sorted(ApplySet(runs, there));
}

template <typename Request, typename Response>
absl::Status FillViolations(NodesReader& reader, const EnvironmentAnswer& answer,
                            const Request& request, Response& response) {
  const std::span<const EnvironmentViolation> all = answer.violations;
  DML_ASSIGN_OR_RETURN(const Slice slice,
                       ReadSlice(request.page_size(), request.page_token(), all.size()));
  response.set_outcome(wire::ToApi(answer.verdict));
  response.set_violation_count(all.size());
  response.set_next_page_token(slice.next_page_token);
  response.set_index(reader.index());
  return reader.Fill(all.subspan(slice.begin, slice.end - slice.begin),
                     response.mutable_violations());
}

/// The nodes on which a set is to be installed: those named, or all.
absl::StatusOr<std::set<std::string>> ReadInstallOn(const NodesReader& reader, const Names& names) {
  std::set<std::string> out;
  for (int i = 0; i < names.size(); ++i) {
    if (!reader.HasNode(names[i])) {
      return AtField(InvalidArgument(ErrorReason("NODE_UNKNOWN"), "no node {} is among `nodes`",
                                     Excerpt(names[i])),
                     fmt::format("install_on[{}]", i));
    }
    out.insert(names[i]);
  }
  return out;
}

/// What a node is to run: its target, else what it runs upgraded by the set.
absl::StatusOr<std::vector<UpgradeGroup>> ReadUpgrades(NodesReader& reader,
                                                       const v1::PlanUpgradeOrderRequest& request) {
  if (request.nodes_size() > kMaxPlanNodes) {
    return TooLarge("nodes; give those that are alike as one", request.nodes_size(), kMaxPlanNodes,
                    "nodes");
  }
  DML_ASSIGN_OR_RETURN(const Specs set, reader.ReadSpecs(request.upgrade(), "upgrade"));
  DML_ASSIGN_OR_RETURN(std::vector<Nodes> nodes, reader.ReadNodes(request.nodes()));
  std::vector<UpgradeGroup> out;
  for (size_t i = 0; i < nodes.size(); ++i) {
    UpgradeGroup group{std::move(nodes[i].name),
                       std::move(nodes[i].platform),
                       nodes[i].count,
                       std::move(nodes[i].runs),
                       {}};
    const Names& target = request.nodes(static_cast<int>(i)).target();
    if (target.empty()) {
      group.target = Upgrade(group.current, set);
    } else {
      DML_ASSIGN_OR_RETURN(group.target,
                           reader.ReadSpecs(target, fmt::format("nodes[{}].target", i)));
    }
    out.push_back(std::move(group));
  }
  return out;
}

/// "packages/N/P" removes every version, a variant's name that variant.
struct Removal {
  std::set<PackageName> packages;
  Specs variants;
};

absl::StatusOr<Removal> ReadRemoval(NodesReader& reader, const Names& names) {
  Removal out;
  Names variants;
  for (int i = 0; i < names.size(); ++i) {
    if (absl::StatusOr<PackageName> package = wire::ParsePackageResource(names[i]); package.ok()) {
      out.packages.insert(*std::move(package));
    } else {
      *variants.Add() = names[i];
    }
  }
  DML_ASSIGN_OR_RETURN(out.variants, reader.ReadSpecs(variants, "remove"));
  return out;
}

}  // namespace

absl::Status AnswerCheckEnvironment(const Question& question,
                                    const v1::CheckEnvironmentRequest& request,
                                    v1::CheckEnvironmentResponse& response) {
  DML_ASSIGN_OR_RETURN(auto reader, NodesReader::Begin(question));
  DML_ASSIGN_OR_RETURN(const Specs set, reader->ReadSpecs(request.install(), "install"));
  DML_ASSIGN_OR_RETURN(const std::vector<Nodes> nodes, reader->ReadNodes(request.nodes()));
  DML_ASSIGN_OR_RETURN(const std::set<std::string> on,
                       ReadInstallOn(*reader, request.install_on()));
  DML_ASSIGN_OR_RETURN(const std::vector<NodeGroup> before, GroupAlike(nodes));
  if (set.empty()) {
    const EnvironmentAnswer answer = CheckEnvironment(before, &reader->budget());
    DML_RETURN_IF_ERROR(CheckStopped(reader->budget()));
    return FillViolations(*reader, answer, request, response);
  }
  std::vector<Nodes> changed = nodes;
  for (Nodes& item : changed) {
    if (on.empty() || on.contains(item.name)) item.runs = Sorted(ApplySet(item.runs, set));
  }
  DML_ASSIGN_OR_RETURN(const std::vector<NodeGroup> after, GroupAlike(changed));
  const EnvironmentAnswer answer = CheckTransition(before, after, &reader->budget());
  DML_RETURN_IF_ERROR(CheckStopped(reader->budget()));
  return FillViolations(*reader, answer, request, response);
}

absl::Status AnswerPlanUpgradeOrder(const Question& question,
                                    const v1::PlanUpgradeOrderRequest& request,
                                    v1::PlanUpgradeOrderResponse& response) {
  DML_ASSIGN_OR_RETURN(auto reader, NodesReader::Begin(question));
  DML_ASSIGN_OR_RETURN(const std::vector<UpgradeGroup> groups, ReadUpgrades(*reader, request));
  SolveBudget budget(
      std::min(request.max_steps() == 0 ? kDefaultPlanSteps : request.max_steps(), kMaxPlanSteps),
      question.stop);
  const UpgradePlan plan = PlanUpgradeOrder(groups, budget);
  DML_RETURN_IF_ERROR(CheckStopped(budget));
  std::vector<v1::UpgradeStep> steps;
  for (size_t wave = 0; wave < plan.waves.size(); ++wave) {
    for (const UpgradeStep& step : plan.waves[wave]) {
      v1::UpgradeStep& out = steps.emplace_back();
      out.set_wave(static_cast<uint32_t>(wave + 1));
      out.set_node(groups[step.group].name);
      out.set_count(static_cast<uint32_t>(step.nodes));
      out.set_no_return(step.no_return);
    }
  }
  DML_ASSIGN_OR_RETURN(const Slice slice, ReadSlice(request.page_size(), request.page_token(),
                                                    steps.size(), kMaxResolvedPage));
  for (size_t i = slice.begin; i < slice.end; ++i) *response.add_steps() = std::move(steps[i]);
  response.set_outcome(wire::ToApi(plan.outcome));
  response.set_next_page_token(slice.next_page_token);
  response.set_step_count(steps.size());
  response.set_wave_count(static_cast<uint32_t>(plan.waves.size()));
  response.set_minimal(plan.minimal);
  response.set_search_steps(budget.steps());
  response.set_index(reader->index());
  return reader->Fill(plan.reasons, response.mutable_reasons());
}

absl::Status AnswerWhatBreaksIf(const Question& question, const v1::WhatBreaksIfRequest& request,
                                v1::WhatBreaksIfResponse& response) {
  if (request.remove().empty() && request.upgrade().empty()) {
    return AtField(
        InvalidArgument(ErrorReason("CHANGE_REQUIRED"), "say what is to be removed or upgraded"),
        "remove");
  }
  DML_ASSIGN_OR_RETURN(auto reader, NodesReader::Begin(question));
  DML_ASSIGN_OR_RETURN(const Removal removal, ReadRemoval(*reader, request.remove()));
  DML_ASSIGN_OR_RETURN(const Specs set, reader->ReadSpecs(request.upgrade(), "upgrade"));
  DML_ASSIGN_OR_RETURN(const std::vector<Nodes> nodes, reader->ReadNodes(request.nodes()));
  std::vector<Nodes> changed = nodes;
  for (Nodes& item : changed) {
    std::erase_if(item.runs, [&](const PackageSpec* spec) {
      return removal.packages.contains(spec->package) ||
             std::ranges::binary_search(removal.variants, spec);
    });
    item.runs = Upgrade(item.runs, set);
  }
  if (std::ranges::equal(nodes, changed, {}, &Nodes::runs, &Nodes::runs)) {
    return NotFound(ErrorReason("NOTHING_CHANGES"),
                    "none of the nodes runs what is to be removed or upgraded");
  }
  DML_ASSIGN_OR_RETURN(const std::vector<NodeGroup> before, GroupAlike(nodes));
  DML_ASSIGN_OR_RETURN(const std::vector<NodeGroup> after, GroupAlike(changed));
  EnvironmentAnswer answer = CheckTransition(before, after, &reader->budget());
  DML_RETURN_IF_ERROR(CheckStopped(reader->budget()));
  std::erase_if(answer.violations, [](const EnvironmentViolation& item) { return item.before; });
  answer.verdict = VerdictOf(answer.violations);
  return FillViolations(*reader, answer, request, response);
}

}  // namespace dml
