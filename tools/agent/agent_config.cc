#include "tools/agent/agent_config.h"

#include <algorithm>
#include <array>
#include <set>

#include <sys/utsname.h>

#include "core/agent/agent_state.h"
#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/package/document_members.h"

namespace dml::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr ErrorReason kInvalid("CONFIG_INVALID");
constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxTextBytes = 4096;
constexpr size_t kMaxHandlers = 64;
constexpr size_t kMaxPatterns = 256;
constexpr uint64_t kMinRate = 64 << 10;  // Slower, and a stream looks as if it stood still.
constexpr uint64_t kMaxSeconds = 7 * 24 * 3600;
constexpr std::array<std::string_view, 4> kKinds = {"DIRECTORY", "EXEC", "DEB", "FAKE"};

uint64_t Number(ObjectReader& in, std::string_view key, uint64_t min, uint64_t max,
                uint64_t fallback) {
  const bool is_there = in.Has(key);
  in.Read(key, [](const json&) { return absl::OkStatus(); });
  return is_there ? in.Unsigned(key, min, max) : fallback;
}

std::chrono::seconds Seconds(ObjectReader& in, std::string_view key, uint64_t min,
                             std::chrono::seconds fallback) {
  return std::chrono::seconds(
      Number(in, key, min, kMaxSeconds, static_cast<uint64_t>(fallback.count())));
}

fs::path Path(ObjectReader& in, std::string_view key, const fs::path& folder) {
  const std::string text = in.StringOr(key, kMaxTextBytes, "");
  return text.empty() ? fs::path() : (folder / text).lexically_normal();
}

fs::path RequiredPath(ObjectReader& in, std::string_view key, const fs::path& folder) {
  if (!in.Has(key)) in.Check(key, InvalidArgument(kInvalid, "is missing"));
  return Path(in, key, folder);
}

bool Flag(ObjectReader& in, std::string_view key) {
  return in.Has(key) && document::ReadBool(in, key, kInvalid);
}

// What a member means depends on it, so that it is told first.
absl::Status CheckKind(const json& value) {
  const bool is_there = value.is_object() && value.contains("kind") && value["kind"].is_string();
  if (!is_there || std::ranges::count(kKinds, value["kind"].get<std::string>()) > 0) {
    return absl::OkStatus();
  }
  return AtField(InvalidArgument(kInvalid, "is none of DIRECTORY, EXEC, DEB, FAKE"), "kind");
}

