#include "tools/import/deb_import.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/base/text.h"
#include "core/version/purl.h"
#include "tools/import/deb_control.h"
#include "tools/import/deb_license.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("DEB_INVALID");
constexpr size_t kShownValueBytes = 4096;

struct Architecture {
  std::string_view deb;
  std::string_view arch;
  std::string_view variant;
};

// Debian's names (dpkg-architecture) in those of OCI images, which are Go's.
constexpr Architecture kArchitectures[] = {
    {"amd64", "amd64", ""},     {"arm64", "arm64", ""},       {"armel", "arm", "v5"},
    {"armhf", "arm", "v7"},     {"i386", "386", ""},          {"loong64", "loong64", ""},
    {"mips", "mips", ""},       {"mips64el", "mips64le", ""}, {"mipsel", "mipsle", ""},
    {"powerpc", "ppc", ""},     {"ppc64", "ppc64", ""},       {"ppc64el", "ppc64le", ""},
    {"riscv64", "riscv64", ""}, {"s390x", "s390x", ""},       {"sparc64", "sparc64", ""},
};

// Fields that only say how the file was made: nothing is lost with them.
constexpr std::string_view kIgnored[] = {"Installed-Size", "Build-Ids", "Auto-Built-Package"};
// Fields of an index that say where the file is, and what it hashes to.
constexpr std::string_view kOfFile[] = {"Filename", "Size",   "Md5sum",         "Sha1",
                                        "Sha256",   "Sha512", "Description-Md5"};
constexpr std::string_view kPersons[] = {"Maintainer", "Original-Maintainer", "Uploaders"};
constexpr std::string_view kSoftRelations[] = {"Recommends", "Suggests", "Enhances"};

