// Publications: the signed statements that a manifest is a variant, made when it is published and
// by those who vouch for it later. Internal to client/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/transfer.h"
#include "core/trust/dsse.h"

namespace dml {

/// FILE_NAME_REPEATED, FILE_NAME_CONFLICT where files cannot be called so in one package; the
/// errors of CheckFileName.
absl::Status CheckFileNames(const std::vector<LocalFile>& files);

/// The manifest of files with this content, in their order.
absl::StatusOr<std::string> MakeManifest(const std::string& spec_json,
                                         const std::vector<LocalFile>& files,
                                         std::span<const BlobRef> blobs);

/// What is signed: that the manifest is this variant.
absl::StatusOr<std::string> PublicationStatement(const VariantName& variant,
                                                 const Digest& manifest);

/// An envelope by which all of `keys` publish the manifest as this variant. The errors of
/// SignEnvelope.
absl::StatusOr<std::string> SignPublication(const VariantName& variant, const Digest& manifest,
                                            std::span<const Signer* const> keys);

/// The envelope, which must publish exactly this manifest as exactly this variant; whose signatures
/// it has is not looked at. VARIANT_NOT_VERIFIED where it says something else; the errors of
/// ParseEnvelope, ParseStatement and ParsePublicationPredicate.
absl::StatusOr<DsseEnvelope> ReadPublication(std::string_view envelope, const VariantName& variant,
                                             const Digest& manifest);

/// What PublishPackage answers where the library says that exactly this was published before: the
/// variant and its entry, both checked to be of this manifest (SERVER_ANSWER_INVALID). `refusal`,
/// the library's answer, where the variant is withdrawn.
absl::StatusOr<CommittedOnce<VariantRecord>> FindPublished(Client& client,
                                                           const VariantName& variant,
                                                           const BlobRef& manifest,
                                                           const absl::Status& refusal);

}  // namespace dml
