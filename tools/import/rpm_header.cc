#include "tools/import/rpm_header.h"

#include <fstream>
#include <system_error>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("RPM_INVALID");
constexpr size_t kLeadBytes = 96;
constexpr size_t kIntroBytes = 16;
constexpr size_t kEntryBytes = 16;
constexpr std::string_view kLeadMagic("\xed\xab\xee\xdb", 4);
constexpr std::string_view kHeaderMagic("\x8e\xad\xe8\x01", 4);
constexpr uint32_t kInt32 = 4;
constexpr uint32_t kString = 6;
constexpr uint32_t kStringArray = 8;
constexpr uint32_t kI18nString = 9;

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(kInvalid, "{}; is it an RPM package, and complete?",
                         fmt::format(format, std::forward<Args>(args)...));
}

uint32_t Number(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) out = out << 8 | static_cast<uint8_t>(bytes[at + i]);
  return out;
}

class File {
 public:
  explicit File(const std::filesystem::path& path) : in_(path, std::ios::binary) {}
  bool open() const { return in_.is_open(); }

  // In steps: a size that the file states is not believed before the bytes are there.
  absl::StatusOr<std::string> Take(size_t size, std::string_view what) {
    constexpr size_t kStep = 1 << 20;
    std::string out;
    while (out.size() < size) {
      const size_t step = std::min(kStep, size - out.size());
      const size_t before = out.size();
      out.resize(before + step);
      in_.read(out.data() + before, static_cast<std::streamsize>(step));
      if (static_cast<size_t>(in_.gcount()) != step) return Invalid("it ends within {}", what);
    }
    return out;
  }

 private:
  std::ifstream in_;
};

struct RawHeader {
  std::string index;
  std::string data;
};

absl::StatusOr<RawHeader> TakeHeader(File& file, std::string_view what) {
  DML_ASSIGN_OR_RETURN(const std::string intro, file.Take(kIntroBytes, what));
  if (!intro.starts_with(kHeaderMagic)) return Invalid("{} does not begin as one", what);
  const uint32_t tags = Number(intro, 8);
  const uint32_t bytes = Number(intro, 12);
  if (tags > kMaxRpmTags || bytes > kMaxRpmHeaderBytes) {
    return Invalid("{} has {} tags and {} bytes; at most {} and {}", what, tags, bytes, kMaxRpmTags,
                   kMaxRpmHeaderBytes);
  }
  RawHeader out;
  DML_ASSIGN_OR_RETURN(out.index, file.Take(tags * kEntryBytes, what));
  DML_ASSIGN_OR_RETURN(out.data, file.Take(bytes, what));
  return out;
}

}  // namespace

absl::StatusOr<RpmHeader> RpmHeader::Read(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return NotFound(ErrorReason("FILE_NOT_FOUND"), "cannot be found; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return FailedPrecondition(ErrorReason("FILE_NOT_REGULAR"),
                              "is no regular file; name the .rpm file itself");
  }
  File file(path);
  if (!file.open()) {
    return PermissionDenied(ErrorReason("FILE_PERMISSION_DENIED"), "cannot be opened");
  }
  DML_ASSIGN_OR_RETURN(const std::string lead, file.Take(kLeadBytes, "the lead"));
  if (!lead.starts_with(kLeadMagic)) return Invalid("it does not begin as an RPM package");
  DML_ASSIGN_OR_RETURN(const RawHeader signature, TakeHeader(file, "the signature header"));
  const size_t padding = (8 - signature.data.size() % 8) % 8;
  DML_RETURN_IF_ERROR(file.Take(padding, "the signature header").status());
  DML_ASSIGN_OR_RETURN(RawHeader raw, TakeHeader(file, "the header"));
  RpmHeader out;
  out.data_ = std::move(raw.data);
  for (size_t at = 0; at < raw.index.size(); at += kEntryBytes) {
    const Entry entry{Number(raw.index, at + 4), Number(raw.index, at + 8),
                      Number(raw.index, at + 12)};
    const uint32_t tag = Number(raw.index, at);
    if (entry.offset > out.data_.size()) return Invalid("tag {} is beyond the header's data", tag);
    if (!out.entries_.emplace(tag, entry).second) return Invalid("tag {} is there twice", tag);
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> RpmHeader::Texts(RpmTag tag) const {
  std::vector<std::string> out;
  const auto found = entries_.find(static_cast<uint32_t>(tag));
  if (found == entries_.end()) return out;
  const Entry& entry = found->second;
  const uint32_t number = found->first;
  if (entry.type != kString && entry.type != kStringArray && entry.type != kI18nString) {
    return Invalid("tag {} is no text", number);
  }
  std::string_view rest = std::string_view(data_).substr(entry.offset);
  if (entry.count > rest.size()) return Invalid("tag {} is beyond the header's data", number);
  for (uint32_t i = 0; i < entry.count; ++i) {
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) {
      return Invalid("tag {} is beyond the header's data", number);
    }
    const std::string_view text = rest.substr(0, end);
    if (const std::string fault = Utf8Fault(text); !fault.empty()) {
      return Invalid("tag {} is {}", number, fault);
    }
    out.emplace_back(text);
    rest.remove_prefix(end + 1);
  }
  return out;
}

absl::StatusOr<std::string> RpmHeader::Text(RpmTag tag) const {
  DML_ASSIGN_OR_RETURN(std::vector<std::string> texts, Texts(tag));
  return texts.empty() ? "" : std::move(texts.front());
}

absl::StatusOr<std::vector<uint32_t>> RpmHeader::Numbers(RpmTag tag) const {
  std::vector<uint32_t> out;
  const auto found = entries_.find(static_cast<uint32_t>(tag));
  if (found == entries_.end()) return out;
  const Entry& entry = found->second;
  if (entry.type != kInt32) return Invalid("tag {} is no 32-bit number", found->first);
  if (entry.count > (data_.size() - entry.offset) / 4) {
    return Invalid("tag {} is beyond the header's data", found->first);
  }
  for (uint32_t i = 0; i < entry.count; ++i) {
    out.push_back(Number(data_, entry.offset + static_cast<size_t>(i) * 4));
  }
  return out;
}

}  // namespace dml
