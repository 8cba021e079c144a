// Rules of permits: what was decided outside the sequencer is told by the stamps that it was
// decided on; here is what a permit must be in itself, and the seats, which nobody else may take.
#include <algorithm>
#include <functional>

#include "core/rules/decider.h"
#include "core/rules/permits.h"

namespace dml {
namespace {

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("PERMIT_INVALID"), format, std::forward<Args>(args)...);
}

absl::Status CheckShape(const PermitDecided& p, Timestamp now) {
  DML_RETURN_IF_ERROR(AtField(CheckPermitId(p.id), "id"));
  if (p.allowed != (p.permit.size > 0)) return Invalid("what is allowed has a permit");
  if (p.allowed && !p.errors.empty()) return Invalid("what has findings that deny is not allowed");
  if (!p.allowed && !p.seats.empty()) return Invalid("what is denied takes no seats");
  if (std::ranges::adjacent_find(p.nodes, std::greater_equal<>()) != p.nodes.end()) {
    return AtField(Invalid("nodes must be in ascending order, none twice"), "nodes");
  }
  size_t bytes = 0;
  for (const std::string& node : p.nodes) {
    DML_RETURN_IF_ERROR(AtField(ValidateNodeName(node), "nodes"));
    bytes += node.size();
  }
  if (p.nodes.size() > kMaxPermitNodes || bytes > kMaxPermitNodesBytes) {
    return AtField(InvalidArgument(ErrorReason("PERMIT_TOO_LARGE"),
                                   "{} nodes with names of {} bytes; at most {} and {}: ask for "
                                   "several permits, or for all nodes of the environment",
                                   p.nodes.size(), bytes, kMaxPermitNodes, kMaxPermitNodesBytes),
                   "nodes");
  }
  if (p.allowed && p.expires <= std::max(now, p.not_before)) {
    return AtField(Invalid("it would have expired on {}, before it is good for anything",
                           FormatTime(p.expires)),
                   "expires");
  }
  return absl::OkStatus();
}

absl::Status NotFoundPermit(std::string_view id) {
  return NotFound(ErrorReason("PERMIT_NOT_FOUND"), "no permit {}", id);
}

}  // namespace

std::string ReservationIdOf(std::string_view permit) { return fmt::format("permit-{}", permit); }

SeatsReserved ReservationOf(const PermitDecided& decided, Timestamp now) {
  return {ReservationIdOf(decided.id), decided.environment,
          std::chrono::duration_cast<std::chrono::microseconds>(decided.expires - now),
          decided.seats};
}

absl::StatusOr<PermitRecord> Decider::ExistingPermit(const std::string& id) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindPermit(id));
  if (!found.has_value()) return NotFoundPermit(id);
  DML_RETURN_IF_ERROR(found->CheckValid(now_));
  return *std::move(found);
}

absl::Status Decider::operator()(const PermitDecided& p) const {
  DML_RETURN_IF_ERROR(AtField(CheckEnvironmentExists(p.environment), "environment"));
  DML_RETURN_IF_ERROR(CheckShape(p, now_));
  DML_ASSIGN_OR_RETURN(const auto found, state_.FindPermit(p.id));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("PERMIT_EXISTS"), "{} was decided at entry {}", p.id,
                         found->index);
  }
  if (!p.back_out.empty()) DML_RETURN_IF_ERROR(ExistingPermit(p.back_out).status());
  if (p.seats.empty()) return absl::OkStatus();
  return CarryOut(ReservationOf(p, now_), state_, now_).status();
}

absl::Status Decider::operator()(const PermitRevoked& p) const {
  DML_RETURN_IF_ERROR(CheckReason(p.reason));
  return ExistingPermit(p.id).status();
}

absl::Status Decider::operator()(const PermitUsed& p) const {
  DML_ASSIGN_OR_RETURN(const PermitRecord permit, ExistingPermit(p.id));
  if (now_ < permit.decided.not_before) {
    return FailedPrecondition(ErrorReason("PERMIT_NOT_YET_VALID"), "permit {} is valid from {} on",
                              p.id, FormatTime(permit.decided.not_before));
  }
  DML_ASSIGN_OR_RETURN(const auto node, state_.FindNode(permit.decided.environment, p.node));
  if (!permit.IsFor(p.node) || !node.has_value()) {
    return FailedPrecondition(
        ErrorReason("NODE_UNEXPECTED"), "permit {} is for {}, of which '{}' is none", p.id,
        permit.decided.nodes.empty() ? fmt::format("the nodes of {}", permit.decided.environment)
                                     : fmt::format("{} nodes", permit.decided.nodes.size()),
        p.node);
  }
  DML_ASSIGN_OR_RETURN(const auto used, state_.FindPermitUse(p.id, p.node));
  if (!used.has_value()) return absl::OkStatus();
  return FailedPrecondition(ErrorReason("PERMIT_USED"),
                            "{} began to act on permit {} at entry {}: ask for another permit",
                            p.node, p.id, used->index);
}

}  // namespace dml
