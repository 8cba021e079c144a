#include "storage/library/permit_bundles.h"

#include <algorithm>
#include <set>

#include "core/evidence/claims.h"
#include "core/evidence/log_proof.h"
#include "core/evidence/permit.h"
#include "core/evidence/revocation_list.h"
#include "core/trust/root_walk.h"
#include "storage/journal/journal.h"
#include "storage/views/library_view.h"
#include "storage/views/list_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

// The envelopes that the permit names, each in its place.
absl::Status AddInputs(const Reader& state, const Permit& permit, PermitBundle& out) {
  if (permit.inputs.size() < 2) {
    return DataLoss(ErrorReason("PERMIT_INVALID"), "permit {} names no release and policy",
                    permit.id);
  }
  for (size_t i = 0; i < permit.inputs.size(); ++i) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadMetadata(state, permit.inputs[i]));
    if (i == 0) {
      out.release_envelope = std::move(text);
    } else if (i == 1) {
      out.policy_envelope = std::move(text);
    } else {
      const bool is_publication = ReadClaim(text, kPublicationPredicate).ok();
      (is_publication ? out.publications : out.approvals).push_back(std::move(text));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> RootsAfter(const Reader& state, uint64_t version) {
  std::vector<std::string> out;
  PageRequest page;
  do {
    DML_ASSIGN_OR_RETURN(auto found, ListView(state).Roots(page));
    for (const RootRecord& root : found.items) {
      if (root.version <= version) continue;
      if (out.size() == kMaxRootSteps) {
        return FailedPrecondition(ErrorReason("ROOT_STEPS_EXCEEDED"),
                                  "there are more than {} trust roots after version {}: pin a "
                                  "newer one",
                                  kMaxRootSteps, version);
      }
      DML_ASSIGN_OR_RETURN(out.emplace_back(), ReadMetadata(state, root.envelope));
    }
    page.after_key = std::move(found.next_key);
  } while (!page.after_key.empty());
  return out;
}

// Those that are good under the root in force: whoever verifies refuses a bundle with others.
absl::StatusOr<std::vector<std::string>> GoodDelegations(const Reader& state, Timestamp now) {
  DML_ASSIGN_OR_RETURN(const auto root, LoadRoot(state));
  DML_ASSIGN_OR_RETURN(std::vector<DelegationRecord> records, LibraryView(state).AllDelegations());
  std::vector<std::string> texts;
  std::vector<DsseEnvelope> envelopes;
  // Those above come before what is below them.
  std::ranges::stable_sort(records, {}, [](const auto& record) { return record.chain.size(); });
  for (const DelegationRecord& record : records) {
    DML_ASSIGN_OR_RETURN(texts.emplace_back(), ReadMetadata(state, record.envelope));
    DML_ASSIGN_OR_RETURN(envelopes.emplace_back(), ParseEnvelope(texts.back()));
  }
  const auto are_good = [&](std::span<const DsseEnvelope> some) {
    return TrustDomain::Assemble(root->root, some, now, {}).lapsed().empty();
  };
  if (root.has_value() && !are_good(envelopes)) {
    std::vector<std::string> good_texts;
    std::vector<DsseEnvelope> good;
    for (size_t i = 0; i < envelopes.size(); ++i) {
      good.push_back(envelopes[i]);
      if (are_good(good)) {
        good_texts.push_back(std::move(texts[i]));
      } else {
        good.pop_back();
      }
    }
    texts = std::move(good_texts);
  }
  texts.resize(std::min(texts.size(), kMaxBundleDelegations));
  return texts;
}

// A checkpoint of the log that covers an entry.
absl::StatusOr<SignedCheckpoint> CheckpointFor(Library& library, uint64_t index, bool witnessed) {
  if (witnessed) {
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> notes, library.cosigned().Newest());
    for (const std::string& text : notes) {
      DML_ASSIGN_OR_RETURN(const Checkpoint at,
                           OpenCheckpoint(text, library.origin(), library.log_key()));
      if (at.size > index) return SignedCheckpoint{at, text};
    }
  }
  const auto latest = library.checkpoint();
  if (latest == nullptr || latest->checkpoint.size <= index) {
    return Unavailable(ErrorReason("CHECKPOINT_MISSING"),
                       "no checkpoint covers entry {} yet: ask again", index);
  }
  return *latest;
}

