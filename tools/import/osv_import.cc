// OSV documents (ossf.github.io/osv-schema, 1.6): vulnerabilities by ecosystems and packages.
#include <algorithm>
#include <array>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "tools/import/advisory_import.h"

namespace dml {
namespace {

using advisory_import::Collector;
using advisory_import::kInvalid;
using advisory_import::List;
using advisory_import::Named;
using advisory_import::Object;
using advisory_import::Text;
using advisory_import::Texts;
using advisory_import::Time;
using nlohmann::json;

constexpr size_t kMaxVersionsApart = 100;  // Beside ranges.

// The purl types of ecosystems whose versions are ordered by a scheme, or whose names are told
// apart by a type at least.
constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {"AlmaLinux", "rpm"},   {"Alpine", "apk"},         {"Chainguard", "apk"},
    {"crates.io", "cargo"}, {"Debian", "deb"},         {"Go", "golang"},
    {"Hex", "hex"},         {"Mageia", "rpm"},         {"Maven", "maven"},
    {"npm", "npm"},         {"NuGet", "nuget"},        {"openEuler", "rpm"},
    {"openSUSE", "rpm"},    {"Packagist", "composer"}, {"Pub", "pub"},
    {"PyPI", "pypi"},       {"Red Hat", "rpm"},        {"Rocky Linux", "rpm"},
    {"RubyGems", "gem"},    {"SUSE", "rpm"},           {"Ubuntu", "deb"},
    {"Wolfi", "apk"}};

std::string TypeOf(std::string_view ecosystem) {
  const auto row =
      std::ranges::find(kTypes, ecosystem, &std::pair<std::string_view, std::string_view>::first);
  return std::string(row == std::end(kTypes) ? "generic" : row->second);
}

class OsvReader {
 public:
  OsvReader(const json& document, const AdvisoryImportOptions& options)
      : document_(document), out_(options) {}

