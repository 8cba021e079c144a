#include "server/open_library.h"

#include <spdlog/spdlog.h>

#include "core/os/file.h"
#include "server/auth/bootstrap.h"
#include "server/auth/key_pair_files.h"
#include "server/auth/log_keys.h"
#include "storage/data_dir.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

absl::StatusOr<std::unique_ptr<Engine>> OpenDatabase(const DataDir& dir,
                                                     const ServerLimits& limits) {
  RocksEngineOptions options;
  options.block_cache_bytes = limits.block_cache_bytes;
  options.write_buffer_bytes = limits.write_buffer_bytes;
  options.max_open_files = limits.max_open_files;
  return OpenRocksEngine(dir.db(), options);
}

// How long before the trust root's end the log warns.
constexpr std::chrono::days kRootWarning(60);

// A library has a root from its first start on; the file is the one in force, for profiles.
absl::Status EnsureTrustRoot(Library& library, const BootstrapOptions& bootstrap) {
  DML_ASSIGN_OR_RETURN(auto current, LibraryView(*library.Read()).FindRoot());
  if (!current.has_value()) {
    std::vector<KeyRecord> registered;
    DML_RETURN_IF_ERROR(LibraryView(*library.Read()).ScanKeys([&](const KeyRecord& key) {
      if (!key.revoked) registered.push_back(key);
      return true;
    }));
    DML_ASSIGN_OR_RETURN(std::string envelope, EnsureFirstRoot(bootstrap, library.origin(),
                                                               library.log_key(), registered));
    DML_ASSIGN_OR_RETURN(Command command,
                         PrepareSetRoot(*library.Read(), std::move(envelope), library.origin(),
                                        library.log_key(), WallClockNow()));
    command.author = "dmld";
    DML_RETURN_IF_ERROR(library.Commit(std::move(command)).status());
    DML_ASSIGN_OR_RETURN(current, LibraryView(*library.Read()).FindRoot());
    spdlog::info(
        "made trust root 1 with one key, {}: good enough for one person; to grow it to k "
        "of n see docs/operations.md, \"Trust root\"",
        IdentityFiles(bootstrap.data_dir).root_key.string());
  }
  if (WallClockNow() + kRootWarning > current->expires) {
    spdlog::warn(
        "trust root {} ends on {}; from then on nothing is published: renew it with dml "
        "root renew, sign and set",
        current->version, FormatTime(current->expires));
  }
  DML_ASSIGN_OR_RETURN(std::string text, ReadMetadata(*library.Read(), current->envelope));
  return WriteFileAtomically(IdentityFiles(bootstrap.data_dir).root, AsBytes(text), 0644);
}

absl::Status RequireLibrary(const ServerConfig& config) {
  std::error_code error;
  if (std::filesystem::is_directory(config.data_dir / "db", error)) return absl::OkStatus();
  return NotFound(ErrorReason("DATA_DIR_MISSING"), "{} holds no library; check --data-dir",
                  config.data_dir.string());
}

// A data directory with its database open, and what it needs to be a library.
struct Opened {
  DataDir dir;
  std::unique_ptr<Engine> engine;
  BootstrapOptions bootstrap;
  ServerIdentity identity;
};

absl::StatusOr<Opened> OpenDataDir(const ServerConfig& config) {
  DML_ASSIGN_OR_RETURN(DataDir dir, DataDir::Open(config.data_dir));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenDatabase(dir, config.limits));
  BootstrapOptions bootstrap{dir.path(), config.server_names,
                             std::chrono::floor<std::chrono::seconds>(WallClockNow())};
  DML_ASSIGN_OR_RETURN(ServerIdentity identity, Bootstrap(bootstrap));
  DML_RETURN_IF_ERROR(BringViewsUpToDate(*engine));
  return Opened{std::move(dir), std::move(engine), std::move(bootstrap), std::move(identity)};
}

absl::StatusOr<std::unique_ptr<Library>> OpenWith(const ServerConfig& config, Opened& opened,
                                                  PrivateKey log_key,
                                                  std::vector<PublicKey> log_keys) {
  LibraryOptions options;
  options.origin = opened.identity.origin;
  options.log_keys = std::move(log_keys);
  options.content.loose_bytes = config.content.loose_bytes;
  options.content.pack_bytes = config.content.pack_bytes;
  options.content.lease = std::chrono::seconds(config.limits.upload_lease_seconds);
  options.signed_checkpoint_file = opened.dir.signed_checkpoint();
  options.accept_missing_checkpoint = config.accept_missing_checkpoint;
  return Library::Open(std::move(opened.engine), std::move(log_key), std::move(options));
}

