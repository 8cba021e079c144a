// dml root export-tuf: a trust root and files as a TUF repository, offline.
#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "client/file_io.h"
#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "core/trust/tuf_export.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/root_document.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyBytes = 1 << 20;
constexpr mode_t kFileMode = 0644;
constexpr char kTimestampFile[] = "timestamp.json";

struct ExportArgs {
  std::vector<std::string> roots;
  std::string out;
  std::vector<std::string> targets;
  std::string key;
  std::vector<std::string> root_keys;
  std::string passphrase_file;
  uint32_t bins = 0;
  std::string validity = "7d";
};

void DeclareExport(CLI::App& app, ExportArgs& args) {
  app.add_option("roots", args.roots, "Signed trust roots, in the order of versions")
      ->required()
      ->type_name("FILE");
  app.add_option("--out", args.out,
                 "The repository's folder; exporting again makes its next version")
      ->required()
      ->type_name("DIR");
  AddRepeated(app, "--target", args.targets,
              "A file to offer, and its name there; without any, only the roots are made and "
              "signed, for which the public half of --key is enough")
      ->type_name("PATH[=NAME]");
  app.add_option("--key", args.key, "The online key: it signs targets, snapshot and timestamp")
      ->required()
      ->type_name(kKeyTypeName);
  AddRepeated(app, "--root-key", args.root_keys,
              "The private key of a holder of the root role; holders may sign one by one")
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_option("--bins", args.bins, "Spread the targets over so many delegated roles by hash")
      ->check(WholeNumber("a power of two", 2, kMaxTufBins))
      ->type_name("N");
  app.add_option("--valid-for", args.validity, "Until the repository must be exported again")
      ->type_name("DURATION");
}

// The roots, each good as the one after that before it, the last not expired.
absl::StatusOr<std::vector<TrustRoot>> ReadRoots(const std::vector<std::string>& files) {
  DML_ASSIGN_OR_RETURN(TrustedRoot first, ReadPinnedRoot(files[0]));
  std::vector<TrustRoot> out;
  out.push_back(std::move(first.root));
  for (size_t i = 1; i < files.size(); ++i) {
    DML_ASSIGN_OR_RETURN(std::string text, ReadFile(files[i], kMaxEnvelopeBytes));
    absl::StatusOr<TrustedRoot> next = OpenNextRoot(out.back(), text);
    if (!next.ok()) return Annotate(next.status(), files[i]);
    out.push_back(std::move(next->root));
  }
  DML_RETURN_IF_ERROR(CheckRootExpiry(out.back(), WallClockNow()));
  return out;
}

// A file's content, "" where it is not there.
absl::StatusOr<std::string> ReadIfThere(const fs::path& path, size_t max_bytes) {
  absl::StatusOr<std::string> text = ReadFile(path, max_bytes);
  if (absl::IsNotFound(text.status())) return "";
  return text;
}

absl::Status WriteMetadata(const fs::path& folder, const TufFile& file) {
  return WriteFileAtomically(folder / file.name, AsBytes(file.json), kFileMode);
}

// Copies what is open into a new file, synced, and tells what went over.
absl::StatusOr<BlobRef> CopyAndHash(const FileDescriptor& from, const fs::path& from_path,
                                    const FileDescriptor& to, const fs::path& to_path) {
  Sha256Hasher hasher;
  BlobRef out;
  std::string buffer;
  while (true) {
    DML_RETURN_IF_ERROR(ReadAt(from, out.size, kCopyBytes, buffer, from_path));
    if (buffer.empty()) break;
    DML_RETURN_IF_ERROR(WriteAt(to, out.size, buffer, to_path));
    hasher.Update(buffer);
    out.size += buffer.size();
  }
  if (::fchmod(to.get(), kFileMode) != 0 || ::fsync(to.get()) != 0) {
    return IoError(errno, "sync", to_path);
  }
  out.digest = hasher.Finish();
  return out;
}

