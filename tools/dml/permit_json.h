// Permits as JSON, in the stable shapes that docs/cli.md describes; see records.h.
#pragma once

#include "client/permits.h"
#include "core/evidence/permit_verifier.h"
#include "tools/dml/output.h"
#include "tools/dml/release_arguments.h"

namespace dml {

Json ToJson(const PermitStanding& standing);
Json ToJson(const PermitUseRecord& record);
Json ToJson(const std::vector<RuleCount>& counts);
Json FindingsJson(const std::vector<Finding>& findings);

/// A permit as its verified statement has it.
Json ToJson(const PermitVerdict& verdict);

}  // namespace dml
