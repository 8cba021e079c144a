#include "tools/oci/patch_format.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <utility>

#include "core/content/frame.h"
#include "core/crypto/sha256.h"

namespace dml {
namespace {

constexpr std::string_view kMagic = "dml.patch/v1\n";
constexpr char kEnd = 0;
constexpr char kCopy = 1;
constexpr char kInsert = 2;
constexpr size_t kBufferBytes = 1 << 20;
constexpr size_t kMaxNameBytes = 4096;

template <typename T>
void PutNumber(T value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<uint8_t>(value >> shift));
  }
}

void PutBlob(const BlobRef& blob, std::string& out) {
  out += blob.digest.raw();
  PutNumber(blob.size, out);
}

}  // namespace

absl::StatusOr<PatchWriter> PatchWriter::Create(const std::filesystem::path& path,
                                                const PatchHeader& header) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return IoError(errno, "make", path);
  PatchWriter out(path, std::move(file));
  std::string bytes(kMagic);
  PutNumber(static_cast<uint32_t>(header.bases.size()), bytes);
  for (const PatchBase& base : header.bases) {
    const std::string name = base.variant.ResourceName();
    PutNumber(static_cast<uint16_t>(name.size()), bytes);
    bytes += name;
    PutBlob(base.file, bytes);
  }
  PutNumber(static_cast<uint32_t>(header.files.size()), bytes);
  for (const BlobRef& made : header.files) PutBlob(made, bytes);
  DML_RETURN_IF_ERROR(out.Append(bytes));
  return out;
}

absl::Status PatchWriter::Copy(const PatchCopy& copy) {
  if (copy_.has_value() && copy_->base == copy.base &&
      copy_->offset + copy_->length == copy.offset) {
    copy_->length += copy.length;
    return absl::OkStatus();
  }
  DML_RETURN_IF_ERROR(FlushCopy());
  copy_ = copy;
  return absl::OkStatus();
}

absl::Status PatchWriter::FlushCopy() {
  if (!copy_.has_value()) return absl::OkStatus();
  const PatchCopy copy = *std::exchange(copy_, std::nullopt);
  std::string bytes(1, kCopy);
  PutNumber(copy.base, bytes);
  PutNumber(copy.offset, bytes);
  PutNumber(copy.length, bytes);
  return Append(bytes);
}

absl::Status PatchWriter::Insert(std::string_view raw) {
  DML_RETURN_IF_ERROR(FlushCopy());
  const EncodedChunk chunk = EncodeChunk(AsBytes(raw));
  std::string bytes(1, kInsert);
  bytes += static_cast<char>(chunk.codec);
  bytes += chunk.raw_digest.raw();
  PutNumber(chunk.raw_size, bytes);
  PutNumber(static_cast<uint32_t>(chunk.stored.size()), bytes);
  DML_RETURN_IF_ERROR(Append(bytes));
  return Append(chunk.stored);
}

absl::Status PatchWriter::Append(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() < kBufferBytes) return absl::OkStatus();
  DML_RETURN_IF_ERROR(WriteAt(file_, written_, buffer_, path_));
  written_ += buffer_.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::StatusOr<BlobRef> PatchWriter::Finish() {
  DML_RETURN_IF_ERROR(FlushCopy());
  DML_RETURN_IF_ERROR(Append(std::string_view(&kEnd, 1)));
  DML_RETURN_IF_ERROR(WriteAt(file_, written_, buffer_, path_));
  return HashFile(file_, path_);
}

absl::StatusOr<PatchReader> PatchReader::Open(FileDescriptor file, std::filesystem::path path) {
  PatchReader out(std::move(file), std::move(path));
  DML_RETURN_IF_ERROR(out.ReadHeader());
  return out;
}

absl::Status PatchReader::Invalid(std::string_view what) const {
  return InvalidArgument(ErrorReason("PATCH_INVALID"),
                         "the patch {} cannot be used: at byte {}, {}; export again",
                         path_.string(), read_ - (buffer_.size() - buffer_at_), what);
}

absl::StatusOr<std::string> PatchReader::Take(size_t count) {
  if (buffer_.size() - buffer_at_ < count) {
    buffer_.erase(0, buffer_at_);
    buffer_at_ = 0;
    std::string more;
    DML_RETURN_IF_ERROR(ReadAt(file_, read_, std::max(count, kBufferBytes), more, path_));
    read_ += more.size();
    buffer_ += more;
    if (buffer_.size() < count) return Invalid("it ends too early");
  }
  std::string out = buffer_.substr(buffer_at_, count);
  buffer_at_ += count;
  return out;
}

template <typename T>
absl::StatusOr<T> PatchReader::TakeNumber() {
  DML_ASSIGN_OR_RETURN(std::string bytes, Take(sizeof(T)));
  T out = 0;
  for (char byte : bytes) out = static_cast<T>(out << 8 | static_cast<uint8_t>(byte));
  return out;
}

