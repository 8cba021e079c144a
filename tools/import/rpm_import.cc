#include "tools/import/rpm_import.h"

#include <algorithm>
#include <set>

#include <absl/strings/ascii.h>

#include "core/base/text.h"
#include "core/version/purl.h"
#include "tools/import/rpm_header.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("RPM_INVALID");
constexpr size_t kShownBytes = 128;
// Flags of a relation (rpmds.h).
constexpr uint32_t kLess = 2;
constexpr uint32_t kGreater = 4;
constexpr uint32_t kEqual = 8;

struct Architecture {
  std::string_view rpm;
  std::string_view arch;
  std::string_view variant;
};
constexpr Architecture kArchitectures[] = {
    {"x86_64", "amd64", ""},      {"aarch64", "arm64", ""},      {"i386", "386", ""},
    {"i486", "386", ""},          {"i586", "386", ""},           {"i686", "386", ""},
    {"armv7hl", "arm", "v7"},     {"armv6hl", "arm", "v6"},      {"ppc64le", "ppc64le", ""},
    {"ppc64", "ppc64", ""},       {"s390x", "s390x", ""},        {"riscv64", "riscv64", ""},
    {"x86_64_v2", "amd64", "v2"}, {"loongarch64", "loong64", ""}};

absl::StatusOr<Platform> PlatformOf(std::string_view architecture) {
  if (architecture == "noarch") return Platform{};
  const auto known = std::ranges::find(kArchitectures, architecture, &Architecture::rpm);
  if (known != std::end(kArchitectures)) {
    return Platform{"linux", std::string(known->arch), std::string(known->variant)};
  }
  return InvalidArgument(ErrorReason("RPM_ARCHITECTURE_UNKNOWN"),
                         "architecture '{}' is not known here; 'noarch' and those of Linux are",
                         Excerpt(architecture));
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return out;
}

struct Dependency {
  std::string name;
  uint32_t flags = 0;
  std::string version;

  std::string Words() const {
    const uint32_t sense = flags & (kLess | kGreater | kEqual);
    if (sense == 0) return name;
    return fmt::format("{} {}{}{} {}", name, (sense & kLess) != 0 ? "<" : "",
                       (sense & kGreater) != 0 ? ">" : "", (sense & kEqual) != 0 ? "=" : "",
                       version);
  }
};

absl::StatusOr<std::vector<Dependency>> ReadDependencies(const RpmHeader& header, RpmTag names,
                                                         RpmTag flags, RpmTag versions) {
  DML_ASSIGN_OR_RETURN(const auto name, header.Texts(names));
  DML_ASSIGN_OR_RETURN(const auto flag, header.Numbers(flags));
  DML_ASSIGN_OR_RETURN(const auto version, header.Texts(versions));
  if (flag.size() != name.size() || version.size() != name.size()) {
    return InvalidArgument(kInvalid, "tags {} to {} are of {}, {} and {} relations",
                           static_cast<uint32_t>(names), static_cast<uint32_t>(versions),
                           name.size(), flag.size(), version.size());
  }
  std::vector<Dependency> out;
  for (size_t i = 0; i < name.size(); ++i) out.push_back({name[i], flag[i], version[i]});
  return out;
}

class Mapper {
 public:
  Mapper(const RpmHeader& header, std::string_view ns, PackageImport& import)
      : header_(header), ns_(ns), import_(import), spec_(import.spec) {}

  absl::Status Map() {
    DML_RETURN_IF_ERROR(MapIdentity());
    DML_RETURN_IF_ERROR(MapTexts());
    DML_RETURN_IF_ERROR(MapRequirements());
    DML_RETURN_IF_ERROR(MapProvisions());
    DML_RETURN_IF_ERROR(MapPrograms());
    DML_RETURN_IF_ERROR(MapRelations(RpmTag::kConflictName, RpmTag::kConflictFlags,
                                     RpmTag::kConflictVersion, "Conflicts", spec_.conflicts));
    DML_RETURN_IF_ERROR(MapRelations(RpmTag::kObsoleteName, RpmTag::kObsoleteFlags,
                                     RpmTag::kObsoleteVersion, "Obsoletes", spec_.replaces));
    return NoteSoftRelations();
  }

