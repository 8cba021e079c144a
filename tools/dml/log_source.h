// Where the commands that check a log read it: from the library itself, or from its tiles over
// HTTP.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/log_verifier.h"
#include "tools/dml/command.h"

namespace dml {

/// One thread.
class LogSource {
 public:
  virtual ~LogSource() = default;

  virtual const std::string& origin() const = 0;
  virtual const PublicKey& log_key() const = 0;

  /// The newest checkpoint and its note: signed by the pinned key, and consistent with the last one
  /// that the profile remembers (client/log_verifier.h: LOG_FORKED, LOG_WENT_BACK).
  virtual absl::StatusOr<Checkpoint> Newest(std::string& note) = 0;

  /// The proof that the tree of `second` entries starts with that of `first`, not checked yet.
  /// INVALID_ARGUMENT where the log has no `second` entries.
  virtual absl::StatusOr<std::vector<Digest>> Consistency(uint64_t first, uint64_t second) = 0;

  /// Recent checkpoints with the lines of witnesses, newest first, not checked yet.
  virtual absl::StatusOr<std::vector<std::string>> Cosigned() = 0;

  /// Some entries from `begin` on that are in the tree of `at`, at least one where there is one.
  /// From tiles they are proven to be in it; from the library whoever has them all compares roots.
  virtual absl::StatusOr<std::vector<std::string>> Entries(uint64_t begin,
                                                           const Checkpoint& at) = 0;
};

/// How a command says where.
struct LogSourceArgs {
  std::string url;          // Tiles; "": the library of the profile.
  std::string origin;       // With `log_key` instead of a profile, for tiles that anyone may read.
  std::string log_key;      // A PEM file.
  std::string ca;           // A PEM file; "": the profile's, or the system's.
  std::string certificate;  // A PEM file: who asks for tiles; "": who the profile says.
  std::string private_key;  // Of the certificate.
  std::string token_file;   // Who asks for tiles, by a token; a profile's is never sent to them.
  std::string state;        // What the command remembers; "": beside the profile's state.
};

/// Declares --url, --origin, --log-key, --ca, --certificate, --private-key and --token-file.
void DeclareLogSource(CLI::App& app, LogSourceArgs& args);

/// A source, and where its commands keep what they remember.
struct OpenedLog {
  std::unique_ptr<LogSource> source;
  std::filesystem::path state_file;  // "" where there is no place for one.
  LogPin pin;
};

/// `purpose` names the state file: "<profile's state file>.<purpose>".
/// The errors of Context::client and LoadProfile; ARGUMENT_INVALID.
absl::StatusOr<OpenedLog> OpenLog(Context& context, const LogSourceArgs& args,
                                  std::string_view purpose);

}  // namespace dml
