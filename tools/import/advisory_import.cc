#include "tools/import/advisory_import.h"

#include <algorithm>
#include <set>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/compat/resolve_document.h"
#include "tools/import/package_import.h"

namespace dml::advisory_import {
namespace {

using nlohmann::json;

constexpr size_t kMaxNotes = 10'000;
constexpr size_t kMaxLineBytes = 256;
constexpr size_t kMaxTextBytes = 16 << 10;
constexpr size_t kMaxUrlBytes = 2048;

absl::Status Wrong(const json& value, const char* member, std::string_view expected) {
  return AtField(InvalidArgument(kInvalid, "expected {}, found {}", expected, JsonTypeName(value)),
                 member);
}

// One line, or several, that a document may hold.
std::string Clean(std::string_view text, size_t max_bytes, bool lines) {
  std::string out(CutText(text, max_bytes));
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x7f || (byte < 0x20 && !(lines && (c == '\n' || c == '\t')))) c = ' ';
  }
  // C1 controls are two bytes of UTF-8.
  for (size_t at = 0; (at = out.find('\xc2', at)) != std::string::npos; ++at) {
    if (at + 1 < out.size() && static_cast<unsigned char>(out[at + 1]) < 0xa0) {
      out.replace(at, 2, "  ");
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> Text(const json& object, const char* member, size_t max_bytes) {
  const auto it = object.find(member);
  if (it == object.end() || it->is_null()) return std::string();
  absl::StatusOr<std::string> text = JsonText(*it, max_bytes, kInvalid);
  if (!text.ok()) return AtField(text.status(), member);
  return text;
}

absl::StatusOr<const json*> List(const json& object, const char* member, size_t max_items) {
  static const json kEmpty = json::array();
  const auto it = object.find(member);
  if (it == object.end() || it->is_null()) return &kEmpty;
  if (!it->is_array() || it->size() > max_items) {
    return Wrong(*it, member, fmt::format("an array of at most {}", max_items));
  }
  return &*it;
}

absl::StatusOr<const json*> Object(const json& object, const char* member) {
  static const json kEmpty = json::object();
  const auto it = object.find(member);
  if (it == object.end() || it->is_null()) return &kEmpty;
  if (!it->is_object()) return Wrong(*it, member, "an object");
  return &*it;
}

absl::StatusOr<Timestamp> Time(const json& object, const char* member) {
  DML_ASSIGN_OR_RETURN(const std::string text, Text(object, member, 64));
  const std::optional<Timestamp> time = ParseTime(text);
  if (time.has_value()) return *time;
  return AtField(InvalidArgument(kInvalid, "'{}' is no RFC 3339 time such as 2026-03-01T12:00:00Z",
                                 Excerpt(text)),
                 member);
}

absl::StatusOr<std::vector<std::string>> Texts(const json& object, const char* member) {
  DML_ASSIGN_OR_RETURN(const json* list, List(object, member));
  std::vector<std::string> out;
  for (const json& item : *list) {
    absl::StatusOr<std::string> text = JsonText(item, 4096, kInvalid);
    if (!text.ok()) return AtField(text.status(), member);
    out.push_back(*std::move(text));
  }
  return out;
}

void Collector::Note(std::string_view where, std::string_view what) {
  if (out_.unmapped.size() == kMaxNotes) return;
  out_.unmapped.push_back(out_.unmapped.size() + 1 == kMaxNotes
                              ? "more than can be told here"
                              : fmt::format("{}: {}", where, what));
}

std::optional<Named> Collector::Find(std::string_view where, const Purl& purl,
                                     std::vector<std::string> keys) {
  absl::StatusOr<PackageName> package = PackageOfPurl(purl, options_.map, std::move(keys));
  if (package.ok()) return Named{*std::move(package), purl.version_scheme()};
  Note(where, Message(package.status()));
  return std::nullopt;
}

absl::Status Collector::Add(Advisory advisory) {
  if (advisory.affects.empty()) return absl::OkStatus();
  if (!options_.authority.empty()) advisory.authority = options_.authority;
  advisory.authority = Clean(advisory.authority, kMaxLineBytes, false);
  if (advisory.text.size() > kMaxTextBytes) {
    Note(advisory.id, fmt::format("the text is cut to {} bytes", kMaxTextBytes));
  }
  advisory.text = Clean(advisory.text, kMaxTextBytes, true);
  if (advisory.text.empty()) advisory.text = advisory.id;
  std::erase_if(advisory.references, [](const std::string& url) {
    return url.empty() || url.size() > kMaxUrlBytes || HasControlCharacters(url);
  });
  std::set<std::string> aliases;
  for (const std::string& alias : advisory.aliases) {
    if (alias == advisory.id) continue;
    if (ValidateAdvisoryId(alias).ok()) {
      aliases.insert(alias);
    } else {
      Note(advisory.id, fmt::format("alias '{}' is no id of an advisory here", Excerpt(alias)));
    }
  }
  advisory.aliases.assign(aliases.begin(), aliases.end());
  for (auto* list : {&advisory.references, &advisory.aliases}) {
    if (list->size() <= kMaxAdvisoryRelations) continue;
    Note(advisory.id,
         fmt::format("only the first {} references and aliases are kept", kMaxAdvisoryRelations));
    list->resize(kMaxAdvisoryRelations);
  }
  const std::vector<AffectedPackage> all = std::move(advisory.affects);
  const std::string id = advisory.id;
  for (size_t from = 0, part = 1; from < all.size(); from += kMaxAdvisoryPackages, ++part) {
    const size_t count = std::min(all.size() - from, kMaxAdvisoryPackages);
    advisory.affects.assign(all.begin() + static_cast<ptrdiff_t>(from),
                            all.begin() + static_cast<ptrdiff_t>(from + count));
    if (part > 1) {
      advisory.id = fmt::format("{}:{}", id, part);
      advisory.aliases.insert(advisory.aliases.begin(), id);
      if (advisory.aliases.size() > kMaxAdvisoryRelations) advisory.aliases.pop_back();
    }
    const absl::Status valid = ParseAdvisory(FormatAdvisory(advisory)).status();
    if (!valid.ok()) return Annotate(valid, advisory.id);
    out_.advisories.push_back(advisory);
    if (part > 1) advisory.aliases.erase(advisory.aliases.begin());
  }
  return absl::OkStatus();
}

std::string AdvisoryIdOf(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, kMaxAdvisoryIdBytes)) {
    const std::string one(1, c);
    out += ValidateAdvisoryId("x" + one).ok() ? c : '-';
  }
  out.erase(0, std::min(out.find_first_not_of("._:-"), out.size()));
  return out;
}

uint64_t RevisionOf(Timestamp time) {
  const int64_t seconds = ToMicros(time) / 1'000'000;
  return seconds < 1 ? 1 : static_cast<uint64_t>(seconds);
}

VersionRange Storable(const VersionRange& range, std::string_view where, Collector& out) {
  if (range.IsAll()) return range;
  const std::string text = range.ToVers();
  if (text.size() <= kMaxRangeBytes && VersionRange::ParseVers(text).ok()) return range;
  out.Note(where,
           "its versions are too many parts for one range: every version counts as affected");
  return VersionRange::All();
}

}  // namespace dml::advisory_import