// Copies a file to where clients look for it. Its name there has its digest, so that the copy
// decides what is offered, whatever becomes of the file meanwhile.
absl::StatusOr<TufTarget> AddTarget(const SafeDirectory& folder, const std::string& argument) {
  DML_ASSIGN_OR_RETURN(LocalFile file, ParseFileArgument(argument));
  DML_RETURN_IF_ERROR(ValidateTufTargetName(file.name));
  DML_ASSIGN_OR_RETURN(FileDescriptor from, OpenRegular(file.path));
  DML_ASSIGN_OR_RETURN(SafeDirectory::Place place, folder.Find(file.name, /*create=*/true));
  const std::string temporary = fmt::format(".dml-tmp-{}", ::getpid());
  ::unlinkat(place.folder.get(), temporary.c_str(), 0);
  FileDescriptor to(::openat(place.folder.get(), temporary.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!to.valid()) return IoError(errno, "create", place.path);
  TufTarget out{file.name, {}};
  absl::StatusOr<BlobRef> blob = CopyAndHash(from, file.path, to, place.path);
  absl::Status status = blob.status();
  if (status.ok()) {
    out.blob = *blob;
    const std::string name = fs::path(TufTargetPath(out)).filename();
    if (::renameat(place.folder.get(), temporary.c_str(), place.folder.get(), name.c_str()) != 0 ||
        ::fsync(place.folder.get()) != 0) {
      status = IoError(errno, "rename", place.path);
    }
  }
  if (!status.ok()) {
    ::unlinkat(place.folder.get(), temporary.c_str(), 0);
    return status;
  }
  return out;
}

absl::StatusOr<TufPublished> ReadPublished(const fs::path& metadata) {
  TufPublished out;
  DML_ASSIGN_OR_RETURN(std::string timestamp,
                       ReadIfThere(metadata / kTimestampFile, kMaxTufTimestampBytes));
  if (timestamp.empty()) return out;
  absl::StatusOr<uint64_t> version = ReadTufTimestamp(timestamp);
  if (!version.ok()) return Annotate(version.status(), (metadata / kTimestampFile).string());
  out.version = *version;
  const fs::path path = metadata / fmt::format("{}.snapshot.json", out.version);
  DML_ASSIGN_OR_RETURN(std::string snapshot, ReadFile(path, kMaxTufSnapshotBytes));
  absl::StatusOr<std::vector<std::string>> roles = ReadTufSnapshot(snapshot);
  if (!roles.ok()) return Annotate(roles.status(), path.string());
  out.roles = *std::move(roles);
  return out;
}

// Writes the roots; what is missing to their thresholds.
absl::StatusOr<std::vector<std::string>> ExportRoots(const ExportArgs& args,
                                                     const fs::path& metadata,
                                                     const PublicKey& online) {
  DML_ASSIGN_OR_RETURN(std::vector<TrustRoot> roots, ReadRoots(args.roots));
  DML_ASSIGN_OR_RETURN(Signers signers, Signers::Read(args.root_keys, args.passphrase_file));
  std::vector<TufRootFile> files;
  for (size_t i = 0; i < roots.size(); ++i) {
    const fs::path path = metadata / fmt::format("{}.root.json", roots[i].version);
    DML_ASSIGN_OR_RETURN(std::string existing, ReadIfThere(path, kMaxTufRootBytes));
    absl::StatusOr<TufRootFile> file =
        ExportTufRoot(roots[i], i == 0 ? nullptr : &roots[i - 1], online, signers.get(), existing,
                      /*keep_online=*/i + 1 < roots.size());
    if (!file.ok()) return Annotate(file.status(), path.string());
    files.push_back(*std::move(file));
  }
  std::vector<std::string> missing;
  for (const TufRootFile& file : files) {
    DML_RETURN_IF_ERROR(WriteMetadata(metadata, file.file));
    for (const std::string& text : file.missing) {
      missing.push_back(fmt::format("{} needs {}", file.file.name, text));
    }
  }
  return missing;
}

// Writes targets and online metadata; the new version.
absl::StatusOr<uint64_t> ExportOnline(const ExportArgs& args, const fs::path& metadata,
                                      const Signer& online) {
  DML_ASSIGN_OR_RETURN(std::chrono::seconds validity, ParseValidityArgument(args.validity));
  TufRepository repository;
  repository.bins = args.bins;
  repository.expires = std::chrono::floor<std::chrono::seconds>(WallClockNow()) + validity;
  DML_ASSIGN_OR_RETURN(repository.published, ReadPublished(metadata));
  DML_ASSIGN_OR_RETURN(SafeDirectory folder,
                       SafeDirectory::Open(fs::path(args.out) / "targets", /*create=*/true));
  for (const std::string& argument : args.targets) {
    DML_ASSIGN_OR_RETURN(TufTarget target, AddTarget(folder, argument));
    repository.targets.push_back(std::move(target));
  }
  DML_ASSIGN_OR_RETURN(std::vector<TufFile> files, ExportTufRepository(repository, online));
  for (const TufFile& file : files) DML_RETURN_IF_ERROR(WriteMetadata(metadata, file));
  return repository.published.version + 1;
}

// All that can be wrong with the arguments before anything is written.
absl::Status CheckTargets(const std::vector<std::string>& targets) {
  for (const std::string& argument : targets) {
    DML_ASSIGN_OR_RETURN(LocalFile file, ParseFileArgument(argument));
    DML_RETURN_IF_ERROR(ValidateTufTargetName(file.name));
  }
  return absl::OkStatus();
}

absl::StatusOr<Reply> Export(Context&, const ExportArgs& args) {
  DML_RETURN_IF_ERROR(CheckTargets(args.targets));
  std::unique_ptr<const Signer> signer;
  if (!args.targets.empty()) {
    DML_ASSIGN_OR_RETURN(signer, ReadSigner(args.key, args.passphrase_file));
  }
  std::optional<PublicKey> online;
  if (signer != nullptr) {
    online = signer->public_key();
  } else {
    DML_ASSIGN_OR_RETURN(online, ReadPublicHalf(args.key, args.passphrase_file));
  }
  const fs::path metadata = fs::path(args.out) / "metadata";
  DML_RETURN_IF_ERROR(SafeDirectory::Open(metadata, /*create=*/true).status());
  DML_ASSIGN_OR_RETURN(std::vector<std::string> missing, ExportRoots(args, metadata, *online));
  Reply reply;
  uint64_t version = 0;
  if (missing.empty() && signer != nullptr) {
    DML_ASSIGN_OR_RETURN(version, ExportOnline(args, metadata, *signer));
    reply.text.Line(
        {fmt::format("{}: version {}, {} target(s)", args.out, version, args.targets.size()),
         Style::kGood});
  } else if (missing.empty()) {
    reply.text.Line({fmt::format("{}: all roots are signed", args.out), Style::kGood});
  }
  for (const std::string& text : missing) reply.text.Line({text, Style::kBad});
  if (!missing.empty()) {
    reply.code = ExitCode::kNegative;
    reply.notes.push_back(
        "nothing but the roots was written: each holder signs them with: dml root export-tuf ... "
        "--root-key FILE");
  }
  reply.document = {{"out", args.out},
                    {"rootsSigned", missing.empty()},
                    {"missing", missing},
                    {"version", version},
                    {"targets", version == 0 ? 0 : args.targets.size()}};
  return reply;
}

}  // namespace

void AddTufCommands(CommandTree& tree, CLI::App& root) {
  tree.Add<ExportArgs>(root,
                       {"export-tuf", "A root and files as a repository for TUF clients",
                        "dml root export-tuf root-1.json root-2.json --out tuf --key online.key "
                        "--root-key pat.key --target build/api=bin/api"},
                       DeclareExport, Export);
}

}  // namespace dml
