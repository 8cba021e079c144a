// A library of its own for a test: dmld as a process, and clients of it.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/client.h"
#include "client/connection.h"
#include "client/transfer.h"
#include "core/os/file.h"
#include "tests/server/support/child_daemon.h"

namespace dml::testing {

/// Lives in a folder that the test owns; the daemon is killed at the end where it still runs.
class RunningLibrary {
 public:
  explicit RunningLibrary(std::filesystem::path data_dir, std::vector<std::string> flags = {})
      : data_dir_(std::move(data_dir)), flags_(std::move(flags)) {}

  const std::filesystem::path& data_dir() const { return data_dir_; }
  std::filesystem::path profile() const { return data_dir_ / "client" / "profile.yaml"; }

  /// Starts the daemon and waits until it listens. False where it ended instead.
  bool Start() {
    daemon_ = Launch();
    std::string line;
    do {
      line = daemon_->ReadLine();
    } while (!line.empty() && !line.starts_with("listening on "));
    return !line.empty();
  }
  /// A daemon on this data directory, besides the one that Start started.
  std::unique_ptr<ChildDaemon> Launch() const {
    std::vector<std::string> arguments = {"--data-dir", data_dir_.string(), "--listen",
                                          "127.0.0.1:0"};
    arguments.insert(arguments.end(), flags_.begin(), flags_.end());
    return std::make_unique<ChildDaemon>(arguments, data_dir_.parent_path() / "home");
  }

  pid_t pid() const { return daemon_->pid(); }

  /// What all daemons here have logged so far.
  std::string Log() const;

  /// Ends it as a power switch would.
  void Kill() {
    daemon_->Signal(SIGKILL);
    daemon_->Wait();
  }
  /// Ends it properly; its exit code.
  int Stop() {
    daemon_->Signal(SIGTERM);
    return daemon_->Wait();
  }

  /// How the administrator reaches it; nothing is tried twice, so that each error is seen.
  ClientOptions AdminOptions() const {
    absl::StatusOr<ClientOptions> options = LoadProfile(profile());
    EXPECT_TRUE(options.ok()) << options.status();
    if (!options.ok()) return {};
    options->retry.max_attempts = 1;
    return *std::move(options);
  }
  Client NewClient() const { return NewClient(AdminOptions()); }
  static Client NewClient(ClientOptions options) {
    absl::StatusOr<Client> client = Client::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

 private:
  const std::filesystem::path data_dir_;
  const std::vector<std::string> flags_;
  std::unique_ptr<ChildDaemon> daemon_;
};

/// Lets a key vouch for packages: the next trust root, signed with the administrator's root key.
inline absl::StatusOr<Committed<KeyRecord>> RegisterKey(
    Client& client, const std::string& public_key_pem, const std::string& holder,
    const std::vector<std::string>& roles, const std::vector<std::string>& namespaces) {
  DML_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpkiPem(public_key_pem));
  const SignatureScheme scheme = key.algorithm() == KeyAlgorithm::kEd25519
                                     ? SignatureScheme::kEd25519
                                     : SignatureScheme::kEcdsaP256Der;
  DML_ASSIGN_OR_RETURN(std::string pem, ReadPrivateFile(client.connection().options().root_key_file,
                                                        uint64_t{64} << 10));
  DML_ASSIGN_OR_RETURN(PrivateKey root_key, PrivateKey::FromPkcs8Pem(pem));
  const Signer* keys[] = {&root_key};
  return client.RegisterKey({{std::move(key), scheme, holder, true}, roles, namespaces}, keys);
}

inline int PortOf(const std::string& target) {
  return std::stoi(target.substr(target.rfind(':') + 1));
}

/// "acme/tool" in version "1.0.0" for any platform: a package spec's bytes.
inline std::string SpecJson(const std::string& package, const std::string& version,
                            const std::string& license = "MIT", const std::string& more = "") {
  return R"({"schema":"dml.package/v1","package":")" + package + R"(","version":")" + version +
         R"(","versionScheme":"semver","license":{"declared":")" + license + R"("})" + more + "}";
}

inline VariantName NameOfVersion(const std::string& package, const std::string& version) {
  return {*PackageName::Parse(package), version, {}};
}

/// What the bytes of a file are; "" where it cannot be read.
inline std::string ReadBytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string RunningLibrary::Log() const {
  return ReadBytes(data_dir_.parent_path() / "home" / "dmld.log");
}

inline std::filesystem::path WriteBytes(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

/// Every item of a paged list: AllItems<VariantRecord>([&](const ListOptions& o) {...}).
template <typename T, typename Fetch>
std::vector<T> AllItems(Fetch&& fetch) {
  std::vector<T> items;
  ListOptions options;
  do {
    absl::StatusOr<ListPage<T>> page = fetch(options);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    items.insert(items.end(), page->items.begin(), page->items.end());
    options.page_token = page->next_page_token;
  } while (!options.page_token.empty());
  return items;
}

}  // namespace dml::testing
