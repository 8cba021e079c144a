#include "server/config/environment.h"

#include <cctype>
#include <map>
#include <unistd.h>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/strict_yaml.h"
#include "core/base/text.h"
#include "server/config/server_config.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("CONFIG_INVALID");
constexpr std::string_view kPrefix = "DMLD_";
constexpr std::string_view kConfigFile = "DMLD_CONFIG";
constexpr size_t kMaxValueBytes = 64 << 10;

struct Setting {
  std::vector<std::string> path;
  json::value_t type;
};

void AddSettings(const json& value, const std::vector<std::string>& path,
                 std::map<std::string, Setting>& out) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      std::vector<std::string> inner = path;
      inner.push_back(key);
      AddSettings(member, inner, out);
    }
    return;
  }
  out[VariableOf(fmt::format("{}", fmt::join(path, ".")))] = {path, value.type()};
}

// By variable: what a whole configuration file has, so that none is forgotten.
absl::StatusOr<std::map<std::string, Setting>> AllSettings() {
  ServerConfig whole;
  whole.http.listen = kDefaultHttpListen;  // Sections that are only written where they are there.
  whole.observation.listen = kDefaultObservationListen;
  DML_ASSIGN_OR_RETURN(const YamlDocument document,
                       ParseStrictYaml(FormatServerConfig(whole), kMaxValueBytes, kInvalid));
  std::map<std::string, Setting> out;
  AddSettings(document.value, {}, out);
  return out;
}

// Text stays text, whatever it looks like; the rest is read as YAML would.
absl::StatusOr<json> ReadValue(std::string_view variable, std::string_view text,
                               json::value_t type) {
  if (type == json::value_t::string) return json(std::string(text));
  absl::StatusOr<YamlDocument> read =
      ParseStrictYaml(fmt::format("value: {}", text), kMaxValueBytes, kInvalid);
  if (!read.ok() || read->value.size() != 1 || read->value["value"].is_object()) {
    return InvalidArgument(kInvalid, "{} is '{}', which cannot be read as a value of YAML",
                           variable, Excerpt(text));
  }
  return read->value["value"];
}

}  // namespace

std::string VariableOf(std::string_view path) {
  std::string out(kPrefix);
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte) != 0) out.push_back('_');
    out.push_back(c == '.' ? '_' : static_cast<char>(std::toupper(byte)));
  }
  return out;
}

absl::StatusOr<bool> ApplyEnvironment(std::span<const std::string> environment, json& document) {
  std::map<std::string, Setting> settings;
  bool changed = false;
  for (const std::string& line : environment) {
    const size_t equals = line.find('=');
    const std::string_view name = std::string_view(line).substr(0, equals);
    if (!name.starts_with(kPrefix) || name == kConfigFile || equals == std::string::npos) continue;
    if (settings.empty()) {
      DML_ASSIGN_OR_RETURN(settings, AllSettings());
    }
    const auto setting = settings.find(std::string(name));
    if (setting == settings.end()) {
      std::vector<std::string_view> known = {kConfigFile};
      for (const auto& [variable, unused] : settings) known.push_back(variable);
      const std::string_view nearest = ClosestMatch(name, known);
      return InvalidArgument(kInvalid, "no setting has the environment variable {}{}",
                             Excerpt(name),
                             nearest.empty() ? "" : fmt::format("; do you mean {}?", nearest));
    }
    const std::string_view text = std::string_view(line).substr(equals + 1);
    if (text.size() > kMaxValueBytes) {
      return InvalidArgument(kInvalid, "{} has {} bytes; at most {}", name, text.size(),
                             kMaxValueBytes);
    }
    DML_ASSIGN_OR_RETURN(json value, ReadValue(name, text, setting->second.type));
    json* at = &document;
    for (const std::string& key : setting->second.path) at = &(*at)[key];
    *at = std::move(value);
    changed = true;
  }
  return changed;
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  return out;
}

}  // namespace dml
