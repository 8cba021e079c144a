#include "server/config/config_changes.h"

#include <map>

#include <nlohmann/json.hpp>

#include "core/base/strict_yaml.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr size_t kMaxBytes = 1 << 20;

void Flatten(const json& value, const std::string& path, std::map<std::string, json>& out) {
  if (!value.is_object()) {
    out[path] = value;
    return;
  }
  for (const auto& [key, member] : value.items()) {
    Flatten(member, path.empty() ? key : path + "." + key, out);
  }
}

std::map<std::string, json> Settings(const ServerConfig& config) {
  std::map<std::string, json> out;
  const absl::StatusOr<YamlDocument> document =
      ParseStrictYaml(FormatServerConfig(config), kMaxBytes, ErrorReason("CONFIG_INVALID"));
  if (document.ok()) Flatten(document->value, "", out);
  return out;
}

}  // namespace

std::vector<std::string> ChangedSettings(const ServerConfig& before, const ServerConfig& after) {
  const std::map<std::string, json> old = Settings(before);
  std::map<std::string, json> now = Settings(after);
  std::vector<std::string> out;
  for (const auto& [path, value] : old) {
    const auto it = now.find(path);
    if (it == now.end() || it->second != value) out.push_back(path);
  }
  for (const auto& [path, value] : now) {
    if (!old.contains(path)) out.push_back(path);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace dml
