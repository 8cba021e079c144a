#include "tools/dml/seat_json.h"

namespace dml {

Json ToJson(const SeatPosition& position) {
  return {{"entitled", position.entitled},
          {"limit", position.limit},
          {"reserved", position.reserved},
          {"inUse", position.in_use},
          {"borrowed", position.borrowed},
          {"unused", position.unused},
          {"highWater", position.high_water},
          {"neverUsed", position.never_used},
          {"overageMinutes", position.overage_minutes}};
}

Json ToJson(const EntitlementStanding& standing) {
  const Entitlement& terms = standing.record.terms;
  return {{"id", terms.id},
          {"product", terms.product},
          {"vendor", terms.vendor},
          {"metric", SeatMetricName(terms.metric)},
          {"quantity", terms.quantity},
          {"overagePercent", terms.overage_percent},
          {"start", FormatTime(terms.start)},
          {"expiry", FormatTime(terms.expiry)},
          {"environments", terms.environments},
          {"contract", terms.contract_digest},
          {"maxBorrowed", terms.max_borrowed},
          {"maxBorrowSeconds",
           std::chrono::duration_cast<std::chrono::seconds>(terms.max_borrow_duration).count()},
          {"lowWater", terms.low_water},
          {"etag", standing.record.Etag()},
          {"index", standing.record.index},
          {"time", FormatTime(standing.record.time)},
          {"author", standing.record.author},
          {"grantedIndex", standing.record.granted_index},
          {"revision", standing.record.revision},
          {"envelope", standing.record.envelope.size == 0
                           ? Json(nullptr)
                           : Json(standing.record.envelope.digest.ToString())},
          {"position", ToJson(standing.position)}};
}

Json ToJson(const LeaseRecord& record) {
  const Lease& lease = record.lease;
  return {{"id", lease.id},
          {"entitlement", lease.entitlement},
          {"holder", lease.holder},
          {"environment", lease.environment},
          {"seats", lease.seats},
          {"state", LeaseStateName(lease.state)},
          {"endedBy", LeaseEndName(lease.ended_by)},
          {"end", FormatTime(lease.end)},
          {"index", record.index},
          {"time", FormatTime(record.time)},
          {"author", record.author},
          {"forceReason", record.force_reason}};
}

}  // namespace dml
