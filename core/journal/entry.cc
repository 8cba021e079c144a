#include "core/journal/entry.h"

#include <fmt/ranges.h>

namespace dml {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string GrantWords(const AccessGrant& grant) {
  return grant.scope.empty() ? grant.role : fmt::format("{} in {}", grant.role, grant.scope);
}

std::string_view AdmissionVerb(AdmissionState admission) {
  switch (admission) {
    case AdmissionState::kAccepted:
      return "accept";
    case AdmissionState::kQuarantined:
      return "quarantine";
    case AdmissionState::kRejected:
      return "reject";
  }
  return "?";
}

}  // namespace

std::string_view ScanVerdictName(ScanVerdict verdict) {
  switch (verdict) {
    case ScanVerdict::kClean:
      return "clean";
    case ScanVerdict::kInfected:
      return "infected";
    case ScanVerdict::kNotFullyScanned:
      return "not-fully-scanned";
    case ScanVerdict::kError:
      return "error";
  }
  return "?";
}

std::string_view CustodyActionName(CustodyAction action) {
  switch (action) {
    case CustodyAction::kCheckedOut:
      return "check-out";
    case CustodyAction::kCheckedIn:
      return "check-in";
    case CustodyAction::kMoved:
      return "move";
    case CustodyAction::kDestroyed:
      return "destroy";
  }
  return "?";
}

std::string_view EntryKind(const EntryPayload& payload) {
  return std::visit(Overloaded{
                        [](const LibraryCreated&) { return "library_created"; },
                        [](const NamespaceCreated&) { return "namespace_created"; },
                        [](const KeyRegistered&) { return "key_registered"; },
                        [](const KeyRevoked&) { return "key_revoked"; },
                        [](const VersionPublished&) { return "version_published"; },
                        [](const AttestationAttached&) { return "attestation_attached"; },
                        [](const VersionWithdrawn&) { return "version_withdrawn"; },
                        [](const PayloadCollected&) { return "payload_collected"; },
                        [](const EnvironmentCreated&) { return "environment_created"; },
                        [](const NodeCreated&) { return "node_created"; },
                        [](const PolicySet&) { return "policy_set"; },
                        [](const NamespaceRetentionSet&) { return "namespace_retention_set"; },
                        [](const RootSet&) { return "root_set"; },
                        [](const DelegationSet&) { return "delegation_set"; },
                        [](const RoleGranted&) { return "role_granted"; },
                        [](const RoleRevoked&) { return "role_revoked"; },
                        [](const TokenIssued&) { return "token_issued"; },
                        [](const TokenRevoked&) { return "token_revoked"; },
                        [](const PermitDecided&) { return "permit_decided"; },
                        [](const AdmissionDecided&) { return "admission_decided"; },
                        [](const VariantScanned&) { return "variant_scanned"; },
                        [](const HoldPlaced&) { return "hold_placed"; },
                        [](const HoldReleased&) { return "hold_released"; },
                        [](const MediaRegistered&) { return "media_registered"; },
                        [](const CustodyRecorded&) { return "custody_recorded"; },
                        [](const EntitlementGranted&) { return "entitlement_granted"; },
                        [](const EntitlementAmended&) { return "entitlement_amended"; },
                        [](const SeatsReserved&) { return "seats_reserved"; },
                        [](const LeaseCommitted&) { return "lease_committed"; },
                        [](const LeaseExtended&) { return "lease_extended"; },
                        [](const LeaseReleased&) { return "lease_released"; },
                        [](const LeaseBorrowed&) { return "lease_borrowed"; },
                        [](const AuditRecorded&) { return "audit_recorded"; },
                        [](const ClockAccepted&) { return "clock_accepted"; },
                        [](const LicenseDataSet&) { return "license_data_set"; },
                        [](const ReleaseSealed&) { return "release_sealed"; },
                        [](const ReleaseAttested&) { return "release_attested"; },
                        [](const ReleaseApproved&) { return "release_approved"; },
                        [](const ReleaseWithdrawn&) { return "release_withdrawn"; },
                        [](const ReleaseMoved&) { return "release_moved"; },
                        [](const RolloutStarted&) { return "rollout_started"; },
                        [](const NodeReported&) { return "node_reported"; },
                        [](const RolloutSteered&) { return "rollout_steered"; },
                        [](const ReleaseOverridden&) { return "release_overridden"; },
                        [](const ReleaseReevaluated&) { return "release_reevaluated"; },
                        [](const AdvisorySet&) { return "advisory_set"; },
                        [](const PermitRevoked&) { return "permit_revoked"; },
                        [](const PermitUsed&) { return "permit_used"; },
                        [](const ReferencesPublished&) { return "references_published"; },
                    },
                    payload);
}

