#include "tools/import/wheel_import.h"

#include <algorithm>

#include <absl/strings/ascii.h>

#include "core/base/text.h"
#include "core/version/purl.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("WHEEL_INVALID");
constexpr size_t kShownBytes = 128;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = absl::ascii_tolower(static_cast<unsigned char>(c));
  return out;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

template <typename... Args>
absl::Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return InvalidArgument(kInvalid, format, std::forward<Args>(args)...);
}

// PEP 503: lower case, and runs of '-', '_' and '.' are one '-'.
std::string Normalize(std::string_view name) {
  std::string out;
  for (char c : name) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (!separator) out += absl::ascii_tolower(static_cast<unsigned char>(c));
    if (separator && (out.empty() || out.back() != '-')) out += '-';
  }
  return out;
}

// NAME-VERSION(-BUILD)?-PYTHON-ABI-PLATFORM.whl
struct FileName {
  std::string name;
  std::string version;
  std::string python;
  std::string abi;
  std::string platform;
};

absl::StatusOr<FileName> ParseFileName(std::string_view text) {
  if (!text.ends_with(".whl")) return Invalid("a wheel's file ends in .whl");
  const std::vector<std::string_view> parts = Split(text.substr(0, text.size() - 4), '-');
  if (parts.size() != 5 && parts.size() != 6) {
    return Invalid("a wheel is called NAME-VERSION-PYTHON-ABI-PLATFORM.whl, and this is not");
  }
  const size_t tags = parts.size() - 3;
  return FileName{std::string(parts[0]), std::string(parts[1]), std::string(parts[tags]),
                  std::string(parts[tags + 1]), std::string(parts[tags + 2])};
}

struct Machine {
  std::string_view ending;
  std::string_view arch;
  std::string_view variant;
};
constexpr Machine kMachines[] = {{"_x86_64", "amd64", ""},  {"_amd64", "amd64", ""},
                                 {"_aarch64", "arm64", ""}, {"_arm64", "arm64", ""},
                                 {"_i686", "386", ""},      {"_armv7l", "arm", "v7"},
                                 {"_armv6l", "arm", "v6"},  {"_ppc64le", "ppc64le", ""},
                                 {"_s390x", "s390x", ""},   {"_riscv64", "riscv64", ""}};

absl::StatusOr<Platform> PlatformOf(std::string_view tag) {
  if (tag == "any") return Platform{};
  if (tag == "win32") return Platform{"windows", "386", ""};
  constexpr std::pair<std::string_view, std::string_view> kSystems[] = {{"manylinux", "linux"},
                                                                        {"musllinux", "linux"},
                                                                        {"linux", "linux"},
                                                                        {"macosx", "darwin"},
                                                                        {"win", "windows"}};
  for (const auto& [start, os] : kSystems) {
    if (!tag.starts_with(start)) continue;
    for (const Machine& machine : kMachines) {
      if (tag.ends_with(machine.ending)) {
        return Platform{std::string(os), std::string(machine.arch), std::string(machine.variant)};
      }
    }
  }
  return InvalidArgument(ErrorReason("WHEEL_PLATFORM_UNKNOWN"),
                         "platform '{}' is not known here; 'any', Linux, macOS and Windows are",
                         Excerpt(tag));
}

// The header of METADATA: "Name: value" lines with continuations, as mail has them, and the body.
struct Metadata {
  std::vector<std::pair<std::string, std::string>> fields;  // Names in lower case.
  std::string body;

  std::string Get(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return "";
  }
};

absl::StatusOr<Metadata> ParseMetadata(std::string_view text) {
  if (const std::string fault = Utf8Fault(text); !fault.empty()) {
    return Invalid("METADATA is {}", fault);
  }
  Metadata out;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      out.body = text;
      return out;
    }
    if (line.front() == ' ' || line.front() == '\t') {
      if (out.fields.empty()) return Invalid("METADATA, line {}: continues nothing", number);
      out.fields.back().second += "\n" + std::string(Trim(line));
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
      return Invalid("METADATA, line {}: '{}' is no 'Name: value'", number,
                     Excerpt(line, kShownBytes));
    }
    out.fields.emplace_back(Lower(line.substr(0, colon)), Trim(line.substr(colon + 1)));
  }
  return out;
}

class Mapper {
 public:
  Mapper(const Metadata& metadata, const FileName& file, PackageImport& import)
      : metadata_(metadata), file_(file), import_(import), spec_(import.spec) {}

