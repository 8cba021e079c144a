#include "tools/dml/relation_argument.h"

#include "core/base/text.h"
#include "core/compat/resolve_document.h"
#include "tools/dml/arguments.h"

namespace dml {
namespace {

absl::StatusOr<VersionRange> ParseRange(std::string_view text) {
  if (text.starts_with("vers:")) return VersionRange::ParseVers(text);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "\"{}\" does not say by which scheme it is a range; write "
                           "SCHEME:RANGE, such as \"semver:>=2 <3\" or \"deb:>= 2.36\"",
                           Excerpt(text));
  }
  DML_ASSIGN_OR_RETURN(const VersionScheme scheme, ParseVersionScheme(text.substr(0, colon)));
  return VersionRange::ParseNative(scheme, text.substr(colon + 1));
}

}  // namespace

absl::StatusOr<RelationTarget> ParseRelationArgument(std::string_view text) {
  RelationTarget out;
  out.range = VersionRange::All();
  std::string_view name = text.substr(0, text.find(' '));
  if (name.size() < text.size()) {
    std::string_view range = text.substr(name.size());
    range.remove_prefix(std::min(range.find_first_not_of(' '), range.size()));
    if (!range.empty()) {
      DML_ASSIGN_OR_RETURN(out.range, ParseRange(range));
    }
  }
  if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
    DML_ASSIGN_OR_RETURN(out.kind, ParseRelationKind(name.substr(0, colon)));
    name.remove_prefix(colon + 1);
  }
  DML_RETURN_IF_ERROR(ValidateRelationName(out.kind, name));
  out.name = name;
  return out;
}

}  // namespace dml