absl::StatusOr<HandlerConfig> ReadHandler(const json& value, const fs::path& folder) {
  DML_RETURN_IF_ERROR(CheckKind(value));
  ObjectReader in(value, kInvalid);
  HandlerConfig out;
  out.name = in.String("name", 64);
  in.Check("name", ValidateNamespace(out.name));
  out.kind = static_cast<HandlerKind>(in.Word("kind", kKinds) + 1);
  for (const std::string& text : in.Strings("packages", kMaxPatterns, kMaxTextBytes)) {
    absl::StatusOr<SubjectPattern> pattern = SubjectPattern::Parse(text);
    in.Check("packages", pattern.status());
    if (pattern.ok()) out.packages.push_back(*std::move(pattern));
  }
  if (out.packages.empty()) in.Check("packages", InvalidArgument(kInvalid, "is missing"));
  if (out.kind == HandlerKind::kDirectory) {
    out.root = RequiredPath(in, "root", folder);
    out.unpack = Flag(in, "unpack");
    out.executables = in.Strings("executables", kMaxPatterns, kMaxTextBytes);
    out.after_switch = Path(in, "afterSwitch", folder);
  }
  if (out.kind == HandlerKind::kExec) {
    out.scripts = RequiredPath(in, "scripts", folder);
    out.max_output = Number(in, "maxOutputBytes", 256, 16 << 20, out.max_output);
  }
  if (out.kind == HandlerKind::kDeb) {
    out.root = Path(in, "root", folder);
    if (out.root.empty()) out.root = "/";
    out.time_limit = std::chrono::seconds(900);
  }
  if (out.kind == HandlerKind::kFake) {
    out.file = RequiredPath(in, "file", folder);
    out.fails_at = in.StringOr("failsAt", 64, "");
    out.fails_version = in.StringOr("failsVersion", 128, "");
  } else {
    out.time_limit = Seconds(in, "timeLimitSeconds", 1, out.time_limit);
  }
  if (out.kind == HandlerKind::kDirectory || out.kind == HandlerKind::kDeb) {
    out.health = Path(in, "health", folder);
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

absl::Status ReadLimits(const json& value, AgentLimits& limits) {
  ObjectReader in(value, kInvalid);
  limits.disk_bytes = Number(in, "diskBytes", 0, document::kMaxNumber, limits.disk_bytes);
  limits.min_free_bytes =
      Number(in, "minFreeBytes", 0, document::kMaxNumber, limits.min_free_bytes);
  limits.bytes_per_second = Number(in, "bytesPerSecond", 0, document::kMaxNumber, 0);
  if (limits.bytes_per_second != 0 && limits.bytes_per_second < kMinRate) {
    in.Check("bytesPerSecond", InvalidArgument(kInvalid, "is less than {}", kMinRate));
  }
  return in.Finish();
}

absl::Status ReadHealth(const json& value, AgentConfig& config) {
  ObjectReader in(value, kInvalid);
  config.health_tries = static_cast<int>(Number(in, "tries", 1, 1000, 3));
  config.health_interval = Seconds(in, "intervalSeconds", 0, config.health_interval);
  return in.Finish();
}

absl::Status ReadPoll(const json& value, AgentConfig& config) {
  ObjectReader in(value, kInvalid);
  config.poll_interval = Seconds(in, "intervalSeconds", 1, config.poll_interval);
  config.jitter_percent = static_cast<uint32_t>(Number(in, "jitterPercent", 0, 100, 20));
  return in.Finish();
}

void ReadFacts(ObjectReader& in, NodeFacts& facts) {
  facts.environment = document::ReadEnvironment(in, "environment");
  facts.node = in.String("node", 253);
  in.Check("node", ValidateNodeName(facts.node));
  facts.labels = in.StringMap("labels", 64, 256);
  for (const auto& [key, label] : facts.labels) in.Check("labels", ValidateLabel(key, label));
  const bool says = in.Has("platforms");
  for (const std::string& text : in.Strings("platforms", 16, 128)) {
    absl::StatusOr<Platform> platform = Platform::Parse(text);
    in.Check("platforms", platform.status());
    if (platform.ok()) facts.platforms.push_back(*platform);
  }
  if (!says) facts.platforms = OwnPlatforms();
}

absl::StatusOr<AgentConfig> ReadConfig(const json& value, const fs::path& folder) {
  ObjectReader in(value, kInvalid);
  AgentConfig out;
  ReadFacts(in, out.facts);
  out.state_dir = RequiredPath(in, "stateDir", folder);
  out.root_file = RequiredPath(in, "rootFile", folder);
  out.profile = Path(in, "profile", folder);
  out.layout = Path(in, "layout", folder);
  if (!out.layout.empty() && !out.profile.empty()) {
    in.Check("layout", InvalidArgument(kInvalid,
                                       "content comes from it or from the library of "
                                       "'profile': leave one of them out"));
  }
  out.permit_file = Path(in, "permitFile", folder);
  out.keep_sets = Number(in, "keepSets", 1, kMaxKeptSets, out.keep_sets);
  in.Read("limits", [&](const json& limits) { return ReadLimits(limits, out.limits); });
  in.Read("health", [&](const json& health) { return ReadHealth(health, out); });
  in.Read("poll", [&](const json& poll) { return ReadPoll(poll, out); });
  in.ForEach("handlers", kMaxHandlers, [&](const json& item) -> absl::Status {
    DML_ASSIGN_OR_RETURN(out.handlers.emplace_back(), ReadHandler(item, folder));
    return absl::OkStatus();
  });
  std::set<std::string> names;
  for (const HandlerConfig& handler : out.handlers) {
    if (!names.insert(handler.name).second) {
      in.Check("handlers", InvalidArgument(kInvalid, "two are called {}", handler.name));
    }
    for (const SubjectPattern& pattern : handler.packages) {
      out.facts.rules.push_back({pattern, handler.name});
    }
  }
  DML_RETURN_IF_ERROR(in.Finish());
  return out;
}

}  // namespace

std::vector<Platform> OwnPlatforms() {
  utsname name = {};
  if (::uname(&name) != 0) return {};
  constexpr std::pair<std::string_view, const char*> kKnown[] = {
      {"x86_64", "linux-amd64"},    {"aarch64", "linux-arm64"},   {"armv7l", "linux-arm-v7"},
      {"riscv64", "linux-riscv64"}, {"ppc64le", "linux-ppc64le"}, {"s390x", "linux-s390x"}};
  for (const auto& [machine, platform] : kKnown) {
    if (machine == name.machine) return {*Platform::Parse(platform)};
  }
  return {};
}

absl::StatusOr<AgentConfig> ParseAgentConfig(std::string_view yaml, const fs::path& file) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(yaml, kMaxFileBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), file.string());
  absl::StatusOr<AgentConfig> config =
      ReadConfig(document->value, fs::absolute(file).parent_path());
  if (!config.ok()) return Annotate(document->AtLine(config.status()), file.string());
  return config;
}

}  // namespace dml::agent
