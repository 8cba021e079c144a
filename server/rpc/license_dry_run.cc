#include "server/rpc/license_dry_run.h"

#include <algorithm>
#include <optional>
#include <string>

#include "core/base/text.h"
#include "core/wire/api_licenses.h"
#include "server/rpc/service_util.h"
#include "storage/library/variant_licenses.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

constexpr size_t kMaxExplanationBytes = 1024;
constexpr size_t kMaxShownLicense = 2048;
constexpr size_t kMaxChangesPage = 200;  // So that texts of these lengths fit into a message.

void Fill(const LicenseVerdict& verdict, v1::LicensePolicyVerdict* out) {
  out->set_outcome(wire::ToApi(verdict.outcome));
  out->set_chosen(Excerpt(verdict.chosen, kMaxShownLicense));
  std::string explanation;
  for (const LicenseReason& reason : verdict.reasons) {
    if (!reason.chosen || reason.outcome != verdict.outcome) continue;
    if (explanation.size() > kMaxExplanationBytes) break;
    explanation += (explanation.empty() ? "" : "; ") + reason.explanation;
  }
  out->set_explanation(Excerpt(explanation, kMaxExplanationBytes));
  for (const std::string& obligation : verdict.obligations) out->add_obligations(obligation);
}

bool Differs(const std::optional<LicenseVerdict>& before, const LicenseVerdict& after) {
  return !before.has_value() || before->outcome != after.outcome ||
         before->chosen != after.chosen || before->obligations != after.obligations;
}

// Judges one variant after the other by both policies.
class DryRun {
 public:
  DryRun(const LicenseState& state, PolicyCache& policies, const Policy& after,
         const Caller& caller, v1::DryRunPolicyResponse& response)
      : state_(state), policies_(policies), after_(after), caller_(caller), response_(response) {}

  // Whether its verdict would be another one, which is then in the response.
  bool Look(const VariantRecord& record) {
    if (!status_.ok() || record.state != VariantState::kPublished ||
        !caller_.SeesNamespace(record.name.package.ns)) {
      return false;
    }
    absl::StatusOr<VariantLicense> license = ReadVariantLicense(state_, policies_, record);
    if (!license.ok()) {
      status_ = license.status();
      return false;
    }
    response_.set_judged_count(response_.judged_count() + 1);
    const LicenseVerdict after = JudgeLicense(license->effective, record.name, state_, after_);
    if (!Differs(license->verdict, after)) return false;
    v1::LicensePolicyChange* change = response_.add_changes();
    change->set_variant(record.name.ResourceName());
    change->set_license(Excerpt(license->effective.ToString(), kMaxShownLicense));
    change->mutable_before();
    if (license->verdict.has_value()) Fill(*license->verdict, change->mutable_before());
    Fill(after, change->mutable_after());
    return true;
  }

  const absl::Status& status() const { return status_; }

 private:
  const LicenseState& state_;
  PolicyCache& policies_;
  const Policy& after_;
  const Caller& caller_;
  v1::DryRunPolicyResponse& response_;
  absl::Status status_;
};

}  // namespace

absl::Status TryPolicy(const ServiceContext& context, const Caller& caller,
                       const v1::DryRunPolicyRequest& request, v1::DryRunPolicyResponse& response) {
  DML_ASSIGN_OR_RETURN(const std::string environment,
                       wire::ParseResource(request.environment(), "environments"));
  DML_RETURN_IF_ERROR(caller.MayInEnvironment(environment));
  DML_ASSIGN_OR_RETURN(PageRequest page, ReadPage(request.page_size(), request.page_token()));
  page.size = std::min(page.size, kMaxChangesPage);
  auto snapshot = context.library.Read();
  const LibraryView view(*snapshot);
  DML_ASSIGN_OR_RETURN(const auto known, view.FindEnvironment(environment));
  if (!known.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"), "no environment {}", environment);
  }
  const auto after = context.policies->Parse(*snapshot, request.policy_document());
  if (!after.ok()) return AtField(after.status(), "policy_document");
  DML_ASSIGN_OR_RETURN(LicenseState state,
                       ReadLicenseState(*snapshot, context.trust, *context.policies));
  state.environment = environment;
  DML_ASSIGN_OR_RETURN(const auto record, view.FindPolicyInForce(environment));
  if (record.has_value()) {
    DML_ASSIGN_OR_RETURN(const PolicyInForce before,
                         context.policies->Get(*snapshot, record->document));
    state.policy = before.policy;
    response.set_policy_environment(record->environment);
    response.set_policy_revision(record->revision);
  }
  DryRun run(state, *context.policies, *after->policy, caller, response);
  DML_ASSIGN_OR_RETURN(const auto found, ListView(*snapshot).AllVariants(
                                             "", page, [&run](const VariantRecord& variant) {
                                               return run.Look(variant);
                                             }));
  DML_RETURN_IF_ERROR(run.status());
  response.set_next_page_token(PageToken(found.next_key));
  response.set_index(state.index);
  response.set_license_list_version(state.data->list->version());
  return absl::OkStatus();
}

}  // namespace dml
