#include "core/gate/findings.h"

#include <charconv>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

absl::Status Invalid() {
  return DataLoss(ErrorReason("FINDINGS_INVALID"), "the bytes are no findings of a decision");
}

// The next text: its length in the one way to write it, ':', and its bytes.
absl::StatusOr<std::string> TakeText(std::string_view& rest) {
  size_t size = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
  const auto digits = static_cast<size_t>(end - rest.data());
  if (error != std::errc() || digits == rest.size() || *end != ':') return Invalid();
  if (digits > 1 && rest.front() == '0') return Invalid();
  rest.remove_prefix(digits + 1);
  if (size > rest.size()) return Invalid();
  std::string out(rest.substr(0, size));
  rest.remove_prefix(size);
  return out;
}

}  // namespace

std::string FormatFindings(const std::vector<Finding>& findings) {
  std::string out;
  const auto add = [&](std::string_view text) {
    out += std::to_string(text.size());
    out += ':';
    out += text;
  };
  for (const Finding& finding : findings) {
    add(finding.rule);
    add(std::to_string(static_cast<int>(finding.severity)));
    add(finding.subject);
    add(finding.message);
    add(finding.remedy);
  }
  return out;
}

absl::StatusOr<std::vector<Finding>> ParseFindings(std::string_view bytes) {
  std::vector<Finding> out;
  while (!bytes.empty()) {
    Finding& finding = out.emplace_back();
    DML_ASSIGN_OR_RETURN(finding.rule, TakeText(bytes));
    DML_ASSIGN_OR_RETURN(const std::string severity, TakeText(bytes));
    if (severity != "1" && severity != "2" && severity != "3") return Invalid();
    finding.severity = static_cast<Severity>(severity.front() - '0');
    DML_ASSIGN_OR_RETURN(finding.subject, TakeText(bytes));
    DML_ASSIGN_OR_RETURN(finding.message, TakeText(bytes));
    DML_ASSIGN_OR_RETURN(finding.remedy, TakeText(bytes));
  }
  return out;
}

Digest FindingsDigest(const std::vector<Finding>& findings) {
  return Sha256(FormatFindings(findings));
}

}  // namespace dml