  absl::StatusOr<AdvisoryImport> Read() {
    Advisory advisory;
    DML_ASSIGN_OR_RETURN(advisory.id, Text(document_, "id"));
    if (const absl::Status valid = ValidateAdvisoryId(advisory.id); !valid.ok()) {
      return AtField(InvalidArgument(kInvalid, "{}", Message(valid)), "id");
    }
    DML_ASSIGN_OR_RETURN(const Timestamp modified, Time(document_, "modified"));
    advisory.revision = advisory_import::RevisionOf(modified);
    if (document_.contains("published")) {
      DML_ASSIGN_OR_RETURN(advisory.published, Time(document_, "published"));
    }
    if (document_.contains("withdrawn")) {
      DML_ASSIGN_OR_RETURN(const Timestamp withdrawn, Time(document_, "withdrawn"));
      advisory.withdrawn = "its publisher withdrew it on " + FormatTime(withdrawn);
    }
    advisory.authority = "OSV " + advisory.id.substr(0, advisory.id.find('-'));
    advisory.effect = out_.options().effect;
    DML_ASSIGN_OR_RETURN(advisory.aliases, Texts(document_, "aliases"));
    DML_RETURN_IF_ERROR(ReadWords(advisory));
    DML_ASSIGN_OR_RETURN(advisory.severity, ReadSeverity(document_));
    DML_ASSIGN_OR_RETURN(const json* affected, List(document_, "affected", 10'000));
    for (size_t i = 0; i < affected->size(); ++i) {
      const std::string where = fmt::format("affected[{}]", i);
      const absl::Status read = ReadAffected((*affected)[i], where, advisory);
      if (!read.ok()) return AtField(read, where);
    }
    if (advisory.severity == AdvisorySeverity::kUnknown) {
      out_.Note("severity", "none that can be read here; an unknown one counts as critical");
    }
    DML_RETURN_IF_ERROR(out_.Add(std::move(advisory)));
    return out_.Finish();
  }

 private:
  absl::Status ReadWords(Advisory& advisory) {
    DML_ASSIGN_OR_RETURN(const std::string summary, Text(document_, "summary", 64 << 10));
    DML_ASSIGN_OR_RETURN(const std::string details, Text(document_, "details", 1 << 20));
    advisory.text =
        summary.empty() || details.empty() ? summary + details : summary + "\n\n" + details;
    DML_ASSIGN_OR_RETURN(const json* references, List(document_, "references"));
    for (const json& item : *references) {
      if (!item.is_object())
        return AtField(InvalidArgument(kInvalid, "expected objects"), "references");
      DML_ASSIGN_OR_RETURN(std::string url, Text(item, "url"));
      advisory.references.push_back(std::move(url));
    }
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> upstream, Texts(document_, "upstream"));
    for (const std::string& id : upstream) {
      // One of several that it is about is no other name of it.
      out_.Note("upstream", fmt::format("{} is no other name of it", Excerpt(id)));
    }
    return absl::OkStatus();
  }

  // The worst of what is told: vectors, and the words of those databases that have some.
  static absl::StatusOr<AdvisorySeverity> ReadSeverity(const json& object) {
    AdvisorySeverity out = AdvisorySeverity::kUnknown;
    DML_ASSIGN_OR_RETURN(const json* list, List(object, "severity", 100));
    for (const json& item : *list) {
      if (!item.is_object())
        return AtField(InvalidArgument(kInvalid, "expected objects"), "severity");
      DML_ASSIGN_OR_RETURN(const std::string score, Text(item, "score"));
      out = std::max(
          {out, advisory_import::SeverityOfCvss(score), advisory_import::SeverityOfWord(score)});
    }
    for (const char* member : {"database_specific", "ecosystem_specific"}) {
      const auto specific = object.find(member);
      if (specific == object.end() || !specific->is_object()) continue;
      const auto word = specific->find("severity");
      if (word == specific->end() || !word->is_string()) continue;
      out = std::max(out, advisory_import::SeverityOfWord(word->get_ref<const std::string&>()));
    }
    return out;
  }

  absl::Status ReadAffected(const json& item, const std::string& where, Advisory& advisory) {
    if (!item.is_object()) return InvalidArgument(kInvalid, "expected an object");
    DML_ASSIGN_OR_RETURN(const AdvisorySeverity severity, ReadSeverity(item));
    advisory.severity = std::max(advisory.severity, severity);
    DML_ASSIGN_OR_RETURN(const json* package, Object(item, "package"));
    if (package->empty()) {
      out_.Note(where, "it names no package, so commits alone");
      return absl::OkStatus();
    }
    DML_ASSIGN_OR_RETURN(const std::string ecosystem, Text(*package, "ecosystem"));
    DML_ASSIGN_OR_RETURN(const std::string name, Text(*package, "name"));
    const std::string base = ecosystem.substr(0, ecosystem.find(':'));
    Purl purl;
    purl.type = TypeOf(base);
    purl.name = name;
    if (purl.type == "npm" && name.starts_with('@') && name.find('/') != name.npos) {
      purl.ns = name.substr(0, name.find('/'));
      purl.name = name.substr(name.find('/') + 1);
    }
    // Names of PyPI and the like have a normal form.
    if (const auto normal = Purl::Parse(purl.ToString()); normal.ok()) purl = *normal;
    const std::optional<Named> named =
        out_.Find(where + " (" + Excerpt(ecosystem + " " + name) + ")", purl, {ecosystem, base});
    if (!named.has_value()) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(const VersionRange range, ReadRange(item, *named, base, where));
    if (!range.IsEmpty()) {
      advisory.affects.push_back({named->package, advisory_import::Storable(range, where, out_)});
    }
    return absl::OkStatus();
  }

  // Every version, where what is told cannot be understood.
  absl::StatusOr<VersionRange> ReadRange(const json& item, const Named& named,
                                         const std::string& ecosystem, const std::string& where) {
    const bool is_known = named.scheme.has_value() && TypeOf(ecosystem) != "generic";
    if (!is_known) {
      out_.Note(where, fmt::format("no scheme here orders versions of {}: every version counts as "
                                   "affected",
                                   Excerpt(ecosystem)));
      return VersionRange::All();
    }
    VersionRange out;
    bool is_told = false;
    DML_ASSIGN_OR_RETURN(const json* ranges, List(item, "ranges", 1000));
    for (const json& range : *ranges) {
      if (!range.is_object()) {
        return AtField(InvalidArgument(kInvalid, "expected objects"), "ranges");
      }
      DML_ASSIGN_OR_RETURN(const std::string type, Text(range, "type"));
      if (type == "GIT") continue;
      is_told = true;
      absl::StatusOr<VersionRange> read = ReadEvents(range, *named.scheme);
      if (!read.ok()) return AtField(read.status(), "ranges");
      if (read->IsAll()) {
        out_.Note(where,
                  "a version of its ranges cannot be read: every version counts as affected");
        return VersionRange::All();
      }
      DML_ASSIGN_OR_RETURN(out, Union(out, *read));
    }
    DML_ASSIGN_OR_RETURN(const std::vector<std::string> versions, Texts(item, "versions"));
    is_told = is_told || !versions.empty();
    DML_RETURN_IF_ERROR(AddVersions(versions, *named.scheme, where, out));
    if (is_told) return out;
    out_.Note(where, "it tells no versions, or commits alone: every version counts as affected");
    return VersionRange::All();
  }

  absl::Status AddVersions(const std::vector<std::string>& versions, VersionScheme scheme,
                           const std::string& where, VersionRange& out) {
    size_t apart = 0;
    for (const std::string& text : versions) {
      const absl::StatusOr<Version> version = Version::Parse(scheme, text);
      if (!version.ok()) {
        out_.Note(where, fmt::format("'{}' is no version of scheme {}", Excerpt(text),
                                     VersionSchemeName(scheme)));
        continue;
      }
      if (out.Contains(*version)) continue;
      if (++apart > kMaxVersionsApart) {
        out_.Note(where, fmt::format("more than {} versions beside its ranges: every version "
                                     "counts as affected",
                                     kMaxVersionsApart));
        out = VersionRange::All();
        return absl::OkStatus();
      }
      const VersionComparator exactly{VersionOp::kEqual, *version};
      DML_ASSIGN_OR_RETURN(const VersionRange one,
                           VersionRange::FromComparators(scheme, {&exactly, 1}));
      DML_ASSIGN_OR_RETURN(out, Union(out, one));
    }
    return absl::OkStatus();
  }

  struct Event {
    enum Kind { kIntroduced, kFixed, kLast } kind = kIntroduced;
    std::optional<Version> version;  // None: from the first one on.
  };

  // All() where a version cannot be read.
  static absl::StatusOr<VersionRange> ReadEvents(const json& range, VersionScheme scheme) {
    DML_ASSIGN_OR_RETURN(const json* list, List(range, "events", 1000));
    std::vector<Event> events;
    for (const json& item : *list) {
      if (!item.is_object() || item.size() != 1 || !item.begin()->is_string()) {
        return AtField(InvalidArgument(kInvalid, "expected objects of one event each"), "events");
      }
      const std::string& kind = item.begin().key();
      const std::string& text = item.begin()->get_ref<const std::string&>();
      if (kind == "limit") continue;  // Ends no range but one of commits; without it there is more.
      Event event;
      if (kind == "introduced") {
        event.kind = Event::kIntroduced;
      } else if (kind == "fixed") {
        event.kind = Event::kFixed;
      } else if (kind == "last_affected") {
        event.kind = Event::kLast;
      } else {
        return AtField(InvalidArgument(kInvalid, "'{}' is no event", Excerpt(kind)), "events");
      }
      if (!(kind == "introduced" && text == "0")) {
        absl::StatusOr<Version> version = Version::Parse(scheme, text);
        if (!version.ok()) return VersionRange::All();
        event.version = *std::move(version);
      }
      events.push_back(std::move(event));
    }
    return FromEvents(std::move(events), scheme);
  }

  static absl::StatusOr<VersionRange> FromEvents(std::vector<Event> events, VersionScheme scheme) {
    const auto key = [](const Event& event) {
      return event.version.has_value() ? event.version->key() : std::string();
    };
    // At one version what is introduced comes first, so that an end at it has its beginning.
    std::ranges::stable_sort(events, [&](const Event& a, const Event& b) {
      return std::pair(key(a), a.kind) < std::pair(key(b), b.kind);
    });
    VersionRange out;
    const Event* from = nullptr;
    const auto close = [&](const Event* end) -> absl::Status {
      std::vector<VersionComparator> bounds;
      if (from->version.has_value()) bounds.push_back({VersionOp::kGreaterEqual, *from->version});
      if (end != nullptr) {
        bounds.push_back(
            {end->kind == Event::kFixed ? VersionOp::kLess : VersionOp::kLessEqual, *end->version});
      }
      DML_ASSIGN_OR_RETURN(const VersionRange part, VersionRange::FromComparators(scheme, bounds));
      DML_ASSIGN_OR_RETURN(out, Union(out, part));
      from = nullptr;
      return absl::OkStatus();
    };
    for (const Event& event : events) {
      if (event.kind == Event::kIntroduced) {
        if (from == nullptr) from = &event;
      } else if (from != nullptr) {
        DML_RETURN_IF_ERROR(close(&event));
      }
    }
    if (from != nullptr) DML_RETURN_IF_ERROR(close(nullptr));
    return out;
  }

  const json& document_;
  Collector out_;
};

}  // namespace

absl::StatusOr<AdvisoryImport> ReadOsv(std::string_view text,
                                       const AdvisoryImportOptions& options) {
  DML_ASSIGN_OR_RETURN(const json document,
                       ParseStrictJson(text, kMaxAdvisoryImportBytes, kInvalid));
  if (!document.is_object() || !document.contains("affected")) {
    return InvalidArgument(kInvalid, "an OSV document is an object with `affected`");
  }
  absl::StatusOr<AdvisoryImport> out = OsvReader(document, options).Read();
  if (!out.ok()) return LocateError(out.status(), "OSV document");
  return out;
}

}  // namespace dml
