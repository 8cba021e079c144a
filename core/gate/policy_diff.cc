#include "core/gate/policy_diff.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/strict_yaml.h"
#include "core/gate/policy.h"
#include "core/gate/policy_shape.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("POLICY_INVALID");

using Leaves = std::map<std::string, std::string>;

// Values by path. Lists of texts are sets, in which position means nothing.
void Flatten(const json& value, const std::string& path, Leaves& out) {
  const bool has_objects = value.is_array() && std::ranges::any_of(value, [](const json& item) {
                             return item.is_structured();
                           });
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      Flatten(member, path.empty() ? name : path + "." + name, out);
    }
  } else if (has_objects) {
    for (size_t i = 0; i < value.size(); ++i) {
      Flatten(value[i], fmt::format("{}[{}]", path, i), out);
    }
  } else if (value.is_array()) {
    std::set<json> sorted(value.begin(), value.end());
    if (!sorted.empty()) out[path] = json(sorted).dump();
  } else {
    out[path] = value.dump();
  }
}

absl::StatusOr<Leaves> ReadLeaves(std::string_view text) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxPolicyBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), "policy");
  const absl::Status status = CheckShape(document->value, PolicyShape(), kInvalid);
  if (!status.ok()) return Annotate(document->AtLine(status), "policy");
  Leaves out;
  Flatten(document->value, "", out);
  return out;
}

}  // namespace

absl::StatusOr<std::vector<PolicyDifference>> DiffPolicies(std::string_view before,
                                                           std::string_view after) {
  absl::StatusOr<Leaves> old_leaves = ReadLeaves(before);
  if (!old_leaves.ok()) return Annotate(old_leaves.status(), "before");
  absl::StatusOr<Leaves> new_leaves = ReadLeaves(after);
  if (!new_leaves.ok()) return Annotate(new_leaves.status(), "after");
  std::map<std::string, PolicyDifference> all;
  for (const auto& [path, value] : *old_leaves) all[path].before = value;
  for (const auto& [path, value] : *new_leaves) all[path].after = value;
  std::vector<PolicyDifference> out;
  for (auto& [path, difference] : all) {
    if (difference.before == difference.after) continue;
    difference.path = path;
    out.push_back(std::move(difference));
  }
  return out;
}

}  // namespace dml
