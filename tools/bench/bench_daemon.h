// A dmld under measurement, in a process and folder of its own.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "client/transfer.h"
#include "tools/bench/measure.h"
#include "tools/bench/sections.h"

namespace dml::bench {

inline constexpr char kNamespace[] = "bench";
inline constexpr char kEnvironment[] = "bench";

/// Holds namespace kNamespace, a publisher's key for it, and environment kEnvironment with the
/// starting policy. Ends with the object. Thread-safe.
class BenchDaemon {
 public:
  /// Its data directory is below work_dir/<name>. `config`: its configuration file's text.
  static absl::StatusOr<std::unique_ptr<BenchDaemon>> Start(const Setup& setup,
                                                            const std::string& name,
                                                            std::string_view config = "");

  /// A client with a connection of its own, which remembers the log in memory only (clients in real
  /// life have a state file each).
  absl::StatusOr<Client> Connect() const { return Client::Create(options_); }
  absl::StatusOr<std::vector<Client>> Connect(int clients) const;
  /// One that reaches it by another address, such as a proxy's.
  absl::StatusOr<Client> ConnectThrough(const std::string& target) const;
  int port() const;

  pid_t pid() const { return process_->pid(); }
  const std::filesystem::path& data_dir() const { return data_dir_; }
  const PrivateKey& publisher() const { return publisher_; }

 private:
  explicit BenchDaemon(std::unique_ptr<ChildProcess> process);
  absl::Status Fill();

  const std::unique_ptr<ChildProcess> process_;
  const PrivateKey publisher_;
  std::filesystem::path data_dir_;
  ClientOptions options_;
};

/// Package kNamespace/<name> of a version, under the MIT license, which requires any version of
/// each of these packages.
PackageSpec MakeSpec(const std::string& name, const std::string& version,
                     const std::vector<std::string>& required = {});
VariantName NameOf(const PackageSpec& spec);

}  // namespace dml::bench
