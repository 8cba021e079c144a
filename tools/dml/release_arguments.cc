#include "tools/dml/release_arguments.h"

#include "core/evidence/claims.h"
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
