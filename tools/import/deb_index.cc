#include "tools/import/deb_index.h"

#include <archive.h>
#include <archive_entry.h>
#include <memory>
#include <system_error>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr size_t kBlockBytes = 256 << 10;
constexpr ErrorReason kInvalid("DEB_INVALID");
constexpr ErrorReason kTooLarge("DEB_TOO_LARGE");

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

absl::Status Broken(archive* reader) {
  const char* why = archive_error_string(reader);
  return InvalidArgument(kInvalid, "cannot be read: {}; is it a Packages file, and complete?",
                         Excerpt(why == nullptr ? "" : why, 256));
}

/// Only filters that libarchive has built in: it never starts another program.
bool SupportFilters(archive* reader) {
  return archive_read_support_filter_gzip(reader) == ARCHIVE_OK &&
         archive_read_support_filter_xz(reader) == ARCHIVE_OK &&
         archive_read_support_filter_zstd(reader) == ARCHIVE_OK &&
         archive_read_support_filter_bzip2(reader) == ARCHIVE_OK &&
         archive_read_support_filter_lz4(reader) == ARCHIVE_OK;
}

/// Cuts a stream into paragraphs, which empty lines part.
class StanzaReader {
 public:
  StanzaReader(const std::function<absl::Status(const DebControl&)>& take,
               const DebIndexLimits& limits)
      : take_(take), limits_(limits) {}

  absl::Status Add(std::string_view block) {
    bytes_ += block.size();
    if (bytes_ > limits_.max_bytes) {
      return ResourceExhausted(kTooLarge, "more than {} bytes uncompressed", limits_.max_bytes);
    }
    pending_ += block;
    size_t from = 0;
    for (size_t end; (end = pending_.find("\n\n", from)) != std::string::npos; from = end + 2) {
      DML_RETURN_IF_ERROR(Take(std::string_view(pending_).substr(from, end + 1 - from)));
    }
    pending_.erase(0, from);
    if (pending_.size() > limits_.max_stanza_bytes) return TooLong();
    return absl::OkStatus();
  }

  absl::Status Finish() { return Take(pending_); }

 private:
  absl::Status TooLong() const {
    return ResourceExhausted(kTooLarge, "paragraph {}: more than {} bytes", count_ + 1,
                             limits_.max_stanza_bytes);
  }

  absl::Status Take(std::string_view text) {
    while (text.starts_with('\n')) text.remove_prefix(1);
    if (text.empty()) return absl::OkStatus();
    if (text.size() > limits_.max_stanza_bytes) return TooLong();
    if (++count_ > limits_.max_packages) {
      return ResourceExhausted(kTooLarge, "more than {} packages", limits_.max_packages);
    }
    absl::StatusOr<DebControl> control = ParseDebControl(text);
    if (!control.ok()) return At(control.status(), "");
    absl::Status taken = take_(*control);
    return taken.ok() ? taken : At(taken, control->Get("Package"));
  }

  absl::Status At(const absl::Status& status, std::string_view name) const {
    return Annotate(status, name.empty() ? fmt::format("paragraph {}", count_)
                                         : fmt::format("paragraph {} ({})", count_, Excerpt(name)));
  }

  const std::function<absl::Status(const DebControl&)>& take_;
  const DebIndexLimits& limits_;
  std::string pending_;
  uint64_t bytes_ = 0;
  size_t count_ = 0;
};

absl::Status ReadStream(const std::filesystem::path& path, StanzaReader& stanzas) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return NotFound(ErrorReason("FILE_NOT_FOUND"), "cannot be found; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "is no regular file; name the Packages file itself");
  }
  const std::unique_ptr<archive, FreeArchive> reader(archive_read_new());
  archive_entry* entry = nullptr;
  if (!SupportFilters(reader.get()) ||
      archive_read_support_format_raw(reader.get()) != ARCHIVE_OK ||
      archive_read_support_format_empty(reader.get()) != ARCHIVE_OK ||
      archive_read_open_filename(reader.get(), path.c_str(), kBlockBytes) != ARCHIVE_OK) {
    return Broken(reader.get());
  }
  const int opened = archive_read_next_header(reader.get(), &entry);
  if (opened == ARCHIVE_EOF) return absl::OkStatus();
  if (opened != ARCHIVE_OK) return Broken(reader.get());
  std::string block(kBlockBytes, '\0');
  while (true) {
    const la_ssize_t size = archive_read_data(reader.get(), block.data(), block.size());
    if (size < 0) return Broken(reader.get());
    if (size == 0) return stanzas.Finish();
    DML_RETURN_IF_ERROR(stanzas.Add(std::string_view(block).substr(0, size)));
  }
}

}  // namespace

absl::Status ReadDebIndex(const std::filesystem::path& path,
                          const std::function<absl::Status(const DebControl&)>& take,
                          const DebIndexLimits& limits) {
  StanzaReader stanzas(take, limits);
  absl::Status status = ReadStream(path, stanzas);
  return status.ok() ? status : Annotate(status, path.string());
}

}  // namespace dml
