// The answer of `dml status` and `dml admin status`.
#pragma once

#include "tools/dml/app.h"

namespace dml {

/// What the server says of itself and of the caller.
absl::StatusOr<Reply> ShowServerStatus(Context& context);

}  // namespace dml
