// Releases as JSON, in the stable shapes that docs/cli.md describes; see records.h.
#pragma once

#include "core/journal/release_records.h"
#include "tools/dml/output.h"

namespace dml {

Json ToJson(const ReleaseRecord& record);
Json ToJson(const DeploymentRecord& record);
Json ToJson(const ReleaseEnvelopeRecord& record);

}  // namespace dml