  absl::Status Map(std::string_view ns) {
    DML_RETURN_IF_ERROR(MapIdentity(ns));
    DML_RETURN_IF_ERROR(MapTags());
    MapLicense();
    MapTexts();
    for (const auto& [name, value] : metadata_.fields) {
      if (name == "requires-dist") {
        absl::Status mapped = Require(value);
        if (!mapped.ok()) return AtField(mapped, "Requires-Dist");
      } else if (name == "requires-python") {
        Note("Requires-Python", value + ": the interpreter is no package of the namespace");
      } else if (name == "requires-external" || name == "obsoletes-dist") {
        Note(name, Excerpt(value, kShownBytes) + ": a package spec has no such relation");
      }
    }
    return absl::OkStatus();
  }

 private:
  void Note(std::string_view field, std::string_view why) {
    import_.unmapped.push_back(fmt::format("{}: {}", field, why));
  }

  absl::Status MapIdentity(std::string_view ns) {
    for (const char* field : {"name", "version"}) {
      const auto count =
          std::ranges::count(metadata_.fields, field, &std::pair<std::string, std::string>::first);
      if (count != 1) return Invalid("METADATA has {} fields {}, and one is needed", count, field);
    }
    const std::string name = Normalize(metadata_.Get("name"));
    const std::string version = metadata_.Get("version");
    DML_RETURN_IF_ERROR(ValidateNamespace(ns));
    DML_RETURN_IF_ERROR(AtField(ValidatePackagePart(name), "Name"));
    DML_RETURN_IF_ERROR(AtField(ValidateVersionText(version), "Version"));
    absl::StatusOr<Version> parsed = Version::Parse(VersionScheme::kPep440, version);
    if (!parsed.ok()) return AtField(parsed.status(), "Version");
    absl::StatusOr<Version> named = Version::Parse(VersionScheme::kPep440, file_.version);
    if (Normalize(file_.name) != name || !named.ok() || named->key() != parsed->key()) {
      return Invalid("the file is called {} {}, and its METADATA says {} {}", Excerpt(file_.name),
                     Excerpt(file_.version), name, version);
    }
    spec_.package = {std::string(ns), name};
    spec_.version = *std::move(parsed);
    Purl purl;
    purl.type = "pypi";
    purl.name = name;
    purl.version = version;
    spec_.purl = purl.ToString();
    return absl::OkStatus();
  }

  // A set of tags ("manylinux_2_17_x86_64.manylinux2014_x86_64") must be of one platform.
  absl::Status MapTags() {
    bool first = true;
    for (std::string_view tag : Split(file_.platform, '.')) {
      DML_ASSIGN_OR_RETURN(Platform platform, PlatformOf(tag));
      if (!first && platform != spec_.platform) {
        return Invalid("its platforms {} are of different kinds; a variant is for one",
                       Excerpt(file_.platform));
      }
      spec_.platform = std::move(platform);
      first = false;
    }
    for (const auto& [key, tag] :
         {std::pair("python-tag", &file_.python), std::pair("abi-tag", &file_.abi)}) {
      DML_RETURN_IF_ERROR(ValidateLabel(key, *tag));
      spec_.labels[key] = *tag;
    }
    return absl::OkStatus();
  }

  void MapLicense() {
    const std::string expression = metadata_.Get("license-expression");
    if (!expression.empty()) return SetImportLicense("License-Expression", expression, import_);
    SetImportLicense("License", CutText(metadata_.Get("license"), kShownBytes), import_);
    if (spec_.declared_license != "NOASSERTION") return;
    for (const auto& [name, value] : metadata_.fields) {
      if (name == "classifier" && value.starts_with("License ::")) {
        Note("Classifier", value + ": names no SPDX license for certain");
      }
    }
  }

  void MapTexts() {
    std::string homepage = metadata_.Get("home-page");
    for (const auto& [name, value] : metadata_.fields) {
      const size_t comma = value.find(',');
      if (name != "project-url" || comma == std::string::npos || !homepage.empty()) continue;
      const std::string label = Lower(value.substr(0, comma));
      if (label == "homepage" || label == "home") {
        homepage = Trim(std::string_view(value).substr(comma + 1));
      }
    }
    const std::string description = metadata_.Get("description");
    const std::string summary = metadata_.Get("summary");
    SetImportTexts(summary == "UNKNOWN" ? "" : summary,
                   description.empty() ? metadata_.body : description,
                   homepage == "UNKNOWN" ? "" : homepage, import_);
  }

