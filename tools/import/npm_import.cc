#include "tools/import/npm_import.h"

#include <algorithm>
#include <set>

#include "core/base/strict_json.h"
#include "core/base/text.h"
#include "core/version/purl.h"

namespace dml {
namespace {

using Json = nlohmann::json;

constexpr ErrorReason kInvalid("NPM_INVALID");
constexpr size_t kMaxPackageJson = 4 << 20;
constexpr size_t kShownBytes = 128;

struct Word {
  std::string_view npm;
  std::string_view oci;
};
constexpr Word kSystems[] = {{"linux", "linux"},     {"darwin", "darwin"},   {"win32", "windows"},
                             {"freebsd", "freebsd"}, {"openbsd", "openbsd"}, {"aix", "aix"}};
constexpr Word kProcessors[] = {{"x64", "amd64"},       {"arm64", "arm64"},    {"ia32", "386"},
                                {"arm", "arm"},         {"ppc64", "ppc64le"},  {"s390x", "s390x"},
                                {"riscv64", "riscv64"}, {"loong64", "loong64"}};

std::string Text(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Maps one package.json.
class Mapper {
 public:
  Mapper(const Json& json, std::string_view ns, PackageImport& import)
      : json_(json), ns_(ns), import_(import), spec_(import.spec) {}

  absl::Status Map() {
    DML_RETURN_IF_ERROR(MapIdentity());
    MapLicense();
    SetImportTexts(Text(json_, "description"), "", Text(json_, "homepage"), import_);
    MapPlatform();
    DML_RETURN_IF_ERROR(MapRequirements());
    for (const char* member : {"engines", "deprecated"}) {
      if (json_.contains(member)) Note(member, "a package spec has no such member");
    }
    return absl::OkStatus();
  }

 private:
  void Note(std::string_view member, std::string_view why) {
    import_.unmapped.push_back(fmt::format("{}: {}", member, why));
  }

  // "@scope/name" as "scope+name": no name of npm has a '+', so no two become one.
  static absl::StatusOr<std::string> PartOf(std::string_view name) {
    std::string out(name);
    if (name.starts_with('@')) {
      const size_t slash = std::min(name.find('/'), name.size());
      const std::string_view scope = name.substr(1, slash - 1);
      const std::string_view rest = name.substr(std::min(slash + 1, name.size()));
      DML_RETURN_IF_ERROR(ValidatePackagePart(scope));
      DML_RETURN_IF_ERROR(ValidatePackagePart(rest));
      out = fmt::format("{}+{}", scope, rest);
    }
    if (std::ranges::count(name, '+') > 0) {
      return InvalidArgument(ErrorReason("NAME_INVALID"), "'{}' is no name of npm", Excerpt(name));
    }
    DML_RETURN_IF_ERROR(ValidatePackagePart(out));
    return out;
  }

  absl::Status MapIdentity() {
    const std::string name = Text(json_, "name");
    const std::string version = Text(json_, "version");
    for (const auto& [member, value] : {std::pair("name", &name), std::pair("version", &version)}) {
      if (!value->empty()) continue;
      return AtField(InvalidArgument(kInvalid, "package.json has no {} that is a text", member),
                     member);
    }
    DML_RETURN_IF_ERROR(ValidateNamespace(ns_));
    absl::StatusOr<std::string> part = PartOf(name);
    if (!part.ok()) return AtField(part.status(), "name");
    spec_.package = {std::string(ns_), *std::move(part)};
    DML_RETURN_IF_ERROR(AtField(ValidateVersionText(version), "version"));
    absl::StatusOr<Version> parsed = Version::Parse(VersionScheme::kNpm, version);
    if (!parsed.ok()) return AtField(parsed.status(), "version");
    spec_.version = *std::move(parsed);
    const size_t slash = name.find('/');
    Purl purl;
    purl.type = "npm";
    if (slash != std::string::npos) purl.ns = name.substr(0, slash);
    purl.name = slash == std::string::npos ? name : name.substr(slash + 1);
    purl.version = version;
    spec_.purl = purl.ToString();
    import_.file_name = fmt::format("{}-{}.tgz", spec_.package.name, version);
    if (name != spec_.package.name) spec_.labels["npm-name"] = name;
    return absl::OkStatus();
  }

  // A text today; {"type": ...} and "licenses" of long ago.
  void MapLicense() {
    const auto found = json_.find("license");
    if (found != json_.end() && found->is_object()) {
      SetImportLicense("license.type", Text(*found, "type"), import_);
      return;
    }
    if (found == json_.end() && json_.contains("licenses")) {
      SetImportLicense("licenses", "", import_);
      Note("licenses", "the list does not say whether all or one of them hold");
      return;
    }
    SetImportLicense("license", Text(json_, "license"), import_);
  }

  // One word that is not negated, in OCI's words; "" for anything else.
  std::string OneOf(const char* member, std::span<const Word> words) {
    const auto found = json_.find(member);
    if (found == json_.end()) return "";
    std::string named;
    if (found->is_string()) named = found->get<std::string>();
    if (found->is_array() && found->size() == 1 && found->front().is_string()) {
      named = found->front().get<std::string>();
    }
    const auto known = std::ranges::find(words, named, &Word::npm);
    if (known != words.end()) return std::string(known->oci);
    Note(member, Excerpt(found->dump(-1, ' ', true, Json::error_handler_t::replace), kShownBytes) +
                     ": a package spec names one, or any");
    return "";
  }

  void MapPlatform() {
    const std::string os = OneOf("os", kSystems);
    const std::string arch = OneOf("cpu", kProcessors);
    if (!os.empty() && !arch.empty()) {
      spec_.platform = {os, arch, ""};
    } else if (!os.empty() || !arch.empty()) {
      Note(os.empty() ? "cpu" : "os", "a platform is of both os and cpu; taken to be any");
    }
  }

  std::set<std::string> Bundled() const {
    std::set<std::string> out;
    for (const char* member : {"bundledDependencies", "bundleDependencies"}) {
      const auto found = json_.find(member);
      if (found == json_.end()) continue;
      if (found->is_boolean() && found->get<bool>()) out.insert("*");
      if (!found->is_array()) continue;
      for (const Json& name : *found) {
        if (name.is_string()) out.insert(name.get<std::string>());
      }
    }
    return out;
  }

  bool IsOptionalPeer(const std::string& name) const {
    const auto meta = json_.find("peerDependenciesMeta");
    if (meta == json_.end() || !meta->is_object()) return false;
    const auto of = meta->find(name);
    if (of == meta->end() || !of->is_object()) return false;
    const auto optional = of->find("optional");
    return optional != of->end() && optional->is_boolean() && optional->get<bool>();
  }

  absl::Status MapRequirements() {
    const auto optional = json_.find("optionalDependencies");
    const std::set<std::string> bundled = Bundled();
    const auto skipped = [&](const char* member, const std::string& name) -> std::string_view {
      if (optional != json_.end() && optional->is_object() && optional->contains(name)) {
        return "optional, and a package spec has no soft relations";
      }
      if (member == std::string_view("peerDependencies")) {
        return IsOptionalPeer(name) ? "an optional peer, and a package spec has no soft relations"
                                    : "";
      }
      return bundled.contains(name) || bundled.contains("*") ? "bundled: it is inside" : "";
    };
    for (const char* member : {"dependencies", "peerDependencies"}) {
      const auto found = json_.find(member);
      if (found == json_.end()) continue;
      if (!found->is_object()) {
        return AtField(InvalidArgument(kInvalid, "{} is no object", member), member);
      }
      for (const auto& [name, range] : found->items()) {
        if (const std::string_view why = skipped(member, name); !why.empty()) {
          Note(fmt::format("{}.{}", member, Excerpt(name)), why);
          continue;
        }
        absl::Status added = Require(member, name, range);
        if (!added.ok()) return AtField(added, fmt::format("{}.{}", member, Excerpt(name)));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Require(std::string_view member, const std::string& name, const Json& value) {
    if (!value.is_string()) return InvalidArgument(kInvalid, "the range is no text");
    const std::string written = value.get<std::string>();
    std::string_view range = written;
    std::string target = name;
    if (range.starts_with("npm:")) {  // An alias: "npm:NAME@RANGE".
      const std::string_view alias = range.substr(4);
      const size_t at = alias.find('@', 1);
      target = alias.substr(0, at);
      range = at == std::string_view::npos ? "*" : alias.substr(at + 1);
    }
    DML_ASSIGN_OR_RETURN(const std::string part, PartOf(target));
    Requirement& requirement = spec_.requires_all.emplace_back();
    requirement.source =
        CutText(fmt::format("{}: \"{}\": \"{}\"", member, name, written), kMaxSpecSourceBytes);
    std::ranges::replace_if(
        requirement.source, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    const std::string full = spec_.package.ns + "/" + part;
    auto parsed = VersionRange::ParseNative(VersionScheme::kNpm, range);
    if (parsed.ok()) {
      requirement.any_of = {{RelationKind::kPackage, full, *std::move(parsed)}};
      return absl::OkStatus();
    }
    requirement.any_of = {UnmetTarget(RelationKind::kPackage, full)};
    Note(fmt::format("{}.{}", member, Excerpt(name)),
         fmt::format("'{}' is no range of versions, so no version is known to meet it",
                     Excerpt(written, kShownBytes)));
    return absl::OkStatus();
  }

  const Json& json_;
  const std::string_view ns_;
  PackageImport& import_;
  PackageSpec& spec_;
};

absl::StatusOr<PackageImport> Import(const std::filesystem::path& path, std::string_view ns,
                                     const ArchiveLimits& limits) {
  // npm takes whatever the first folder is called; "package" is what it writes.
  DML_ASSIGN_OR_RETURN(
      const std::vector<ArchiveMember> found,
      ReadArchiveMembers(path, ArchiveFormat::kTarGzip, limits, [](std::string_view member) {
        const size_t slash = member.find('/');
        return slash != std::string_view::npos && member.substr(slash + 1) == "package.json";
      }));
  if (found.size() != 1) {
    return InvalidArgument(kInvalid, "has {} package.json at its top, and a package has one",
                           found.size());
  }
  DML_ASSIGN_OR_RETURN(const Json json,
                       ParseStrictJson(found[0].content, kMaxPackageJson, kInvalid));
  if (!json.is_object()) return InvalidArgument(kInvalid, "package.json is no object");
  PackageImport import;
  DML_RETURN_IF_ERROR(Mapper(json, ns, import).Map());
  DML_RETURN_IF_ERROR(ParsePackageSpec(FormatPackageSpec(import.spec)).status());
  return import;
}

}  // namespace

absl::StatusOr<PackageImport> ReadNpm(const std::filesystem::path& path, std::string_view ns,
                                      const ArchiveLimits& limits) {
  absl::StatusOr<PackageImport> import = Import(path, ns, limits);
  if (!import.ok()) return Annotate(import.status(), path.string());
  return import;
}

}  // namespace dml