bool Holds(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::StatusOr<Platform> PlatformOf(std::string_view architecture) {
  if (architecture == "all") return Platform{};
  for (const Architecture& known : kArchitectures) {
    if (known.deb == architecture) {
      return Platform{"linux", std::string(known.arch), std::string(known.variant)};
    }
  }
  return InvalidArgument(ErrorReason("DEB_ARCHITECTURE_UNKNOWN"),
                         "architecture '{}' is not known here; 'all' or a Linux port of Debian is",
                         Excerpt(architecture));
}

// Maps one control file's fields, in their order.
class Mapper {
 public:
  Mapper(const DebControl& control, PackageImport& import)
      : control_(control), import_(import), spec_(import.spec) {}

  absl::Status MapIdentity(std::string_view ns) {
    for (std::string_view field : {"Package", "Version", "Architecture"}) {
      if (!control_.Get(field).empty()) continue;
      return AtField(InvalidArgument(kInvalid, "the control file has no {}", field), field);
    }
    const std::string_view name = control_.Get("Package");
    const std::string_view version = control_.Get("Version");
    const std::string_view architecture = control_.Get("Architecture");
    DML_RETURN_IF_ERROR(ValidateNamespace(ns));
    DML_RETURN_IF_ERROR(AtField(ValidatePackagePart(name), "Package"));
    DML_RETURN_IF_ERROR(AtField(ValidateVersionText(version), "Version"));
    absl::StatusOr<Version> parsed = Version::Parse(VersionScheme::kDeb, version);
    if (!parsed.ok()) return AtField(parsed.status(), "Version");
    absl::StatusOr<Platform> platform = PlatformOf(architecture);
    if (!platform.ok()) return AtField(platform.status(), "Architecture");
    spec_.package = {std::string(ns), std::string(name)};
    spec_.version = *std::move(parsed);
    spec_.platform = *std::move(platform);
    spec_.purl = Purl{"deb",
                      std::string(ns),
                      std::string(name),
                      std::string(version),
                      {{"arch", std::string(architecture)}},
                      ""}
                     .ToString();
    const size_t epoch = version.find(':');
    import_.file_name =
        fmt::format("{}_{}_{}.deb", name,
                    epoch == version.npos ? version : version.substr(epoch + 1), architecture);
    if (control_.Get("Source").empty()) spec_.labels["source"] = name;
    return absl::OkStatus();
  }

  absl::Status MapRest() {
    for (const DebField& field : control_.fields) DML_RETURN_IF_ERROR(Map(field));
    return absl::OkStatus();
  }

 private:
  absl::Status Map(const DebField& field) {
    const std::string& name = field.name;
    if (name == "Package" || name == "Version" || name == "Architecture") return absl::OkStatus();
    if (name == "Depends" || name == "Pre-Depends") return MapRequirements(field);
    if (name == "Conflicts") return MapRelations(field, spec_.conflicts);
    if (name == "Breaks") return MapRelations(field, spec_.breaks);
    if (name == "Replaces") return MapRelations(field, spec_.replaces);
    if (name == "Provides") return MapProvisions(field);
    if (name == "Source") return MapSource(field);
    if (name == "Section") return MapLabel("section", field);
    if (name == "Priority") return MapLabel("priority", field);
    if (name == "Description") {
      MapDescription(field.value);
    } else if (name == "Homepage") {
      MapHomepage(field);
    } else {
      NoteUnmapped(field);
    }
    return absl::OkStatus();
  }

  void Note(std::string_view field, std::string_view about, std::string_view why) {
    import_.unmapped.push_back(
        fmt::format("{}: {}: {}", field, Excerpt(about, kShownValueBytes), why));
  }

  void NoteUnmapped(const DebField& field) {
    if (Holds(kIgnored, field.name)) return;
    if (spec_.is_reference && Holds(kOfFile, field.name)) return;
    if (Holds(kPersons, field.name)) {
      import_.unmapped.push_back(field.name + ": left out, as it names a person");
    } else if (Holds(kSoftRelations, field.name)) {
      Note(field.name, FoldDebValue(field.value), "a package spec has no soft relations");
    } else {
      Note(field.name, FoldDebValue(field.value), "a package spec has no such field");
    }
  }

  // "NAME:ARCH" with another architecture than the package's own.
  bool IsOfAnotherArchitecture(const DebRelation& relation) const {
    return !relation.qualifier.empty() && relation.qualifier != "any" &&
           relation.qualifier != "native" && relation.qualifier != control_.Get("Architecture");
  }

  // What of a relation a target does not say.
  void NoteRelation(const DebField& field, const DebClause& clause, const DebRelation& relation) {
    if (IsOfAnotherArchitecture(relation)) {
      Note(field.name, clause.text,
           fmt::format("':{}' is another architecture, of which no package here is known to be",
                       relation.qualifier));
    } else if (!relation.qualifier.empty()) {
      Note(field.name, clause.text,
           fmt::format("':{}' is not kept; a relation names no architecture", relation.qualifier));
    }
    if (!relation.architectures.empty()) {
      Note(field.name, clause.text,
           fmt::format("'[{}]' is not kept; the relation is taken to hold on every architecture",
                       relation.architectures));
    }
    if (relation.obsolete_operator) {
      Note(field.name, clause.text, "the obsolete operator is read as dpkg does, with '='");
    }
  }

  absl::StatusOr<RelationTarget> TargetOf(const DebRelation& relation) {
    RelationTarget target;
    target.name = spec_.package.ns + "/" + relation.name;
    target.range = VersionRange::All();
    if (!relation.constraint.has_value()) return target;
    DML_ASSIGN_OR_RETURN(VersionRange range, VersionRange::FromComparators(
                                                 VersionScheme::kDeb, {&*relation.constraint, 1}));
    target.range = range.WithNative(fmt::format("({} {})", VersionOpText(relation.constraint->op),
                                                relation.constraint->version.text()));
    return target;
  }

  absl::Status MapRequirements(const DebField& field) {
    DML_ASSIGN_OR_RETURN(const std::vector<DebClause> clauses,
                         ParseDebRelations(field.name, field.value));
    for (const DebClause& clause : clauses) {
      Requirement& requirement = spec_.requires_all.emplace_back();
      requirement.source = field.name + ": " + clause.text;
      for (const DebRelation& relation : clause.alternatives) {
        NoteRelation(field, clause, relation);
        RelationTarget& target = requirement.any_of.emplace_back();
        DML_ASSIGN_OR_RETURN(target, TargetOf(relation));
        // What cannot be told apart is not proven to be there.
        if (IsOfAnotherArchitecture(relation)) target.range = VersionRange();
      }
    }
    if (field.name == "Pre-Depends" && !clauses.empty()) {
      Note(field.name, FoldDebValue(field.value), "required, but not before unpacking");
    }
    return absl::OkStatus();
  }

  // The clauses of a field that knows no alternatives.
  absl::StatusOr<std::vector<DebClause>> SingleRelations(const DebField& field) {
    DML_ASSIGN_OR_RETURN(std::vector<DebClause> clauses,
                         ParseDebRelations(field.name, field.value));
    for (const DebClause& clause : clauses) {
      if (clause.alternatives.size() > 1) {
        return BadRelation(field, clause, "alternatives ('|') have no meaning here");
      }
      NoteRelation(field, clause, clause.alternatives.front());
    }
    return clauses;
  }

  static absl::Status BadRelation(const DebField& field, const DebClause& clause,
                                  std::string_view why) {
    return AtField(
        InvalidArgument(ErrorReason("DEB_RELATION_INVALID"), "control field {}, '{}': {}",
                        field.name, Excerpt(clause.text), why),
        field.name);
  }

  absl::Status MapRelations(const DebField& field, std::vector<Relation>& relations) {
    DML_ASSIGN_OR_RETURN(const std::vector<DebClause> clauses, SingleRelations(field));
    for (const DebClause& clause : clauses) {
      Relation& relation = relations.emplace_back();
      DML_ASSIGN_OR_RETURN(relation.target, TargetOf(clause.alternatives.front()));
      relation.source = field.name + ": " + clause.text;
    }
    return absl::OkStatus();
  }

  absl::Status MapProvisions(const DebField& field) {
    DML_ASSIGN_OR_RETURN(const std::vector<DebClause> clauses, SingleRelations(field));
    for (const DebClause& clause : clauses) {
      const DebRelation& relation = clause.alternatives.front();
      Provision& provision = spec_.provides.emplace_back();
      provision.name = spec_.package.ns + "/" + relation.name;
      if (!relation.constraint.has_value()) continue;
      if (relation.constraint->op != VersionOp::kEqual) {
        return BadRelation(field, clause, "only '=' has a meaning here");
      }
      provision.version = relation.constraint->version;
    }
    return absl::OkStatus();
  }

  absl::Status MapLabel(const std::string& key, const DebField& field) {
    if (field.value.empty()) return absl::OkStatus();
    absl::Status valid = ValidateLabel(key, field.value);
    if (!valid.ok()) return AtField(valid, field.name);
    spec_.labels[key] = field.value;
    return absl::OkStatus();
  }

  // "gcc-12 (12.2.0-14)": written as a relation of its own.
  absl::Status MapSource(const DebField& field) {
    std::string_view value = field.value;
    const size_t open = value.find('(');
    std::string_view name = value.substr(0, value.find_first_of(" ("));
    DML_RETURN_IF_ERROR(AtField(ValidatePackagePart(name), field.name));
    spec_.labels["source"] = name;
    if (open == value.npos) return absl::OkStatus();
    std::string_view version = value.substr(open + 1, value.find(')', open) - open - 1);
    DML_RETURN_IF_ERROR(AtField(ValidateVersionText(version), field.name));
    spec_.labels["source-version"] = version;
    return absl::OkStatus();
  }

  // Policy 5.6.13: a synopsis, then text where " ." alone is an empty line.
  void MapDescription(std::string_view value) {
    std::string_view title = value.substr(0, value.find('\n'));
    spec_.title = CutText(title, kMaxSpecTitleBytes);
    if (spec_.title.size() < title.size()) Note("Description", title, "the title is cut");
    std::string text;
    for (std::string_view rest = value; rest.size() > title.size();) {
      rest.remove_prefix(rest.find('\n') + 1);
      std::string_view line = rest.substr(0, rest.find('\n'));
      if (line != ".") text += line;
      text += "\n";
      if (line.size() == rest.size()) break;
    }
    while (text.ends_with('\n')) text.pop_back();
    spec_.description = CutText(text, kMaxSpecTextBytes);
    if (spec_.description.size() < text.size()) {
      Note("Description", title, fmt::format("cut to {} bytes", kMaxSpecTextBytes));
    }
  }

  void MapHomepage(const DebField& field) {
    if (IsWebAddress(field.value)) {
      spec_.homepage = field.value;
    } else {
      Note(field.name, FoldDebValue(field.value), "not a URL of http or https");
    }
  }

  const DebControl& control_;
  PackageImport& import_;
  PackageSpec& spec_;
};

absl::StatusOr<PackageImport> ImportArchive(DebArchive& deb, std::string_view ns) {
  DML_ASSIGN_OR_RETURN(const std::string text, deb.ReadControl());
  DML_ASSIGN_OR_RETURN(const DebControl control, ParseDebControl(text));
  PackageImport import;
  Mapper mapper(control, import);
  DML_RETURN_IF_ERROR(mapper.MapIdentity(ns));
  DML_ASSIGN_OR_RETURN(const DebCopyrightFile copyright,
                       deb.ReadCopyright(import.spec.package.name));
  SetDebLicense(copyright, import.spec.package.name, import);
  DML_RETURN_IF_ERROR(mapper.MapRest());
  DML_RETURN_IF_ERROR(ParsePackageSpec(FormatPackageSpec(import.spec)).status());
  return import;
}

}  // namespace

absl::StatusOr<PackageImport> ReadDebStanza(const DebControl& control, std::string_view ns) {
  PackageImport import;
  import.spec.is_reference = true;
  import.spec.declared_license = "NOASSERTION";
  Mapper mapper(control, import);
  DML_RETURN_IF_ERROR(mapper.MapIdentity(ns));
  DML_RETURN_IF_ERROR(mapper.MapRest());
  return import;
}

absl::StatusOr<PackageImport> ReadDeb(const std::filesystem::path& path, std::string_view ns,
                                      const DebLimits& limits) {
  absl::StatusOr<DebArchive> deb = DebArchive::Open(path, limits);
  if (!deb.ok()) return Annotate(deb.status(), path.string());
  absl::StatusOr<PackageImport> import = ImportArchive(*deb, ns);
  if (!import.ok()) return Annotate(import.status(), path.string());
  return import;
}

}  // namespace dml
