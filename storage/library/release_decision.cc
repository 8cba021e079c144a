#include "storage/library/release_decision.h"

#include <algorithm>
#include <map>

#include "core/trust/statement.h"
#include "storage/library/advisories.h"
#include "storage/library/overrides.h"
#include "storage/library/publication_signers.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"

namespace dml {
namespace {

constexpr int kPageSize = 1000;
// Failed releases whose items are looked at: as many as count in the risk, and room.
constexpr size_t kMaxFailuresLookedAt = 100;

// What nobody has rated counts as the worst.
VulnerabilitySeverity SeverityOf(AdvisorySeverity severity) {
  switch (severity) {
    case AdvisorySeverity::kLow:
      return VulnerabilitySeverity::kLow;
    case AdvisorySeverity::kMedium:
      return VulnerabilitySeverity::kMedium;
    case AdvisorySeverity::kHigh:
      return VulnerabilitySeverity::kHigh;
    case AdvisorySeverity::kUnknown:
    case AdvisorySeverity::kCritical:
      break;
  }
  return VulnerabilitySeverity::kCritical;
}

class Question {
 public:
  Question(const Reader& state, const TrustDomain* trust, NodeCache& nodes,
           const ReleaseQuestion& question, const GateDecision& set, ReleaseState stands,
           const Release& release)
      : state_(state),
        view_(state),
        trust_(trust),
        nodes_(nodes),
        question_(question),
        set_(set),
        release_(release) {
    in_.release = &release;
    in_.digest = question.release;
    in_.state = stands;
    in_.environment = question.environment;
    in_.time = question.time;
    in_.tzdata = TzdataVersion();
    in_.deployer = question.deployer;
  }

  absl::StatusOr<ReleaseInput> Collect() {
    DML_RETURN_IF_ERROR(AddItems());
    DML_RETURN_IF_ERROR(AddVulnerabilities());
    DML_RETURN_IF_ERROR(AddEnvelopes());
    DML_RETURN_IF_ERROR(AddDeployments());
    DML_ASSIGN_OR_RETURN(in_.nodes, CountNodes());
    return std::move(in_);
  }

 private:
  absl::Status AddItems() {
    PublicationReader publications(state_, trust_);
    uint64_t bytes = 0;
    bool is_known = true;
    for (const ReleaseItem& item : release_.items) {
      if (item.action == ReleaseAction::kRemove) {
        DML_ASSIGN_OR_RETURN(const PublicationSigners signers,
                             publications.SignersOf(item.variant));
        AddPublishers(signers.signatures);
        continue;
      }
      const auto member = set_.members.find(item.variant);
      is_known = is_known && member != set_.members.end();
      if (member == set_.members.end()) continue;
      AddPublishers(member->second.signatures);
      bytes += member->second.payload_size;
    }
    if (is_known) in_.bytes = bytes;
    return absl::OkStatus();
  }

  void AddPublishers(const std::vector<PublisherSignature>& signatures) {
    for (const PublisherSignature& signature : signatures) {
      in_.publishers.insert(signature.person);
      in_.publisher_keys.insert(signature.key_id);
    }
  }

  // Of what it installs. A version that is not there has findings of its own.
  absl::Status AddVulnerabilities() {
    AdvisoryReader advisories(state_, trust_, question_.time);
    std::vector<VulnerabilityFact> facts;
    for (const ReleaseItem& item : release_.items) {
      if (item.action == ReleaseAction::kRemove) continue;
      DML_ASSIGN_OR_RETURN(const auto variant, view_.FindVariant(item.variant));
      if (!variant.has_value()) continue;
      DML_ASSIGN_OR_RETURN(const Version version,
                           Version::Parse(variant->scheme, variant->name.version));
      DML_ASSIGN_OR_RETURN(const auto found,
                           advisories.Vulnerabilities(item.variant.package, version));
      if (!found.has_value()) return absl::OkStatus();  // Nobody has looked.
      for (const OpenVulnerability& one : *found) {
        facts.push_back({item.variant.ResourceName(), one.id, SeverityOf(one.severity),
                         one.published, !one.not_affected.empty()});
      }
    }
    in_.vulnerabilities = std::move(facts);
    return absl::OkStatus();
  }

