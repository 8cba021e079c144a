#include "tools/dml/release_name.h"

#include "core/package/names.h"

namespace dml {

absl::StatusOr<ReleaseName> ParseReleaseName(std::string_view text) {
  const size_t at = text.find('@');
  ReleaseName out;
  out.name = text.substr(0, at);
  if (at != text.npos) out.version = text.substr(at + 1);
  if (ValidatePackagePart(out.name).ok() && ValidateVersionText(out.version).ok()) return out;
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "'{}' is no release: write NAME@VERSION",
                         text);
}

}  // namespace dml
