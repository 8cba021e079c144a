// What entries about permits mean for the views.
#include "core/rules/permits.h"
#include "core/rules/releases.h"
#include "storage/views/application.h"
#include "storage/views/permit_keys.h"
#include "storage/views/release_keys.h"

namespace dml {

void Application::PutPermit(const PermitRecord& record) {
  Put(view_keys::Permit(record.decided.id), wire::Encode(record));
}

absl::StatusOr<PermitRecord> Application::ExistingPermit(const std::string& id) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindPermit(id));
  if (!found.has_value()) return Broken("a permit that was not decided");
  return *std::move(found);
}

absl::Status Application::operator()(const PermitDecided& p) {
  PutPermit({.decided = p, .index = entry_.index, .time = entry_.time, .author = entry_.author});
  const auto expires = static_cast<uint64_t>(ToMicros(p.expires));
  Put(view_keys::PermitOf(p.release, p.environment, expires, p.id), "");
  Put(view_keys::PermitIn(p.environment, expires, p.id), "");
  if (!p.allowed) return absl::OkStatus();
  if (!p.seats.empty()) {
    DML_RETURN_IF_ERROR((*this)(ReservationOf(p, entry_.time)));
  }
  return MoveByPermit(p, DeploymentEvent::kPermit);
}

absl::Status Application::operator()(const PermitRevoked& p) {
  DML_ASSIGN_OR_RETURN(PermitRecord record, ExistingPermit(p.id));
  record.revoked = true;
  record.revoked_index = entry_.index;
  record.revoked_time = entry_.time;
  record.revoke_reason = p.reason;
  PutPermit(record);
  Put(view_keys::RevokedPermit(static_cast<uint64_t>(ToMicros(record.decided.expires)), p.id), "");
  DML_ASSIGN_OR_RETURN(const auto before, views_.Get(Table::kViews, view_keys::RevocationCount()));
  uint64_t count = 0;
  if (before.has_value()) {
    DML_ASSIGN_OR_RETURN(count, KeyReader(*before).U64());
  }
  Put(view_keys::RevocationCount(), KeyBuilder().U64(count + 1).Build());
  DML_RETURN_IF_ERROR(ReturnSeats(ReservationIdOf(p.id), ReturnWhich::kUntaken));
  return MoveByPermit(record.decided, DeploymentEvent::kPermitEnd);
}

absl::Status Application::operator()(const PermitUsed& p) {
  DML_ASSIGN_OR_RETURN(PermitRecord record, ExistingPermit(p.id));
  ++record.use_count;
  PutPermit(record);
  Put(view_keys::PermitUse(p.id, p.node),
      wire::Encode(PermitUseRecord{p, entry_.index, entry_.time, entry_.author}));
  return MoveByPermit(record.decided, DeploymentEvent::kStart);
}

// A permit for a release that was sealed here moves it; one that is not known moves nothing. What
// does not follow in the state that it is in changes nothing either: a permit more, or the use by a
// second node. What leads back moves nothing: it belongs to the release that it leads back from.
absl::Status Application::MoveByPermit(const PermitDecided& permit, DeploymentEvent event) {
  if (permit.is_back_out) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(auto release, state_.FindRelease(permit.release));
  DML_ASSIGN_OR_RETURN(auto deployment, state_.FindDeployment(permit.release, permit.environment));
  if (!release.has_value() || !deployment.has_value()) return absl::OkStatus();
  const DeploymentRecord before = *deployment;
  Timestamp until = std::max(before.permitted_until, permit.expires);
  if (event == DeploymentEvent::kPermitEnd) {
    DML_ASSIGN_OR_RETURN(until,
                         state_.PermittedUntil(permit.release, permit.environment, entry_.time));
    if (until > entry_.time) event = DeploymentEvent::kPermit;
  }
  absl::StatusOr<DeploymentRecord> after =
      AfterEvent(std::move(deployment), *release, permit.environment, event, entry_.time);
  if (!after.ok()) return absl::OkStatus();
  after->permitted_until = until;
  // What nobody judges by is no change: many permits for one release are given at the same time.
  if (after->state == before.state) {
    Put(view_keys::Deployment(before.release, before.environment), wire::Encode(*after));
    Put(view_keys::DeploymentIn(before.environment, before.release), wire::Encode(*after));
    return absl::OkStatus();
  }
  PutDeployment(*std::move(after));
  return absl::OkStatus();
}

}  // namespace dml
