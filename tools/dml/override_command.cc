// dml release override: sets findings aside in an emergency.
#include <algorithm>

#include "client/releases.h"
#include "core/evidence/claims.h"
#include "core/evidence/override_claim.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/release_arguments.h"
#include "tools/dml/release_json.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct OverrideArgs {
  std::string release;
  std::string environment;
  std::vector<std::string> rules;
  std::string reason;
  std::string valid = "4h";
  std::vector<std::string> keys;
  std::string passphrase_file;
  std::string envelope;
  std::string out;
};

void Declare(CLI::App& app, OverrideArgs& args) {
  app.add_option("release", args.release, "NAME@VERSION")->required();
  app.add_option("--environment", args.environment, "Where");
  AddRepeated(app, "--rule", args.rules, "Whose findings are set aside, such as timing.*");
  app.add_option("--reason", args.reason, "Why");
  app.add_option("--valid", args.valid, "How long it holds, at most 24h")->capture_default_str();
  AddRepeated(app, "--key", args.keys,
              "A private key that signs it: first of who asks for it, then of who agrees")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_option("--envelope", args.envelope,
                 "Agree to this one, which somebody asked for with --out, instead of asking")
      ->type_name("FILE");
  app.add_option("--out", args.out,
                 "Write the signed envelope there, for others to sign, instead of sending it")
      ->type_name("FILE");
}

// A new one, asked for by whoever holds the first key.
absl::StatusOr<std::string> AskFor(Context& context, const ReleaseDetails& release,
                                   const OverrideArgs& args, Timestamp now) {
  DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(const std::chrono::seconds valid, ParseDurationArgument(args.valid));
  DML_ASSIGN_OR_RETURN(const PublicKey requester,
                       ReadPublicHalf(args.keys.front(), args.passphrase_file));
  OverrideClaim claim;
  claim.environment = args.environment;
  claim.rules = args.rules;
  std::ranges::sort(claim.rules);
  claim.rules.erase(std::unique(claim.rules.begin(), claim.rules.end()), claim.rules.end());
  claim.requester = requester.id();
  claim.reason = args.reason;
  claim.expires = std::chrono::floor<std::chrono::seconds>(now) + valid;
  const std::string predicate = FormatOverrideClaim(claim);
  if (const auto good = ParseOverrideClaim(predicate); !good.ok()) {
    return InvalidArgument(kArgumentInvalid, "{}", Message(good.status()));
  }
  return SignClaim(context, args.keys, args.passphrase_file, kOverridePredicate,
                   Subject{"", release.record.document.digest}, predicate);
}

// The one in a file, signed by these keys, too.
absl::StatusOr<std::string> AgreeTo(Context& context, const ReleaseDetails& release,
                                    const OverrideArgs& args) {
  if (!args.environment.empty() || !args.rules.empty() || !args.reason.empty()) {
    return InvalidArgument(kArgumentInvalid, "what --envelope says is not said again");
  }
  DML_ASSIGN_OR_RETURN(const std::vector<std::string> texts, ReadEnvelopes({args.envelope}));
  DML_ASSIGN_OR_RETURN(ClaimEnvelope claim, ReadClaimAbout(texts.front(), kOverridePredicate,
                                                           release.record.document.digest));
  DML_RETURN_IF_ERROR(ParseOverrideClaim(claim.predicate_json).status());
  DML_ASSIGN_OR_RETURN(const std::string text,
                       SignFor(context, kInTotoPayloadType, claim.envelope.payload, args.keys,
                               args.passphrase_file));
  DML_ASSIGN_OR_RETURN(const DsseEnvelope own, ParseEnvelope(text));
  for (const DsseSignature& signature : own.signatures) {
    claim.envelope.signatures.push_back(signature);
  }
  return FormatEnvelope(claim.envelope);
}

absl::StatusOr<Reply> Override(Context& context, const OverrideArgs& args) {
  DML_ASSIGN_OR_RETURN(const ReleaseName name, ParseReleaseArgument(args.release));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  ReleaseClient releases(*client);
  DML_ASSIGN_OR_RETURN(const ReleaseDetails release, releases.Get(name, args.environment));
  DML_ASSIGN_OR_RETURN(const std::string envelope,
                       args.envelope.empty() ? AskFor(context, release, args, WallClockNow())
                                             : AgreeTo(context, release, args));
  if (!args.out.empty()) {
    DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(envelope), 0644));
    Reply reply;
    reply.document = {{"file", args.out}};
    reply.text.Line("wrote " + args.out);
    return reply;
  }
  DML_ASSIGN_OR_RETURN(const ClaimEnvelope claim, ReadClaim(envelope, kOverridePredicate));
  DML_ASSIGN_OR_RETURN(const OverrideClaim says, ParseOverrideClaim(claim.predicate_json));
  DML_ASSIGN_OR_RETURN(auto done, releases.Override(name, envelope));
  return CommittedReply("release", ToJson(done.value), done.commit,
                        fmt::format("set {} aside for {} in {} until {}", JoinWords(says.rules),
                                    args.release, says.environment, FormatTime(says.expires)));
}

}  // namespace

void AddOverrideCommand(CommandTree& tree, CLI::App& release) {
  tree.Add<OverrideArgs>(
      release,
      {"override", "Set findings aside in an emergency, together with others",
       "dml release override payments@2.4.0 --environment production/eu --rule timing.* "
       "--reason \"the shop is down\" --key rita.key --key amy.key"},
      Declare, Override);
}

}  // namespace dml
