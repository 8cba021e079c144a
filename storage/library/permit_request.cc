#include "storage/library/permit_request.h"

#include <algorithm>

#include "core/crypto/sha256.h"
#include "core/evidence/permit.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("PERMIT_INVALID");
constexpr size_t kMaxNodeLabels = 16;
constexpr int kPageSize = 1000;

absl::Status NoNode(std::string_view environment, std::string_view what) {
  return AtField(
      NotFound(ErrorReason("NODE_NOT_FOUND"), "environment {} has no node {}", environment, what),
      "nodes");
}

bool Has(const NodeRecord& node, const Labels& labels) {
  return std::ranges::all_of(labels, [&](const auto& label) {
    const auto found = node.labels.find(label.first);
    return found != node.labels.end() && found->second == label.second;
  });
}

std::string LabelsText(const Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    out += fmt::format("{}{}={}", out.empty() ? "with " : ",", key, value);
  }
  return out;
}

}  // namespace

Digest PermitRequest::ToDigest() const {
  Sha256Hasher hasher;
  const auto add = [&](std::string_view text) {
    hasher.Update(fmt::format("{}:", text.size()));
    hasher.Update(text);
  };
  add(release.raw());
  add(environment);
  add(std::to_string(nodes.size()));
  for (const std::string& node : nodes) add(node);
  add(std::to_string(node_labels.size()));
  for (const auto& [key, value] : node_labels) {
    add(key);
    add(value);
  }
  add(std::to_string(ToMicros(not_before)));
  add(std::to_string(ToMicros(expires)));
  add(std::to_string(max_revocation_age.count()));
  for (const SeatRequest& item : seats) {
    add(item.entitlement);
    add(item.holder);
    add(std::to_string(item.seats));
  }
  return hasher.Finish();
}

absl::Status CheckPermitRequest(const PermitRequest& request, Timestamp now) {
  if (request.expires <= std::max(request.not_before, now)) {
    return AtField(InvalidArgument(kInvalid, "a permit that expires on {} is never valid: it is {}",
                                   FormatTime(request.expires), FormatTime(now)),
                   "expire_time");
  }
  if (request.expires - std::max(request.not_before, now) > kMaxPermitTime) {
    return AtField(InvalidArgument(kInvalid,
                                   "a permit is valid for at most {} days: ask for "
                                   "another when this one has expired",
                                   kMaxPermitTime.count() / 24),
                   "expire_time");
  }
  if (!request.nodes.empty() && !request.node_labels.empty()) {
    return AtField(InvalidArgument(kInvalid, "name nodes, or the labels that they have, not both"),
                   "nodes");
  }
  if (request.nodes.size() > kMaxPermitNodes || request.node_labels.size() > kMaxNodeLabels) {
    return AtField(InvalidArgument(kInvalid, "at most {} nodes, or {} labels", kMaxPermitNodes,
                                   kMaxNodeLabels),
                   "nodes");
  }
  if (request.seats.size() <= kMaxSeatItems) return absl::OkStatus();
  return AtField(InvalidArgument(kInvalid, "at most {} wishes for seats", kMaxSeatItems), "seats");
}

absl::StatusOr<std::vector<std::string>> ResolveNodes(const Reader& state,
                                                      const PermitRequest& request) {
  const LibraryView view(state);
  DML_ASSIGN_OR_RETURN(const auto environment, view.FindEnvironment(request.environment));
  if (!environment.has_value()) {
    return AtField(
        NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", request.environment),
        "environment");
  }
  std::vector<std::string> out = request.nodes;
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  for (const std::string& name : out) {
    DML_ASSIGN_OR_RETURN(const auto node, view.FindNode(request.environment, name));
    if (!node.has_value()) return NoNode(request.environment, name);
  }
  if (request.node_labels.empty()) return out;
  PageRequest page;
  page.size = kPageSize;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Nodes(request.environment, page));
    for (const NodeRecord& node : found.items) {
      if (Has(node, request.node_labels)) out.push_back(node.name);
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  // Without this, no node would mean all of them.
  if (out.empty()) return NoNode(request.environment, LabelsText(request.node_labels));
  std::ranges::sort(out);
  return out;
}

}  // namespace dml
