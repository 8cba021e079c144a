#include "storage/library/rollouts.h"

#include <algorithm>
#include <set>

#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr int kPageSize = 1000;

std::string NodeName(const NodeRecord& node) {
  return fmt::format("environments/{}/nodes/{}", node.environment, node.name);
}

bool Touches(const Release& release, const NodeRecord& node) {
  return std::ranges::any_of(release.items, [&](const ReleaseItem& item) {
    return std::ranges::all_of(item.nodes, [&](const auto& label) {
      const auto found = node.labels.find(label.first);
      return found != node.labels.end() && found->second == label.second;
    });
  });
}

// The nodes that a rollout goes to, and what must not change before it is decided.
class NodeSearch {
 public:
  NodeSearch(const Reader& state, const Release& release, const std::string& environment,
             const std::vector<std::string>& permitted, Command& command)
      : state_(state),
        release_(release),
        environment_(environment),
        permitted_(permitted.begin(), permitted.end()),
        command_(command) {}

  absl::StatusOr<std::vector<RolloutNode>> Run() {
    PageRequest page;
    page.size = kPageSize;
    do {
      DML_ASSIGN_OR_RETURN(auto found, ListView(state_).Environments(page));
      for (const EnvironmentRecord& environment : found.items) {
        if (!CoversEnvironment(environment_, environment.name)) continue;
        DML_RETURN_IF_ERROR(AddNodesOf(environment.name));
      }
      page.after_key = std::move(found.next_key);
    } while (!page.after_key.empty());
    return std::move(out_);
  }

 private:
  absl::Status AddNodesOf(const std::string& environment) {
    const std::string stamp = EnvironmentStamp(environment);
    DML_ASSIGN_OR_RETURN(const uint64_t index, LibraryView(state_).Stamp(stamp));
    command_.decided_on.push_back({stamp, index});
    PageRequest page;
    page.size = kPageSize;
    do {
      DML_ASSIGN_OR_RETURN(auto found, ListView(state_).Nodes(environment, page));
      for (const NodeRecord& node : found.items) Add(node);
      if (out_.size() > kMaxRolloutNodes) return absl::OkStatus();  // PlaceNodes refuses that.
      page.after_key = std::move(found.next_key);
    } while (!page.after_key.empty());
    return absl::OkStatus();
  }

  void Add(const NodeRecord& node) {
    // A permit names nodes of its environment by their names alone, others in full.
    const bool is_permitted = permitted_.empty() || permitted_.contains(NodeName(node)) ||
                              (node.environment == environment_ && permitted_.contains(node.name));
    if (is_permitted && Touches(release_, node)) out_.push_back({NodeName(node), node.labels});
  }

  const Reader& state_;
  const Release& release_;
  const std::string& environment_;
  const std::set<std::string> permitted_;
  Command& command_;
  std::vector<RolloutNode> out_;
};

// What is in use there: of the releases that are deployed, the last one.
absl::StatusOr<Digest> BaselineOf(const Reader& state, const Digest& release,
                                  const std::string& environment) {
  const LibraryView view(state);
  DML_ASSIGN_OR_RETURN(const auto deployments, view.DeploymentsIn(environment));
  const DeploymentRecord* last = nullptr;
  for (const DeploymentRecord& record : deployments) {
    const bool is_deployed =
        record.state == DeploymentState::kDeployed || record.state == DeploymentState::kReviewed;
    if (!is_deployed || record.deployed == Timestamp() || record.release == release) continue;
    DML_ASSIGN_OR_RETURN(const auto rollout, view.FindRollout(record.release, environment));
    const bool went_back =
        rollout.has_value() && rollout->progress.state != DeploymentState::kDeployed;
    if (went_back) continue;  // It was reviewed after that.
    if (last == nullptr || record.deployed > last->deployed) last = &record;
  }
  return last == nullptr ? Digest() : last->release;
}

}  // namespace

absl::StatusOr<Command> PrepareRollout(const Reader& state, const Digest& release,
                                       const std::string& environment, const std::string& permit,
                                       const RolloutPlan& plan) {
  DML_ASSIGN_OR_RETURN(const Release document, LoadRelease(state, release));
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state).FindPermit(permit));
  Command command;
  DML_ASSIGN_OR_RETURN(
      std::vector<RolloutNode> nodes,
      NodeSearch(state, document, environment,
                 record.has_value() ? record->decided.nodes : std::vector<std::string>(), command)
          .Run());
  if (nodes.empty()) {
    return AtField(FailedPrecondition(ErrorReason("NODES_MISSING"),
                                      "{} has no node that the release touches and the permit "
                                      "names; create nodes with: dml environment node create",
                                      environment),
                   "environment");
  }
  DML_ASSIGN_OR_RETURN(const std::vector<RolloutPlace> places, PlaceNodes(plan, std::move(nodes)));
  std::string list = FormatRolloutPlaces(places);
  RolloutStarted started;
  started.release = release;
  started.environment = environment;
  started.permit = permit;
  started.plan = plan;
  started.nodes = {Sha256(list), list.size()};
  DML_ASSIGN_OR_RETURN(started.baseline, BaselineOf(state, release, environment));
  command.payload = std::move(started);
  command.metadata = {std::move(list)};
  return command;
}

absl::StatusOr<Command> PrepareReport(NodeReported report, std::string envelope) {
  Command command;
  if (!envelope.empty()) {
    const auto parsed = ParseEnvelope(envelope);
    if (!parsed.ok()) return AtField(parsed.status(), "report");
    report.report = {Sha256(envelope), envelope.size()};
    command.metadata = {std::move(envelope)};
  }
  command.payload = std::move(report);
  return command;
}

absl::StatusOr<size_t> TickRollouts(Library& library, const std::string& author) {
  size_t out = 0;
  auto state = library.Read();
  DML_ASSIGN_OR_RETURN(const Timestamp now, library.TimeOf(*state));
  DML_ASSIGN_OR_RETURN(const std::vector<RolloutRecord> open, LibraryView(*state).OpenRollouts());
  for (const RolloutRecord& rollout : open) {
    DML_ASSIGN_OR_RETURN(const RolloutProgress progress,
                         RolloutProgress::Restore(rollout.progress));
    const std::optional<Timestamp> due = progress.DueAt();
    if (!due.has_value() || now < *due) continue;
    Command command;
    command.author = author;
    command.payload = RolloutSteered{rollout.release, rollout.environment, RolloutAction::kTick, "",
                                     rollout.Etag()};
    const absl::Status status = library.Commit(std::move(command)).status();
    if (status.ok()) ++out;
    const bool was_late = Reason(status) == "ETAG_MISMATCH";
    const bool changes_nothing = Reason(status) == "ROLLOUT_STEP_UNEXPECTED";
    if (!status.ok() && !was_late && !changes_nothing) return status;
  }
  return out;
}

}  // namespace dml
