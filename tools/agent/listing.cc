#include "tools/agent/listing.h"

#include <cerrno>
#include <map>
#include <system_error>

#include <sys/stat.h>

#include "client/file_io.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDifferences = 100;
constexpr mode_t kModeBits = 07777;

std::string Escaped(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '%' || c == '>') {
      out += fmt::format("%{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

absl::StatusOr<std::string> Describe(const fs::directory_entry& entry) {
  std::error_code error;
  const fs::file_type type = entry.symlink_status(error).type();
  if (type == fs::file_type::symlink) {
    return fmt::format("link {} ->", Escaped(fs::read_symlink(entry.path(), error).string()));
  }
  if (type != fs::file_type::regular) return "other";
  DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenRegular(entry.path()));
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return IoError(errno, "look at", entry.path());
  DML_ASSIGN_OR_RETURN(BlobRef blob, HashFile(file, entry.path()));
  return fmt::format("{} {:o}", blob.digest.hex(), info.st_mode & kModeBits);
}

// Path -> what stands before it.
std::map<std::string_view, std::string_view> Lines(std::string_view listing) {
  std::map<std::string_view, std::string_view> out;
  while (!listing.empty()) {
    const size_t end = listing.find('\n');
    const std::string_view line = listing.substr(0, end);
    listing.remove_prefix(end == listing.npos ? listing.size() : end + 1);
    size_t at = line.find("-> ");
    at = at == line.npos ? line.find(' ') : at + 2;
    // A file's line has a mode, too.
    if (line.size() > 65 && line[64] == ' ' && line.find("-> ") == line.npos) {
      at = line.find(' ', 65);
    }
    if (at != line.npos) out.emplace(line.substr(at + 1), line.substr(0, at));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> ListTree(const fs::path& folder) {
  std::map<std::string, std::string> lines;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->symlink_status(ignored).type() == fs::file_type::directory) continue;
    if (lines.size() == kMaxListedFiles) {
      return ResourceExhausted(ErrorReason("FOLDER_TOO_LARGE"), "{} holds more than {} files",
                               folder.string(), kMaxListedFiles);
    }
    DML_ASSIGN_OR_RETURN(std::string what, Describe(*it));
    lines.emplace(Escaped(it->path().lexically_relative(folder).generic_string()), std::move(what));
  }
  if (error) return IoError(error.value(), "list the folder", folder);
  std::string out;
  for (const auto& [path, what] : lines) out += what + " " + path + "\n";
  return out;
}

std::vector<std::string> CompareListings(std::string_view expected, std::string_view found) {
  const auto before = Lines(expected);
  const auto now = Lines(found);
  std::vector<std::string> out;
  size_t more = 0;
  const auto add = [&](std::string_view path, const char* what) {
    if (out.size() == kMaxDifferences) {
      ++more;
    } else {
      out.push_back(fmt::format("{}: {}", path, what));
    }
  };
  for (const auto& [path, what] : before) {
    const auto there = now.find(path);
    if (there == now.end()) {
      add(path, "is missing");
    } else if (there->second != what) {
      add(path, "was changed");
    }
  }
  for (const auto& [path, what] : now) {
    if (!before.contains(path)) add(path, "was added");
  }
  if (more > 0) out.push_back(fmt::format("... and {} more", more));
  return out;
}

bool MatchesPath(std::string_view pattern, std::string_view path) {
  // The last star, to try again from with one more character: linear for each star.
  size_t p = 0, s = 0, star = pattern.npos, from = 0;
  bool is_deep = false;
  while (s < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      is_deep = p + 1 < pattern.size() && pattern[p + 1] == '*';
      star = p += is_deep ? 2 : 1;
      from = s;
    } else if (p < pattern.size() && pattern[p] == path[s]) {
      ++p, ++s;
    } else if (star != pattern.npos && (is_deep || path[from] != '/')) {
      p = star;
      s = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace dml::agent
