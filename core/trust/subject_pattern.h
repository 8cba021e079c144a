// Which subjects a delegation is for. The one form of patterns in trust documents.
//
//   pattern = segment *7("/" segment)      as many segments as the subject has
//   segment = 1*128 of [a-z0-9+._-] and "*"
//
// "*" stands for any run of characters, none included, but never for "/": "acme/*" covers every
// package of acme, "*/*" every package, and "*" none. Subjects are lower-case ASCII by their own
// grammars (core/package/names.h), so nothing is folded or normalized. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace dml {

class SubjectPattern {
 public:
  /// INVALID_ARGUMENT (PATTERN_INVALID) for text of another form.
  static absl::StatusOr<SubjectPattern> Parse(std::string_view text);

  /// Takes time linear in both for each star, never more.
  bool Covers(std::string_view subject) const;

  const std::string& text() const { return text_; }
  auto operator<=>(const SubjectPattern&) const = default;

 private:
  explicit SubjectPattern(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace dml
