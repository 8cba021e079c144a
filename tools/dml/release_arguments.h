// What commands about releases have in common: names, and claims that are signed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/releases.h"
#include "core/release/release.h"
#include "core/trust/dsse.h"
#include "core/trust/statement.h"
#include "tools/dml/app.h"

namespace dml {

inline constexpr char kReleaseNameHelp[] = "NAME@VERSION";

/// "NAME@VERSION"; ARGUMENT_INVALID.
absl::StatusOr<ReleaseName> ParseReleaseArgument(std::string_view text);

inline constexpr char kReleaseOrFileHelp[] =
    "A file with a release document or a draft, or NAME@VERSION of one in the library";

/// A release document or a draft. The errors of ReadFile and ParseReleaseDraft, naming the file.
absl::StatusOr<Release> ReadReleaseFile(const std::string& file);
/// The same, or, where there is no such file and the text is NAME@VERSION, one of the library.
absl::StatusOr<Release> ReadReleaseOrFile(Context& context, const std::string& text);

/// An envelope over a claim about a subject, signed with these keys. The errors of FormatClaim,
/// SignFor.
absl::StatusOr<std::string> SignClaim(Context& context, const std::vector<std::string>& keys,
                                      const std::string& passphrase_file, std::string_view type,
                                      const Subject& subject, std::string_view predicate);

/// An RFC 3339 time; none for "". ARGUMENT_INVALID.
absl::StatusOr<std::optional<Timestamp>> ParseTimeArgument(const std::string& text);

}  // namespace dml
