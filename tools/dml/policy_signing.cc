#include "tools/dml/policy_signing.h"

#include "core/crypto/sha256.h"
#include "core/evidence/policy_claim.h"
#include "core/trust/dsse.h"
#include "tools/dml/arguments.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

// Of exactly this environment; 0 where it has none of its own.
absl::StatusOr<uint64_t> RevisionThere(Client& client, const std::string& environment) {
  const absl::StatusOr<PolicyDocument> policy = client.GetPolicy(environment);
  if (Reason(policy.status()) == "POLICY_NOT_FOUND") return 0;
  DML_RETURN_IF_ERROR(policy.status());
  return policy->record.environment == environment ? policy->record.revision : 0;
}

}  // namespace

void DeclarePolicySigning(CLI::App& app, PolicySigningArgs& args) {
  CLI::Option* key =
      AddRepeated(app, "--key", args.keys,
                  "A private key of the role policy that signs it; without one, nothing is "
                  "permitted by the policy");
  key->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_option("--witnesses", args.witnesses,
                 "Different witnesses that must have cosigned the journal for a permit to be good")
      ->check(WholeNumber("a number of witnesses", 0, kMaxEnvelopeSignatures))
      ->needs(key);
  app.add_option("--max-revocation-age", args.revocation_age,
                 "How long a node may act on a permit without hearing of revocations")
      ->capture_default_str()
      ->needs(key);
  AddLicensePropertiesOption(app, args.properties);
}

absl::StatusOr<std::string> SignPolicy(Context& context, const PolicySigningArgs& args,
                                       const std::string& environment,
                                       const std::string& document) {
  DML_ASSIGN_OR_RETURN(const auto properties,
                       ReadLicenseProperties(args.properties, BundledLicenseList()));
  DML_ASSIGN_OR_RETURN(
      const Policy policy,
      ParsePolicy(document, BundledLicenseList(), properties.has_value() ? &*properties : nullptr));
  DML_ASSIGN_OR_RETURN(const std::chrono::seconds age, ParseDurationArgument(args.revocation_age));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const uint64_t revision, RevisionThere(*client, environment));
  PolicyClaim claim = ClaimOf(policy, environment, revision + 1);
  claim.witnesses = static_cast<uint32_t>(args.witnesses);
  claim.max_revocation_age = age;
  DML_ASSIGN_OR_RETURN(
      const std::string payload,
      FormatClaim(kPolicyPredicate, Subject{"", Sha256(document)}, FormatPolicyClaim(claim)));
  // What a library would refuse is refused here, before it is signed.
  DML_RETURN_IF_ERROR(ParsePolicyClaim(FormatPolicyClaim(claim)).status());
  return SignFor(context, kInTotoPayloadType, payload, args.keys, args.passphrase_file);
}

}  // namespace dml
