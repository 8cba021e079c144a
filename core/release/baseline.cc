#include "core/release/baseline.h"

#include <algorithm>

namespace dml {
namespace {

constexpr ErrorReason kInvalid("BASELINE_INVALID");

absl::Status TooMany(size_t count) {
  return InvalidArgument(kInvalid, "{} variants in use; at most {}", count, kMaxBaselineVariants);
}

}  // namespace

absl::StatusOr<std::string> FormatBaseline(std::vector<VariantName> variants) {
  if (variants.size() > kMaxBaselineVariants) return TooMany(variants.size());
  std::vector<std::string> names;
  for (const VariantName& variant : variants) names.push_back(variant.ResourceName());
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string out;
  for (const std::string& name : names) out += name + "\n";
  if (out.size() <= kMaxBaselineBytes) return out;
  return InvalidArgument(kInvalid, "the variants in use have names of {} bytes; at most {}",
                         out.size(), kMaxBaselineBytes);
}

absl::StatusOr<std::vector<VariantName>> ParseBaseline(std::string_view text) {
  if (text.size() > kMaxBaselineBytes) {
    return InvalidArgument(kInvalid, "{} bytes; at most {}", text.size(), kMaxBaselineBytes);
  }
  std::vector<VariantName> out;
  std::string_view before;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == text.npos || line <= before) {
      return InvalidArgument(kInvalid, "line {} {}", out.size() + 1,
                             end == text.npos ? "does not end" : "is not in ascending order");
    }
    if (out.size() == kMaxBaselineVariants) return TooMany(out.size() + 1);
    absl::StatusOr<VariantName> name = VariantName::Parse(line);
    if (!name.ok() || name->ResourceName() != line) {
      return InvalidArgument(kInvalid, "line {} is no name of a variant", out.size() + 1);
    }
    out.push_back(*std::move(name));
    before = line;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace dml
