#include "core/evidence/permit_verifier.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"
#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/evidence/permit_log.h"
#include "core/evidence/persons.h"
#include "core/package/manifest.h"

namespace dml {
namespace {

template <typename... Args>
absl::Status Refused(const char* reason, fmt::format_string<Args...> format, Args&&... args) {
  return PermissionDenied(ErrorReason(reason), format, std::forward<Args>(args)...);
}

// Later steps rely on what earlier ones have established, so that the first failure ends it.
class Verifier {
 public:
  Verifier(const PermitBundle& bundle, const TrustedRoot& pinned, Timestamp now,
           const PermitMemory& remembered)
      : bundle_(bundle),
        pinned_(pinned),
        now_(now),
        remembered_(remembered),
        release_digest_(Sha256(bundle.release)) {}

  PermitVerdict Run() {
    using StepFn = absl::Status (Verifier::*)();
    static constexpr std::pair<const char*, StepFn> kSteps[] = {
        {"bundle", &Verifier::CheckBundle},
        {"trust root", &Verifier::CheckRoots},
        {"delegations", &Verifier::CheckDelegations},
        {"permit", &Verifier::CheckPermit},
        {"place and time", &Verifier::CheckPlaceAndTime},
        {"release", &Verifier::CheckRelease},
        {"policy", &Verifier::CheckPolicy},
        {"publications", &Verifier::CheckPublications},
        {"approvals", &Verifier::CheckApprovals},
        {"journal entry", &Verifier::CheckEntry},
        {"journal", &Verifier::CheckJournal},
        {"freshness", &Verifier::CheckFreshness}};
    out_.next = remembered_;
    for (const auto& [what, check] : kSteps) {
      detail_.clear();
      out_.status = (this->*check)();
      const bool passed = out_.status.ok();
      out_.steps.push_back({what, passed, passed ? detail_ : std::string(Message(out_.status))});
      if (!passed) return std::move(out_);
    }
    Remember();
    return std::move(out_);
  }

 private:
  const TrustRoot& root() const { return domain_->root(); }
  const Permit& permit() const { return out_.permit; }

  absl::Status CheckBundle() {
    if (remembered_.environment.empty()) {
      return InvalidArgument(ErrorReason("ENVIRONMENT_REQUIRED"),
                             "say which environment the permit is to be used in");
    }
    detail_ = release_digest_.ToString();
    return CheckPermitBundle(bundle_);
  }

  absl::Status CheckRoots() {
    const std::optional<TrustedRoot>& seen = remembered_.root;
    if (seen.has_value() && seen->root.version == pinned_.root.version &&
        seen->digest != pinned_.digest) {
      return DataLoss(
          ErrorReason("ROOT_FORKED"),
          "there are two trust roots of version {}: {} is pinned, and {} was seen; keep "
          "both, and ask the holders of the root keys",
          pinned_.root.version, pinned_.digest.ToString(), seen->digest.ToString());
    }
    const bool is_newer = seen.has_value() && seen->root.version > pinned_.root.version;
    const TrustedRoot& from = is_newer ? *seen : pinned_;
    DML_ASSIGN_OR_RETURN(const uint64_t newest, NewestRoot());
    if (newest < from.root.version) {
      return Refused("ROOT_ROLLED_BACK",
                     "the bundle is of trust root {}, and root {} is known: have it made again",
                     newest, from.root.version);
    }
    DML_ASSIGN_OR_RETURN(root_, WalkRoots(from, bundle_.roots, now_));
    detail_ = fmt::format("version {} of {}, valid until {}", root_.root.version, root_.root.origin,
                          FormatTime(root_.root.expires));
    return absl::OkStatus();
  }

  // Of those in the bundle, which follow each other; it is only a claim.
  absl::StatusOr<uint64_t> NewestRoot() const {
    uint64_t newest = 0;
    for (const std::string& text : bundle_.roots) {
      DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ParseEnvelope(text));
      DML_ASSIGN_OR_RETURN(TrustRoot root, ParseTrustRoot(envelope.payload));
      if (newest > 0 && root.version != newest + 1) {
        return Refused("ROOT_VERSION_UNEXPECTED",
                       "after root {} the bundle has root {}; have it made again", newest,
                       root.version);
      }
      newest = root.version;
    }
    return newest > 0 ? newest : pinned_.root.version;
  }

