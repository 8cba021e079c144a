// What is in a folder, as lines (docs/formats.md, "Listing of a folder"):
//
//   <sha256 in hex> <mode, octal> <path>     of a file
//   link <target> -> <path>                  of a symbolic link
//   other <path>                             of anything but files, links and folders
//
// ascending by path, paths with '%', '>' and control characters as %XX. Blocking.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml::agent {

inline constexpr size_t kMaxListingBytes = 256 << 20;
inline constexpr size_t kMaxListedFiles = 1 << 20;

/// RESOURCE_EXHAUSTED (FOLDER_TOO_LARGE) for more than kMaxListedFiles; the errors of
/// client/file_io.h.
absl::StatusOr<std::string> ListTree(const std::filesystem::path& folder);

/// How two listings differ: "<path>: was changed", "<path>: is missing", "<path>: was added". At
/// most 100, and how many more.
std::vector<std::string> CompareListings(std::string_view expected, std::string_view found);

/// Whether a pattern covers a path: "*" stands for any run of characters but '/', "**" for any.
bool MatchesPath(std::string_view pattern, std::string_view path);

}  // namespace dml::agent
