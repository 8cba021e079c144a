// Compatibility of licenses: may code under one become part of a whole under another.
//
// Answers come from a matrix in the JSON form that OSADL publishes (https://www.osadl.org/Access-
// to-raw-data.oss-compliance-raw-data-access.0.html, matrixseqexpl.json):
//   {"timeformat": ..., "timestamp": "2024-11-04T13:45:00+0000",
//    "licenses": [{"name": OUTBOUND, "compatibilities":
//      [{"name": INBOUND, "compatibility": "Yes", "explanation": "..."}, ...]}, ...]}
// The matrix is directed, and answers for code that is merged into one work which is given to
// others: "Same" and "Yes" are ALLOW, "No" is DENY, "Unknown" and "Check dependency" are REVIEW.
// For other uses its "No" is no answer, and becomes REVIEW; a pair without data is REVIEW too.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/license/context.h"
#include "core/license/expression.h"
#include "core/license/license_list.h"
#include "core/license/policy.h"

namespace dml {

inline constexpr size_t kMaxMatrixBytes = 32 << 20;
inline constexpr size_t kMaxMatrixLicenses = 1024;
inline constexpr size_t kMaxMatrixExplanationBytes = 8192;

/// In the words of the matrix.
enum class MatrixAnswer { kSame, kYes, kNo, kUnknown, kCheckDependency };
std::string_view MatrixAnswerName(MatrixAnswer answer);  // "Same", ..., "Check dependency".

struct MatrixCell {
  MatrixAnswer answer = MatrixAnswer::kUnknown;
  std::string explanation;  // "n.a." where there is nothing to explain.
  bool operator==(const MatrixCell&) const = default;
};

/// A complete square of answers: an immutable value. Safe to read from any thread.
class CompatibilityMatrix {
 public:
  /// INVALID_ARGUMENT (LICENSE_MATRIX_INVALID). Where the document is no matrix, or beyond the
  /// limits above, the message says where. Where it has faults, all of them are counted, and the
  /// first 64 are told as field violations, "OUTBOUND <- INBOUND": a pair that is missing, blank,
  /// answered twice or with another word, a license that is not one on `list` or there twice, a
  /// diagonal that is not "Same" and a "Same" beside it. `source` names the data in answers.
  static absl::StatusOr<CompatibilityMatrix> Parse(std::string_view json, std::string source,
                                                   const LicenseList& list);

  /// "SOURCE of TIMESTAMP".
  const std::string& version() const { return version_; }
  /// Canonical texts, in the order of the document.
  const std::vector<std::string>& licenses() const { return licenses_; }

  /// The cell of one outbound and one inbound license, or nullptr. An inbound license "or later"
  /// without a column of its own has that of the best of its versions.
  const MatrixCell* Find(const LicenseLeaf& outbound, const LicenseLeaf& inbound,
                         const LicenseList& list) const;
  /// By indexes in licenses().
  const MatrixCell& at(size_t outbound, size_t inbound) const {
    return cells_[outbound * licenses_.size() + inbound];
  }

 private:
  friend class MatrixReader;
  using Key = std::pair<LicenseVersion, std::string>;

  std::string version_;
  std::vector<std::string> licenses_;
  std::map<Key, size_t> index_;
  std::vector<MatrixCell> cells_;  // Row by row.
};

/// One line for each license that only one of them has ("- X", "+ X") and each pair that both have
/// and answer otherwise ("A <- B: No, now Yes"); at most `max_lines`, then "... and N more".
std::vector<std::string> DiffMatrices(const CompatibilityMatrix& before,
                                      const CompatibilityMatrix& after, size_t max_lines = 1000);

/// The answer for two expressions in a context; never ALLOW_WITH_OBLIGATIONS.
struct LicenseComparison {
  LicenseOutcome outcome = LicenseOutcome::kReview;
  std::string outbound;  // Canonical texts.
  std::string inbound;
  LicenseContext context;
  std::string explanation;  // Of the pairs that decided, each once, at most 16, joined by " / ".
  std::string source;       // Version of the matrix.
  std::string list_version;
};

/// Never fails; takes |outbound| x |inbound| look-ups. Inbound, OR takes its best operand and AND
/// its worst. Outbound, OR takes its worst, as the recipient chooses; where the operands of an AND
/// differ and one allows it, it is REVIEW, as the matrix does not know of combined terms.
LicenseComparison CompareLicenses(const LicenseExpression& outbound,
                                  const LicenseExpression& inbound, const LicenseContext& context,
                                  const CompatibilityMatrix& matrix, const LicenseList& list);

}  // namespace dml
