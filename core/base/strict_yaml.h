// A strict reader of YAML documents that people write (policies, settings), JSON included.
//
// What it reads is JSON's data model in YAML 1.2's notation, so that a document means one thing:
// one document, UTF-8, no anchors, aliases, tags or merge keys, keys are text and not repeated,
// depth <= kMaxDocumentDepth, a size limit given by the caller. Plain (unquoted) null, true, false
// and numbers are those values, as YAML's core schema has them; only a decimal whole number becomes
// an exact one. Everything else plain is text ("no" and "on" too).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/status.h"

namespace dml {

/// A document's value, to be read with ObjectReader, and where each part of it stands.
struct YamlDocument {
  nlohmann::json value;
  std::map<std::string, int> lines;  // From 1, by path: "content.allowedNamespaces[0]".

  /// The same error with "line N: " before its message: the line of its first field violation, or
  /// of the nearest enclosing part where that is missing from the document.
  absl::Status AtLine(const absl::Status& status) const;
};

/// INVALID_ARGUMENT with the given reason; the message starts with the line.
absl::StatusOr<YamlDocument> ParseStrictYaml(std::string_view text, size_t max_bytes,
                                             ErrorReason reason);

}  // namespace dml
