// A finding: one reason in a decision, and the fact that would change it.
#pragma once

#include <compare>
#include <string>

namespace dml {

enum class Severity { kInfo = 1, kWarning = 2, kError = 3 };  // kError alone denies.

/// One reason, stable in text and order for the same input.
struct Finding {
  std::string rule;  // Stable id, e.g. "compatibility.requirement-missing".
  Severity severity = Severity::kError;
  std::string
      subject;  // What it is about: a resource name such as packages/acme/api/versions/2.4.1.
  std::string message;  // What is wrong, with the facts.
  std::string remedy;   // The fact that would change it, as an action.
  auto operator<=>(const Finding&) const = default;
};

}  // namespace dml
