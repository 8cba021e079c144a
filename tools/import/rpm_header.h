// The header of an RPM package (rpm.org, "RPM v4 package format"; also of version 6, whose header
// is the same): what the package is, before its payload.
//
//   lead               96 bytes, of old; only its magic number is looked at
//   signature header   tags with data, padded to a multiple of 8 bytes
//   header             tags with data
// A header is 8e ad e8 01, 4 bytes unused, the number of tags and the bytes of data (both 32 bit,
// big-endian, as all numbers), then for each tag its number, type, offset and count, then the data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

inline constexpr uint32_t kMaxRpmTags = 64 * 1024;
inline constexpr uint32_t kMaxRpmHeaderBytes = 64 << 20;

/// Numbers of tags (rpmtag.h).
enum class RpmTag : uint32_t {
  kName = 1000,
  kVersion = 1001,
  kRelease = 1002,
  kEpoch = 1003,
  kSummary = 1004,
  kDescription = 1005,
  kVendor = 1011,
  kLicense = 1014,
  kGroup = 1016,
  kUrl = 1020,
  kOs = 1021,
  kArch = 1022,
  kSourceRpm = 1044,
  kProvideName = 1047,
  kRequireFlags = 1048,
  kRequireName = 1049,
  kRequireVersion = 1050,
  kConflictFlags = 1053,
  kConflictName = 1054,
  kConflictVersion = 1055,
  kObsoleteName = 1090,
  kSourcePackage = 1106,
  kProvideFlags = 1112,
  kProvideVersion = 1113,
  kObsoleteFlags = 1114,
  kObsoleteVersion = 1115,
  kDirIndexes = 1116,
  kBaseNames = 1117,
  kDirNames = 1118,
  kRecommendName = 5046,
  kSuggestName = 5049,
  kSupplementName = 5052,
  kEnhanceName = 5055,
};

/// The tags of a header that were asked for by these methods; others are passed over.
class RpmHeader {
 public:
  /// Reads lead and headers of a file, and nothing of the payload. Blocks on the disk. The errors
  /// of core/os/file.h's kinds for what cannot be opened; INVALID_ARGUMENT (RPM_INVALID): not the
  /// format above, cut short, or beyond the limits.
  static absl::StatusOr<RpmHeader> Read(const std::filesystem::path& path);

  bool Has(RpmTag tag) const { return entries_.contains(static_cast<uint32_t>(tag)); }
  /// A tag's first text; "" where there is no such tag. RPM_INVALID where it is of another type or
  /// not UTF-8.
  absl::StatusOr<std::string> Text(RpmTag tag) const;
  /// All texts of a tag; none where there is no such tag.
  absl::StatusOr<std::vector<std::string>> Texts(RpmTag tag) const;
  /// All 32-bit numbers of a tag; none where there is no such tag.
  absl::StatusOr<std::vector<uint32_t>> Numbers(RpmTag tag) const;

 private:
  struct Entry {
    uint32_t type = 0;
    uint32_t offset = 0;
    uint32_t count = 0;
  };

  std::map<uint32_t, Entry> entries_;
  std::string data_;
};

}  // namespace dml