  absl::Status CheckDelegations() {
    std::vector<DsseEnvelope> envelopes;
    for (const std::string& text : bundle_.delegations) {
      DML_ASSIGN_OR_RETURN(envelopes.emplace_back(), ParseEnvelope(text));
    }
    domain_ = TrustDomain::Assemble(root_.root, envelopes, now_, remembered_.revoked_keys);
    // Whoever made the bundle chose them: none should be there that is not good.
    if (!domain_->lapsed().empty()) return domain_->lapsed().front();
    detail_ =
        fmt::format("{}, of which {} have expired", envelopes.size(), domain_->expired().size());
    return absl::OkStatus();
  }

  absl::Status CheckPermit() {
    DML_ASSIGN_OR_RETURN(
        ClaimEnvelope claim,
        ReadClaimAbout(bundle_.permit, kVerificationSummaryPredicate, release_digest_));
    DML_RETURN_IF_ERROR(RequireRole(claim, SigningRole::kPermit));
    DML_ASSIGN_OR_RETURN(out_.permit, ParsePermitPredicate(claim.predicate_json));
    if (permit().verifier != VerifierUri(root().origin)) {
      return Refused("PERMIT_INVALID", "the permit is of '{}', and the trust root of '{}'",
                     Excerpt(permit().verifier), VerifierUri(root().origin));
    }
    if (permit().inputs != InputsOf(bundle_)) {
      return Refused("PERMIT_INPUTS_UNEXPECTED",
                     "the permit was given for other envelopes of release, policy, publications "
                     "and approvals than are in the bundle");
    }
    statement_ = {Sha256(claim.envelope.payload), claim.envelope.payload.size()};
    detail_ = fmt::format("{}, {}", permit().id, detail_);
    return absl::OkStatus();
  }

  absl::Status CheckPlaceAndTime() {
    if (permit().environment != remembered_.environment) {
      return Refused("ENVIRONMENT_UNEXPECTED", "the permit is for {}, not for {}",
                     permit().environment, Excerpt(remembered_.environment));
    }
    if (!permit().nodes.empty() && !std::ranges::binary_search(permit().nodes, remembered_.node)) {
      return Refused("NODE_UNEXPECTED", "the permit is for {} nodes, of which '{}' is none",
                     permit().nodes.size(), Excerpt(remembered_.node));
    }
    if (now_ < permit().not_before) {
      return Refused("PERMIT_NOT_YET_VALID", "the permit is valid from {} on",
                     FormatTime(permit().not_before));
    }
    if (now_ >= permit().expires) {
      return Refused("PERMIT_EXPIRED", "the permit expired on {}: ask for another",
                     FormatTime(permit().expires));
    }
    if (remembered_.used.contains(permit().id)) {
      return Refused("PERMIT_USED", "the permit was acted upon here before: ask for another");
    }
    detail_ = fmt::format("{}, until {}", permit().environment, FormatTime(permit().expires));
    return absl::OkStatus();
  }

  absl::Status CheckRelease() {
    DML_ASSIGN_OR_RETURN(ClaimEnvelope claim, ReadClaimAbout(bundle_.release_envelope,
                                                             kReleasePredicate, release_digest_));
    DML_RETURN_IF_ERROR(RequireRole(claim, SigningRole::kRelease));
    DML_ASSIGN_OR_RETURN(ReleaseClaim said, ParseReleaseClaim(claim.predicate_json));
    DML_ASSIGN_OR_RETURN(out_.release, ParseRelease(bundle_.release));
    const Release& release = out_.release;
    if (said != ReleaseClaim{release.name, release.version} ||
        permit().resource != ReleaseUri(root().origin, release.name, release.version)) {
      return Refused("RELEASE_UNEXPECTED",
                     "the release calls itself {} {}, its envelope {} {}, and the permit '{}'",
                     release.name, release.version, said.name, said.version,
                     Excerpt(permit().resource, 256));
    }
    if (std::ranges::none_of(release.environments, [&](const std::string& environment) {
          return CoversEnvironment(environment, permit().environment);
        })) {
      return Refused("ENVIRONMENT_UNEXPECTED", "the release is not for {}", permit().environment);
    }
    std::vector<VariantName> ordered = permit().order;
    std::vector<VariantName> items;
    for (const ReleaseItem& item : release.items) items.push_back(item.variant);
    std::ranges::sort(ordered);
    std::ranges::sort(items);
    if (ordered != items) {
      return Refused("ORDER_UNEXPECTED",
                     "the permit's order of {} items is not one of the release's {}",
                     ordered.size(), items.size());
    }
    detail_ =
        fmt::format("{} {}, {} items, {}", release.name, release.version, items.size(), detail_);
    return absl::OkStatus();
  }

