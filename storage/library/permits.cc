#include "storage/library/permits.h"

#include <algorithm>
#include <map>

#include "core/crypto/random.h"
#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/evidence/permit.h"
#include "core/evidence/permit_bundle.h"
#include "core/gate/item_order.h"
#include "core/trust/statement.h"
#include "storage/journal/journal.h"
#include "storage/library/permit_stamps.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

Timestamp WholeSeconds(Timestamp time) { return std::chrono::floor<std::chrono::seconds>(time); }

class PermitJudge final {
 public:
  PermitJudge(const Reader& state, const PermitTools& tools, const PermitRequest& request,
              Timestamp now)
      : state_(state), view_(state), tools_(tools), request_(request), now_(now) {}

  absl::StatusOr<PermitDecision> Run(std::string_view back_out_fault) {
    DML_RETURN_IF_ERROR(CheckPermitRequest(request_, now_));
    DML_ASSIGN_OR_RETURN(permit_.nodes, ResolveNodes(state_, request_));
    DML_ASSIGN_OR_RETURN(release_, LoadRelease(state_, request_.release));
    DML_ASSIGN_OR_RETURN(out_.release, EvaluateReleaseGate(state_, tools_.trust, tools_.policies,
                                                           {request_.release, request_.environment,
                                                            now_, request_.deployer}));
    out_.findings = out_.release.verdict.findings;
    DML_RETURN_IF_ERROR(LookAtPolicy());
    DML_RETURN_IF_ERROR(LookAtSeal());
    DML_RETURN_IF_ERROR(LookAtSeats());
    if (!back_out_fault.empty()) {
      Deny("permit.back-out",
           fmt::format("the release to go back to would not be permitted: {}", back_out_fault),
           "have it approved anew, or make a release with another way back");
    }
    std::ranges::sort(out_.findings);
    out_.findings_digest = FindingsDigest(out_.findings);
    out_.allowed = std::ranges::none_of(
        out_.findings, [](const Finding& finding) { return finding.severity == Severity::kError; });
    DML_RETURN_IF_ERROR(MakeCommand());
    return std::move(out_);
  }

 private:
  std::string Subject() const {
    return fmt::format("releases/{}/versions/{}", release_.name, release_.version);
  }
  void Deny(std::string_view rule, std::string message, std::string remedy) {
    out_.findings.push_back(
        {std::string(rule), Severity::kError, Subject(), std::move(message), std::move(remedy)});
  }

  // Null where there is no root, which the findings say.
  absl::StatusOr<std::shared_ptr<const TrustDomain>> Trust() const {
    auto domain = tools_.trust.Get(state_, now_);
    if (!domain.ok() && Reason(domain.status()) == "ROOT_MISSING") return nullptr;
    return domain;
  }

  // The claim that an envelope makes about a document, where a role still vouches for it; else why
  // not.
  absl::StatusOr<ClaimEnvelope> VouchedFor(const BlobRef& envelope, std::string_view predicate,
                                           const Digest& document, SigningRole role) const {
    DML_ASSIGN_OR_RETURN(const auto trust, Trust());
    if (trust == nullptr) {
      return FailedPrecondition(ErrorReason("ROOT_MISSING"), "there is no trust root");
    }
    DML_ASSIGN_OR_RETURN(const std::string text, ReadMetadata(state_, envelope));
    DML_ASSIGN_OR_RETURN(ClaimEnvelope claim, ReadClaimAbout(text, predicate, document));
    DML_RETURN_IF_ERROR(trust->Verify(claim.envelope, kInTotoPayloadType, role, "").status());
    return claim;
  }

