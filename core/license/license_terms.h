// What a license expression is found by, wherever expressions are indexed.
#pragma once

#include <set>
#include <string>

#include "core/base/digest.h"
#include "core/license/expression.h"
#include "core/license/properties.h"

namespace dml {

/// One license with its addition, as policies and properties compare them.
using LicenseKey = LicenseProperties::Key;

struct LicenseTerms {
  /// License and exception ids and references, as written; "X+" counts as X too. "NONE" or
  /// "NOASSERTION" for these.
  std::set<std::string> names;
  /// Of every leaf; "NONE" or "NOASSERTION" for these.
  std::set<LicenseKey> licenses;
  /// LicensePartDigest of every node of the tree.
  std::set<Digest> parts;
};

/// Takes time in proportion to the expression.
LicenseTerms TermsOf(const LicenseExpression& expression);

/// Names the meaning of an expression, so that it is found as a part of others: equal for operands
/// in another order or repeated, and for two ids of one license ("GPL-2.0", "GPL-2.0-only").
/// SHA-256 (docs/formats.md, "Views").
Digest LicensePartDigest(const LicenseExpression& expression);

}  // namespace dml