 private:
  void Note(std::string_view tag, std::string_view why) {
    import_.unmapped.push_back(fmt::format("{}: {}", tag, why));
  }

  absl::Status MapIdentity() {
    DML_ASSIGN_OR_RETURN(const std::string name, header_.Text(RpmTag::kName));
    DML_ASSIGN_OR_RETURN(const std::string version, header_.Text(RpmTag::kVersion));
    DML_ASSIGN_OR_RETURN(const std::string release, header_.Text(RpmTag::kRelease));
    DML_ASSIGN_OR_RETURN(const std::string arch, header_.Text(RpmTag::kArch));
    DML_ASSIGN_OR_RETURN(const std::vector<uint32_t> epoch, header_.Numbers(RpmTag::kEpoch));
    for (const auto& [tag, value] : {std::pair("NAME", &name), std::pair("VERSION", &version),
                                     std::pair("RELEASE", &release), std::pair("ARCH", &arch)}) {
      if (value->empty()) return InvalidArgument(kInvalid, "the header has no {}", tag);
    }
    if (header_.Has(RpmTag::kSourcePackage) || !header_.Has(RpmTag::kSourceRpm)) {
      return InvalidArgument(ErrorReason("RPM_SOURCE"),
                             "it is a source package; import what is built from it");
    }
    DML_RETURN_IF_ERROR(ValidateNamespace(ns_));
    const std::string part = Lower(name);
    DML_RETURN_IF_ERROR(AtField(ValidatePackagePart(part), "NAME"));
    spec_.package = {std::string(ns_), part};
    if (part != name) {
      spec_.labels["rpm-name"] = name;
      Note("NAME", fmt::format("{} is called {} here; of names that differ in case only, one can "
                               "be imported",
                               name, part));
    }
    const std::string text = fmt::format(
        "{}{}-{}", epoch.empty() ? "" : fmt::format("{}:", epoch.front()), version, release);
    DML_RETURN_IF_ERROR(AtField(ValidateVersionText(text), "VERSION"));
    absl::StatusOr<Version> parsed = Version::Parse(VersionScheme::kRpm, text);
    if (!parsed.ok()) return AtField(parsed.status(), "VERSION");
    spec_.version = *std::move(parsed);
    absl::StatusOr<Platform> platform = PlatformOf(arch);
    if (!platform.ok()) return AtField(platform.status(), "ARCH");
    spec_.platform = *std::move(platform);
    Purl purl{
        "rpm", std::string(ns_), name, fmt::format("{}-{}", version, release), {{"arch", arch}},
        ""};
    if (!epoch.empty()) purl.qualifiers["epoch"] = std::to_string(epoch.front());
    spec_.purl = purl.ToString();
    import_.file_name = fmt::format("{}-{}-{}.{}.rpm", name, version, release, arch);
    return absl::OkStatus();
  }

  absl::Status MapTexts() {
    DML_ASSIGN_OR_RETURN(const std::string license, header_.Text(RpmTag::kLicense));
    DML_ASSIGN_OR_RETURN(const std::string title, header_.Text(RpmTag::kSummary));
    DML_ASSIGN_OR_RETURN(const std::string description, header_.Text(RpmTag::kDescription));
    DML_ASSIGN_OR_RETURN(const std::string url, header_.Text(RpmTag::kUrl));
    SetImportLicense("LICENSE", license, import_);
    SetImportTexts(title, description, url, import_);
    for (const auto& [key, tag] :
         {std::pair("group", RpmTag::kGroup), std::pair("source", RpmTag::kSourceRpm)}) {
      DML_ASSIGN_OR_RETURN(const std::string value, header_.Text(tag));
      if (value.empty() || value == "Unspecified") continue;
      if (absl::Status valid = ValidateLabel(key, value); !valid.ok()) return valid;
      spec_.labels[key] = value;
    }
    return absl::OkStatus();
  }

  // Wherever a name stands, it is of the same kind.
  std::pair<RelationKind, std::string> KindOf(const std::string& name) const {
    const std::string part = Lower(name);
    if (ValidatePackagePart(part).ok())
      return {RelationKind::kPackage, spec_.package.ns + "/" + part};
    return {RelationKind::kCapability, name};
  }

