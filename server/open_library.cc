#include "server/open_library.h"

#include <spdlog/spdlog.h>

#include "core/crypto/random.h"
#include "core/os/file.h"
#include "core/trust/root_walk.h"
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

namespace fs = std::filesystem;

absl::StatusOr<std::unique_ptr<Engine>> OpenDatabase(const DataDir& dir,
                                                     const ServerLimits& limits) {
  RocksEngineOptions options;
  options.block_cache_bytes = limits.block_cache_bytes;
  options.write_buffer_bytes = limits.write_buffer_bytes;
  options.max_open_files = limits.max_open_files;
  return OpenRocksEngine(dir.db(), options);
}

// For a moment's work beside the library: bounded in memory, gone with the engine.
absl::StatusOr<std::unique_ptr<Engine>> OpenScratch(const fs::path& folder) {
  const fs::path own = folder / RandomHex(8);
  DML_RETURN_IF_ERROR(MakePrivateDirectory(own));
  RocksEngineOptions options;
  options.block_cache_bytes = 16 << 20;
  options.write_buffer_bytes = 16 << 20;
  options.max_open_files = 64;
  options.scratch = true;
  return OpenRocksEngine(own, options);
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

// Under which name the journal goes on.
struct JournalName {
  std::string origin;
  std::string previous;  // What may have been signed last, under that name; "": nothing.
};

absl::StatusOr<std::unique_ptr<Library>> OpenWith(const ServerConfig& config, Opened& opened,
                                                  PrivateKey log_key, JournalName name,
                                                  bool accept_missing_checkpoint,
                                                  CommitObserver* commits = nullptr) {
  LibraryOptions options;
  options.sequencer.observer = commits;
  options.sequencer.read_only = config.read_only;
  const fs::path scratch = opened.dir.scratch();
  std::error_code ignored;
  fs::remove_all(scratch, ignored);  // What a crash left.
  options.scratch_engine = [scratch] { return OpenScratch(scratch); };
  options.origin = std::move(name.origin);
  options.first_origin = opened.identity.origin;
  options.signed_before = {opened.identity.log_keys.All(), std::move(name.previous)};
  options.content.loose_bytes = config.content.loose_bytes;
  options.content.pack_bytes = config.content.pack_bytes;
  options.content.lease = std::chrono::seconds(config.limits.upload_lease_seconds);
  // Whoever only looks at a restored backup promises nothing: what it signs is not kept.
  if (!config.read_only || FileExists(opened.dir.signed_checkpoint())) {
    options.signed_checkpoint_file = opened.dir.signed_checkpoint();
  }
  options.max_clock_step = std::chrono::seconds(config.limits.clock_step_seconds);
  options.accept_missing_checkpoint = accept_missing_checkpoint;
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

// As the root in force says. Where that has just moved it, the daemon may have ended before the
// first checkpoint under the new name was kept.
absl::StatusOr<JournalName> NameInForce(const Reader& state, const ServerIdentity& identity,
                                        const std::optional<TrustedRoot>& root) {
  if (!root.has_value()) return JournalName{identity.origin, ""};
  JournalName out{root->root.origin, ""};
  DML_ASSIGN_OR_RETURN(const uint64_t size, JournalView(state).Size());
  DML_ASSIGN_OR_RETURN(const auto record, LibraryView(state).FindRoot());
  if (size == record->index + 1) out.previous = root->root.previous_origin;
  return out;
}

struct RootFile {
  std::string envelope;
  TrustRoot root;
};

absl::StatusOr<std::vector<RootFile>> ReadRootFiles(const std::vector<fs::path>& files) {
  std::vector<RootFile> out;
  for (const fs::path& file : files) {
    absl::StatusOr<std::string> read = ReadFile(file, kMaxEnvelopeBytes);
    if (!read.ok()) {
      return InvalidArgument(ErrorReason("ROOT_UNREADABLE"), "{}", Message(read.status()));
    }
    DML_ASSIGN_OR_RETURN(DsseEnvelope parsed, ParseEnvelope(*read));
    DML_ASSIGN_OR_RETURN(TrustRoot root, ParseTrustRoot(parsed.payload));
    out.push_back({*std::move(read), std::move(root)});
  }
  return out;
}

// Those that are news, in the order given.
absl::Status DropKnownRoots(std::vector<RootFile>& roots, uint64_t in_force) {
  if (roots.back().root.version <= in_force) {
    return FailedPrecondition(ErrorReason("ROOT_VERSION_UNEXPECTED"),
                              "root {} is in force, and the last one given has version {}: nothing "
                              "was changed",
                              in_force, roots.back().root.version);
  }
  std::erase_if(roots, [&](const RootFile& file) { return file.root.version <= in_force; });
  return absl::OkStatus();
}

// All is judged before anything is signed.
absl::Status JudgeRoots(const Reader& state, const std::optional<TrustedRoot>& current,
                        const std::vector<RootFile>& roots, bool root_keys_lost,
                        const PublicKey& log_key) {
  const TrustRoot& last = roots.back().root;
  const std::string& envelope = roots.back().envelope;
  if (root_keys_lost || !current.has_value()) {
    return (root_keys_lost
                ? PrepareReplaceRoot(state, envelope, last.origin, log_key, WallClockNow())
                : PrepareSetRoot(state, envelope, last.origin, log_key, WallClockNow()))
        .status();
  }
  std::vector<std::string> envelopes;
  for (const RootFile& file : roots) envelopes.push_back(file.envelope);
  DML_RETURN_IF_ERROR(WalkRoots(*current, envelopes, WallClockNow()).status());
  DML_ASSIGN_OR_RETURN(const uint64_t size, JournalView(state).Size());
  return CheckRootOfLog(last, last.origin, log_key, size + roots.size());
}

constexpr size_t kMaxCheckpointBytes = 16 * 1024;

// The note in the file, where it is of that journal; "" where not.
std::string CheckpointOf(const fs::path& file, const std::string& origin) {
  absl::StatusOr<std::string> note = ReadFile(file, kMaxCheckpointBytes);
  return note.ok() && note->starts_with(origin + "\n") ? *std::move(note) : "";
}

// Nullopt where the name stays. What was signed last is kept before it is replaced.
absl::StatusOr<std::optional<OriginMove>> BeginMove(const Reader& state, const TrustRoot& root,
                                                    const std::string& current,
                                                    const DataDir& dir) {
  if (root.origin == current) return std::nullopt;
  if (root.previous_origin != current) {
    return PermissionDenied(ErrorReason("ROOT_ORIGIN_UNEXPECTED"),
                            "the root is of the journal {}, and this one is {}", root.origin,
                            current);
  }
  DML_RETURN_IF_ERROR(CheckOriginIsNew(state, root.origin));
  OriginMove move{root.origin, current, CheckpointOf(dir.signed_checkpoint(), current)};
  if (move.last_checkpoint.empty()) {  // It was kept already, or it is lost.
    move.last_checkpoint = CheckpointOf(dir.previous_checkpoint(), current);
    return move;
  }
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(dir.previous_checkpoint(), AsBytes(move.last_checkpoint), 0600));
  return move;
}

absl::Status CommitRoots(Library& library, std::vector<RootFile> roots, bool root_keys_lost,
                         const std::optional<OriginMove>& move) {
  for (size_t i = 0; i < roots.size(); ++i) {
    std::string envelope = std::move(roots[i].envelope);
    const std::unique_ptr<Snapshot> state = library.Read();
    absl::StatusOr<Command> command =
        i + 1 < roots.size() ? PreparePastRoot(*state, std::move(envelope))
        : root_keys_lost     ? PrepareReplaceRoot(*state, std::move(envelope), library.origin(),
                                                  library.log_key(), WallClockNow())
                             : PrepareSetRoot(*state, std::move(envelope), library.origin(),
                                              library.log_key(), WallClockNow());
    DML_RETURN_IF_ERROR(command.status());
    command->author = "dmld";
    if (i + 1 == roots.size()) std::get<RootSet>(command->payload).move = move;
    DML_RETURN_IF_ERROR(library.Commit(*std::move(command)).status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Library>> OpenLibrary(const ServerConfig& config,
                                                     CommitObserver* commits) {
  DML_ASSIGN_OR_RETURN(Opened opened, OpenDataDir(config));
  const IdentityFiles files(opened.dir.path());
  LogKeys& keys = opened.identity.log_keys;
  JournalName name;
  std::optional<TrustedRoot> root;
  {
    const std::unique_ptr<Snapshot> state = opened.engine->NewSnapshot();
    DML_ASSIGN_OR_RETURN(root, LoadRoot(*state));
    DML_ASSIGN_OR_RETURN(name, NameInForce(*state, opened.identity, root));
  }
  DML_ASSIGN_OR_RETURN(PrivateKey key,
                       ChooseLogKey(keys, root.has_value() ? &root->root : nullptr));
  DML_ASSIGN_OR_RETURN(auto library, OpenWith(config, opened, std::move(key), std::move(name),
                                              config.accept_missing_checkpoint, commits));
  DML_RETURN_IF_ERROR(FinishLogKey(*library, keys, files));
  DML_RETURN_IF_ERROR(EnsureTrustRoot(*library, opened.bootstrap));
  if (const auto time = library->TimeOf(*library->Read()); !time.ok()) {
    spdlog::warn("{}", Message(time.status()));
  }
  if (config.accept_missing_checkpoint) {
    spdlog::warn(
        "accepted the journal without {}, as told: {} entries; start without "
        "--accept-missing-checkpoint from now on",
        opened.dir.signed_checkpoint().string(), library->checkpoint()->checkpoint.size);
  }
  return library;
}

absl::StatusOr<RootChange> SetRootsOffline(const ServerConfig& config,
                                           const std::vector<fs::path>& envelope_files,
                                           bool root_keys_lost) {
  DML_RETURN_IF_ERROR(RequireLibrary(config));
  DML_ASSIGN_OR_RETURN(std::vector<RootFile> roots, ReadRootFiles(envelope_files));
  DML_ASSIGN_OR_RETURN(Opened opened, OpenDataDir(config));
  const IdentityFiles files(opened.dir.path());
  LogKeys& keys = opened.identity.log_keys;
  std::optional<OriginMove> move;
  std::optional<PrivateKey> key;
  JournalName name;
  {
    const std::unique_ptr<Snapshot> state = opened.engine->NewSnapshot();
    DML_ASSIGN_OR_RETURN(const auto current, LoadRoot(*state));
    if (current.has_value()) DML_RETURN_IF_ERROR(DropKnownRoots(roots, current->root.version));
    const TrustRoot& last = roots.back().root;
    DML_ASSIGN_OR_RETURN(key, ChooseLogKey(keys, &last));
    DML_RETURN_IF_ERROR(JudgeRoots(*state, current, roots, root_keys_lost, key->public_key()));
    DML_ASSIGN_OR_RETURN(name, NameInForce(*state, opened.identity, current));
    DML_ASSIGN_OR_RETURN(move, BeginMove(*state, last, name.origin, opened.dir));
  }
  if (move.has_value()) name = {move->origin, move->previous_origin};
  const bool lost = move.has_value() && !FileExists(opened.dir.signed_checkpoint());
  DML_ASSIGN_OR_RETURN(auto library, OpenWith(config, opened, *std::move(key), std::move(name),
                                              lost || config.accept_missing_checkpoint));
  RootChange out{roots.back().root.version, false, move.has_value() ? move->origin : ""};
  DML_RETURN_IF_ERROR(CommitRoots(*library, std::move(roots), root_keys_lost, move));
  out.log_key_changed = !keys.next.has_value() && FileExists(files.next_log_key);
  DML_RETURN_IF_ERROR(FinishLogKey(*library, keys, files));
  DML_RETURN_IF_ERROR(EnsureTrustRoot(*library, opened.bootstrap));
  return out;
}

absl::StatusOr<NewOrigin> PlanNewOrigin(const ServerConfig& config) {
  DML_RETURN_IF_ERROR(RequireLibrary(config));
  DML_ASSIGN_OR_RETURN(const Opened opened, OpenDataDir(config));
  const std::unique_ptr<Snapshot> state = opened.engine->NewSnapshot();
  DML_ASSIGN_OR_RETURN(const auto root, LoadRoot(*state));
  if (!root.has_value()) {
    return FailedPrecondition(
        ErrorReason("ROOT_MISSING"),
        "the journal has no trust root yet: start over in an empty directory");
  }
  NewOrigin out;
  out.previous = root->root.origin;
  out.origin = fmt::format("{}/{}", out.previous.substr(0, out.previous.find('/')), RandomHex(8));
  out.root_version = root->root.version;
  const JournalView journal(*state);
  DML_ASSIGN_OR_RETURN(out.size, journal.Size());
  DML_ASSIGN_OR_RETURN(out.last_signed, LastSignedCheckpoint(IdentityFiles(opened.dir.path())));
  if (out.last_signed.has_value() && out.last_signed->size <= out.size) {
    DML_ASSIGN_OR_RETURN(const Digest then, journal.Root(out.last_signed->size));
    if (then == out.last_signed->root) {
      return FailedPrecondition(ErrorReason("JOURNAL_WHOLE"),
                                "the journal has all {} entries that were signed: start dmld, "
                                "nothing is to be done",
                                out.last_signed->size);
    }
  }
  return out;
}

absl::StatusOr<uint64_t> RebuildLibraryViews(const ServerConfig& config) {
  DML_RETURN_IF_ERROR(RequireLibrary(config));
  DML_ASSIGN_OR_RETURN(DataDir dir, DataDir::Open(config.data_dir));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenDatabase(dir, config.limits));
  DML_RETURN_IF_ERROR(RebuildViews(*engine));
  return JournalView(*engine->NewSnapshot()).Size();
}

absl::StatusOr<IndexRebuildReport> RebuildContentIndex(const ServerConfig& config) {
  DML_RETURN_IF_ERROR(RequireLibrary(config));
  DML_ASSIGN_OR_RETURN(DataDir dir, DataDir::Open(config.data_dir));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, OpenDatabase(dir, config.limits));
  return RebuildIndex(*engine, WallClockNow());
}

}  // namespace dml