// The next key signs by now, where it is the one that was chosen.
absl::Status FinishLogKey(const Library& library, const LogKeys& keys, const IdentityFiles& files) {
  if (!keys.next.has_value() && FileExists(files.next_log_key)) {  // It was chosen, and moved.
    DML_RETURN_IF_ERROR(PromoteNextLogKey(files));
    spdlog::warn("the journal is signed with key {} from now on",
                 library.log_key().id().ToString());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Library>> OpenLibrary(const ServerConfig& config) {
  DML_ASSIGN_OR_RETURN(Opened opened, OpenDataDir(config));
  const IdentityFiles files(opened.dir.path());
  LogKeys& keys = opened.identity.log_keys;
  std::vector<PublicKey> all = keys.All();
  DML_ASSIGN_OR_RETURN(auto root, LoadRoot(*opened.engine->NewSnapshot()));
  DML_ASSIGN_OR_RETURN(PrivateKey key,
                       ChooseLogKey(keys, root.has_value() ? &root->root : nullptr));
  DML_ASSIGN_OR_RETURN(auto library, OpenWith(config, opened, std::move(key), std::move(all)));
  DML_RETURN_IF_ERROR(FinishLogKey(*library, keys, files));
  DML_RETURN_IF_ERROR(EnsureTrustRoot(*library, opened.bootstrap));
  if (config.accept_missing_checkpoint) {
    spdlog::warn(
        "accepted the journal without {}, as told: {} entries; start without "
        "--accept-missing-checkpoint from now on",
        opened.dir.signed_checkpoint().string(), library->checkpoint()->checkpoint.size);
  }
  return library;
}

absl::StatusOr<RootChange> SetRootOffline(const ServerConfig& config,
                                          const std::filesystem::path& envelope_file,
                                          bool root_keys_lost) {
  DML_RETURN_IF_ERROR(RequireLibrary(config));
  absl::StatusOr<std::string> read = ReadFile(envelope_file, kMaxEnvelopeBytes);
  if (!read.ok()) {
    return InvalidArgument(ErrorReason("ROOT_UNREADABLE"), "{}", Message(read.status()));
  }
  std::string envelope = *std::move(read);
  DML_ASSIGN_OR_RETURN(DsseEnvelope parsed, ParseEnvelope(envelope));
  DML_ASSIGN_OR_RETURN(TrustRoot root, ParseTrustRoot(parsed.payload));
  DML_ASSIGN_OR_RETURN(Opened opened, OpenDataDir(config));
  const IdentityFiles files(opened.dir.path());
  DML_ASSIGN_OR_RETURN(auto current, LoadRoot(*opened.engine->NewSnapshot()));
  if (current.has_value() && root.version <= current->root.version) {
    return FailedPrecondition(ErrorReason("ROOT_VERSION_UNEXPECTED"),
                              "root {} is in force, and {} has version {}: nothing was changed",
                              current->root.version, envelope_file.string(), root.version);
  }
  LogKeys& keys = opened.identity.log_keys;
  std::vector<PublicKey> all = keys.All();
  DML_ASSIGN_OR_RETURN(PrivateKey key, ChooseLogKey(keys, &root));
  // All is judged before anything is signed.
  DML_ASSIGN_OR_RETURN(
      Command command,
      root_keys_lost ? PrepareReplaceRoot(*opened.engine->NewSnapshot(), std::move(envelope),
                                          opened.identity.origin, key.public_key(), WallClockNow())
                     : PrepareSetRoot(*opened.engine->NewSnapshot(), std::move(envelope),
                                      opened.identity.origin, key.public_key(), WallClockNow()));
  command.author = "dmld";
  DML_ASSIGN_OR_RETURN(auto library, OpenWith(config, opened, std::move(key), std::move(all)));
  DML_RETURN_IF_ERROR(library->Commit(std::move(command)).status());
  const RootChange out{root.version, !keys.next.has_value() && FileExists(files.next_log_key)};
  DML_RETURN_IF_ERROR(FinishLogKey(*library, keys, files));
  DML_RETURN_IF_ERROR(EnsureTrustRoot(*library, opened.bootstrap));
  return out;
}

absl::StatusOr<IndexRebuildReport> RebuildContentIndex(const ServerConfig& config) {
  DML_RETURN_IF_ERROR(RequireLibrary(config));
  DML_ASSIGN_OR_RETURN(DataDir dir, DataDir::Open(config.data_dir));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenDatabase(dir, config.limits));
  return RebuildIndex(*engine, WallClockNow());
}

}  // namespace dml