  absl::Status LookAtPolicy() {
    DML_ASSIGN_OR_RETURN(const auto policy, view_.FindPolicyInForce(request_.environment));
    if (!policy.has_value()) return absl::OkStatus();  // Which the findings say.
    decided_.policy = policy->document.digest;
    decided_.policy_revision = policy->revision;
    permit_.policy_uri = PolicyUri(tools_.origin, policy->environment, policy->revision);
    if (policy->envelope.size == 0) {
      Deny("permit.policy-unsigned",
           fmt::format("nobody signed revision {} of the policy of {}, so no node would believe a "
                       "permit under it",
                       policy->revision, policy->environment),
           fmt::format("have it signed by the role policy: dml policy set --environment {} --key "
                       "KEY FILE",
                       policy->environment));
      return absl::OkStatus();
    }
    const auto claim = VouchedFor(policy->envelope, kPolicyPredicate, policy->document.digest,
                                  SigningRole::kPolicy);
    const auto says = claim.ok() ? ParsePolicyClaim(claim->predicate_json)
                                 : absl::StatusOr<PolicyClaim>(claim.status());
    if (!says.ok()) {
      Deny("permit.policy-unsigned",
           fmt::format("the signature on revision {} of the policy of {} counts no more: {}",
                       policy->revision, policy->environment, Message(says.status())),
           "have the policy signed and set again");
      return absl::OkStatus();
    }
    if (says->revision != policy->revision || says->environment != policy->environment) {
      Deny("permit.policy-replaced",
           fmt::format("what was signed is revision {} of {}, and in force is revision {} of {}",
                       says->revision, says->environment, policy->revision, policy->environment),
           "have the policy signed and set again");
    }
    permit_.max_revocation_age = says->max_revocation_age;
    inputs_.push_back(policy->envelope.digest);
    return absl::OkStatus();
  }

  absl::Status LookAtSeal() {
    DML_ASSIGN_OR_RETURN(const auto envelopes, view_.ReleaseEnvelopes(request_.release));
    std::vector<const ReleaseEnvelopeRecord*> approvals;
    for (const ReleaseEnvelopeRecord& record : envelopes) {
      if (record.envelope.predicate_type == kReleasePredicate) {
        const auto seal = VouchedFor(record.envelope.envelope, kReleasePredicate, request_.release,
                                     SigningRole::kRelease);
        if (!seal.ok()) {
          Deny("permit.release-unsigned",
               fmt::format("its seal counts no more: {}", Message(seal.status())),
               "make and seal the release under another version");
        }
        inputs_.insert(inputs_.begin(), record.envelope.envelope.digest);
      } else if (record.is_approval() && record.environment == request_.environment &&
                 record.findings == out_.release.verdict.approved_findings &&
                 record.expires > now_) {
        approvals.push_back(&record);
      }
    }
    // Those that hold longest, where there are more than a bundle takes.
    std::ranges::sort(approvals, std::greater<>(), [](const auto* approval) {
      return std::pair(approval->expires, approval->envelope.envelope.digest);
    });
    approvals.resize(std::min(approvals.size(), kMaxBundleApprovals));
    DML_RETURN_IF_ERROR(AddPublications());
    for (const auto* approval : approvals) inputs_.push_back(approval->envelope.envelope.digest);
    return absl::OkStatus();
  }

  absl::Status AddPublications() {
    for (const ReleaseItem& item : release_.items) {
      if (item.action == ReleaseAction::kRemove) continue;
      DML_RETURN_IF_ERROR(
          view_.ScanAttestations(item.variant, [&](const AttestationRecord& record) {
            if (record.ref.predicate_type == kPublicationPredicate) {
              inputs_.push_back(record.ref.envelope.digest);
            }
            return true;
          }));
    }
    return absl::OkStatus();
  }

