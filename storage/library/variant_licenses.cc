#include "storage/library/variant_licenses.h"

#include <algorithm>
#include <utility>

#include "core/compat/dependency_edges.h"
#include "storage/journal/journal.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

void AddFault(const absl::Status& status, LicenseEvidence& evidence) {
  ObservedLicense unread;
  unread.source = "the package spec";
  unread.fault = std::string(Message(status));
  evidence.observed.push_back(std::move(unread));
}

LicenseContext EdgeContext(const DependencyEdge& edge, LicenseContext context) {
  if (edge.scope != RelationScope::kNode) {
    context.combination = LicenseCombination::kSeparate;
  } else if (edge.kind == RelationKind::kAbi) {
    context.combination = std::min(context.combination, LicenseCombination::kLinkedDynamic);
  }
  return context;
}

}  // namespace

absl::StatusOr<LicenseState> ReadLicenseState(const Reader& state, TrustCache& trust,
                                              PolicyCache& policies) {
  LicenseState out;
  out.reader = &state;
  const JournalView journal(state);
  DML_ASSIGN_OR_RETURN(out.index, journal.Size());
  DML_ASSIGN_OR_RETURN(const StoredEntry last, journal.At(out.index - 1));
  out.time = last.entry.time;
  DML_ASSIGN_OR_RETURN(out.data, policies.Data(state));
  auto domain = trust.Get(state, out.time);
  if (domain.ok()) {
    out.trust = *std::move(domain);
  } else if (Reason(domain.status()) != "ROOT_MISSING") {
    return domain.status();
  }
  return out;
}

absl::StatusOr<VariantLicense> ReadVariantLicense(const LicenseState& state, PolicyCache& policies,
                                                  const VariantRecord& record) {
  VariantLicense out;
  out.name = record.name;
  DML_ASSIGN_OR_RETURN(out.evidence, policies.evidence().Get(*state.reader, state.trust.get(),
                                                             state.data->list, record));
  const LicenseList& list = *state.data->list;
  auto declared = LicenseExpression::Parse(record.declared_license, list);
  if (declared.ok()) {
    out.evidence.declared = *std::move(declared);
  } else {
    AddFault(declared.status(), out.evidence);
  }
  auto effective = EffectiveLicense(out.evidence, list);
  if (!effective.ok()) AddFault(effective.status(), out.evidence);
  out.effective = effective.ok() ? *std::move(effective) : LicenseExpression::NoAssertion();
  out.taken = out.effective;
  if (state.policy == nullptr) return out;
  out.context = LicenseContextOf(*state.policy, state.environment, record.name.package.ToString());
  out.verdict = JudgeLicense(out.effective, record.name, state, *state.policy);
  if (out.verdict->outcome > LicenseOutcome::kAllowWithObligations) return out;
  auto taken = LicenseExpression::Parse(out.verdict->chosen, list);
  if (taken.ok()) out.taken = *std::move(taken);
  return out;
}

LicenseVerdict JudgeLicense(const LicenseExpression& license, const VariantName& name,
                            const LicenseState& state, const Policy& policy) {
  const std::string package = name.package.ToString();
  return EvaluateLicense(license, policy.licenses, *state.data->list,
                         {.context = LicenseContextOf(policy, state.environment, package),
                          .package = package,
                          .time = state.time,
                          .waivers = &policy.waivers});
}

absl::StatusOr<std::vector<VariantLicense>> ReadVariantLicenses(
    const LicenseState& state, PolicyCache& policies, std::span<const VariantName> names) {
  std::vector<VariantLicense> out;
  const LibraryView view(*state.reader);
  for (const VariantName& name : names) {
    DML_ASSIGN_OR_RETURN(const auto record, view.FindVariant(name));
    if (!record.has_value()) {
      return NotFound(ErrorReason("VARIANT_NOT_FOUND"), "no {}", name.ResourceName());
    }
    DML_ASSIGN_OR_RETURN(VariantLicense license, ReadVariantLicense(state, policies, *record));
    DML_ASSIGN_OR_RETURN(const std::string bytes, ReadMetadata(*state.reader, record->spec));
    DML_ASSIGN_OR_RETURN(license.spec, ParsePackageSpec(bytes));
    out.push_back(std::move(license));
  }
  return out;
}

LicenseContext WholeContextOf(const LicenseState& state) {
  if (state.policy == nullptr) return {};
  return LicenseContextOf(*state.policy, state.environment, "");
}

std::vector<LicensedComponent> ComponentsOf(std::span<const VariantLicense> variants) {
  std::vector<LicensedComponent> out;
  for (const VariantLicense& variant : variants) {
    out.push_back({variant.name.ResourceName(), variant.taken});
  }
  return out;
}

absl::StatusOr<std::vector<LicensedEdge>> EdgesOf(std::span<const VariantLicense> variants,
                                                  const std::optional<LicenseContext>& given) {
  std::vector<const PackageSpec*> specs;
  for (const VariantLicense& variant : variants) specs.push_back(&variant.spec);
  DML_ASSIGN_OR_RETURN(const auto edges, DependencyEdges(specs, kMaxSetEdges));
  std::vector<LicensedEdge> out;
  for (const DependencyEdge& edge : edges) {
    const LicenseContext context = given.value_or(variants[edge.to].context);
    out.push_back({edge.from, edge.to, EdgeContext(edge, context)});
  }
  return out;
}

}  // namespace dml
