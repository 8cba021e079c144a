#include "tools/dml/release_arguments.h"

#include <filesystem>

#include "core/evidence/claims.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

}  // namespace

absl::StatusOr<ReleaseName> ParseReleaseArgument(std::string_view text) {
  const size_t at = text.find('@');
  ReleaseName out;
  out.name = text.substr(0, at);
  if (at != text.npos) out.version = text.substr(at + 1);
  if (ValidatePackagePart(out.name).ok() && ValidateVersionText(out.version).ok()) return out;
  return InvalidArgument(kArgumentInvalid, "'{}' is no release: write NAME@VERSION", text);
}

absl::StatusOr<Release> ReadReleaseFile(const std::string& file) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxReleaseBytes));
  absl::StatusOr<Release> release = ParseReleaseDraft(text);
  if (!release.ok()) return Annotate(release.status(), file);
  return release;
}

absl::StatusOr<Release> ReadReleaseOrFile(Context& context, const std::string& text) {
  const absl::StatusOr<ReleaseName> name = ParseReleaseArgument(text);
  std::error_code error;
  if (!name.ok() || std::filesystem::exists(text, error)) return ReadReleaseFile(text);
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const ReleaseDetails details, ReleaseClient(*client).Get(*name));
  return ParseRelease(details.document);
}

absl::StatusOr<std::string> SignClaim(Context& context, const std::vector<std::string>& keys,
                                      const std::string& passphrase_file, std::string_view type,
                                      const Subject& subject, std::string_view predicate) {
  DML_ASSIGN_OR_RETURN(const std::string payload, FormatClaim(type, subject, predicate));
  return SignFor(context, kInTotoPayloadType, payload, keys, passphrase_file);
}

absl::StatusOr<std::optional<Timestamp>> ParseTimeArgument(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::optional<Timestamp> time = ParseTime(text);
  if (time.has_value()) return time;
  return InvalidArgument(kArgumentInvalid, "'{}' is no time such as 2027-03-27T22:00:00Z", text);
}

}  // namespace dml
