#include "tools/dml/release_json.h"

namespace dml {

Json ToJson(const ReleaseRecord& record) {
  return {{"release", fmt::format("{}@{}", record.name, record.version)},
          {"digest", record.document.digest.ToString()},
          {"type", ReleaseTypeName(record.type)},
          {"environments", record.environments},
          {"state", ReleaseStateName(record.state)},
          {"requiredEvidence", record.required_evidence},
          {"evidence", record.evidence},
          {"withdrawReason", record.withdraw_reason},
          {"etag", record.Etag()},
          {"sealed", FormatTime(record.time)},
          {"author", record.author}};
}

Json ToJson(const DeploymentRecord& record) {
  const auto time = [](Timestamp at) {
    return at == Timestamp() ? Json(nullptr) : Json(FormatTime(at));
  };
  return {{"environment", record.environment},
          {"state", DeploymentStateName(record.state)},
          {"reason", record.reason},
          {"etag", record.Etag()},
          {"started", time(record.started)},
          {"deployed", time(record.deployed)},
          {"updated", FormatTime(record.time)},
          {"author", record.author}};
}

Json ToJson(const ReleaseEnvelopeRecord& record) {
  Json keys = Json::array();
  for (const Digest& id : record.envelope.key_ids) keys.push_back(id.ToString());
  Json out = {{"envelope", record.envelope.envelope.digest.ToString()},
              {"predicateType", record.envelope.predicate_type},
              {"keys", std::move(keys)},
              {"time", FormatTime(record.time)},
              {"author", record.author}};
  if (record.is_approval()) {
    out["environment"] = record.environment;
    out["findings"] = record.findings.ToString();
    out["expires"] = FormatTime(record.expires);
  }
  if (record.is_override()) {
    out["environment"] = record.environment;
    out["rules"] = record.rules;
    out["requester"] = record.requester.ToString();
    out["reason"] = record.reason;
    out["expires"] = FormatTime(record.expires);
  }
  return out;
}

}  // namespace dml
