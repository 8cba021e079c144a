#include "tools/dml/witness_demand.h"

#include <algorithm>
#include <utility>

#include "core/os/file.h"
#include "core/trust/authority.h"
#include "core/trust/root_walk.h"
#include "tools/dml/arguments.h"

namespace dml {
namespace {

absl::StatusOr<std::vector<Cosignature>> Witnessed(const Note& note, const WitnessDemand& demand,
                                                   Timestamp now) {
  const Timestamp not_before = now - demand.within;
  const Timestamp not_after = now + kMaxCosignatureSkew;
  if (demand.policy.has_value()) return RequireQuorum(note, *demand.policy, not_before, not_after);
  const std::vector<Witness> witnesses = WitnessesOf(note, *demand.root);
  absl::Status enough = RequireWitnesses(note, witnesses, demand.count, not_before, not_after);
  if (enough.ok()) return ReadCosignatures(note, witnesses);
  if (!witnesses.empty() || note.signatures.size() <= 1) return enough;
  return Annotate(enough, "who has cosigned is no witness in the trust root");
}

}  // namespace

void DeclareWitnessDemand(CLI::App& app, WitnessDemandArgs& args) {
  auto* count = app.add_option("--witnesses", args.count,
                               "How many different witnesses of the trust root must have cosigned "
                               "the log (default 0)")
                    ->check(WholeNumber("a number of witnesses", 0, kMaxThreshold))
                    ->type_name("K");
  app.add_option("--root", args.root,
                 "The trust root that names the witnesses (default: what the profile trusts)")
      ->type_name("FILE")
      ->needs(count);
  app.add_option("--policy", args.policy,
                 "A policy (c2sp.org/tlog-policy) whose quorum must have cosigned the log")
      ->type_name("FILE")
      ->excludes(count);
  app.add_option("--witness-age", args.within_hours, "Within how many hours (default 24)")
      ->check(WholeNumber("a number of hours", 1, 8760))
      ->type_name("HOURS");
}

absl::StatusOr<LogPolicy> ReadLogPolicy(const std::string& file) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxLogPolicyBytes));
  absl::StatusOr<LogPolicy> policy = ParseLogPolicy(text);
  if (!policy.ok()) return Annotate(policy.status(), file);
  return policy;
}

absl::StatusOr<std::optional<WitnessDemand>> ReadWitnessDemand(Context& context,
                                                               const WitnessDemandArgs& args) {
  WitnessDemand out;
  out.count = args.count;
  out.within = std::chrono::hours(args.within_hours);
  if (!args.policy.empty()) {
    DML_ASSIGN_OR_RETURN(out.policy, ReadLogPolicy(args.policy));
    return out;
  }
  if (args.count == 0) return std::nullopt;
  if (args.root.empty()) {
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    DML_ASSIGN_OR_RETURN(Trust trust, client->GetTrust());
    out.root = std::move(trust.root.root);
    return out;
  }
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(args.root, kMaxEnvelopeBytes));
  DML_ASSIGN_OR_RETURN(TrustedRoot pinned, OpenPinnedRoot(bytes));
  out.root = std::move(pinned.root);
  return out;
}

absl::Status RequireLogOfPolicy(const LogPolicy& policy, const std::string& origin,
                                const PublicKey& log_key) {
  const bool named = std::ranges::any_of(policy.logs, [&](const LogPolicy::Log& log) {
    return log.origin == origin && log.key == log_key;
  });
  if (named || policy.logs.empty()) return absl::OkStatus();
  return PermissionDenied(ErrorReason("LOG_KEY_MISMATCH"),
                          "the policy names other logs than {} with key {}; is it the policy for "
                          "this library?",
                          origin, log_key.id().hex());
}

absl::StatusOr<WitnessedCheckpoint> NewestWitnessed(const std::vector<std::string>& notes,
                                                    const std::string& origin,
                                                    const PublicKey& log_key,
                                                    const WitnessDemand& demand, Timestamp now) {
  if (demand.policy.has_value()) {
    DML_RETURN_IF_ERROR(RequireLogOfPolicy(*demand.policy, origin, log_key));
  }
  absl::Status lacking = PermissionDenied(
      ErrorReason("WITNESSES_MISSING"),
      "nobody has cosigned {} yet; run dml log witness where its witnesses are", origin);
  bool told = false;
  for (const std::string& text : notes) {
    DML_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(text, origin, log_key));
    DML_ASSIGN_OR_RETURN(const Note note, ParseNote(text));
    absl::StatusOr<std::vector<Cosignature>> enough = Witnessed(note, demand, now);
    if (enough.ok()) return WitnessedCheckpoint{std::move(checkpoint), *std::move(enough)};
    if (!std::exchange(told, true)) lacking = enough.status();
  }
  return lacking;
}

}  // namespace dml