  absl::Status Require(const std::string& text) {
    DML_ASSIGN_OR_RETURN(const PythonRequirement parsed, ParsePythonRequirement(text));
    const std::string shown = Excerpt(text, kShownBytes);
    if (parsed.marker.find("extra") != std::string::npos) {
      Note("Requires-Dist", shown + ": of an extra, and a package spec has no soft relations");
      return absl::OkStatus();
    }
    if (!parsed.marker.empty()) {
      Note("Requires-Dist", shown + ": the marker is not kept; it is taken to hold");
    }
    if (!parsed.extras.empty()) {
      Note("Requires-Dist", shown + ": what the extras need is not kept");
    }
    Requirement& requirement = spec_.requires_all.emplace_back();
    requirement.source = CutText("Requires-Dist: " + text, kMaxSpecSourceBytes);
    std::ranges::replace(requirement.source, '\n', ' ');
    const std::string name = spec_.package.ns + "/" + parsed.name;
    if (!parsed.url.empty()) {
      requirement.any_of = {UnmetTarget(RelationKind::kPackage, name)};
      Note("Requires-Dist", shown +
                                ": a URL and no range of versions, so no version is known to "
                                "meet it");
      return absl::OkStatus();
    }
    RelationTarget target{RelationKind::kPackage, name, VersionRange::All()};
    if (!parsed.range.empty()) {
      DML_ASSIGN_OR_RETURN(target.range,
                           VersionRange::ParseNative(VersionScheme::kPep440, parsed.range));
    }
    requirement.any_of = {std::move(target)};
    return absl::OkStatus();
  }

  const Metadata& metadata_;
  const FileName& file_;
  PackageImport& import_;
  PackageSpec& spec_;
};

absl::StatusOr<PackageImport> Import(const std::filesystem::path& path, std::string_view ns,
                                     const ArchiveLimits& limits) {
  const std::string file_name = path.filename().string();
  DML_ASSIGN_OR_RETURN(const FileName file, ParseFileName(file_name));
  const std::string expected = fmt::format("{}-{}.dist-info/METADATA", file.name, file.version);
  DML_ASSIGN_OR_RETURN(
      const std::vector<ArchiveMember> found,
      ReadArchiveMembers(path, ArchiveFormat::kZip, limits, [](std::string_view member) {
        return member.ends_with(".dist-info/METADATA") && std::ranges::count(member, '/') == 1;
      }));
  if (found.size() != 1 || Normalize(found[0].path) != Normalize(expected)) {
    return Invalid("it has no {} alone", expected);
  }
  DML_ASSIGN_OR_RETURN(const Metadata metadata, ParseMetadata(found[0].content));
  PackageImport import;
  import.file_name = file_name;
  DML_RETURN_IF_ERROR(Mapper(metadata, file, import).Map(ns));
  DML_RETURN_IF_ERROR(ParsePackageSpec(FormatPackageSpec(import.spec)).status());
  return import;
}

}  // namespace

absl::StatusOr<PackageImport> ReadWheel(const std::filesystem::path& path, std::string_view ns,
                                        const ArchiveLimits& limits) {
  absl::StatusOr<PackageImport> import = Import(path, ns, limits);
  if (!import.ok()) return Annotate(import.status(), path.string());
  return import;
}

absl::StatusOr<PythonRequirement> ParsePythonRequirement(std::string_view text) {
  const auto is_name = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  PythonRequirement out;
  std::string_view rest = Trim(text);
  const auto end = std::ranges::find_if_not(rest, is_name);
  out.name = Normalize(rest.substr(0, static_cast<size_t>(end - rest.begin())));
  absl::Status valid = ValidatePackagePart(out.name);
  if (!valid.ok()) return Invalid("'{}' is no requirement", Excerpt(text, kShownBytes));
  rest = Trim(rest.substr(static_cast<size_t>(end - rest.begin())));
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      return Invalid("'{}': a '[' and no ']'", Excerpt(text, kShownBytes));
    }
    out.extras = Trim(rest.substr(1, close - 1));
    rest = Trim(rest.substr(close + 1));
  }
  // A URL may have a ';' in it: a marker after one stands behind a blank.
  const bool by_url = rest.starts_with('@');
  const size_t semicolon = by_url ? rest.find(" ;") : rest.find(';');
  if (semicolon != std::string_view::npos) {
    out.marker = Trim(rest.substr(rest.find(';', semicolon) + 1));
    if (out.marker.empty()) return Invalid("'{}': no marker", Excerpt(text, kShownBytes));
    rest = rest.substr(0, semicolon);
  }
  rest = Trim(rest);
  if (by_url) {
    out.url = Trim(rest.substr(1));
    if (out.url.empty()) return Invalid("'{}': no URL", Excerpt(text, kShownBytes));
    return out;
  }
  if (rest.starts_with('(') && rest.ends_with(')')) rest = rest.substr(1, rest.size() - 2);
  out.range = Trim(rest);
  return out;
}

}  // namespace dml