  absl::Status CheckPolicy() {
    const Digest document = Sha256(bundle_.policy);
    DML_ASSIGN_OR_RETURN(ClaimEnvelope claim,
                         ReadClaimAbout(bundle_.policy_envelope, kPolicyPredicate, document));
    DML_RETURN_IF_ERROR(RequireRole(claim, SigningRole::kPolicy));
    DML_ASSIGN_OR_RETURN(policy_, ParsePolicyClaim(claim.predicate_json));
    policy_statement_ = Sha256(claim.envelope.payload);
    if (permit().policy != document || permit().policy_revision != policy_.revision ||
        permit().policy_uri != PolicyUri(root().origin, policy_.environment, policy_.revision)) {
      return Refused("POLICY_UNEXPECTED", "the permit was given under '{}', not under '{}'",
                     Excerpt(permit().policy_uri, 256),
                     PolicyUri(root().origin, policy_.environment, policy_.revision));
    }
    if (!CoversEnvironment(policy_.environment, permit().environment)) {
      return Refused("ENVIRONMENT_UNEXPECTED", "the policy is of {}, which {} is not in",
                     policy_.environment, permit().environment);
    }
    detail_ = fmt::format("{} revision {}, {}", policy_.environment, policy_.revision, detail_);
    return CheckPolicySeen();
  }

