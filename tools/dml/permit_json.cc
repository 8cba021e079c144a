#include "tools/dml/permit_json.h"

#include "tools/dml/records.h"

namespace dml {
namespace {

Json DigestOrNull(const Digest& digest) {
  return digest == Digest() ? Json(nullptr) : Json(digest.ToString());
}

Json TimeOrNull(Timestamp time) {
  return time == Timestamp() ? Json(nullptr) : Json(FormatTime(time));
}

}  // namespace

Json ToJson(const std::vector<RuleCount>& counts) {
  Json out = Json::object();
  for (const RuleCount& count : counts) out[count.rule] = count.count;
  return out;
}

Json FindingsJson(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& finding : findings) out.push_back(ToJson(finding));
  return out;
}

Json ToJson(const PermitStanding& standing) {
  const PermitRecord& record = standing.record;
  const PermitDecided& decided = record.decided;
  Json seats = Json::array();
  for (const SeatRequest& item : decided.seats) {
    seats.push_back(
        {{"entitlement", item.entitlement}, {"holder", item.holder}, {"seats", item.seats}});
  }
  return {{"name", "permits/" + decided.id},
          {"id", decided.id},
          {"state", PermitStateName(standing.state)},
          {"release", standing.release},
          {"releaseDigest", decided.release.ToString()},
          {"environment", "environments/" + decided.environment},
          {"nodes", decided.nodes},
          {"notBefore", TimeOrNull(decided.not_before)},
          {"expires", TimeOrNull(decided.expires)},
          {"policy", DigestOrNull(decided.policy)},
          {"policyRevision", decided.policy_revision},
          {"journalSize", decided.journal_size},
          {"findingsDigest", decided.findings.ToString()},
          {"errors", ToJson(decided.errors)},
          {"seats", std::move(seats)},
          {"backOut", decided.back_out},
          {"isBackOut", decided.is_back_out},
          {"index", record.index},
          {"decided", TimeOrNull(record.time)},
          {"author", record.author},
          {"uses", record.use_count},
          {"revoked", record.revoked ? Json{{"index", record.revoked_index},
                                            {"time", TimeOrNull(record.revoked_time)},
                                            {"reason", record.revoke_reason}}
                                     : Json(nullptr)}};
}

Json ToJson(const PermitUseRecord& record) {
  return {{"node", record.used.node},
          {"baseline",
           record.used.baseline.size > 0 ? Json(record.used.baseline.digest.ToString()) : Json()},
          {"index", record.index},
          {"time", FormatTime(record.time)},
          {"author", record.author}};
}

Json ToJson(const PermitVerdict& verdict) {
  const Permit& permit = verdict.permit;
  Json order = Json::array();
  for (const VariantName& name : permit.order) order.push_back(name.ResourceName());
  return {{"id", permit.id},
          {"release", fmt::format("{}@{}", verdict.release.name, verdict.release.version)},
          {"releaseDigest", verdict.release_digest.ToString()},
          {"environment", "environments/" + permit.environment},
          {"nodes", permit.nodes},
          {"notBefore", FormatTime(permit.not_before)},
          {"expires", FormatTime(permit.expires)},
          {"policyRevision", permit.policy_revision},
          {"approvers", verdict.approvers},
          {"order", std::move(order)},
          {"backOut", permit.back_out},
          {"isBackOut", permit.is_back_out},
          {"logIndex", verdict.log_index},
          {"asOf", FormatTime(verdict.as_of)}};
}

}  // namespace dml
