#include "client/publication_draft.h"

#include "client/file_io.h"
#include "client/publication.h"
#include "core/crypto/sha256.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(ErrorReason("PUBLICATION_INVALID"), format, std::forward<Args>(args)...);
}

}  // namespace

absl::StatusOr<PublicationDraft> DraftPublication(const std::string& spec_json,
                                                  const std::vector<LocalFile>& files) {
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(spec_json));
  DML_RETURN_IF_ERROR(CheckFileNames(files));
  std::vector<BlobRef> blobs;
  for (const LocalFile& file : files) {
    DML_ASSIGN_OR_RETURN(FileDescriptor opened, OpenRegular(file.path));
    DML_ASSIGN_OR_RETURN(blobs.emplace_back(), HashFile(opened, file.path));
  }
  DML_ASSIGN_OR_RETURN(const std::string manifest, MakeManifest(spec_json, files, blobs));
  PublicationDraft out;
  out.variant = {spec.package, spec.version.text(), spec.platform};
  out.manifest = {Sha256(manifest), manifest.size()};
  DML_ASSIGN_OR_RETURN(out.statement, PublicationStatement(out.variant, out.manifest.digest));
  return out;
}

absl::StatusOr<PublicationDraft> ReadPublicationDraft(std::string_view statement) {
  DML_ASSIGN_OR_RETURN(const Statement parsed, ParseStatement(statement));
  if (parsed.predicate_type != kPublicationPredicate) {
    return Invalid("it claims '{}', and a publication is '{}': make one with dml package statement",
                   parsed.predicate_type, kPublicationPredicate);
  }
  if (parsed.subjects.size() != 1) {
    return Invalid("it is about {} things, and a publication about one manifest",
                   parsed.subjects.size());
  }
  DML_ASSIGN_OR_RETURN(PublicationPredicate predicate,
                       ParsePublicationPredicate(parsed.predicate_json));
  if (predicate.manifest_media_type != kManifestMediaType) {
    return Invalid("its manifest is of type '{}', not '{}'", predicate.manifest_media_type,
                   kManifestMediaType);
  }
  PublicationDraft out;
  out.variant = std::move(predicate.variant);
  out.manifest.digest = parsed.subjects[0].sha256;
  out.statement = statement;
  return out;
}

absl::Status RequirePublicationOf(const PublicationDraft& draft,
                                  std::span<const std::string> envelopes) {
  absl::Status why;
  for (const std::string& envelope : envelopes) {
    const absl::Status found =
        ReadPublication(envelope, draft.variant, draft.manifest.digest).status();
    if (found.ok()) return found;
    if (why.ok()) why = found;
  }
  return InvalidArgument(ErrorReason("PUBLICATION_MISSING"),
                         "nobody has signed that {} is manifest {}{}; sign it with --key, or let "
                         "others do so: dml package statement, dml package sign --statement",
                         draft.variant.ResourceName(), draft.manifest.digest.ToString(),
                         why.ok() ? "" : fmt::format(": of the first envelope, {}", Message(why)));
}

}  // namespace dml
