#include "server/rpc/environment_questions.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/compat/upgrade_order.h"
#include "core/wire/api_compatibility.h"
#include "server/rpc/service_util.h"
#include "storage/journal/journal.h"
#include "storage/library/publication_signers.h"
#include "storage/library/variant_specs.h"

namespace dml {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;
using Specs = std::vector<const PackageSpec*>;

absl::Status TooLarge(std::string_view what, size_t count, size_t most, std::string_view field) {
  return AtField(
      InvalidArgument(ErrorReason("REQUEST_TOO_LARGE"), "{} {}; at most {}", count, what, most),
      field);
}

/// Nodes of a request as they are compared: `specs` have one order.
struct Nodes {
  std::string name;
  Platform platform;
  size_t count = 1;
  Specs runs;
};

/// Reads what a question names, in one snapshot.
class NodesReader {
 public:
  static absl::StatusOr<std::unique_ptr<NodesReader>> Begin(const Question& question) {
    DML_ASSIGN_OR_RETURN(SolveSlots::Slot slot,
                         question.context.solves->Take(question.caller.principal()));
    question.caller.WillSeeEach();
    std::unique_ptr<NodesReader> out(new NodesReader(question, std::move(slot)));
    const JournalView journal(*out->snapshot_);
    DML_ASSIGN_OR_RETURN(out->index_, journal.Size());
    DML_ASSIGN_OR_RETURN(const StoredEntry last, journal.At(out->index_ - 1));
    auto trust = question.context.trust.Get(*out->snapshot_, last.entry.time);
    if (!trust.ok() && Reason(trust.status()) != "ROOT_MISSING") return trust.status();
    if (trust.ok()) out->trust_ = *std::move(trust);
    out->advisories_.emplace(*out->snapshot_, out->trust_.get(), last.entry.time);
    out->specs_.emplace(*out->snapshot_, *question.context.specs, *out->advisories_);
    return out;
  }

  uint64_t index() const { return index_; }

  absl::StatusOr<Specs> ReadSpecs(const Names& names, const std::string& field) {
    named_ += names.size();
    if (named_ > kMaxNodeVariants) {
      return TooLarge("variants of all nodes", named_, kMaxNodeVariants, field);
    }
    Specs out;
    for (int i = 0; i < names.size(); ++i) {
      absl::StatusOr<const PackageSpec*> spec = ReadSpec(names[i]);
      if (!spec.ok()) return AtField(spec.status(), fmt::format("{}[{}]", field, i));
      out.push_back(*spec);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  absl::StatusOr<Nodes> ReadNode(const v1::NodeState& in, const std::string& field) {
    Nodes out;
    out.name = in.name();
    if (out.name.empty() || out.name.size() > kMaxNodeNameBytes || HasControlCharacters(out.name) ||
        !names_.insert(out.name).second) {
      return AtField(InvalidArgument(ErrorReason("NODE_NAME_INVALID"),
                                     "nodes have names of 1 to {} bytes without control "
                                     "characters, each its own",
                                     kMaxNodeNameBytes),
                     field + ".name");
    }
    if (!in.platform().empty()) {
      absl::StatusOr<Platform> platform = Platform::Parse(in.platform());
      if (!platform.ok()) return AtField(platform.status(), field + ".platform");
      out.platform = *std::move(platform);
    }
    out.count = std::max<size_t>(1, in.count());
    DML_ASSIGN_OR_RETURN(out.runs, ReadSpecs(in.runs(), field + ".runs"));
    return out;
  }

  template <typename List>
  absl::StatusOr<std::vector<Nodes>> ReadNodes(const List& list) {
    if (static_cast<size_t>(list.size()) > kMaxNodeEntries) {
      return TooLarge("nodes", list.size(), kMaxNodeEntries, "nodes");
    }
    if (list.empty()) {
      return AtField(InvalidArgument(ErrorReason("NODES_REQUIRED"),
                                     "say which nodes there are and what they run"),
                     "nodes");
    }
    std::vector<Nodes> out;
    for (int i = 0; i < list.size(); ++i) {
      DML_ASSIGN_OR_RETURN(Nodes nodes, ReadNode(list[i], fmt::format("nodes[{}]", i)));
      out.push_back(std::move(nodes));
    }
    return out;
  }

  bool HasNode(const std::string& name) const { return names_.contains(name); }

  /// Violations as they go into an answer, with those who vouch for what declares them.
  template <typename Repeated>
  absl::Status Fill(std::span<const EnvironmentViolation> violations, Repeated* out) {
    PublicationReader publications(*snapshot_, trust_.get());
    for (const EnvironmentViolation& item : violations) {
      v1::EnvironmentFinding* finding = out->Add();
      wire::To(item, finding);
      if (const auto* signers = advisories_->SignersOf(item.violation.source)) {
        for (const std::string& person : *signers) finding->add_signers(person);
        continue;
      }
      absl::StatusOr<VariantName> name = VariantName::Parse(item.violation.package);
      if (!name.ok()) continue;  // About a package, or the whole set.
      DML_ASSIGN_OR_RETURN(const PublicationSigners signers, publications.SignersOf(*name));
      for (const PublisherSignature& signature : signers.signatures) {
        finding->add_signers(signature.person);
      }
    }
    return absl::OkStatus();
  }

 private:
  NodesReader(const Question& question, SolveSlots::Slot slot)
      : caller_(question.caller),
        slot_(std::move(slot)),
        snapshot_(question.context.library.Read()) {}

  absl::StatusOr<const PackageSpec*> ReadSpec(const std::string& text) {
    DML_ASSIGN_OR_RETURN(const VariantName name, VariantName::Parse(text));
    DML_RETURN_IF_ERROR(caller_.MayInNamespace(name.package.ns));
    return specs_->Get(name);
  }

  const Caller& caller_;
  const SolveSlots::Slot slot_;
  const std::unique_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const TrustDomain> trust_;
  std::optional<AdvisoryReader> advisories_;
  std::optional<VariantSpecs> specs_;
  uint64_t index_ = 0;
  size_t named_ = 0;
  std::set<std::string> names_;
};

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
    return FillViolations(*reader, CheckEnvironment(before), request, response);
  }
  std::vector<Nodes> changed = nodes;
  for (Nodes& item : changed) {
    if (on.empty() || on.contains(item.name)) item.runs = Sorted(ApplySet(item.runs, set));
  }
  DML_ASSIGN_OR_RETURN(const std::vector<NodeGroup> after, GroupAlike(changed));
  return FillViolations(*reader, CheckTransition(before, after), request, response);
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
  EnvironmentAnswer answer = CheckTransition(before, after);
  std::erase_if(answer.violations, [](const EnvironmentViolation& item) { return item.before; });
  answer.verdict = VerdictOf(answer.violations);
  return FillViolations(*reader, answer, request, response);
}

}  // namespace dml