std::string EntrySummary(const EntryPayload& payload) {
  return std::visit(
      Overloaded{
          [](const LibraryCreated& p) { return fmt::format("create library {}", p.origin); },
          [](const NamespaceCreated& p) { return fmt::format("create namespace {}", p.name); },
          [](const KeyRegistered& p) {
            return fmt::format("register key of {} as {}", p.owner, fmt::join(p.roles, ", "));
          },
          [](const KeyRevoked& p) {
            return fmt::format("revoke key {}: {}", p.key_id.hex().substr(0, 16), p.reason);
          },
          [](const VersionPublished& p) {
            return fmt::format("publish {}", p.variant.ResourceName());
          },
          [](const AttestationAttached& p) {
            return fmt::format("attach {} to {}", p.attestation.predicate_type,
                               p.variant.ResourceName());
          },
          [](const VersionWithdrawn& p) {
            return fmt::format("withdraw {}: {}", p.variant.ResourceName(), p.reason);
          },
          [](const PayloadCollected& p) {
            return fmt::format("collect the payload of {} variant(s)", p.variants.size());
          },
          [](const EnvironmentCreated& p) { return fmt::format("create environment {}", p.name); },
          [](const NodeCreated& p) {
            return fmt::format("create node {} in {}", p.name, p.environment);
          },
          [](const PolicySet& p) {
            return fmt::format(
                "set policy of {} to {}{}{}", p.environment, p.document.digest.ToString(),
                p.force_reason.empty() ? "" : ", though it locks everyone out: ", p.force_reason);
          },
          [](const NamespaceRetentionSet& p) {
            return fmt::format("set retention of namespace {}", p.name);
          },
          [](const RootSet& p) {
            return p.move.has_value()
                       ? fmt::format("set trust root {}, and go on from {} as {}", p.version,
                                     p.move->previous_origin, p.move->origin)
                       : fmt::format("set trust root {}", p.version);
          },
          [](const DelegationSet& p) {
            return fmt::format("set delegation {} to version {}", fmt::join(p.chain, " > "),
                               p.version);
          },
          [](const RoleGranted& p) {
            return fmt::format("grant {} to {}", GrantWords(p.grant), p.principal);
          },
          [](const RoleRevoked& p) {
            return fmt::format("revoke {} of {}: {}", GrantWords(p.grant), p.principal, p.reason);
          },
          [](const TokenIssued& p) {
            return fmt::format("issue token {} until {}", p.id, FormatTime(p.expires));
          },
          [](const TokenRevoked& p) { return fmt::format("revoke token {}: {}", p.id, p.reason); },
          [](const PermitDecided& p) {
            return fmt::format("{} release {} in {}", p.allowed ? "permit" : "deny",
                               p.release.ToString(), p.environment);
          },
          [](const AdmissionDecided& p) {
            return fmt::format("{} {}: {}", AdmissionVerb(p.admission), p.variant.ResourceName(),
                               p.reason);
          },
          [](const VariantScanned& p) {
            return fmt::format("scan {}: {}", p.variant.ResourceName(),
                               ScanVerdictName(p.scan.verdict));
          },
          [](const HoldPlaced& p) {
            return fmt::format("hold {} for {}: {}", p.variant.ResourceName(), p.name, p.reason);
          },
          [](const HoldReleased& p) {
            return fmt::format("release the hold {} on {}: {}", p.name, p.variant.ResourceName(),
                               p.reason);
          },
          [](const MediaRegistered& p) {
            return fmt::format("register {} at {}", p.name, p.location);
          },
          [](const CustodyRecorded& p) {
            return fmt::format("{} {} of {} to {}", CustodyActionName(p.action), p.copies, p.name,
                               p.custodian);
          },
          [](const ReleaseSealed& p) {
            return fmt::format("seal release {} {}", p.name, p.version);
          },
          [](const ReleaseAttested& p) {
            return fmt::format("attach {} to release {}", p.attestation.predicate_type,
                               p.release.ToString());
          },
          [](const ReleaseApproved& p) {
            return fmt::format("approve release {} for {}", p.release.ToString(), p.environment);
          },
          [](const ReleaseWithdrawn& p) {
            return fmt::format("withdraw release {}: {}", p.release.ToString(), p.reason);
          },
          [](const ReleaseMoved& p) {
            return fmt::format("{} release {} in {}", DeploymentEventName(p.event),
                               p.release.ToString(), p.environment);
          },
          [](const RolloutStarted& p) {
            return fmt::format("roll out release {} in {} by permit {}", p.release.ToString(),
                               p.environment, p.permit);
          },
          [](const NodeReported& p) {
            return fmt::format("{} is {}{}{}", p.node, NodeStageName(p.stage),
                               p.reason.empty() ? "" : ": ", p.reason);
          },
          [](const RolloutSteered& p) {
            return fmt::format("{} the rollout of {} in {}{}{}", RolloutActionName(p.action),
                               p.release.ToString(), p.environment, p.reason.empty() ? "" : ": ",
                               p.reason);
          },
          [](const ReleaseOverridden& p) {
            return fmt::format("set {} aside for release {} in {}: {}", fmt::join(p.rules, ", "),
                               p.release.ToString(), p.environment, p.reason);
          },
          [](const ReleaseReevaluated& p) {
            return fmt::format("find {} reason(s), {} of them new, against release {} in {}",
                               p.findings, p.new_findings, p.release.ToString(), p.environment);
          },
          [](const EntitlementGranted& p) {
            return fmt::format("grant entitlement {}: {} of {}", p.terms.id, p.terms.quantity,
                               p.terms.product);
          },
          [](const EntitlementAmended& p) {
            return fmt::format("amend entitlement {}: {} of {}", p.terms.id, p.terms.quantity,
                               p.terms.product);
          },
          [](const SeatsReserved& p) {
            return fmt::format("reserve seats for {} holder(s) in {}: {}", p.items.size(),
                               p.environment, p.id);
          },
          [](const LeaseCommitted& p) { return fmt::format("commit lease {}", p.lease); },
          [](const LeaseExtended& p) { return fmt::format("extend lease {}", p.lease); },
          [](const LeaseReleased& p) {
            return p.forced ? fmt::format("take back lease {}: {}", p.lease, p.reason)
                            : fmt::format("release lease {}", p.lease);
          },
          [](const LeaseBorrowed& p) {
            return fmt::format("lend {} of {} to {}: {}", p.item.seats, p.item.entitlement,
                               p.item.holder, p.id);
          },
          [](const AuditRecorded& p) {
            return fmt::format("record {} line(s) of the audit log: head {}", p.lines,
                               p.head.ToString());
          },
          [](const ClockAccepted& p) {
            return fmt::format("accept the clock, which says {}", FormatTime(p.time));
          },
          [](const AdvisorySet& p) {
            return fmt::format("{} advisory {}, revision {}, of {}",
                               p.withdrawn ? "withdrew" : "set", p.id, p.revision,
                               p.packages.size() == 1
                                   ? p.packages.front()
                                   : fmt::format("{} packages", p.packages.size()));
          },
          [](const PermitRevoked& p) {
            return fmt::format("revoke permit {}: {}", p.id, p.reason);
          },
          [](const PermitUsed& p) {
            return fmt::format("begin to act on permit {} at {}", p.id, p.node);
          },
          [](const ReferencesPublished& p) {
            return fmt::format("publish {} references in {}", p.references.size(), p.ns);
          },
          [](const LicenseDataSet& p) {
            return fmt::format("set license {} {}, revision {}", LicenseDataKindName(p.kind),
                               p.version, p.revision);
          },
      },
      payload);
}

