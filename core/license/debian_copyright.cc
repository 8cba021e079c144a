// ParseDebianCopyright: stanzas of fields, of which only the kind of stanza and License count.
#include <algorithm>
#include <optional>
#include <set>

#include "core/license/debian.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("DEBIAN_COPYRIGHT_INVALID");

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Runs of white space become one space.
std::string Normalize(std::string_view text) {
  std::string normal;
  for (char c : Trim(text)) {
    const bool space = c == ' ' || c == '\t' || c == '\r';
    if (!space) normal += c;
    if (space && !normal.ends_with(' ')) normal += ' ';
  }
  return normal;
}

struct Field {
  std::string name;  // Lower case.
  std::string_view value;
};

// RFC 822 as Debian writes it: the name is printable ASCII without ":".
std::optional<Field> ReadField(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == line.npos || colon == 0) return std::nullopt;
  const std::string_view name = Trim(line.substr(0, colon));
  const bool printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) return std::nullopt;
  return Field{AsciiLower(name), Trim(line.substr(colon + 1))};
}

bool NamesTheFormat(const Field& field) {
  if (field.name != "format" && field.name != "format-specification") return false;
  const std::string value = AsciiLower(field.value);
  return value.find("copyright-format") != value.npos || value.find("dep5") != value.npos ||
         value.find("dep-5") != value.npos;
}

class CopyrightReader {
 public:
  absl::StatusOr<DebianCopyright> Run(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      DML_RETURN_IF_ERROR(Line(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (stanza_ > 0 && !out_.machine_readable) return DebianCopyright();
    }
    DML_RETURN_IF_ERROR(EndStanza());
    return out_.machine_readable ? std::move(out_) : DebianCopyright();
  }

 private:
  absl::Status Line(std::string_view line) {
    ++line_;
    if (Trim(line).empty()) return EndStanza();
    if (line[0] == '#' || line[0] == ' ' || line[0] == '\t') return absl::OkStatus();
    const std::optional<Field> field = ReadField(line);
    if (!field.has_value()) {
      if (!out_.machine_readable) return absl::OkStatus();
      return InvalidArgument(kInvalid, "line {}: expected 'Name: value' or a line that is indented",
                             line_);
    }
    in_stanza_ = true;
    if (stanza_ == 0 && NamesTheFormat(*field)) out_.machine_readable = true;
    if (field->name == "files") files_ = true;
    if (field->name != "license") return absl::OkStatus();
    if (field->value.size() > kMaxDebianSynopsisBytes) {
      return InvalidArgument(kInvalid, "line {}: a license name of more than {} bytes", line_,
                             kMaxDebianSynopsisBytes);
    }
    licenses_.push_back(Normalize(field->value));
    return absl::OkStatus();
  }

  absl::Status EndStanza() {
    if (!in_stanza_) return absl::OkStatus();
    if (files_ && licenses_.empty()) licenses_.emplace_back();
    if (files_ || stanza_ == 0) {
      for (std::string& license : licenses_) {
        if (license.empty()) license = kDebianUnspecified;
        if (!seen_.insert(license).second) continue;
        if (out_.short_names.size() == kMaxDebianSynopses) {
          return InvalidArgument(kInvalid, "line {}: more than {} different licenses", line_,
                                 kMaxDebianSynopses);
        }
        out_.short_names.push_back(license);
      }
    }
    licenses_.clear();
    files_ = in_stanza_ = false;
    ++stanza_;
    return absl::OkStatus();
  }

  DebianCopyright out_;
  std::set<std::string> seen_;
  size_t line_ = 0;
  size_t stanza_ = 0;  // Complete ones so far.
  bool in_stanza_ = false;
  bool files_ = false;  // Whether the current stanza is about files.
  std::vector<std::string> licenses_;
};

}  // namespace

absl::StatusOr<DebianCopyright> ParseDebianCopyright(std::string_view text) {
  if (text.size() > kMaxDebianCopyrightBytes) {
    return InvalidArgument(kInvalid, "line 1: the copyright file has {} bytes; at most {} are read",
                           text.size(), kMaxDebianCopyrightBytes);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return CopyrightReader().Run(text);
}

}  // namespace dml
