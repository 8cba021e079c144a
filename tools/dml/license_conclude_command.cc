// dml license conclude: a person says what the license of a variant is.
#include "core/evidence/claims.h"
#include "core/trust/dsse.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/records.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

struct ConcludeArgs {
  std::string variant;
  LicenseConclusion conclusion;
  std::vector<std::string> keys;
  std::string passphrase_file;
};

void DeclareConclude(CLI::App& app, ConcludeArgs& args) {
  app.add_option("variant", args.variant, "The variant that was looked into")->required();
  app.add_option("--license", args.conclusion.license, "Its license, an SPDX expression")
      ->required();
  app.add_option("--reason", args.conclusion.reason, "Why, for those who ask later")->required();
  AddRepeated(app, "--key", args.keys, "A private key of the role license-data that signs it")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Conclude(Context& context, const ConcludeArgs& args) {
  const std::string predicate = FormatLicenseConclusion(args.conclusion);
  DML_RETURN_IF_ERROR(ParseLicenseConclusion(predicate).status());
  DML_RETURN_IF_ERROR(Signers::Read(args.keys, args.passphrase_file).status());
  DML_ASSIGN_OR_RETURN(const VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const VariantDetails details, client->GetVariant(name));
  DML_ASSIGN_OR_RETURN(
      const std::string statement,
      FormatClaim(kLicenseConclusionPredicate,
                  {name.ResourceName(), details.record.manifest.digest}, predicate));
  DML_ASSIGN_OR_RETURN(const std::string envelope, SignFor(context, kInTotoPayloadType, statement,
                                                           args.keys, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(const auto done, client->Attach(name, envelope));
  const Json attestation = {{"variant", name.ResourceName()},
                            {"license", args.conclusion.license},
                            {"reason", args.conclusion.reason},
                            {"envelope", done.value.ref.envelope.digest.ToString()}};
  return CommittedReply(
      "conclusion", attestation, done.commit,
      fmt::format("concluded {} for {}", args.conclusion.license, name.ResourceName()));
}

}  // namespace

void AddLicenseConcludeCommand(CommandTree& tree, CLI::App& license) {
  tree.Add<ConcludeArgs>(license,
                         {"conclude", "Say what the license of a variant is, signed",
                          "dml license conclude acme/app@1.2.0 --license 'MIT AND Zlib' --reason "
                          "'the GPL file is a test' --key licenses.key"},
                         DeclareConclude, Conclude);
}

}  // namespace dml