  absl::Status AddEnvelopes() {
    std::map<Digest, std::string> approvers;
    if (trust_ != nullptr) {
      for (const Authority& authority :
           trust_->AuthoritiesFor(SigningRole::kApprover, question_.environment)) {
        ApproverGroup& group = in_.approver_groups.emplace_back();
        group.threshold = authority.threshold;
        for (const TrustKey& key : authority.keys) {
          if (!key.person) continue;
          approvers.emplace(key.key.id(), key.holder);
          group.keys.insert(key.key.id());
        }
      }
    }
    DML_ASSIGN_OR_RETURN(const auto envelopes, view_.ReleaseEnvelopes(question_.release));
    for (const ReleaseEnvelopeRecord& record : envelopes) {
      const bool is_evidence = !record.is_approval() && !record.is_override();
      if (is_evidence) DML_RETURN_IF_ERROR(AddEvidence(record.envelope));
      if (is_evidence || record.environment != question_.environment) continue;
      if (record.is_override()) {
        in_.overrides.push_back(OverrideFactOf(record, trust_));
        continue;
      }
      for (const Digest& key : record.envelope.key_ids) {
        const auto holder = approvers.find(key);
        in_.approvals.push_back({holder == approvers.end() ? "" : holder->second, key,
                                 record.findings, record.time, record.expires});
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddEvidence(const ReleaseEnvelope& envelope) {
    for (const Digest& id : envelope.key_ids) {
      DML_ASSIGN_OR_RETURN(const auto key, view_.FindKey(id));
      if (!key.has_value() || key->revoked) continue;
      in_.evidence.insert(envelope.predicate_type);
      if (envelope.predicate_type == kTestResultPredicate) in_.testers.insert(key->holder);
    }
    return absl::OkStatus();
  }

  absl::Status AddDeployments() {
    DML_ASSIGN_OR_RETURN(std::vector<DeploymentRecord> records,
                         view_.DeploymentsIn(question_.environment));
    DML_ASSIGN_OR_RETURN(const std::vector<DeploymentRecord> elsewhere,
                         view_.DeploymentsOf(question_.release));
    for (const DeploymentRecord& record : elsewhere) {
      if (record.environment != question_.environment) records.push_back(record);
    }
    size_t looked_at = 0;
    for (DeploymentRecord record : records) {
      record = record.AsOf(question_.time);
      // Another that is permitted may start at any moment.
      const bool may_start = record.state == DeploymentState::kPermitted &&
                             record.release != question_.release &&
                             record.environment == question_.environment;
      if (record.started == Timestamp() && !may_start) continue;
      in_.deployments.push_back({record.environment, record.release, record.type, record.state,
                                 may_start ? record.time : record.started, record.deployed});
      const bool is_here = record.environment == question_.environment;
      if (is_here && record.release == question_.release) {
        in_.is_in_flight = record.state == DeploymentState::kRollingOut ||
                           record.state == DeploymentState::kHalted;
      }
      const bool has_failed =
          record.state == DeploymentState::kHalted || record.state == DeploymentState::kBackedOut;
      if (!is_here || !has_failed || ++looked_at > kMaxFailuresLookedAt) continue;
      DML_ASSIGN_OR_RETURN(const bool shares, SharesAPackage(record.release));
      if (shares) ++in_.past_failures;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> SharesAPackage(const Digest& other) const {
    DML_ASSIGN_OR_RETURN(const Release release, LoadRelease(state_, other));
    return std::ranges::any_of(release.items, [&](const ReleaseItem& item) {
      return std::ranges::any_of(release_.items, [&](const ReleaseItem& own) {
        return own.variant.package == item.variant.package;
      });
    });
  }

  bool Touches(const Labels& node) const {
    return std::ranges::any_of(release_.items, [&](const ReleaseItem& item) {
      return std::ranges::all_of(item.nodes, [&](const auto& label) {
        const auto found = node.find(label.first);
        return found != node.end() && found->second == label.second;
      });
    });
  }

  absl::StatusOr<uint64_t> CountNodesIn(const std::string& environment) const {
    DML_ASSIGN_OR_RETURN(const auto nodes, nodes_.Get(state_, environment));
    const bool touches_all =
        std::ranges::any_of(release_.items, [](const auto& item) { return item.nodes.empty(); });
    if (touches_all) return nodes->size();
    return static_cast<uint64_t>(
        std::ranges::count_if(*nodes, [&](const Labels& node) { return Touches(node); }));
  }

  absl::StatusOr<uint64_t> CountNodes() const {
    uint64_t out = 0;
    PageRequest page;
    page.size = kPageSize;
    do {
      DML_ASSIGN_OR_RETURN(auto found, ListView(state_).Environments(page));
      for (const EnvironmentRecord& environment : found.items) {
        if (!CoversEnvironment(question_.environment, environment.name)) continue;
        DML_ASSIGN_OR_RETURN(const uint64_t nodes, CountNodesIn(environment.name));
        out += nodes;
      }
      page.after_key = std::move(found.next_key);
    } while (!page.after_key.empty());
    return out;
  }

  const Reader& state_;
  const LibraryView view_;
  const TrustDomain* const trust_;
  NodeCache& nodes_;
  const ReleaseQuestion& question_;
  const GateDecision& set_;
  const Release& release_;
  ReleaseInput in_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const ReleaseFacts>> CollectReleaseFacts(
    const Reader& state, TrustCache& trust, PolicyCache& policies,
    const ReleaseQuestion& question) {
  auto out = std::make_unique<ReleaseFacts>();
  ReleaseState stands = ReleaseState::kSealed;
  if (question.instead != nullptr) {
    out->release = *question.instead;
  } else {
    DML_ASSIGN_OR_RETURN(out->release, LoadRelease(state, question.release));
    DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state).FindRelease(question.release));
    stands = record->state;
  }
  std::vector<VariantName> installed;
  for (const ReleaseItem& item : out->release.items) {
    if (item.action != ReleaseAction::kRemove) installed.push_back(item.variant);
  }
  DML_ASSIGN_OR_RETURN(
      out->set, EvaluateGate(state, trust, policies, installed, question.environment, question.time,
                             question.policy));
  // Without a root nobody's signature counts, and the findings say so.
  const auto domain = trust.Get(state, question.time);
  if (!domain.ok() && Reason(domain.status()) != "ROOT_MISSING") return domain.status();
  DML_ASSIGN_OR_RETURN(
      out->input, Question(state, domain.ok() ? domain->get() : nullptr, policies.nodes(), question,
                           out->set, stands, out->release)
                      .Collect());
  out->input.set = std::move(out->set.result.findings);
  // A release may consist of removals alone.
  std::erase_if(out->input.set, [&](const Finding& finding) {
    return installed.empty() && finding.rule == "content.empty";
  });
  DML_ASSIGN_OR_RETURN(const auto in_force,
                       LibraryView(state).FindPolicyInForce(question.environment));
  if (question.policy != nullptr) {
    out->policy = *question.policy;
  } else if (in_force.has_value()) {
    DML_ASSIGN_OR_RETURN(out->policy, policies.Get(state, in_force->document));
  }
  if (out->policy.policy != nullptr) out->input.rules = &out->policy.policy->release_rules;
  return out;
}

absl::StatusOr<ReleaseDecision> EvaluateReleaseGate(const Reader& state, TrustCache& trust,
                                                    PolicyCache& policies,
                                                    const ReleaseQuestion& question) {
  DML_ASSIGN_OR_RETURN(const auto facts, CollectReleaseFacts(state, trust, policies, question));
  ReleaseDecision out;
  out.verdict = EvaluateRelease(facts->input);
  out.index = facts->set.index;
  out.time = question.time;
  out.policy_environment = facts->set.policy_environment;
  out.policy_revision = facts->set.policy_revision;
  out.nodes = facts->input.nodes.value_or(0);
  out.bytes = facts->input.bytes.value_or(0);
  return out;
}

}  // namespace dml
