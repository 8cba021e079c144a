#include "storage/library/decision.h"

#include <utility>

#include "core/compat/closed_world.h"
#include "core/gate/evaluate_release.h"
#include "storage/journal/journal.h"
#include "storage/library/advisories.h"
#include "storage/library/content_facts.h"
#include "storage/library/publication_signers.h"
#include "storage/library/variant_specs.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

absl::Status CheckSize(std::span<const VariantName> variants) {
  if (variants.size() <= kMaxSetSize) return absl::OkStatus();
  return AtField(InvalidArgument(ErrorReason("SET_TOO_LARGE"), "{} variants; at most {}",
                                 variants.size(), kMaxSetSize),
                 "variants");
}

ItemState StateOf(VariantState state) {
  switch (state) {
    case VariantState::kPublished:
      return ItemState::kPublished;
    case VariantState::kQuarantined:
      return ItemState::kQuarantined;
    case VariantState::kRejected:
      return ItemState::kRejected;
    case VariantState::kWithdrawn:
      break;
  }
  return ItemState::kWithdrawn;
}

absl::Status AddPolicy(const Reader& state, GateDecision& decision, std::string_view environment,
                       PolicyCache& policies, PolicyInForce& policy) {
  LibraryView view(state);
  DML_ASSIGN_OR_RETURN(auto found, view.FindEnvironment(environment));
  if (!found.has_value()) {
    return NotFound(ErrorReason("ENVIRONMENT_NOT_FOUND"),
                    "no environment {}; create it with: dml environment create {}", environment,
                    environment);
  }
  DML_ASSIGN_OR_RETURN(auto record, view.FindPolicyInForce(environment));
  if (!record.has_value()) return absl::OkStatus();
  decision.policy_environment = record->environment;
  decision.policy_revision = record->revision;
  DML_ASSIGN_OR_RETURN(policy, policies.Get(state, record->document));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GateDecision> EvaluateGate(const Reader& state, TrustCache& trust,
                                          PolicyCache& policies,
                                          std::span<const VariantName> variants,
                                          std::string_view environment, Timestamp now,
                                          const PolicyInForce* instead) {
  DML_RETURN_IF_ERROR(CheckSize(variants));
  GateDecision decision;
  JournalView journal(state);
  DML_ASSIGN_OR_RETURN(decision.index, journal.Size());
  DML_ASSIGN_OR_RETURN(StoredEntry last, journal.At(decision.index - 1));
  decision.time = last.entry.time;
  PolicyInForce policy;
  DML_ASSIGN_OR_RETURN(policy.data, policies.Data(state));
  DML_RETURN_IF_ERROR(AddPolicy(state, decision, environment, policies, policy));
  if (instead != nullptr) policy = *instead;

  // Without a root nobody's signature counts, and the findings say so.
  absl::StatusOr<std::shared_ptr<const TrustDomain>> domain = trust.Get(state, decision.time);
  if (!domain.ok() && Reason(domain.status()) != "ROOT_MISSING") return domain.status();

  const TrustDomain* const trusted = domain.ok() ? domain->get() : nullptr;
  PublicationReader publications(state, trusted);
  AdvisoryReader advisories(state, trusted, decision.time);
  LibraryView view(state);
  GateInput input;
  input.environment = environment;
  input.policy = policy.policy.get();
  input.license_list = policy.data->list.get();
  input.time = decision.time;
  if (trusted != nullptr && trusted->root().expires <= std::max(decision.time, now)) {
    input.root_fault = fmt::format("trust root {} expired on {}", trusted->root().version,
                                   FormatTime(trusted->root().expires));
  }
  std::vector<std::shared_ptr<const PackageSpec>> specs;  // Borrowed by the items.
  for (const VariantName& name : variants) {
    GateItem item;
    item.name = name;
    DML_ASSIGN_OR_RETURN(auto record, view.FindVariant(name));
    if (record.has_value()) {
      item.state = StateOf(record->state);
      item.withdrawal_reason = record->state == VariantState::kQuarantined
                                   ? record->admission_reason
                                   : record->withdraw_reason;
      DML_ASSIGN_OR_RETURN(auto published, policies.specs().Get(state, record->spec));
      DML_ASSIGN_OR_RETURN(auto spec, advisories.Amend(std::move(published), false));
      item.spec = specs.emplace_back(std::move(spec)).get();
      DML_ASSIGN_OR_RETURN(PublicationSigners signers, publications.SignersOf(name));
      decision.members[name] = {signers.signatures, record->payload_size};
      item.signatures = std::move(signers.signatures);
      item.revoked_keys = std::move(signers.revoked_keys);
      item.trust_fault = std::move(signers.trust_fault);
      DML_ASSIGN_OR_RETURN(item.evidence,
                           policies.evidence().Get(state, trusted, policy.data->list, *record));
      if (policy.policy != nullptr) {
        DML_ASSIGN_OR_RETURN(item.facts, ReadContentFacts(state, *record, policy.policy->content));
      }
    }
    input.items.push_back(std::move(item));
  }
  decision.license_list_version = policy.data->list->version();
  if (policy.policy != nullptr) {
    decision.license_properties_version = policy.policy->licenses.properties_version();
  }
  decision.result = EvaluateSet(input);
  decision.findings_digest = FindingsDigest(decision.result.findings);
  return decision;
}

absl::StatusOr<SetCheck> CheckSetCompatibility(const Reader& state, TrustCache& trust,
                                               SpecCache& specs,
                                               std::span<const VariantName> variants,
                                               SolveBudget* budget) {
  DML_RETURN_IF_ERROR(CheckSize(variants));
  SetCheck out;
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(out.index, journal.Size());
  DML_ASSIGN_OR_RETURN(const StoredEntry last, journal.At(out.index - 1));
  const auto domain = trust.Get(state, last.entry.time);
  if (!domain.ok() && Reason(domain.status()) != "ROOT_MISSING") return domain.status();
  AdvisoryReader advisories(state, domain.ok() ? domain->get() : nullptr, last.entry.time);
  VariantSpecs read(state, specs, advisories);
  std::vector<const PackageSpec*> set;
  for (size_t i = 0; i < variants.size(); ++i) {
    if (budget != nullptr && !budget->Spend(SolveBudget::kStepsOfSpec)) break;
    absl::StatusOr<const PackageSpec*> spec = read.Get(variants[i]);
    if (!spec.ok()) return AtField(spec.status(), fmt::format("variants[{}]", i));
    set.push_back(*spec);
  }
  out.violations = CheckClosedSet(set, budget);
  return out;
}

}  // namespace dml
