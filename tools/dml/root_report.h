// What a trust root says, and who has signed it, for people and scripts.
#pragma once

#include "tools/dml/app.h"
#include "tools/dml/root_document.h"

namespace dml {

/// What a file holds, and whether enough have signed it: by its own root role, and as the one after
/// `previous` where that is given. The errors of FormatTrustRoot: a document may be read and yet be
/// too large to be written as this program writes it.
absl::StatusOr<Reply> DescribeRoot(const RootFile& file, const std::optional<TrustRoot>& previous);

}  // namespace dml
