#include "core/rules/rules.h"

#include "core/base/blank_text.h"
#include "core/base/text.h"
#include "core/rules/decider.h"
#include "core/rules/retention.h"

namespace dml {
namespace {

constexpr size_t kMaxDescription = 4096;
constexpr size_t kMaxLabels = 64;

}  // namespace

absl::Status CheckText(std::string_view text, size_t max, std::string_view field) {
  if (text.size() > max) {
    return AtField(InvalidArgument(ErrorReason("TEXT_TOO_LONG"), "{} has {} bytes; at most {}",
                                   field, text.size(), max),
                   field);
  }
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return AtField(InvalidArgument(ErrorReason("TEXT_NOT_UTF8"), "{} is {}", field, fault), field);
  }
  return absl::OkStatus();
}

absl::Status CheckReason(std::string_view reason) {
  if (IsOnlySpace(reason)) {
    return AtField(InvalidArgument(ErrorReason("REASON_REQUIRED"), "say why: a reason is required"),
                   "reason");
  }
  return CheckText(reason, kMaxEntryReason, "reason");
}

absl::Status CheckLabels(const Labels& labels) {
  if (labels.size() > kMaxLabels) {
    return InvalidArgument(ErrorReason("TOO_MANY_LABELS"), "{} labels; at most {}", labels.size(),
                           kMaxLabels);
  }
  for (const auto& [key, value] : labels) {
    DML_RETURN_IF_ERROR(AtField(ValidateLabel(key, value), "labels"));
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const LibraryCreated&) const {
  return FailedPrecondition(ErrorReason("LIBRARY_EXISTS"), "the library is created only once");
}

absl::Status Decider::operator()(const NamespaceCreated& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidateNamespace(p.name), "namespace"));
  DML_RETURN_IF_ERROR(CheckText(p.description, kMaxDescription, "description"));
  DML_RETURN_IF_ERROR(CheckLabels(p.labels));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindNamespace(p.name));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("NAMESPACE_EXISTS"), "namespace {} exists", p.name);
  }
  return absl::OkStatus();
}

absl::Status Decider::CheckNamespaceExists(std::string_view name) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindNamespace(name));
  if (found.has_value()) return absl::OkStatus();
  return NotFound(ErrorReason("NAMESPACE_NOT_FOUND"),
                  "no namespace {}; create it with: dml namespace create {}", name, name);
}

absl::Status Decider::CheckEnvironmentExists(std::string_view name) const {
  DML_ASSIGN_OR_RETURN(auto found, state_.FindEnvironment(name));
  if (found.has_value()) return absl::OkStatus();
  return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", name);
}

absl::Status Decider::operator()(const NamespaceRetentionSet& p) const {
  DML_RETURN_IF_ERROR(CheckNamespaceExists(p.name));
  DML_RETURN_IF_ERROR(AtField(ValidateRetention(p.policy), "retention"));
  DML_ASSIGN_OR_RETURN(auto record, state_.FindRetention(p.name));
  const std::string current = record.has_value() ? record->Etag() : "";
  if (p.replaces_etag == current) return absl::OkStatus();
  return Aborted(
      ErrorReason("ETAG_MISMATCH"),
      "the retention of namespace {} is at etag '{}', not '{}': read it again and decide "
      "anew",
      p.name, current, p.replaces_etag);
}

absl::Status Decider::operator()(const EnvironmentCreated& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidateEnvironmentName(p.name), "environment"));
  DML_RETURN_IF_ERROR(CheckText(p.description, kMaxDescription, "description"));
  DML_RETURN_IF_ERROR(CheckLabels(p.labels));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindEnvironment(p.name));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("ENVIRONMENT_EXISTS"), "environment {} exists", p.name);
  }
  if (size_t slash = p.name.rfind('/'); slash != std::string::npos) {
    std::string parent = p.name.substr(0, slash);
    DML_ASSIGN_OR_RETURN(auto above, state_.FindEnvironment(parent));
    if (!above.has_value()) {
      return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"),
                      "no environment {}; create it before {}", parent, p.name);
    }
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const NodeCreated& p) const {
  DML_RETURN_IF_ERROR(AtField(ValidateNodeName(p.name), "node"));
  DML_RETURN_IF_ERROR(CheckLabels(p.labels));
  DML_RETURN_IF_ERROR(CheckEnvironmentExists(p.environment));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindNode(p.environment, p.name));
  if (found.has_value()) {
    return AlreadyExists(ErrorReason("NODE_EXISTS"), "node {} exists in {}", p.name, p.environment);
  }
  return absl::OkStatus();
}

absl::Status Decider::operator()(const PolicySet& p) const {
  DML_RETURN_IF_ERROR(CheckEnvironmentExists(p.environment));
  DML_ASSIGN_OR_RETURN(auto policy, state_.FindPolicy(p.environment));
  std::string current = policy.has_value() ? policy->Etag() : "";
  if (p.replaces_etag != current) {
    return Aborted(ErrorReason("ETAG_MISMATCH"),
                   "the policy of {} is at etag '{}', not '{}': read it again and decide anew",
                   p.environment, current, p.replaces_etag);
  }
  return CheckText(p.force_reason, kMaxEntryReason, "force_reason");
}

absl::Status Decide(const EntryPayload& payload, const LibraryState& state, Timestamp now) {
  return std::visit(Decider(state, now), payload);
}

}  // namespace dml
