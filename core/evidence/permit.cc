#include "core/evidence/permit.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/package/document_members.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("PERMIT_INVALID");
constexpr std::array<std::string_view, 2> kResults = {"PASSED", "FAILED"};
constexpr std::array<std::string_view, 1> kSlsaVersion = {"1.0"};
// The summary says nothing about how the packages were built.
constexpr std::string_view kLevel = "SLSA_BUILD_LEVEL_UNEVALUATED";

// {"sha256": HEX}, as in-toto writes digests.
absl::StatusOr<Digest> ReadDigestSet(const json& value) {
  ObjectReader in(value, kInvalid);
  absl::StatusOr<Digest> digest =
      Digest::Parse("sha256:" + in.String("sha256", document::kMaxNameBytes));
  in.Check("sha256", digest.status());
  DML_RETURN_IF_ERROR(in.Finish());
  return digest;
}

json DigestSet(const Digest& digest) { return json::object({{"sha256", digest.hex()}}); }

absl::StatusOr<Digest> ReadInput(const json& value) {
  ObjectReader in(value, kInvalid);
  Digest out;
  in.ReadRequired("digest", [&](const json& set) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out, ReadDigestSet(set));
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::Status ReadVerifier(const json& value, Permit& out) {
  ObjectReader in(value, kInvalid);
  out.verifier = in.String("id", document::kMaxNameBytes);
  return in.Finish();
}

absl::Status ReadPolicy(const json& value, Permit& out) {
  ObjectReader in(value, kInvalid);
  out.policy_uri = in.String("uri", document::kMaxNameBytes);
  in.ReadRequired("digest", [&](const json& set) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.policy, ReadDigestSet(set));
    return absl::OkStatus();
  });
  return in.Finish();
}

absl::Status CheckNodes(const std::vector<std::string>& nodes) {
  for (const std::string& node : nodes) DML_RETURN_IF_ERROR(ValidateNodeName(node));
  if (std::ranges::adjacent_find(nodes, std::greater_equal<>()) == nodes.end()) {
    return absl::OkStatus();
  }
  return InvalidArgument(kInvalid, "must be in ascending order, none twice");
}

absl::Status ReadExtension(const json& value, Permit& out) {
  ObjectReader in(value, kInvalid);
  out.id = in.String("id", document::kMaxNameBytes);
  in.Check("id", CheckPermitId(out.id));
  out.environment = document::ReadEnvironment(in, "environment");
  out.nodes = in.Strings("nodes", kMaxPermitNodes, document::kMaxNameBytes);
  in.Check("nodes", CheckNodes(out.nodes));
  // Absent it would mean all nodes: that is said, never left out.
  if (!in.Has("nodes")) in.Check("nodes", InvalidArgument(kInvalid, "is missing"));
  out.not_before = document::ReadTime(in, "notBefore", kInvalid);
  out.expires = document::ReadTime(in, "expires", kInvalid);
  if (out.expires <= out.not_before) {
    in.Check("expires", InvalidArgument(kInvalid, "is not after 'notBefore'"));
  }
  out.max_revocation_age = document::ReadRevocationAge(in, "maxRevocationAge");
  out.journal_size = in.Unsigned("journalSize", 1, document::kMaxNumber);
  out.policy_revision = in.Unsigned("policyRevision", 1, document::kMaxNumber);
  out.findings = document::ReadDigest(in, "findings");
  out.approved_findings = document::ReadDigest(in, "approvedFindings");
  in.ForEach("order", kMaxReleaseItems, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(std::string text, JsonText(item, document::kMaxNameBytes, kInvalid));
    DML_ASSIGN_OR_RETURN(out.order.emplace_back(), VariantName::Parse(text));
    return absl::OkStatus();
  });
  // Only where they say something: one way to write each permit.
  out.back_out = in.StringOr("backOut", document::kMaxNameBytes, "");
  if (in.Has("backOut")) in.Check("backOut", CheckPermitId(out.back_out));
  if (in.Has("isBackOut")) {
    out.is_back_out = document::ReadBool(in, "isBackOut", kInvalid);
    if (!out.is_back_out) in.Check("isBackOut", InvalidArgument(kInvalid, "is true or not there"));
  }
  return in.Finish();
}

