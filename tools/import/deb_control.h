// The control file of a Debian binary package, and the relations in it (Debian Policy 5.1, 7.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/version/range.h"

namespace dml {

inline constexpr size_t kMaxDebControlFields = 256;

/// A field. Names match in any case, so that all are written alike here: "Pre-Depends", with a
/// capital after each '-'. The value is without blanks around it; lines after the first are kept
/// apart by '\n', without the one blank that each starts with.
struct DebField {
  std::string name;
  std::string value;
};

/// The fields of a control file's one paragraph, in order, no two of one name.
struct DebControl {
  std::vector<DebField> fields;

  /// The value, "" where there is no such field.
  std::string_view Get(std::string_view name) const;
};

/// INVALID_ARGUMENT (DEB_INVALID) with the line: not UTF-8, a control character, a line that is
/// neither "Name: value" nor a continuation, a field given twice, a second paragraph, or more than
/// kMaxDebControlFields.
absl::StatusOr<DebControl> ParseDebControl(std::string_view text);

/// The value on one line, each run of blanks as one space.
std::string FoldDebValue(std::string_view value);

/// "libc6:any (>= 2.36) [amd64]".
struct DebRelation {
  std::string name;
  std::optional<VersionComparator> constraint;  // Of scheme deb.
  bool obsolete_operator = false;               // "<" or ">", which mean "<=" and ">=".
  std::string qualifier;                        // After ':', "" where there is none.
  std::string architectures;                    // In brackets, "" where there are none.
};

/// What stands between commas: relations of which one must hold.
struct DebClause {
  std::vector<DebRelation> alternatives;
  std::string text;  // On one line.
};

/// Reads `clause *( "," clause )`, clause = relation *( "|" relation ); a comma at the end is let
/// pass, and an empty value has none. INVALID_ARGUMENT (DEB_RELATION_INVALID), the field violation
/// naming `field`, for anything else, a name that is none (core/package/names.h), a version that is
/// none, and for more than kMaxSpecRelations clauses or kMaxSpecAlternatives relations in one.
absl::StatusOr<std::vector<DebClause>> ParseDebRelations(std::string_view field,
                                                         std::string_view value);

}  // namespace dml
