#include "core/evidence/permit_bundle.h"

#include <array>
#include <set>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/evidence/log_proof.h"
#include "core/gate/policy.h"
#include "core/package/document_members.h"
#include "core/release/release.h"
#include "core/trust/root_walk.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("PERMIT_BUNDLE_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.permit-bundle/v1"};
constexpr size_t kMaxHashes = 64;
constexpr size_t kMaxHashBytes = 64;  // In base64; 44 are enough.

absl::StatusOr<Digest> ReadHash(const json& value) {
  DML_ASSIGN_OR_RETURN(std::string text, JsonText(value, kMaxHashBytes, kInvalid));
  const std::optional<std::string> raw = Base64Decode(text);
  if (raw.has_value() && raw->size() == Digest::kSize) return Digest::FromBytes(*raw);
  return InvalidArgument(kInvalid, "is not base64 of 32 bytes");
}

absl::StatusOr<LogHistory> ReadHistory(const json& value) {
  ObjectReader in(value, kInvalid);
  LogHistory out;
  out.size = in.Unsigned("size", 1, document::kMaxNumber);
  in.ForEach("hashes", kMaxHashes, [&](const json& hash) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.hashes.emplace_back(), ReadHash(hash));
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<PermitBundle> ReadBundle(const json& value) {
  ObjectReader in(value, kInvalid);
  PermitBundle out;
  in.Word("schema", kSchema);
  out.roots = in.Strings("roots", kMaxRootSteps, kMaxEnvelopeBytes);
  out.delegations = in.Strings("delegations", kMaxBundleDelegations, kMaxEnvelopeBytes);
  out.release = in.String("release", kMaxReleaseBytes);
  out.release_envelope = in.String("releaseEnvelope", kMaxEnvelopeBytes);
  out.policy = in.String("policy", kMaxPolicyBytes);
  out.policy_envelope = in.String("policyEnvelope", kMaxEnvelopeBytes);
  out.publications = in.Strings("publications", kMaxBundlePublications, kMaxEnvelopeBytes);
  out.approvals = in.Strings("approvals", kMaxBundleApprovals, kMaxEnvelopeBytes);
  out.permit = in.String("permit", kMaxEnvelopeBytes);
  out.log_proof = in.String("logProof", kMaxLogProofBytes);
  in.ForEach("history", kMaxBundleHistories, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.history.emplace_back(), ReadHistory(item));
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  DML_RETURN_IF_ERROR(CheckPermitBundle(out));
  return out;
}

absl::Status CheckList(const std::vector<std::string>& list, size_t max_items,
                       std::string_view what) {
  if (list.size() > max_items) {
    return InvalidArgument(kInvalid, "{} {} are more than {}", list.size(), what, max_items);
  }
  const std::set<std::string_view> distinct(list.begin(), list.end());
  if (distinct.size() == list.size()) return absl::OkStatus();
  return InvalidArgument(kInvalid, "one of the {} is there twice; leave it out", what);
}

}  // namespace

absl::Status CheckPermitBundle(const PermitBundle& bundle) {
  DML_RETURN_IF_ERROR(CheckList(bundle.roots, kMaxRootSteps, "roots"));
  DML_RETURN_IF_ERROR(CheckList(bundle.delegations, kMaxBundleDelegations, "delegations"));
  DML_RETURN_IF_ERROR(CheckList(bundle.publications, kMaxBundlePublications, "publications"));
  DML_RETURN_IF_ERROR(CheckList(bundle.approvals, kMaxBundleApprovals, "approvals"));
  if (bundle.history.size() > kMaxBundleHistories) {
    return InvalidArgument(kInvalid, "{} histories are more than {}", bundle.history.size(),
                           kMaxBundleHistories);
  }
  for (size_t i = 1; i < bundle.history.size(); ++i) {
    if (bundle.history[i - 1].size < bundle.history[i].size) continue;
    return InvalidArgument(kInvalid, "histories must be in ascending order of size, none twice");
  }
  return absl::OkStatus();
}

absl::StatusOr<PermitBundle> ParsePermitBundle(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxPermitBundleBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "permit bundle");
  absl::StatusOr<PermitBundle> bundle = ReadBundle(*document);
  if (!bundle.ok()) return LocateError(bundle.status(), "permit bundle");
  return bundle;
}

absl::StatusOr<std::string> FormatPermitBundle(const PermitBundle& bundle) {
  json history = json::array();
  for (const LogHistory& item : bundle.history) {
    json hashes = json::array();
    for (const Digest& hash : item.hashes) hashes.push_back(Base64Encode(hash.bytes()));
    history.push_back({{"size", item.size}, {"hashes", std::move(hashes)}});
  }
  const json document = {{"schema", kSchema[0]},
                         {"roots", bundle.roots},
                         {"delegations", bundle.delegations},
                         {"release", bundle.release},
                         {"releaseEnvelope", bundle.release_envelope},
                         {"policy", bundle.policy},
                         {"policyEnvelope", bundle.policy_envelope},
                         {"publications", bundle.publications},
                         {"approvals", bundle.approvals},
                         {"permit", bundle.permit},
                         {"logProof", bundle.log_proof},
                         {"history", std::move(history)}};
  std::string out = document::WriteDocument(document);
  DML_RETURN_IF_ERROR(ParsePermitBundle(out).status());
  return out;
}

std::vector<Digest> InputsOf(const PermitBundle& bundle) {
  std::vector<Digest> out = {Sha256(bundle.release_envelope), Sha256(bundle.policy_envelope)};
  for (const std::string& envelope : bundle.publications) out.push_back(Sha256(envelope));
  for (const std::string& envelope : bundle.approvals) out.push_back(Sha256(envelope));
  return out;
}

}  // namespace dml
