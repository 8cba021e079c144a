#include "tools/dml/signing.h"

#include <algorithm>

#include "client/signing_keys.h"
#include "core/trust/dsse.h"
#include "tools/dml/arguments.h"

namespace dml {

absl::StatusOr<std::string> SignFor(Context& context, std::string_view payload_type,
                                    std::string_view payload, const std::vector<std::string>& keys,
                                    const std::string& passphrase_file) {
  DML_ASSIGN_OR_RETURN(const Signers read, Signers::Read(keys, passphrase_file));
  SchemedSigners signers = SchemedSigners::AllRaw(read.get(), false);
  const bool any = std::ranges::any_of(read.get(), [](const Signer* key) {
    return key->public_key().algorithm() == KeyAlgorithm::kEcdsaP256;
  });
  if (any) {
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    DML_ASSIGN_OR_RETURN(signers, SignersFor(*client, read.get()));
  }
  DML_ASSIGN_OR_RETURN(const DsseEnvelope envelope,
                       SignEnvelope(payload_type, payload, signers.get()));
  return FormatEnvelope(envelope);
}

}  // namespace dml