absl::Status AddProof(Library& library, const PermitRecord& permit, bool witnessed,
                      const std::vector<uint64_t>& history_sizes, PermitBundle& out) {
  DML_ASSIGN_OR_RETURN(const SignedCheckpoint signed_at,
                       CheckpointFor(library, permit.index, witnessed));
  const Checkpoint& checkpoint = signed_at.checkpoint;
  // After the checkpoint, so that it holds all entries that this one is over.
  const auto state = library.Read();
  const JournalView journal(*state);
  LogProof proof;
  proof.index = permit.index;
  DML_ASSIGN_OR_RETURN(proof.leaf, journal.Leaf(permit.index));
  DML_ASSIGN_OR_RETURN(proof.hashes, journal.Inclusion(permit.index, checkpoint.size));
  proof.checkpoint_note = signed_at.note;
  out.log_proof = FormatLogProof(proof);
  std::set<uint64_t> sizes;
  for (const uint64_t size : history_sizes) {
    if (size > 0 && size < checkpoint.size && sizes.size() < kMaxBundleHistories) {
      sizes.insert(size);
    }
  }
  for (const uint64_t size : sizes) {
    DML_ASSIGN_OR_RETURN(std::vector<Digest> hashes, journal.Consistency(size, checkpoint.size));
    out.history.push_back({size, std::move(hashes)});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SignPermit(const Reader& state, const PermitDecided& decided,
                                       const Signer& key) {
  DML_ASSIGN_OR_RETURN(const std::string statement, ReadMetadata(state, decided.permit));
  const Signer* keys[] = {&key};
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(kInTotoPayloadType, statement, keys));
  return FormatEnvelope(envelope);
}

absl::StatusOr<PermitBundle> AssemblePermitBundle(Library& library, const Reader& state,
                                                  const PermitRecord& permit, const Signer& key,
                                                  const BundleWishes& wishes, Timestamp now) {
  DML_RETURN_IF_ERROR(permit.CheckValid(now));
  PermitBundle out;
  DML_ASSIGN_OR_RETURN(out.permit, SignPermit(state, permit.decided, key));
  DML_ASSIGN_OR_RETURN(
      const ClaimEnvelope claim,
      ReadClaimAbout(out.permit, kVerificationSummaryPredicate, permit.decided.release));
  DML_ASSIGN_OR_RETURN(const Permit says, ParsePermitPredicate(claim.predicate_json));
  DML_ASSIGN_OR_RETURN(out.release, ReadMetadata(state, permit.decided.release));
  DML_ASSIGN_OR_RETURN(out.policy, ReadMetadata(state, permit.decided.policy));
  DML_RETURN_IF_ERROR(AddInputs(state, says, out));
  DML_ASSIGN_OR_RETURN(out.roots, RootsAfter(state, wishes.after_root));
  DML_ASSIGN_OR_RETURN(out.delegations, GoodDelegations(state, now));
  DML_ASSIGN_OR_RETURN(const ClaimEnvelope policy,
                       ReadClaim(out.policy_envelope, kPolicyPredicate));
  DML_ASSIGN_OR_RETURN(const PolicyClaim demands, ParsePolicyClaim(policy.predicate_json));
  DML_RETURN_IF_ERROR(AddProof(library, permit, demands.witnesses > 0, wishes.history_sizes, out));
  return out;
}

absl::StatusOr<SignedRevocations> SignRevocations(const Reader& state, std::string_view origin,
                                                  const Signer& key, Timestamp now) {
  DML_ASSIGN_OR_RETURN(const LibraryView::Revocations revoked,
                       LibraryView(state).RevokedPermits(now, kMaxRevokedPermits));
  RevocationList list;
  list.origin = origin;
  list.number = revoked.count;
  list.time = std::chrono::floor<std::chrono::seconds>(now);
  DML_ASSIGN_OR_RETURN(list.journal_size, JournalView(state).Size());
  for (const PermitRecord& permit : revoked.permits) {
    list.permits.push_back({permit.decided.id, permit.decided.expires});
  }
  DML_ASSIGN_OR_RETURN(const std::string document, FormatRevocationList(list));
  const Signer* keys[] = {&key};
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(kRevocationListPayloadType, document, keys));
  return SignedRevocations{FormatEnvelope(envelope), list.number, list.time};
}

}  // namespace dml