  absl::StatusOr<RelationTarget> TargetOf(const Dependency& dependency) const {
    auto [kind, name] = KindOf(dependency.name);
    RelationTarget target{kind, std::move(name), VersionRange::All()};
    const uint32_t sense = dependency.flags & (kLess | kGreater | kEqual);
    if (sense == 0 || dependency.version.empty()) return target;
    constexpr std::pair<uint32_t, std::string_view> kOperators[] = {{kLess, "<"},
                                                                    {kLess | kEqual, "<="},
                                                                    {kEqual, "="},
                                                                    {kGreater | kEqual, ">="},
                                                                    {kGreater, ">"}};
    const auto op =
        std::ranges::find(kOperators, sense, &std::pair<uint32_t, std::string_view>::first);
    if (op == std::end(kOperators)) {
      return InvalidArgument(kInvalid, "'{}' has no operator", Excerpt(dependency.Words()));
    }
    DML_ASSIGN_OR_RETURN(target.range, VersionRange::ParseNative(
                                           VersionScheme::kRpm,
                                           fmt::format("{} {}", op->second, dependency.version)));
    return target;
  }

  // "(A or B or C)", each without blanks but around an operator; nullopt for other rich ones.
  static std::optional<std::vector<Dependency>> Alternatives(const std::string& text) {
    if (!text.starts_with('(') || !text.ends_with(')')) return std::nullopt;
    std::vector<std::string> words;
    std::string word;
    for (const char c : text.substr(1, text.size() - 2) + " ") {
      if (c != ' ') word += c;
      if (c == ' ' && !word.empty()) words.push_back(std::exchange(word, ""));
    }
    std::vector<Dependency> out;
    for (size_t at = 0; at < words.size();) {
      if (!out.empty() && words[at++] != "or") return std::nullopt;
      if (at == words.size() || words[at].starts_with('(')) return std::nullopt;
      Dependency one{words[at++], 0, ""};
      if (at + 1 < words.size() && words[at].find_first_not_of("<=>") == std::string::npos) {
        for (const char c : words[at]) one.flags |= c == '<' ? kLess : c == '>' ? kGreater : kEqual;
        one.version = words[at + 1];
        at += 2;
      }
      out.push_back(std::move(one));
    }
    if (out.empty()) return std::nullopt;
    return out;
  }

  absl::Status MapRequirements() {
    DML_ASSIGN_OR_RETURN(const auto found,
                         ReadDependencies(header_, RpmTag::kRequireName, RpmTag::kRequireFlags,
                                          RpmTag::kRequireVersion));
    std::set<std::string> seen;  // One is often there several times, for scripts.
    for (const Dependency& dependency : found) {
      const std::string words = dependency.Words();
      if (!seen.insert(words).second) continue;
      if (dependency.name.starts_with("rpmlib(")) {
        Note("REQUIRES", words + ": what rpm itself must be able to do");
        continue;
      }
      Requirement requirement;
      requirement.source = CutText("Requires: " + words, kMaxSpecSourceBytes);
      const auto alternatives = dependency.name.starts_with('(')
                                    ? Alternatives(dependency.name)
                                    : std::vector<Dependency>{dependency};
      if (!alternatives.has_value()) {
        requirement.any_of = {UnmetTarget(RelationKind::kCapability, "rich-dependency")};
        Note("REQUIRES", Excerpt(words, kShownBytes) +
                             ": a rich dependency that is not understood, so nothing is known to "
                             "meet it");
        spec_.requires_all.push_back(std::move(requirement));
        continue;
      }
      for (const Dependency& one : *alternatives) {
        absl::StatusOr<RelationTarget> target = TargetOf(one);
        if (!target.ok()) return AtField(target.status(), "REQUIRES");
        requirement.any_of.push_back(*std::move(target));
      }
      spec_.requires_all.push_back(std::move(requirement));
    }
    return absl::OkStatus();
  }

  absl::Status MapProvisions() {
    DML_ASSIGN_OR_RETURN(const auto found,
                         ReadDependencies(header_, RpmTag::kProvideName, RpmTag::kProvideFlags,
                                          RpmTag::kProvideVersion));
    for (const Dependency& dependency : found) {
      auto [kind, name] = KindOf(dependency.name);
      if (kind == RelationKind::kPackage && name == spec_.package.ToString()) continue;  // Itself.
      Provision provision{kind, std::move(name), std::nullopt};
      if (!dependency.version.empty()) {
        absl::StatusOr<Version> version = Version::Parse(VersionScheme::kRpm, dependency.version);
        if (!version.ok()) return AtField(version.status(), "PROVIDES");
        provision.version = *std::move(version);
      }
      spec_.provides.push_back(std::move(provision));
    }
    return absl::OkStatus();
  }