absl::Status PatchReader::ReadHeader() {
  auto take_blob = [this]() -> absl::StatusOr<BlobRef> {
    DML_ASSIGN_OR_RETURN(std::string raw, Take(32));
    DML_ASSIGN_OR_RETURN(Digest digest, Digest::FromBytes(raw));
    DML_ASSIGN_OR_RETURN(uint64_t size, TakeNumber<uint64_t>());
    return BlobRef{digest, size};
  };
  absl::StatusOr<std::string> magic = Take(kMagic.size());
  if (!magic.ok() || *magic != kMagic) return Invalid("it does not begin as one of version 1");
  DML_ASSIGN_OR_RETURN(uint32_t bases, TakeNumber<uint32_t>());
  if (bases > kMaxPatchBases) return Invalid("too many bases");
  for (uint32_t i = 0; i < bases; ++i) {
    DML_ASSIGN_OR_RETURN(uint16_t size, TakeNumber<uint16_t>());
    if (size > kMaxNameBytes) return Invalid("the name of a base is too long");
    DML_ASSIGN_OR_RETURN(std::string name, Take(size));
    absl::StatusOr<VariantName> variant = VariantName::Parse(name);
    if (!variant.ok()) return Invalid("a base is no variant");
    DML_ASSIGN_OR_RETURN(BlobRef file, take_blob());
    header_.bases.push_back({*std::move(variant), file});
  }
  DML_ASSIGN_OR_RETURN(uint32_t files, TakeNumber<uint32_t>());
  if (files == 0 || files > kMaxPatchFiles) return Invalid("no files, or too many");
  std::set<Digest> seen;
  for (uint32_t i = 0; i < files; ++i) {
    DML_ASSIGN_OR_RETURN(BlobRef file, take_blob());
    if (!seen.insert(file.digest).second) return Invalid("it makes one file twice");
    header_.files.push_back(file);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<PatchStep>> PatchReader::Next() {
  if (current_ < header_.files.size() && made_ == header_.files[current_].size) {
    ++current_;
    made_ = 0;
    return std::nullopt;
  }
  DML_ASSIGN_OR_RETURN(std::string kind, Take(1));
  if (current_ == header_.files.size()) {
    if (kind[0] != kEnd) return Invalid("something follows its last file");
    const absl::Status end = Take(1).status();
    if (end.ok()) return Invalid("something follows its end");
    if (Reason(end) != "PATCH_INVALID") return end;  // It could not be read.
    return std::nullopt;
  }
  absl::StatusOr<PatchStep> step = kind[0] == kCopy     ? ReadCopy()
                                   : kind[0] == kInsert ? ReadInsert()
                                                        : Invalid("unknown kind of step");
  DML_RETURN_IF_ERROR(step.status());
  return std::optional<PatchStep>(*std::move(step));
}

absl::StatusOr<PatchStep> PatchReader::ReadCopy() {
  PatchCopy copy;
  DML_ASSIGN_OR_RETURN(copy.base, TakeNumber<uint32_t>());
  DML_ASSIGN_OR_RETURN(copy.offset, TakeNumber<uint64_t>());
  DML_ASSIGN_OR_RETURN(copy.length, TakeNumber<uint64_t>());
  if (copy.base >= header_.bases.size()) return Invalid("it copies from a base that it has not");
  const uint64_t size = header_.bases[copy.base].file.size;
  if (copy.length == 0 || copy.offset > size || copy.length > size - copy.offset) {
    return Invalid("it copies from beyond the end of a base, or nothing");
  }
  if (copy.length > header_.files[current_].size - made_) return Invalid("a file gets too long");
  made_ += copy.length;
  return copy;
}

absl::StatusOr<PatchStep> PatchReader::ReadInsert() {
  DML_ASSIGN_OR_RETURN(uint8_t codec, TakeNumber<uint8_t>());
  DML_ASSIGN_OR_RETURN(std::string raw_digest, Take(32));
  DML_ASSIGN_OR_RETURN(Digest digest, Digest::FromBytes(raw_digest));
  DML_ASSIGN_OR_RETURN(uint32_t raw_size, TakeNumber<uint32_t>());
  DML_ASSIGN_OR_RETURN(uint32_t stored_size, TakeNumber<uint32_t>());
  if (raw_size == 0 || raw_size > kMaxChunkBytes || stored_size > raw_size) {
    return Invalid("an insertion is empty or too large");
  }
  if (raw_size > header_.files[current_].size - made_) return Invalid("a file gets too long");
  DML_ASSIGN_OR_RETURN(std::string stored, Take(stored_size));
  absl::StatusOr<std::string> raw =
      DecodeChunk(static_cast<FrameCodec>(codec), AsBytes(stored), raw_size);
  if (!raw.ok()) return Invalid("an insertion is no chunk as it should be");
  if (!CheckChunkDigest(digest, AsBytes(*raw)).ok()) {
    return Invalid("an insertion has another digest than it says");
  }
  made_ += raw_size;
  return PatchInsert{*std::move(raw)};
}

}  // namespace dml
