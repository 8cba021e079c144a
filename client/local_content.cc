#include "client/local_content.h"

#include <algorithm>
#include <system_error>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxWanted = 1 << 20;
constexpr size_t kMaxOpenFiles = 64;
constexpr size_t kReadBytes = 2 << 20;
constexpr uint32_t kNoFile = UINT32_MAX;
// A file that has lost so many chunks is being rewritten; the others are not tried.
constexpr int kMaxLosses = 8;

}  // namespace

bool LocalContent::Want(const Digest& chunk, bool as_base) {
  if (chunks_.size() >= kMaxWanted) return false;
  chunks_.push_back({.digest = chunk, .as_base = as_base});
  return true;
}

void LocalContent::Seal() {
  if (std::exchange(sealed_, true)) return;
  // What is wanted for both purposes is wanted for itself: false sorts first and is kept.
  std::ranges::sort(chunks_, {}, [](const Chunk& c) { return std::tie(c.digest, c.as_base); });
  const auto repeated = std::ranges::unique(chunks_, {}, &Chunk::digest);
  chunks_.erase(repeated.begin(), repeated.end());
  missing_ = std::ranges::count(chunks_, false, &Chunk::as_base);
}

size_t LocalContent::Find(const Digest& digest) const {
  if (!sealed_) return chunks_.size();
  const auto at = std::ranges::lower_bound(chunks_, digest, {}, &Chunk::digest);
  if (at == chunks_.end() || at->digest != digest) return chunks_.size();
  return static_cast<size_t>(at - chunks_.begin());
}

void LocalContent::SearchFile(FileDescriptor file, const fs::path& path) {
  Seal();
  if (Complete()) return;
  bool is_useful = false;
  uint64_t offset = 0;
  auto sink = [&](ByteSpan raw) -> absl::Status {
    const size_t number = Find(Sha256(raw));
    if (number < chunks_.size() && chunks_[number].file == kNoFile) {
      Chunk& chunk = chunks_[number];
      chunk.file = static_cast<uint32_t>(files_.size());
      chunk.size = static_cast<uint32_t>(raw.size());
      chunk.offset = offset;
      is_useful = true;
      if (!chunk.as_base) --missing_;
    }
    offset += raw.size();
    return Complete() ? absl::CancelledError("all is found") : absl::OkStatus();
  };
  StreamChunker chunker(params_);
  std::string block;
  uint64_t position = 0;
  absl::Status status;
  do {
    status = ReadAt(file, position, kReadBytes, block, path);
    position += block.size();
    if (status.ok()) status = chunker.Push(AsBytes(block), sink);
  } while (status.ok() && !block.empty());
  if (status.ok()) chunker.Finish(sink).IgnoreError();  // What could be read was searched.
  if (!is_useful) return;
  File& found = files_.emplace_back(File{.path = path});
  if (open_files_ == kMaxOpenFiles) return;
  ++open_files_;
  found.open = std::make_shared<FileDescriptor>(std::move(file));
}

void LocalContent::SearchPath(const fs::path& path, const std::set<std::string>& first_names) {
  Seal();
  auto search = [this](const fs::path& file) {
    if (absl::StatusOr<FileDescriptor> opened = OpenRegular(file); opened.ok()) {
      SearchFile(*std::move(opened), file);
    }
  };
  std::error_code error;
  if (!fs::is_directory(path, error)) return search(path);
  for (const std::string& name : first_names) {
    if (Complete()) return;
    search(path / name);
  }
  fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, error);
  for (; !error && !Complete() && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code kind_error;
    if (it->symlink_status(kind_error).type() != fs::file_type::regular) continue;
    const std::string name = it->path().lexically_relative(path).generic_string();
    if (!first_names.contains(name)) search(it->path());
  }
}

bool LocalContent::IsFound(size_t number) const {
  if (number == chunks_.size() || chunks_[number].file == kNoFile) return false;
  return files_[chunks_[number].file].losses < kMaxLosses;
}

bool LocalContent::Has(const Digest& chunk) const {
  absl::MutexLock lock(&mutex_);
  return IsFound(Find(chunk));
}

bool LocalContent::Load(const Digest& chunk, std::string& raw) {
  const size_t number = Find(chunk);
  Chunk place;
  std::shared_ptr<FileDescriptor> file;
  {
    absl::MutexLock lock(&mutex_);
    if (!IsFound(number)) return false;
    place = chunks_[number];
    file = files_[place.file].open;
  }
  const fs::path& path = files_[place.file].path;
  if (file == nullptr) {
    if (auto opened = OpenRegular(path); opened.ok()) {
      file = std::make_shared<FileDescriptor>(*std::move(opened));
    }
  }
  if (file != nullptr && ReadAt(*file, place.offset, place.size, raw, path).ok() &&
      raw.size() == place.size && Sha256(raw) == chunk) {
    return true;
  }
  absl::MutexLock lock(&mutex_);
  chunks_[number].file = kNoFile;
  ++files_[place.file].losses;
  return false;
}

}  // namespace dml