  absl::Status MapPrograms() {
    DML_ASSIGN_OR_RETURN(const auto names, header_.Texts(RpmTag::kBaseNames));
    DML_ASSIGN_OR_RETURN(const auto folders, header_.Texts(RpmTag::kDirNames));
    DML_ASSIGN_OR_RETURN(const auto of, header_.Numbers(RpmTag::kDirIndexes));
    if (of.size() != names.size()) {
      return InvalidArgument(kInvalid, "{} file names, and folders of {}", names.size(), of.size());
    }
    size_t left_out = 0;
    for (size_t i = 0; i < names.size(); ++i) {
      if (of[i] >= folders.size()) {
        return InvalidArgument(kInvalid, "file {} is in no folder", Excerpt(names[i]));
      }
      const std::string& folder = folders[of[i]];
      if (!folder.ends_with("/bin/") && !folder.ends_with("/sbin/")) continue;
      const std::string path = folder + names[i];
      const bool plain = path.size() <= 256 &&
                         std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f; });
      if (plain && spec_.provides.size() + spec_.requires_all.size() < kMaxSpecRelations / 2) {
        spec_.provides.push_back({RelationKind::kCapability, path, std::nullopt});
      } else {
        ++left_out;
      }
    }
    if (left_out > 0) Note("BASENAMES", fmt::format("{} programs are not told", left_out));
    return absl::OkStatus();
  }

  absl::Status MapRelations(RpmTag names, RpmTag flags, RpmTag versions, std::string_view word,
                            std::vector<Relation>& relations) {
    DML_ASSIGN_OR_RETURN(const auto found, ReadDependencies(header_, names, flags, versions));
    for (const Dependency& dependency : found) {
      const std::string words = dependency.Words();
      if (dependency.name.starts_with('(')) {
        return InvalidArgument(kInvalid, "{}: '{}' is a rich dependency, which is not understood",
                               word, Excerpt(words, kShownBytes));
      }
      absl::StatusOr<RelationTarget> target = TargetOf(dependency);
      if (!target.ok()) return AtField(target.status(), word);
      relations.push_back(
          {*std::move(target), RelationScope::kNode,
           std::string(CutText(fmt::format("{}: {}", word, words), kMaxSpecSourceBytes))});
    }
    return absl::OkStatus();
  }

  absl::Status NoteSoftRelations() {
    for (const auto& [word, tag] : {std::pair("RECOMMENDS", RpmTag::kRecommendName),
                                    std::pair("SUGGESTS", RpmTag::kSuggestName),
                                    std::pair("SUPPLEMENTS", RpmTag::kSupplementName),
                                    std::pair("ENHANCES", RpmTag::kEnhanceName)}) {
      DML_ASSIGN_OR_RETURN(const auto names, header_.Texts(tag));
      for (const std::string& name : names) {
        Note(word, Excerpt(name, kShownBytes) + ": a package spec has no soft relations");
      }
    }
    return absl::OkStatus();
  }

  const RpmHeader& header_;
  const std::string_view ns_;
  PackageImport& import_;
  PackageSpec& spec_;
};

absl::StatusOr<PackageImport> Import(const std::filesystem::path& path, std::string_view ns) {
  DML_ASSIGN_OR_RETURN(const RpmHeader header, RpmHeader::Read(path));
  PackageImport import;
  DML_RETURN_IF_ERROR(Mapper(header, ns, import).Map());
  DML_RETURN_IF_ERROR(ParsePackageSpec(FormatPackageSpec(import.spec)).status());
  return import;
}

}  // namespace

absl::StatusOr<PackageImport> ReadRpm(const std::filesystem::path& path, std::string_view ns) {
  absl::StatusOr<PackageImport> import = Import(path, ns);
  if (!import.ok()) return Annotate(import.status(), path.string());
  return import;
}

}  // namespace dml