absl::StatusOr<Permit> ReadPermit(const json& value) {
  ObjectReader in(value, kInvalid);
  Permit out;
  in.ReadRequired("verifier", [&](const json& verifier) { return ReadVerifier(verifier, out); });
  out.decided = document::ReadTime(in, "timeVerified", kInvalid);
  out.resource = in.String("resourceUri", document::kMaxNameBytes);
  in.ReadRequired("policy", [&](const json& policy) { return ReadPolicy(policy, out); });
  in.ForEach("inputAttestations", kMaxPermitInputs, [&](const json& input) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.inputs.emplace_back(), ReadInput(input));
    return absl::OkStatus();
  });
  const bool has_failed = in.Word("verificationResult", kResults) == 1;
  const std::vector<std::string> levels = in.Strings("verifiedLevels", 1, kLevel.size());
  if (levels != std::vector<std::string>{std::string(kLevel)}) {
    in.Check("verifiedLevels", InvalidArgument(kInvalid, "is not [\"{}\"]", kLevel));
  }
  in.Word("slsaVersion", kSlsaVersion);
  in.ReadRequired(kPermitExtension,
                  [&](const json& extension) { return ReadExtension(extension, out); });
  DML_RETURN_IF_ERROR(in.Finish());
  if (!has_failed) return out;
  return PermissionDenied(ErrorReason("PERMIT_DENIED"),
                          "the summary says that the release may not go to {}", out.environment);
}

json ExtensionJson(const Permit& permit) {
  json order = json::array();
  for (const VariantName& name : permit.order) order.push_back(name.ResourceName());
  json out = {{"id", permit.id},
              {"environment", permit.environment},
              {"nodes", permit.nodes},
              {"notBefore", FormatTime(permit.not_before)},
              {"expires", FormatTime(permit.expires)},
              {"maxRevocationAge", permit.max_revocation_age.count()},
              {"journalSize", permit.journal_size},
              {"policyRevision", permit.policy_revision},
              {"findings", permit.findings.ToString()},
              {"approvedFindings", permit.approved_findings.ToString()},
              {"order", std::move(order)}};
  if (!permit.back_out.empty()) out["backOut"] = permit.back_out;
  if (permit.is_back_out) out["isBackOut"] = true;
  return out;
}

}  // namespace

std::string VerifierUri(std::string_view origin) { return fmt::format("dml:{}", origin); }

std::string ReleaseUri(std::string_view origin, std::string_view name, std::string_view version) {
  return fmt::format("dml:{}/releases/{}/versions/{}", origin, name, version);
}

std::string PolicyUri(std::string_view origin, std::string_view environment, uint64_t revision) {
  return fmt::format("dml:{}/environments/{}/policies/{}", origin, environment, revision);
}

absl::StatusOr<Permit> ParsePermitPredicate(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxStatementBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "permit");
  absl::StatusOr<Permit> permit = ReadPermit(*document);
  if (!permit.ok()) return LocateError(permit.status(), "permit");
  return permit;
}

absl::StatusOr<std::string> FormatPermitPredicate(const Permit& permit) {
  json inputs = json::array();
  for (const Digest& input : permit.inputs) {
    json item = json::object();
    item["digest"] = DigestSet(input);
    inputs.push_back(std::move(item));
  }
  json levels = json::array();
  levels.push_back(kLevel);
  json document = {{"verifier", json::object({{"id", permit.verifier}})},
                   {"timeVerified", FormatTime(permit.decided)},
                   {"resourceUri", permit.resource},
                   {"inputAttestations", std::move(inputs)},
                   {"verificationResult", kResults[0]},
                   {"verifiedLevels", std::move(levels)},
                   {"slsaVersion", kSlsaVersion[0]}};
  document["policy"] = {{"uri", permit.policy_uri}, {"digest", DigestSet(permit.policy)}};
  document[std::string(kPermitExtension)] = ExtensionJson(permit);
  std::string out = document::WritePredicate(document);
  DML_RETURN_IF_ERROR(ParsePermitPredicate(out).status());
  return out;
}

}  // namespace dml
