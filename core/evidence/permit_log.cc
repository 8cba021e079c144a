#include "core/evidence/permit_log.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"
#include "core/evidence/log_proof.h"
#include "core/merkle/merkle.h"
#include "core/trust/cosignature.h"
#include "core/wire/entry.h"

namespace dml::evidence {
namespace {

// The first of the log's keys that signed; as many holders as the root demands must have.
absl::StatusOr<Digest> CheckSignedByLog(const std::string& note, const TrustRoot& root) {
  DML_ASSIGN_OR_RETURN(Authority log, RootAuthority(root, SigningRole::kLog));
  std::set<std::string> holders;
  std::optional<Digest> first;
  for (const TrustKey& key : log.keys) {
    if (!OpenCheckpoint(note, root.origin, key.key).ok()) continue;
    holders.insert(key.holder);
    if (!first.has_value()) first = key.key.id();
  }
  if (first.has_value() && holders.size() >= log.threshold) return *first;
  return PermissionDenied(ErrorReason("PERMIT_NOT_LOGGED"),
                          "the checkpoint has good signatures of {} of the {} log keys that trust "
                          "root {} demands",
                          holders.size(), std::max<uint32_t>(1, log.threshold), root.version);
}

absl::Status CheckEntry(const LoggedEntry& logged, const std::string& leaf,
                        const PermitDecided& expected) {
  const auto* decided = std::get_if<PermitDecided>(&logged.entry.payload);
  if (decided != nullptr && !decided->allowed) {
    return PermissionDenied(ErrorReason("PERMIT_DENIED"),
                            "entry {} of the log denies release {} for {}", logged.entry.index,
                            decided->release.ToString(), Excerpt(decided->environment));
  }
  // What an entry says beyond what is understood here might take the permit back.
  const absl::StatusOr<std::string> understood = wire::EncodeEntry(logged.entry);
  PermitDecided bound = decided != nullptr ? *decided : PermitDecided();
  // What the permit does not say: who asked, what else was found, and what was reserved with it.
  bound.request = {};
  bound.findings_size = 0;
  bound.seats.clear();
  if (bound == expected && expected.journal_size <= logged.entry.index && understood.ok() &&
      *understood == leaf) {
    return absl::OkStatus();
  }
  return PermissionDenied(ErrorReason("PERMIT_ENTRY_UNEXPECTED"),
                          "entry {} of the log is not this permit's: {}", logged.entry.index,
                          Excerpt(EntrySummary(logged.entry.payload), 512));
}

}  // namespace

absl::StatusOr<LoggedDecision> CheckLogged(const std::string& log_proof,
                                           const PermitDecided& expected, const TrustRoot& root) {
  DML_ASSIGN_OR_RETURN(LogProof proof, ParseLogProof(log_proof));
  absl::StatusOr<LoggedEntry> logged = VerifyLogProof(proof, nullptr);
  if (!logged.ok()) {
    return PermissionDenied(ErrorReason("PERMIT_NOT_LOGGED"), "{}", Message(logged.status()));
  }
  const Checkpoint& checkpoint = logged->checkpoint;
  if (checkpoint.origin != root.origin) {
    return PermissionDenied(ErrorReason("CHECKPOINT_ORIGIN_UNEXPECTED"),
                            "the checkpoint is of log '{}', and the trust root is of '{}'",
                            Excerpt(checkpoint.origin), root.origin);
  }
  LoggedDecision out;
  DML_ASSIGN_OR_RETURN(out.checkpoint.key_id, CheckSignedByLog(proof.checkpoint_note, root));
  if (checkpoint.size < root.log_start_size) {
    return PermissionDenied(ErrorReason("CHECKPOINT_NOT_BELIEVED"),
                            "the checkpoint has size {}, and the trust root believes the log's key "
                            "from {} on: have the bundle made again",
                            checkpoint.size, root.log_start_size);
  }
  DML_RETURN_IF_ERROR(CheckEntry(*logged, proof.leaf, expected));
  DML_ASSIGN_OR_RETURN(out.note, ParseNote(proof.checkpoint_note));
  out.index = logged->entry.index;
  out.time = logged->entry.time;
  out.checkpoint.checkpoint = checkpoint;
  return out;
}

absl::Status CheckHistory(const LoggedDecision& logged, std::span<const LogHistory> history,
                          const std::optional<RememberedCheckpoint>& remembered,
                          const TrustRoot& root, std::string& detail) {
  const Checkpoint& now = logged.checkpoint.checkpoint;
  detail = fmt::format("{} entries", now.size);
  if (!remembered.has_value()) return absl::OkStatus();
  const Checkpoint& before = remembered->checkpoint;
  DML_ASSIGN_OR_RETURN(Authority log, RootAuthority(root, SigningRole::kLog));
  const bool is_of_log = std::ranges::any_of(
      log.keys, [&](const TrustKey& key) { return key.key.id() == remembered->key_id; });
  if (before.origin != now.origin || !is_of_log) {
    detail += fmt::format(
        "; the checkpoint of size {} of {} that was seen before is of a key or journal that trust "
        "root {} no longer names: it is set aside, keep it as evidence",
        before.size, before.origin, root.version);
    return absl::OkStatus();
  }
  if (now.size < before.size) {
    return PermissionDenied(ErrorReason("CHECKPOINT_ROLLED_BACK"),
                            "the checkpoint has size {}, and one of size {} was seen before: have "
                            "the bundle made again",
                            now.size, before.size);
  }
  if (now.size == before.size) {
    if (now.root == before.root) return absl::OkStatus();
    return DataLoss(ErrorReason("CHECKPOINT_FORKED"),
                    "the log signed two trees of size {}: {} was seen, and {} came; keep both as "
                    "evidence, and trust it no more",
                    now.size, before.root.ToString(), now.root.ToString());
  }
  if (before.size == 0) return absl::OkStatus();
  auto it = std::ranges::find(history, before.size, &LogHistory::size);
  if (it == history.end()) {
    return PermissionDenied(ErrorReason("HISTORY_MISSING"),
                            "the bundle does not show that the log goes on from size {}, which was "
                            "seen before: have one made that does",
                            before.size);
  }
  const absl::Status grown =
      VerifyConsistency(before.size, before.root, now.size, now.root, it->hashes);
  if (!grown.ok()) {
    return DataLoss(ErrorReason("CHECKPOINT_INCONSISTENT"),
                    "the log does not go on from the checkpoint of size {} that was seen before: "
                    "{}; keep both as evidence",
                    before.size, Message(grown));
  }
  detail += fmt::format(", going on from {}", before.size);
  return absl::OkStatus();
}

absl::StatusOr<Timestamp> SeenAt(const LoggedDecision& logged, uint32_t witnesses,
                                 const TrustRoot& root, Timestamp now) {
  if (logged.time > now + kMaxClockSkew) {
    return PermissionDenied(ErrorReason("CLOCK_BEHIND"),
                            "the decision is of {}, and here it is {}: set the clock right",
                            FormatTime(logged.time), FormatTime(now));
  }
  const std::vector<Witness> trusted = WitnessesOf(logged.note, root);
  DML_ASSIGN_OR_RETURN(std::vector<Cosignature> found, ReadCosignatures(logged.note, trusted));
  if (witnesses == 0) return logged.time;
  std::map<std::string, Timestamp> latest;  // By holder.
  for (const Cosignature& cosignature : found) {
    if (cosignature.time > now + kMaxClockSkew) continue;
    auto [it, is_new] = latest.emplace(cosignature.holder, cosignature.time);
    if (!is_new) it->second = std::max(it->second, cosignature.time);
  }
  if (latest.size() < witnesses) {
    return PermissionDenied(ErrorReason("WITNESSES_MISSING"),
                            "{} of {} different witnesses have cosigned the checkpoint; have the "
                            "bundle made again when more have",
                            latest.size(), witnesses);
  }
  std::vector<Timestamp> times;
  for (const auto& [holder, time] : latest) times.push_back(time);
  std::ranges::sort(times, std::greater<>());
  return times[witnesses - 1];
}

}  // namespace dml::evidence