std::vector<BlobRef> MetadataBlobs(const EntryPayload& payload) {
  std::vector<BlobRef> out;
  if (const auto* published = std::get_if<VersionPublished>(&payload)) {
    out = {published->manifest, published->spec};
    for (const AttestationRef& ref : published->attestations) out.push_back(ref.envelope);
  } else if (const auto* attached = std::get_if<AttestationAttached>(&payload)) {
    out.push_back(attached->attestation.envelope);
  } else if (const auto* collected = std::get_if<PayloadCollected>(&payload)) {
    out.push_back(collected->digest_list);
  } else if (const auto* policy = std::get_if<PolicySet>(&payload)) {
    out.push_back(policy->document);
    if (policy->envelope.size > 0) out.push_back(policy->envelope);
  } else if (const auto* root = std::get_if<RootSet>(&payload)) {
    out.push_back(root->envelope);
  } else if (const auto* delegation = std::get_if<DelegationSet>(&payload)) {
    out.push_back(delegation->envelope);
  } else if (const auto* permit = std::get_if<PermitDecided>(&payload)) {
    if (permit->permit.size > 0) out.push_back(permit->permit);
    if (permit->findings_size > 0) out.push_back({permit->findings, permit->findings_size});
  } else if (const auto* used = std::get_if<PermitUsed>(&payload)) {
    if (used->baseline.size > 0) out.push_back(used->baseline);
  } else if (const auto* data = std::get_if<LicenseDataSet>(&payload)) {
    out = {data->envelope, data->content};
  } else if (const auto* granted = std::get_if<EntitlementGranted>(&payload)) {
    if (granted->envelope.size > 0) out.push_back(granted->envelope);
  } else if (const auto* amended = std::get_if<EntitlementAmended>(&payload)) {
    if (amended->envelope.size > 0) out.push_back(amended->envelope);
  } else if (const auto* sealed = std::get_if<ReleaseSealed>(&payload)) {
    out = sealed->configurations;
    out.push_back(sealed->document);
    out.push_back(sealed->seal.envelope);
  } else if (const auto* attested = std::get_if<ReleaseAttested>(&payload)) {
    out.push_back(attested->attestation.envelope);
  } else if (const auto* approved = std::get_if<ReleaseApproved>(&payload)) {
    out.push_back(approved->approval.envelope);
  } else if (const auto* advisory = std::get_if<AdvisorySet>(&payload)) {
    out.push_back(advisory->envelope);
  } else if (const auto* rollout = std::get_if<RolloutStarted>(&payload)) {
    out.push_back(rollout->nodes);
  } else if (const auto* report = std::get_if<NodeReported>(&payload)) {
    if (report->report.size > 0) out.push_back(report->report);
  } else if (const auto* overridden = std::get_if<ReleaseOverridden>(&payload)) {
    out.push_back(overridden->envelope.envelope);
  } else if (const auto* found = std::get_if<ReleaseReevaluated>(&payload)) {
    out.push_back(found->report);
  } else if (const auto* batch = std::get_if<ReferencesPublished>(&payload)) {
    for (const PublishedReference& reference : batch->references) {
      out.push_back(reference.spec);
      out.push_back(reference.manifest());
    }
    out.push_back(batch->envelope);
  }
  return out;
}

}  // namespace dml
