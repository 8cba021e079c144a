#include "core/wire/api_licenses.h"

#include "core/crypto/sha256.h"

namespace dml::wire {
namespace {

constexpr ErrorReason kContextUnknown("LICENSE_CONTEXT_UNKNOWN");

// The API counts from 1, as 0 is what was not told.
template <typename Api, typename Domain>
Api Counted(Domain value) {
  return static_cast<Api>(static_cast<int>(value) + 1);
}

}  // namespace

v1::LicenseOutcome ToApi(LicenseOutcome outcome) { return Counted<v1::LicenseOutcome>(outcome); }

absl::StatusOr<LicenseOutcome> From(v1::LicenseOutcome in) {
  if (in >= v1::LICENSE_OUTCOME_ALLOW && in <= v1::LICENSE_OUTCOME_DENY) {
    return static_cast<LicenseOutcome>(static_cast<int>(in) - 1);
  }
  return InvalidArgument(ErrorReason("LICENSE_OUTCOME_UNKNOWN"), "license outcome {} is unknown",
                         static_cast<int>(in));
}

void To(const LicenseContext& context, v1::LicenseContext* out) {
  out->set_provision(Counted<v1::LicenseProvision>(context.provision));
  out->set_combination(Counted<v1::LicenseCombination>(context.combination));
  out->set_modified(context.modified);
}

absl::StatusOr<LicenseContext> From(const v1::LicenseContext& in) {
  LicenseContext out;
  if (in.provision() < 0 || in.provision() > v1::LICENSE_PROVISION_DISTRIBUTED) {
    return AtField(InvalidArgument(kContextUnknown, "provision {} is unknown",
                                   static_cast<int>(in.provision())),
                   "provision");
  }
  if (in.combination() < 0 || in.combination() > v1::LICENSE_COMBINATION_MERGED) {
    return AtField(InvalidArgument(kContextUnknown, "combination {} is unknown",
                                   static_cast<int>(in.combination())),
                   "combination");
  }
  if (in.provision() != v1::LICENSE_PROVISION_UNSPECIFIED) {
    out.provision = static_cast<LicenseProvision>(static_cast<int>(in.provision()) - 1);
  }
  if (in.combination() != v1::LICENSE_COMBINATION_UNSPECIFIED) {
    out.combination = static_cast<LicenseCombination>(static_cast<int>(in.combination()) - 1);
  }
  if (in.has_modified()) out.modified = in.modified();
  return out;
}

void To(const LicenseReason& reason, v1::LicenseReason* out) {
  out->set_license(reason.leaf);
  out->set_outcome(ToApi(reason.outcome));
  out->set_rule(reason.rule);
  out->set_policy_outcome(ToApi(reason.policy_outcome));
  out->set_pattern(reason.pattern);
  out->set_waiver(reason.waiver);
  out->set_chosen(reason.chosen);
  out->set_explanation(reason.explanation);
}

absl::StatusOr<LicenseReason> From(const v1::LicenseReason& in) {
  LicenseReason out;
  out.leaf = in.license();
  DML_ASSIGN_OR_RETURN(out.outcome, From(in.outcome()));
  out.policy_outcome = out.outcome;  // What a server from before waivers means.
  if (in.policy_outcome() != v1::LICENSE_OUTCOME_UNSPECIFIED) {
    DML_ASSIGN_OR_RETURN(out.policy_outcome, From(in.policy_outcome()));
  }
  out.rule = in.rule();
  out.pattern = in.pattern();
  out.waiver = in.waiver();
  out.chosen = in.chosen();
  out.explanation = in.explanation();
  return out;
}

v1::LicenseDataKind ToApi(LicenseDataKind kind) { return static_cast<v1::LicenseDataKind>(kind); }

absl::StatusOr<LicenseDataKind> From(v1::LicenseDataKind in) {
  if (in >= v1::LICENSE_DATA_KIND_LIST && in <= v1::LICENSE_DATA_KIND_TEXTS) {
    return static_cast<LicenseDataKind>(in);
  }
  return AtField(InvalidArgument(ErrorReason("LICENSE_DATA_KIND_UNKNOWN"),
                                 "license data of kind {} is unknown", static_cast<int>(in)),
                 "kind");
}

void To(const ObservedLicense& observed, v1::ObservedLicense* out) {
  out->set_source(observed.source);
  out->set_expression(observed.expression.ToString());
  out->set_ambiguous(observed.ambiguous);
  for (const std::string& text : observed.unread) out->add_unread(text);
  out->set_fault(observed.fault);
}

void To(const ConcludedLicense& concluded, v1::ConcludedLicense* out) {
  out->set_expression(concluded.expression.ToString());
  out->set_author(concluded.author);
  out->set_reason(concluded.reason);
}

void To(const LicenseDataRecord& record, v1::LicenseData* out) {
  out->set_kind(ToApi(record.set.kind));
  out->set_revision(record.set.revision);
  out->set_version(record.set.version);
  To(record.set.content, out->mutable_content());
  out->set_index(record.index);
  To(record.time, out->mutable_set_time());
  out->set_author(record.author);
}

absl::StatusOr<LicenseDataRecord> From(const v1::LicenseData& in) {
  LicenseDataRecord out;
  DML_ASSIGN_OR_RETURN(out.set.kind, From(in.kind()));
  out.set.revision = in.revision();
  out.set.version = in.version();
  out.set.envelope = {Sha256(in.envelope()), in.envelope().size()};
  DML_ASSIGN_OR_RETURN(out.set.content, From(in.content()));
  out.index = in.index();
  out.time = From(in.set_time());
  out.author = in.author();
  return out;
}

}  // namespace dml::wire
