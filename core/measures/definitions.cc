// What each measure means. docs/measures.md is this table for people.
#include <algorithm>
#include <array>

#include "core/measures/measures.h"

namespace dml {
namespace {

using enum MeasureLevel;
using enum MeasureUnit;

constexpr MeasureDefinition kDefinitions[] = {
    {"change-fail-rate", kStrategic, kShare, "Change fail rate",
     "Of the deployments whose first outcome (deployed, halted or backed out) is in the period: "
     "those that were halted or backed out then or later."},
    {"releases-without-incident", kStrategic, kShare, "Releases without incident",
     "Of the releases that were first deployed anywhere in the period: those that were halted or "
     "backed out nowhere, then or later, and against which nothing was found since."},
    {"license-position", kStrategic, kCount, "License position",
     "By product, at the end of the period: seats entitled, reserved, in use (lent ones among "
     "them) and unused, of the entitlements in force."},
    {"nodes-library-only", kStrategic, kShare, "Nodes that run only what the library holds",
     "Of the nodes, by their signed inventories at the end of the period: those with nothing that "
     "the library does not hold."},
    {"policy-compliance", kStrategic, kShare, "Policy compliance",
     "Of the deployments that started in the period: those that started by a permit and without "
     "an override that was in force."},
    {"overrides", kStrategic, kShare, "Overrides reviewed",
     "Of the overrides made in the period: those whose release was reviewed there afterwards."},
    {"change-lead-time", kTactical, kDuration, "Change lead time",
     "Of the items of deployments that were completed in the period: from the publication of the "
     "item's version until the release was deployed."},
    {"deployment-frequency", kTactical, kRate, "Deployment frequency",
     "Deployments completed in the period, and its days."},
    {"recovery-time", kTactical, kDuration, "Failed-deployment recovery time",
     "Of the deployments that were first halted or backed out in the period and have recovered: "
     "until they were all backed out, or deployed, or another release of a service of theirs was "
     "deployed there."},
    {"recovery-open", kTactical, kCount, "Failed deployments not recovered",
     "Those first halted or backed out in the period that have not recovered."},
    {"rework-rate", kTactical, kShare, "Rework rate",
     "Of the deployments completed in the period: those of EMERGENCY releases, which nobody "
     "planned."},
    {"back-outs", kTactical, kCount, "Back-outs, by reason",
     "Deployments that were backed out in the period."},
    {"approvals-waiting", kTactical, kDuration, "Approvals waiting, and their age",
     "At the end of the period: releases that nobody has approved for an environment that they are "
     "for, since they were sealed; withdrawn ones left out."},
    {"releases-late", kTactical, kShare, "Releases late",
     "Of the releases, for each environment that they are for, whose planned window ended in the "
     "period: those that were not deployed there by then."},
    {"size-over-policy", kTactical, kShare, "Releases larger than the policy allows",
     "Of the deployments that started in the period: those with more items than the policy of the "
     "place let a release of their type have then."},
    {"items-per-deployment", kTactical, kShare, "Items per deployment",
     "Items of the deployments completed in the period, of so many deployments."},
    {"permits", kOperational, kCount, "Decisions on permits",
     "In the period: permits issued, denied (and how many of these each rule denied), revoked, and "
     "those that expired with nothing started."},
    {"node-failures", kOperational, kCount, "Failures of nodes",
     "Reports of nodes in the period that a step of a rollout failed."},
    {"findings-open", kOperational, kCount, "Findings against what is let go",
     "At the end of the period: what re-evaluation found against releases that are permitted, on "
     "their way or deployed."},
    {"unauthorized-digests", kOperational, kCount, "Unauthorized content found",
     "Digests in signed inventories in the period that no permit named."},
    {"unauthorized-reversions", kOperational, kCount, "Unauthorized reversions found",
     "Nodes that went back to an earlier version in the period without having been told to."},
    {"quarantine-age", kOperational, kDuration, "Quarantine, and its age",
     "At the end of the period: variants in quarantine, since they entered it."},
    {"quarantine-time", kOperational, kDuration, "Time in quarantine",
     "Of the variants on which somebody decided in the period: since they entered it."},
    {"inventory-age", kOperational, kDuration, "Age of the last signed inventory",
     "Of the nodes, at the end of the period: since their last signed inventory."},
};

}  // namespace

std::string_view MeasureLevelName(MeasureLevel level) {
  constexpr std::array<std::string_view, 3> kNames = {"STRATEGIC", "TACTICAL", "OPERATIONAL"};
  return kNames[static_cast<size_t>(level) - 1];
}

std::string_view MeasureUnitName(MeasureUnit unit) {
  constexpr std::array<std::string_view, 4> kNames = {"COUNT", "SHARE", "DURATION", "RATE"};
  return kNames[static_cast<size_t>(unit) - 1];
}

std::span<const MeasureDefinition> MeasureDefinitions() { return kDefinitions; }

const MeasureDefinition* FindMeasureDefinition(std::string_view id) {
  const auto* found = std::ranges::find(kDefinitions, id, &MeasureDefinition::id);
  return found == std::end(kDefinitions) ? nullptr : found;
}

}  // namespace dml
