#include "tools/dml/witness_demand.h"

#include <utility>

#include "core/os/file.h"
#include "core/trust/authority.h"
#include "core/trust/root_walk.h"
#include "tools/dml/arguments.h"

namespace dml {

void DeclareWitnessDemand(CLI::App& app, WitnessDemandArgs& args) {
  auto* count = app.add_option("--witnesses", args.count,
                               "How many different witnesses of the trust root must have cosigned "
                               "the log (default 0)")
                    ->check(WholeNumber("a number of witnesses", 0, kMaxThreshold))
                    ->type_name("K");
  app.add_option("--witness-age", args.within_hours, "Within how many hours (default 24)")
      ->check(WholeNumber("a number of hours", 1, 8760))
      ->type_name("HOURS")
      ->needs(count);
  app.add_option("--root", args.root,
                 "The trust root that names the witnesses (default: what the profile trusts)")
      ->type_name("FILE")
      ->needs(count);
}

absl::StatusOr<std::optional<TrustRoot>> RootOfWitnesses(Context& context,
                                                         const WitnessDemandArgs& args) {
  if (args.count == 0) return std::nullopt;
  if (args.root.empty()) {
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    DML_ASSIGN_OR_RETURN(Trust trust, client->GetTrust());
    return trust.root.root;
  }
  DML_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(args.root, kMaxEnvelopeBytes));
  DML_ASSIGN_OR_RETURN(TrustedRoot pinned, OpenPinnedRoot(bytes));
  return std::move(pinned.root);
}

absl::StatusOr<WitnessedCheckpoint> NewestWitnessed(const std::vector<std::string>& notes,
                                                    const std::string& origin,
                                                    const PublicKey& log_key, const TrustRoot& root,
                                                    const WitnessDemandArgs& args, Timestamp now) {
  absl::Status lacking = PermissionDenied(
      ErrorReason("WITNESSES_MISSING"),
      "nobody has cosigned {} yet; run dml log witness where its witnesses are", origin);
  bool told = false;
  for (const std::string& text : notes) {
    DML_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(text, origin, log_key));
    DML_ASSIGN_OR_RETURN(const Note note, ParseNote(text));
    const std::vector<Witness> witnesses = WitnessesOf(note, root);
    absl::Status enough =
        RequireWitnesses(note, witnesses, args.count, now - std::chrono::hours(args.within_hours));
    if (enough.ok()) {
      DML_ASSIGN_OR_RETURN(std::vector<Cosignature> found, ReadCosignatures(note, witnesses));
      return WitnessedCheckpoint{std::move(checkpoint), std::move(found)};
    }
    if (std::exchange(told, true)) continue;
    lacking = witnesses.empty() && note.signatures.size() > 1
                  ? Annotate(enough, "who has cosigned is no witness in the trust root")
                  : std::move(enough);
  }
  return lacking;
}

}  // namespace dml
