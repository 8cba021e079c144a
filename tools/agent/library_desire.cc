#include "tools/agent/library_desire.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "client/permits.h"
#include "client/rollouts.h"

namespace dml::agent {
namespace {

constexpr int kPageSize = 100;
constexpr int kMaxPages = 10;

// "payments 2.0.0"
ReleaseName NameOf(const std::string& release) {
  const size_t space = release.find(' ');
  return {release.substr(0, space), space == release.npos ? "" : release.substr(space + 1)};
}

// Whether the library's answer was one about the rollout, and no failure to give one.
bool IsAnswer(const absl::Status& status) {
  const std::string reason = Reason(status);
  return reason == "ROLLOUT_NOT_FOUND" || reason == "ROLLOUT_STEP_UNEXPECTED" ||
         reason == "REPORT_REPEATED" || reason == "NODE_NOT_FOUND" ||
         reason == "RELEASE_NOT_FOUND" || reason == "RELEASE_STATE_UNEXPECTED";
}

}  // namespace

std::string LibraryDesire::NodeResourceName() const {
  return fmt::format("environments/{}/nodes/{}", environment_, node_);
}

absl::StatusOr<bool> LibraryDesire::MayBegin(const std::string& release) {
  const absl::StatusOr<RolloutNodeDetails> node = RolloutClient(client_).AskNode(
      NameOf(release), environment_, NodeResourceName(), NodeStage::kStaged);
  if (node.ok()) return node->wanted;
  if (IsAnswer(node.status())) return false;
  return node.status();
}

absl::StatusOr<bool> LibraryDesire::GivesUp(const AgentState& state) {
  if (!state.active.has_value() || state.previous.empty()) return false;
  const absl::StatusOr<RolloutNodeDetails> node = RolloutClient(client_).AskNode(
      NameOf(state.active->release), environment_, NodeResourceName(), NodeStage::kBackedOut);
  if (node.ok()) return !node->wanted;
  if (IsAnswer(node.status())) return false;
  return node.status();
}

absl::StatusOr<std::optional<LibraryDesire::Permit>> LibraryDesire::Next(
    const AgentState& state, const PermitMemory& memory) {
  PermitClient permits(client_);
  PermitFilter filter;
  filter.environment = environment_;
  filter.node = node_;
  filter.only_valid = true;
  std::vector<PermitStanding> open;
  ListOptions page;
  page.page_size = kPageSize;
  for (int i = 0; i < kMaxPages; ++i) {
    DML_ASSIGN_OR_RETURN(ListPage<PermitStanding> found, permits.List(filter, page));
    for (PermitStanding& permit : found.items) {
      const std::string& id = permit.record.decided.id;
      const bool is_used = std::ranges::any_of(
          state.decisions, [&](const auto& seen) { return seen.second == permit.record.index; });
      if (permit.state != PermitState::kOpen || permit.record.decided.is_back_out || is_used ||
          refused_.contains(id)) {
        continue;
      }
      open.push_back(std::move(permit));
    }
    page.page_token = found.next_page_token;
    if (page.page_token.empty()) break;
  }
  std::ranges::sort(open, std::ranges::greater(),
                    [](const PermitStanding& permit) { return permit.record.index; });
  for (const PermitStanding& permit : open) {
    // "releases/payments/versions/2.0.0"
    const size_t at = permit.release.find("/versions/");
    if (!permit.release.starts_with("releases/") || at == permit.release.npos) continue;
    const std::string release =
        permit.release.substr(9, at - 9) + " " + permit.release.substr(at + 10);
    DML_ASSIGN_OR_RETURN(const bool may_begin, MayBegin(release));
    if (!may_begin) continue;
    std::vector<uint64_t> sizes;
    if (memory.checkpoint.has_value()) sizes.push_back(memory.checkpoint->checkpoint.size);
    const uint64_t root = memory.root.has_value() ? memory.root->root.version : 0;
    const std::string& id = permit.record.decided.id;
    DML_ASSIGN_OR_RETURN(std::string bundle, permits.Bundle(id, sizes, root));
    return Permit{id, release, std::move(bundle)};
  }
  return std::nullopt;
}

absl::Status LibraryDesire::Use(const std::string& permit, const AgentState& state) {
  std::vector<VariantName> baseline;
  if (state.active.has_value()) {
    for (const SetItem& item : state.active->items) baseline.push_back(item.variant);
  }
  const absl::Status status = PermitClient(client_).Use(permit, node_, baseline).status();
  // By this node, which was killed before it could begin.
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

absl::Status LibraryDesire::Tell(const StageReport& report) {
  if (report.release.empty()) return absl::OkStatus();
  const std::string why =
      report.reason.empty() ? "" : fmt::format("{}: {}", report.reason, report.message);
  const absl::Status status =
      RolloutClient(client_)
          .Report(NameOf(report.release), environment_, NodeResourceName(), report.stage, why)
          .status();
  return IsAnswer(status) ? absl::OkStatus() : status;
}

}  // namespace dml::agent
