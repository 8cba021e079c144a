#include "core/wire/api_permits.h"

#include "core/wire/api_seats.h"

namespace dml::wire {
namespace {

// A digest that may be absent, as zero.
absl::StatusOr<Digest> DigestOrZero(const std::string& text, std::string_view field) {
  if (text.empty()) return Digest();
  absl::StatusOr<Digest> out = Digest::Parse(text);
  if (!out.ok()) return AtField(out.status(), field);
  return out;
}

absl::Status ReadDecision(const v1::Permit& in, PermitDecided& out) {
  DML_ASSIGN_OR_RETURN(out.id, ParsePermitResource(in.name()));
  out.allowed = in.state() != v1::Permit::STATE_DENIED;
  DML_ASSIGN_OR_RETURN(out.release, DigestOrZero(in.release_digest(), "release_digest"));
  absl::StatusOr<std::string> environment = ParseResource(in.environment(), "environments");
  if (!environment.ok()) return AtField(environment.status(), "environment");
  out.environment = *std::move(environment);
  out.nodes.assign(in.nodes().begin(), in.nodes().end());
  out.not_before = From(in.not_before_time());
  out.expires = From(in.expire_time());
  DML_ASSIGN_OR_RETURN(out.policy, DigestOrZero(in.policy_digest(), "policy_digest"));
  out.policy_revision = in.policy_revision();
  out.journal_size = in.journal_size();
  DML_ASSIGN_OR_RETURN(out.findings, DigestOrZero(in.findings_digest(), "findings_digest"));
  out.findings_size = in.findings_size();
  for (const v1::RuleCount& error : in.errors())
    out.errors.push_back({error.rule(), error.count()});
  for (const v1::SeatRequest& item : in.seats()) {
    DML_ASSIGN_OR_RETURN(out.seats.emplace_back(), From(item));
  }
  if (!in.back_out().empty()) {
    DML_ASSIGN_OR_RETURN(out.back_out, ParsePermitResource(in.back_out()));
  }
  out.is_back_out = in.is_back_out();
  if (in.has_statement()) {
    DML_ASSIGN_OR_RETURN(out.permit, From(in.statement()));
  }
  return absl::OkStatus();
}

}  // namespace

std::string PermitResource(std::string_view id) { return fmt::format("permits/{}", id); }

absl::StatusOr<std::string> ParsePermitResource(std::string_view resource) {
  DML_ASSIGN_OR_RETURN(std::string id, ParseResource(resource, "permits"));
  DML_RETURN_IF_ERROR(CheckPermitId(id));
  return id;
}

void To(const PermitRecord& record, std::string_view release, Timestamp now, v1::Permit* out) {
  const PermitDecided& decided = record.decided;
  out->set_name(PermitResource(decided.id));
  out->set_state(static_cast<v1::Permit::State>(record.StateAt(now)));
  out->set_release(std::string(release));
  out->set_release_digest(decided.release.ToString());
  out->set_environment(EnvironmentResource(decided.environment));
  for (const std::string& node : decided.nodes) out->add_nodes(node);
  To(decided.not_before, out->mutable_not_before_time());
  To(decided.expires, out->mutable_expire_time());
  if (decided.policy != Digest()) out->set_policy_digest(decided.policy.ToString());
  out->set_policy_revision(decided.policy_revision);
  out->set_journal_size(decided.journal_size);
  out->set_findings_digest(decided.findings.ToString());
  out->set_findings_size(decided.findings_size);
  for (const RuleCount& error : decided.errors) {
    v1::RuleCount* count = out->add_errors();
    count->set_rule(error.rule);
    count->set_count(error.count);
  }
  for (const SeatRequest& item : decided.seats) To(item, out->add_seats());
  if (!decided.back_out.empty()) out->set_back_out(PermitResource(decided.back_out));
  out->set_is_back_out(decided.is_back_out);
  if (decided.permit.size > 0) To(decided.permit, out->mutable_statement());
  out->set_index(record.index);
  To(record.time, out->mutable_decide_time());
  out->set_author(record.author);
  out->set_use_count(record.use_count);
  if (!record.revoked) return;
  out->set_revoke_reason(record.revoke_reason);
  out->set_revoked_index(record.revoked_index);
  To(record.revoked_time, out->mutable_revoke_time());
}

absl::StatusOr<PermitRecord> From(const v1::Permit& in) {
  PermitRecord out;
  DML_RETURN_IF_ERROR(ReadDecision(in, out.decided));
  out.index = in.index();
  out.time = From(in.decide_time());
  out.author = in.author();
  out.use_count = in.use_count();
  out.revoked = in.has_revoke_time();
  if (!out.revoked) return out;
  out.revoke_reason = in.revoke_reason();
  out.revoked_index = in.revoked_index();
  out.revoked_time = From(in.revoke_time());
  return out;
}

void To(const PermitUseRecord& record, v1::PermitUse* out) {
  out->set_node(record.used.node);
  if (record.used.baseline.size > 0) To(record.used.baseline, out->mutable_baseline());
  out->set_index(record.index);
  To(record.time, out->mutable_use_time());
  out->set_author(record.author);
}

absl::StatusOr<PermitUseRecord> From(const v1::PermitUse& in) {
  PermitUseRecord out;
  out.used.node = in.node();
  if (in.has_baseline()) {
    DML_ASSIGN_OR_RETURN(out.used.baseline, From(in.baseline()));
  }
  out.index = in.index();
  out.time = From(in.use_time());
  out.author = in.author();
  return out;
}

}  // namespace dml::wire
