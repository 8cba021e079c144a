// Arguments of commands that are more than text. Whatever is wrong with one is INVALID_ARGUMENT
// (ARGUMENT_INVALID) where nothing else is said, which is a usage error at any time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/keys.h"
#include "core/crypto/pkcs11_uri.h"
#include "core/trust/trust_root.h"
#include "tools/dml/app.h"

namespace dml {

/// "packages/N/P/versions/V/variants/A", or short "N/P@V[:PLATFORM]". A version may hold ':' too
/// (the epoch of deb), so only the library's variants tell what a short form means.
struct VariantArgument {
  std::optional<VariantName> full;  // Of a resource name.
  PackageName package;              // Else the short form's package,
  std::string rest;                 // and "V" or "V:PLATFORM".
};
absl::StatusOr<VariantArgument> ParseVariantArgument(std::string_view text);

/// The one of `known` that a short form means: its version and platform, or its version where it
/// has one variant. NOT_FOUND (VARIANT_NOT_FOUND) or INVALID_ARGUMENT (ARGUMENT_INVALID, more than
/// one), listing the candidates.
absl::StatusOr<VariantName> ChooseVariant(const VariantArgument& argument,
                                          const std::vector<VariantName>& known);

/// The variant that an argument names, asking the library where it is short.
absl::StatusOr<VariantName> ResolveVariant(Context& context, std::string_view text);
absl::StatusOr<std::vector<VariantName>> ResolveVariants(Context& context,
                                                         const std::vector<std::string>& texts);

/// The variant that a short form means by its words alone, whatever the library holds: what follows
/// the last ':' is a platform where it reads as one and starts with a letter; without one, any
/// platform.
VariantName LiteralVariant(const VariantArgument& argument);

/// "90d", "36h", "15m", "90s".
absl::StatusOr<std::chrono::seconds> ParseDurationArgument(std::string_view text);
/// The same, how long something is valid: not "0s".
absl::StatusOr<std::chrono::seconds> ParseValidityArgument(std::string_view text);

/// "KEY=VALUE" each, no key twice.
absl::StatusOr<Labels> ParseLabels(const std::vector<std::string>& texts);

/// "PATH" or "PATH=NAME", split at the last '='; the name is the path's last part where it is not
/// given.
absl::StatusOr<LocalFile> ParseFileArgument(std::string_view text);

/// "package", "abi", "service", "schema", "capability".
absl::StatusOr<RelationKind> ParseRelationKind(std::string_view text);

/// Whether a reason, for a withdrawal or a revocation, is one that the library takes.
absl::Status CheckReasonArgument(std::string_view text);

/// A name with the reason of core/package/names.h made ARGUMENT_INVALID.
absl::StatusOr<PackageName> ParsePackageArgument(std::string_view text);

/// "SCHEME:VERSION", such as "deb:1:2.36-9".
absl::Status CheckVersionArgument(std::string_view text);

/// How options that take a key to sign with, or any key, call their value.
inline constexpr char kKeyTypeName[] = "FILE|PKCS11-URI";

/// A key to sign with: the private key in a file that is its owner's alone, its passphrase the
/// first line of `passphrase_file` where that is not ""; or one on a token, by its URI "pkcs11:..."
/// or a file that holds just such a URI (and is its owner's alone: it may have a PIN). The errors
/// of ReadPrivateFile, FromPkcs8Pem, ParsePkcs11Uri and Pkcs11Modules; ARGUMENT_INVALID for a
/// public key, saying which file is wanted.
absl::StatusOr<std::unique_ptr<const Signer>> ReadSigner(const std::string& key,
                                                         const std::string& passphrase_file);

/// Several of them, of which the tokens' modules are loaded once.
class Signers {
 public:
  static absl::StatusOr<Signers> Read(const std::vector<std::string>& keys,
                                      const std::string& passphrase_file);
  /// In the order given; they live as long as this object.
  const std::vector<const Signer*>& get() const { return borrowed_; }

 private:
  std::vector<std::unique_ptr<const Signer>> owned_;
  std::vector<const Signer*> borrowed_;
};

/// The public key in a file, the public half of the private key in it, or that of a token's key.
/// The errors of ReadFile, FromSpkiPem and ReadSigner.
absl::StatusOr<PublicKey> ReadPublicHalf(const std::string& key,
                                         const std::string& passphrase_file);
/// How a key signs: `raw` says that an ecdsa-p256 key writes r || s. ARGUMENT_INVALID for another
/// key, naming `file`.
absl::StatusOr<SignatureScheme> SchemeArgument(const PublicKey& key, bool raw,
                                               const std::string& file);
/// The DSSE envelopes in files. The errors of ReadFile and ParseEnvelope, naming the file.
absl::StatusOr<std::vector<std::string>> ReadEnvelopes(const std::vector<std::string>& files);
absl::StatusOr<std::string> ReadPassphrase(const std::string& file);

}  // namespace dml