  // The most specific policy applies; one that was there stays or has followers.
  absl::Status CheckPolicySeen() const {
    for (const auto& [environment, seen] : remembered_.policies) {
      if (!CoversEnvironment(environment, permit().environment)) continue;
      const bool is_same = environment == policy_.environment;
      if ((is_same && policy_.revision < seen.revision) ||
          environment.size() > policy_.environment.size()) {
        return Refused("POLICY_ROLLED_BACK",
                       "the permit was given under policy {} of {}, and {} of {} was seen before",
                       policy_.revision, policy_.environment, seen.revision, environment);
      }
      if (is_same && policy_.revision == seen.revision && policy_statement_ != seen.statement) {
        return DataLoss(ErrorReason("POLICY_FORKED"),
                        "there are two policies {} of {}; keep both, and ask who signed them",
                        policy_.revision, environment);
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckPublications() {
    std::map<Digest, std::vector<DsseEnvelope>> of_item;
    for (const std::string& text : bundle_.publications) {
      DML_ASSIGN_OR_RETURN(ClaimEnvelope claim, ReadClaim(text, kPublicationPredicate));
      DML_RETURN_IF_ERROR(CheckPublication(claim));
      of_item[claim.subject].push_back(std::move(claim.envelope));
    }
    for (const ReleaseItem& item : out_.release.items) {
      // What is taken away may be so because nobody vouches for it any more.
      if (item.action == ReleaseAction::kRemove && !of_item.contains(item.manifest.digest))
        continue;
      DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                           SignatureSet::Create(of_item[item.manifest.digest], kInTotoPayloadType));
      const std::string package = item.variant.package.ToString();
      absl::Status enough = RequirePersons(*domain_, signatures, SigningRole::kPublisher, package,
                                           policy_.publishers, {})
                                .status();
      if (!enough.ok()) return Annotate(enough, item.variant.ResourceName());
      Persons all = SignersOf(*domain_, signatures, SigningRole::kPublisher, package);
      publishers_.holders.merge(all.holders);
      publishers_.key_ids.merge(all.key_ids);
    }
    detail_ = fmt::format("by {}", fmt::join(publishers_.holders, ", "));
    return absl::OkStatus();
  }

  absl::Status CheckPublication(const ClaimEnvelope& claim) const {
    DML_ASSIGN_OR_RETURN(PublicationPredicate said,
                         ParsePublicationPredicate(claim.predicate_json));
    for (const ReleaseItem& item : out_.release.items) {
      if (item.manifest.digest != claim.subject) continue;
      if (said == PublicationPredicate{item.variant, std::string(kManifestMediaType)}) {
        return absl::OkStatus();
      }
    }
    return Refused("PUBLICATION_UNEXPECTED", "{} as {} is no item of the release",
                   claim.subject.ToString(), said.variant.ResourceName());
  }

  absl::Status CheckApprovals() {
    std::vector<DsseEnvelope> all, current;
    for (const std::string& text : bundle_.approvals) {
      DML_ASSIGN_OR_RETURN(ClaimEnvelope claim,
                           ReadClaimAbout(text, kApprovalPredicate, release_digest_));
      DML_ASSIGN_OR_RETURN(ApprovalClaim said, ParseApprovalClaim(claim.predicate_json));
      if (said.environment != permit().environment || said.findings != permit().approved_findings) {
        return Refused("APPROVAL_UNEXPECTED",
                       "an approval is for {} and findings {}, not {} and {}", said.environment,
                       said.findings.ToString(), permit().environment,
                       permit().approved_findings.ToString());
      }
      if (now_ < said.expires) current.push_back(claim.envelope);
      all.push_back(std::move(claim.envelope));
    }
    absl::StatusOr<std::set<std::string>> enough = RequireApprovers(current);
    if (!enough.ok() && RequireApprovers(all).ok()) {
      return Refused("APPROVAL_EXPIRED", "{} of {} approvals have expired; without them: {}",
                     all.size() - current.size(), all.size(), Message(enough.status()));
    }
    if (!enough.ok()) return enough.status();
    out_.approvers = *std::move(enough);
    detail_ = fmt::format("by {}", fmt::join(out_.approvers, ", "));
    return absl::OkStatus();
  }

  absl::StatusOr<std::set<std::string>> RequireApprovers(
      const std::vector<DsseEnvelope>& approvals) const {
    DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                         SignatureSet::Create(approvals, kInTotoPayloadType));
    return RequirePersons(*domain_, signatures, SigningRole::kApprover, permit().environment,
                          policy_.approvers, policy_.separate_publishers ? publishers_ : Persons());
  }

  absl::Status CheckEntry() {
    PermitDecided expected = {
        permit().id,       /*allowed=*/true, release_digest_,          permit().environment,
        permit().nodes,    permit().policy,  permit().policy_revision, permit().journal_size,
        permit().findings, statement_,       permit().expires,         permit().not_before};
    expected.back_out = permit().back_out;
    expected.is_back_out = permit().is_back_out;
    DML_ASSIGN_OR_RETURN(logged_, evidence::CheckLogged(bundle_.log_proof, expected, root()));
    out_.log_index = logged_.index;
    out_.decided = logged_.time;
    detail_ =
        fmt::format("entry {} of {}, {}", logged_.index, root().origin, FormatTime(logged_.time));
    return absl::OkStatus();
  }

  absl::Status CheckJournal() {
    return evidence::CheckHistory(logged_, bundle_.history, remembered_.checkpoint, root(),
                                  detail_);
  }

  absl::Status CheckFreshness() {
    DML_ASSIGN_OR_RETURN(out_.as_of, evidence::SeenAt(logged_, policy_.witnesses, root(), now_));
    const auto limit = std::min(permit().max_revocation_age, policy_.max_revocation_age);
    if (now_ - out_.as_of > limit) {
      return Refused("CHECKPOINT_STALE",
                     "the journal was seen at {}, longer ago than the {} seconds that a revocation "
                     "may stay unseen: have the bundle made again",
                     FormatTime(out_.as_of), limit.count());
    }
    detail_ = fmt::format("revocations are known as of {}", FormatTime(out_.as_of));
    return absl::OkStatus();
  }

  absl::Status RequireRole(const ClaimEnvelope& claim, SigningRole role) {
    DML_ASSIGN_OR_RETURN(Vouchers vouchers,
                         domain_->Verify(claim.envelope, kInTotoPayloadType, role, ""));
    detail_ = fmt::format("by {}", fmt::join(vouchers.holders, ", "));
    return absl::OkStatus();
  }

  void Remember() {
    out_.release_digest = release_digest_;
    out_.next.root = root_;
    out_.next.checkpoint = logged_.checkpoint;
    out_.next.policies[policy_.environment] = {policy_.revision, policy_statement_};
  }

  const PermitBundle& bundle_;
  const TrustedRoot& pinned_;
  const Timestamp now_;
  const PermitMemory& remembered_;
  const Digest release_digest_;
  // What the steps establish, one after the other.
  std::string detail_;
  TrustedRoot root_;
  std::optional<TrustDomain> domain_;
  PolicyClaim policy_;
  BlobRef statement_;  // The permit's.
  Digest policy_statement_;
  Persons publishers_;
  evidence::LoggedDecision logged_;
  PermitVerdict out_;
};

}  // namespace

PermitVerdict VerifyPermitBundle(const PermitBundle& bundle, const TrustedRoot& pinned,
                                 Timestamp now, const PermitMemory& remembered) {
  return Verifier(bundle, pinned, now, remembered).Run();
}

void MarkUsed(const Permit& permit, Timestamp now, PermitMemory& memory) {
  std::erase_if(memory.used, [&](const auto& used) { return used.second + kMaxClockSkew <= now; });
  memory.used[permit.id] = permit.expires;
}

}  // namespace dml
