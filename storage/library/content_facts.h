// What the library knows of a variant, for the content rules of policies.
#pragma once

#include "core/gate/content_rules.h"
#include "core/journal/records.h"
#include "storage/engine/engine.h"

namespace dml {

/// Reads no more than the rules ask about. A provenance whose builder cannot be read names none.
absl::StatusOr<ContentFacts> ReadContentFacts(const Reader& state, const VariantRecord& record,
                                              const ContentRules& rules);

}  // namespace dml
