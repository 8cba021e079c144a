// The configuration of an agent: a strict YAML document (docs/agent.md).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/agent/deployment_set.h"

namespace dml::agent {

enum class HandlerKind { kDirectory = 1, kExec, kDeb, kFake };

/// One handler: what it is called, which packages are its own, and what it is told. Members that
/// its kind does not have are refused.
struct HandlerConfig {
  std::string name;
  HandlerKind kind = HandlerKind::kDirectory;
  std::vector<SubjectPattern> packages;
  std::filesystem::path root;            // DIRECTORY, DEB.
  bool unpack = false;                   // DIRECTORY.
  std::vector<std::string> executables;  // DIRECTORY.
  std::filesystem::path after_switch;    // DIRECTORY.
  std::filesystem::path health;          // DIRECTORY, DEB.
  std::filesystem::path scripts;         // EXEC.
  size_t max_output = 64 << 10;          // EXEC; bytes.
  std::chrono::seconds time_limit{300};  // EXEC, DIRECTORY, DEB: of each program.
  std::filesystem::path file;            // FAKE.
  std::string fails_at, fails_version;   // FAKE.
};

struct AgentLimits {
  uint64_t disk_bytes = 0;                // Of content in the state directory; 0: as it fits.
  uint64_t min_free_bytes = 64ULL << 20;  // To be left on its disk.
  uint64_t bytes_per_second = 0;          // From the library; 0: as many as come.
};

struct AgentConfig {
  NodeFacts facts;
  std::filesystem::path state_dir;
  std::filesystem::path root_file;  // The trust root pinned, an envelope.
  std::filesystem::path profile;    // Of the library's client; "": there is none.
  std::filesystem::path layout;     // Where content is instead, an OCI layout; "": in the library.
  std::filesystem::path permit_file;  // Where a permit bundle is put for `run`; "": nowhere.
  size_t keep_sets = 1;
  AgentLimits limits;
  int health_tries = 3;
  std::chrono::seconds health_interval{5};
  std::chrono::seconds poll_interval{60};
  uint32_t jitter_percent = 20;
  std::vector<HandlerConfig> handlers;
};

/// Reads a configuration; files in it are relative to the file's folder. INVALID_ARGUMENT
/// (CONFIG_INVALID, or the reason of the name that is wrong) with file and line.
absl::StatusOr<AgentConfig> ParseAgentConfig(std::string_view yaml,
                                             const std::filesystem::path& file);

/// The platform of this machine, as far as it is known: "linux-amd64".
std::vector<Platform> OwnPlatforms();

}  // namespace dml::agent