  absl::Status LookAtSeats() {
    if (request_.seats.empty()) return absl::OkStatus();
    const absl::Status enough = CheckSeatsAt(request_.seats, request_.environment, view_, now_);
    if (enough.ok()) return absl::OkStatus();
    if (enough.code() == absl::StatusCode::kInvalidArgument ||
        enough.code() == absl::StatusCode::kDataLoss) {
      return AtField(enough, "seats");
    }
    Deny("permit.seats", std::string(Message(enough)),
         "free seats (dml entitlement leases), or have more granted");
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<VariantName>> Order() const {
    std::vector<std::shared_ptr<const PackageSpec>> kept;
    std::vector<const PackageSpec*> specs;
    for (const ReleaseItem& item : release_.items) {
      DML_ASSIGN_OR_RETURN(const auto variant, view_.FindVariant(item.variant));
      specs.push_back(nullptr);
      if (release_.items.size() == 1 || !variant.has_value()) continue;
      DML_ASSIGN_OR_RETURN(auto spec, tools_.specs.Get(state_, variant->spec));
      specs.back() = kept.emplace_back(std::move(spec)).get();
    }
    return OrderItems(release_, specs);
  }

  absl::Status MakeCommand() {
    decided_.id = NewRequestId();
    decided_.allowed = out_.allowed;
    decided_.release = request_.release;
    decided_.environment = request_.environment;
    decided_.nodes = permit_.nodes;
    decided_.journal_size = out_.release.index;
    decided_.findings = out_.findings_digest;
    decided_.not_before = request_.not_before;
    decided_.expires = request_.expires;
    decided_.request = request_.ToDigest();
    decided_.is_back_out = request_.is_back_out;
    std::map<std::string, uint32_t> errors;
    for (const Finding& finding : out_.findings) {
      if (finding.severity == Severity::kError) ++errors[finding.rule];
    }
    for (const auto& [rule, count] : errors) decided_.errors.push_back({rule, count});
    std::string findings = FormatFindings(out_.findings);
    if (!findings.empty() && findings.size() <= kMaxFindingsBytes) {
      decided_.findings_size = findings.size();
      out_.command.metadata.push_back(std::move(findings));
    }
    if (out_.allowed) {
      decided_.back_out = request_.back_out;
      decided_.seats = request_.seats;
      DML_ASSIGN_OR_RETURN(std::string statement, Statement());
      decided_.permit = {Sha256(statement), statement.size()};
      out_.command.metadata.push_back(std::move(statement));
    }
    DML_ASSIGN_OR_RETURN(
        out_.command.decided_on,
        StampsOfDecision(state_, release_, request_.release, request_.environment));
    out_.command.payload = std::move(decided_);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Statement() {
    permit_.verifier = VerifierUri(tools_.origin);
    permit_.resource = ReleaseUri(tools_.origin, release_.name, release_.version);
    permit_.decided = WholeSeconds(now_);
    permit_.policy = decided_.policy;
    permit_.inputs = inputs_;
    permit_.id = decided_.id;
    permit_.environment = request_.environment;
    permit_.not_before = request_.not_before;
    permit_.expires = request_.expires;
    if (request_.max_revocation_age.count() > 0) {
      permit_.max_revocation_age =
          std::min(permit_.max_revocation_age, request_.max_revocation_age);
    }
    permit_.journal_size = decided_.journal_size;
    permit_.policy_revision = decided_.policy_revision;
    permit_.findings = decided_.findings;
    permit_.approved_findings = out_.release.verdict.approved_findings;
    DML_ASSIGN_OR_RETURN(permit_.order, Order());
    permit_.back_out = request_.back_out;
    permit_.is_back_out = request_.is_back_out;
    DML_ASSIGN_OR_RETURN(const std::string predicate, FormatPermitPredicate(permit_));
    return FormatClaim(kVerificationSummaryPredicate, {"", request_.release}, predicate);
  }

  const Reader& state_;
  const LibraryView view_;
  const PermitTools& tools_;
  const PermitRequest& request_;
  const Timestamp now_;
  Release release_;
  Permit permit_;
  PermitDecided decided_;
  std::vector<Digest> inputs_;  // Of the seal, the policy, publications and approvals.
  PermitDecision out_;
};

}  // namespace

absl::StatusOr<PermitDecision> DecidePermit(const Reader& state, const PermitTools& tools,
                                            const PermitRequest& request, Timestamp now,
                                            std::string_view back_out_fault) {
  return PermitJudge(state, tools, request, now).Run(back_out_fault);
}

absl::StatusOr<std::optional<PermitRecord>> FindAnswered(const Reader& state,
                                                         std::string_view author,
                                                         std::string_view request_id,
                                                         const Digest& request) {
  if (request_id.empty()) return std::nullopt;
  const LibraryView view(state);
  DML_ASSIGN_OR_RETURN(const auto before, view.FindRequest(author, request_id));
  if (!before.has_value()) return std::nullopt;
  DML_ASSIGN_OR_RETURN(const StoredEntry stored, JournalView(state).At(before->index));
  const auto* decided = std::get_if<PermitDecided>(&stored.entry.payload);
  if (decided == nullptr || decided->request != request) {
    return AlreadyExists(ErrorReason("REQUEST_ID_REUSED"),
                         "request id {} was used for another request, at index {}", request_id,
                         before->index);
  }
  return view.FindPermit(decided->id);
}

absl::StatusOr<std::vector<Finding>> FindingsOf(const Reader& state, const PermitDecided& decided) {
  if (decided.findings == FindingsDigest({})) return std::vector<Finding>();
  if (decided.findings_size == 0) {
    return FailedPrecondition(ErrorReason("FINDINGS_NOT_KEPT"),
                              "the findings of {} were more than {} bytes and are not kept; their "
                              "digest is {}",
                              decided.id, kMaxFindingsBytes, decided.findings.ToString());
  }
  DML_ASSIGN_OR_RETURN(const std::string bytes,
                       ReadMetadata(state, {decided.findings, decided.findings_size}));
  return ParseFindings(bytes);
}

}  // namespace dml
