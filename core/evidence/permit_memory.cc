#include "core/evidence/permit_memory.h"

#include <array>
#include <limits>
#include <utility>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/journal/permit_entries.h"
#include "core/package/document_members.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("PERMIT_MEMORY_INVALID");
constexpr std::array<std::string_view, 1> kSchema = {"dml.permit-memory/v1"};
constexpr size_t kMaxRevokedKeys = 16 * 1024;
constexpr size_t kMaxPolicies = 1024;
constexpr size_t kMaxUsedPermits = 16 * 1024;

absl::StatusOr<TrustedRoot> ReadRoot(const json& value) {
  ObjectReader in(value, kInvalid);
  TrustedRoot out;
  const std::string document = in.String("document", kMaxTrustDocumentBytes);
  // Of the bytes that were signed, which the document need not be.
  out.digest = document::ReadDigest(in, "digest");
  DML_RETURN_IF_ERROR(in.Finish());
  absl::StatusOr<TrustRoot> root = ParseTrustRoot(document);
  if (!root.ok()) return AtField(root.status(), "document");
  out.root = *std::move(root);
  return out;
}

absl::StatusOr<RememberedCheckpoint> ReadCheckpoint(const json& value) {
  ObjectReader in(value, kInvalid);
  RememberedCheckpoint out;
  out.checkpoint.origin = document::ReadText(in, "origin", document::kMaxNameBytes, kInvalid);
  out.checkpoint.size = in.Unsigned("size", 0, std::numeric_limits<uint64_t>::max());
  out.checkpoint.root = document::ReadDigest(in, "root");
  out.key_id = document::ReadDigest(in, "key");
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::Status ReadPolicy(const json& value, PermitMemory& out) {
  ObjectReader in(value, kInvalid);
  const std::string environment = document::ReadEnvironment(in, "environment");
  RememberedPolicy policy;
  policy.revision = in.Unsigned("revision", 1, document::kMaxNumber);
  policy.statement = document::ReadDigest(in, "statement");
  DML_RETURN_IF_ERROR(in.Finish());
  if (out.policies.emplace(environment, policy).second) return absl::OkStatus();
  return InvalidArgument(kInvalid, "environment {} is there twice", environment);
}

absl::Status ReadUsed(const json& value, PermitMemory& out) {
  ObjectReader in(value, kInvalid);
  const std::string id = in.String("id", document::kMaxNameBytes);
  in.Check("id", CheckPermitId(id));
  const Timestamp expires = document::ReadTime(in, "expires", kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  if (out.used.emplace(id, expires).second) return absl::OkStatus();
  return InvalidArgument(kInvalid, "permit {} is there twice", id);
}

absl::StatusOr<RememberedRevocations> ReadRevocations(const json& value) {
  ObjectReader in(value, kInvalid);
  RememberedRevocations out;
  out.number = in.Unsigned("number", 0, document::kMaxNumber);
  out.time = document::ReadTime(in, "time", kInvalid);
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::StatusOr<PermitMemory> ReadMemory(const json& value) {
  ObjectReader in(value, kInvalid);
  PermitMemory out;
  in.Word("schema", kSchema);
  out.environment = document::ReadEnvironment(in, "environment");
  out.node = in.StringOr("node", document::kMaxNameBytes, "");
  if (!out.node.empty()) in.Check("node", ValidateNodeName(out.node));
  in.ForEach("revokedKeys", kMaxRevokedKeys, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(std::string text, JsonText(item, document::kMaxNameBytes, kInvalid));
    DML_ASSIGN_OR_RETURN(Digest key, Digest::Parse(text));
    if (out.revoked_keys.insert(key).second) return absl::OkStatus();
    return InvalidArgument(kInvalid, "is there twice");
  });
  in.Read("root", [&](const json& root) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.root, ReadRoot(root));
    return absl::OkStatus();
  });
  in.Read("checkpoint", [&](const json& checkpoint) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.checkpoint, ReadCheckpoint(checkpoint));
    return absl::OkStatus();
  });
  in.ForEach("policies", kMaxPolicies, [&](const json& item) { return ReadPolicy(item, out); });
  in.ForEach("usedPermits", kMaxUsedPermits, [&](const json& item) { return ReadUsed(item, out); });
  in.Read("revocations", [&](const json& revocations) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.revocations, ReadRevocations(revocations));
    return absl::OkStatus();
  });
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

absl::StatusOr<PermitMemory> ParsePermitMemory(std::string_view text) {
  absl::StatusOr<json> document = ParseStrictJson(text, kMaxPermitMemoryBytes, kInvalid);
  if (!document.ok()) return LocateError(document.status(), "permit memory");
  absl::StatusOr<PermitMemory> memory = ReadMemory(*document);
  if (!memory.ok()) return LocateError(memory.status(), "permit memory");
  return memory;
}

absl::StatusOr<std::string> FormatPermitMemory(const PermitMemory& memory) {
  json revoked = json::array();
  for (const Digest& key : memory.revoked_keys) revoked.push_back(key.ToString());
  json policies = json::array();
  for (const auto& [environment, policy] : memory.policies) {
    policies.push_back({{"environment", environment},
                        {"revision", policy.revision},
                        {"statement", policy.statement.ToString()}});
  }
  json document = {{"schema", kSchema[0]},
                   {"environment", memory.environment},
                   {"revokedKeys", std::move(revoked)},
                   {"policies", std::move(policies)}};
  if (!memory.node.empty()) document["node"] = memory.node;
  for (const auto& [id, expires] : memory.used) {
    document["usedPermits"].push_back({{"id", id}, {"expires", FormatTime(expires)}});
  }
  if (memory.revocations.has_value()) {
    document["revocations"] = {{"number", memory.revocations->number},
                               {"time", FormatTime(memory.revocations->time)}};
  }
  if (memory.root.has_value()) {
    DML_ASSIGN_OR_RETURN(std::string root, FormatTrustRoot(memory.root->root));
    document["root"] = {{"document", std::move(root)}, {"digest", memory.root->digest.ToString()}};
  }
  if (memory.checkpoint.has_value()) {
    document["checkpoint"] = {{"origin", memory.checkpoint->checkpoint.origin},
                              {"size", memory.checkpoint->checkpoint.size},
                              {"root", memory.checkpoint->checkpoint.root.ToString()},
                              {"key", memory.checkpoint->key_id.ToString()}};
  }
  std::string out = document::WriteDocument(document);
  DML_RETURN_IF_ERROR(ParsePermitMemory(out).status());
  return out;
}

}  // namespace dml
