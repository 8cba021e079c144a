// dml import deb|rpm|npm|wheel; import oci is in import_oci_command.cc.
#include <map>
#include <set>

#include <fmt/ranges.h>

#include "core/license/expression.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/import/deb_import.h"
#include "tools/import/npm_import.h"
#include "tools/import/rpm_import.h"
#include "tools/import/wheel_import.h"

namespace dml {
namespace {

// Packages of one system.
struct ImportFormat {
  std::string_view files;       // What the files are.
  std::string_view media_type;  // Of a file, as it is published.
  absl::StatusOr<PackageImport> (*read)(const std::filesystem::path& path, std::string_view ns);
};

constexpr ImportFormat kDeb{
    "Debian packages (.deb)", "application/vnd.debian.binary-package",
    [](const std::filesystem::path& path, std::string_view ns) { return ReadDeb(path, ns); }};
constexpr ImportFormat kRpm{"RPM packages (.rpm)", "application/x-rpm", ReadRpm};
constexpr ImportFormat kNpm{
    "npm packages (.tgz of npm pack)", "application/gzip",
    [](const std::filesystem::path& path, std::string_view ns) { return ReadNpm(path, ns); }};
constexpr ImportFormat kWheel{
    "Python wheels (.whl)", "application/zip",
    [](const std::filesystem::path& path, std::string_view ns) { return ReadWheel(path, ns); }};

struct ImportArgs {
  std::vector<std::string> files;
  std::string ns;
  std::string key;
  std::string passphrase_file;
  std::vector<std::string> licenses;
  bool dry_run = false;
};

template <const ImportFormat& kFormat>
void Declare(CLI::App& app, ImportArgs& args) {
  app.add_option("file", args.files, std::string(kFormat.files))->required()->type_name("FILE");
  app.add_option("--namespace", args.ns, "Where to publish them")->required();
  app.add_option("--key", args.key, "A publisher's private key that signs the publications")
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
  app.add_option("--license", args.licenses,
                 "The license of a package whose own words for it only a person can read")
      ->type_name("PACKAGE=EXPRESSION");
  app.add_flag("--dry-run", args.dry_run, "Print the package specs and publish nothing");
}

// What became of one file.
struct Outcome {
  std::string result;  // "published", "present", "read" with --dry-run, or "failed".
  std::string variant;
  std::string spec;
  std::vector<std::string> unmapped;
  absl::Status error;
};

using StatedLicenses = std::map<std::string, std::string>;  // Package -> canonical expression.

absl::StatusOr<StatedLicenses> ReadLicenses(const std::vector<std::string>& arguments) {
  StatedLicenses out;
  for (const std::string& argument : arguments) {
    const size_t equals = argument.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "--license {}: expected PACKAGE=EXPRESSION", argument);
    }
    absl::StatusOr<LicenseExpression> expression =
        LicenseExpression::Parse(argument.substr(equals + 1), BundledLicenseList());
    if (!expression.ok()) {
      return Annotate(expression.status(), fmt::format("--license {}", argument));
    }
    out[argument.substr(0, equals)] = expression->ToString();
  }
  return out;
}

// A license that is stated for no package here is a mistake in its name, and what is published
// without it stays so. Files that cannot be read are told of when their turn comes.
absl::Status CheckStated(const ImportFormat& format, const StatedLicenses& stated,
                         const ImportArgs& args) {
  if (stated.empty()) return absl::OkStatus();
  std::set<std::string> names;
  for (const std::string& file : args.files) {
    if (auto read = format.read(file, args.ns); read.ok()) names.insert(read->spec.package.name);
  }
  for (const auto& [package, license] : stated) {
    if (names.contains(package)) continue;
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--license {}={}: no file is of package {}; they are of: {}", package,
                           license, package, fmt::join(names, ", "));
  }
  return absl::OkStatus();
}

// A person's statement fills the gap that the package leaves; what the package says itself stays.
void StateLicense(const StatedLicenses& stated, PackageImport& import) {
  auto found = stated.find(import.spec.package.name);
  if (found == stated.end()) return;
  if (import.spec.declared_license != "NOASSERTION") {
    import.unmapped.push_back(fmt::format("--license {}: not used, the archive says {}",
                                          found->first, import.spec.declared_license));
    return;
  }
  import.spec.declared_license = found->second;
}

std::string VariantOf(const PackageSpec& spec) {
  return VariantName{spec.package, spec.version.text(), spec.platform}.ResourceName();
}

// `key` and `client` are null for a dry run.
Outcome ImportOne(const Context& context, Client* client, const ImportFormat& format,
                  const std::string& file, const std::string& ns, const StatedLicenses& licenses,
                  const Signer* key) {
  Outcome out;
  out.result = "failed";
  absl::StatusOr<PackageImport> import = format.read(file, ns);
  if (!import.ok()) {
    out.error = import.status();
    return out;
  }
  StateLicense(licenses, *import);
  out.variant = VariantOf(import->spec);
  out.spec = FormatPackageSpec(import->spec);
  out.unmapped = import->unmapped;
  if (key == nullptr) {
    out.result = "read";
    return out;
  }
  PublishInput input;
  input.spec_json = out.spec;
  input.files = {{file, import->file_name, std::string(format.media_type)}};
  input.keys = {key};
  auto done = PublishPackage(*client, input, context.Progress(import->file_name));
  if (done.ok()) {
    out.result = done->done_before ? "present" : "published";
  } else if (Reason(done.status()) == "VERSION_EXISTS") {  // And withdrawn since.
    out.result = "present";
  } else {
    out.error = done.status();
  }
  return out;
}

Json OutcomeJson(const std::string& file, const Outcome& outcome, bool dry_run) {
  Json out = {{"file", file},
              {"result", outcome.result},
              {"variant", outcome.variant},
              {"unmapped", outcome.unmapped}};
  if (dry_run && !outcome.spec.empty()) out["spec"] = Json::parse(outcome.spec, nullptr, false);
  if (!outcome.error.ok()) out["error"] = ErrorJson(outcome.error)["error"];
  return out;
}

void DescribeOutcome(const std::string& file, const Outcome& outcome, bool dry_run, Text& text) {
  Style style = outcome.error.ok() ? Style::kGood : Style::kBad;
  if (dry_run && outcome.error.ok()) {
    text.Block(outcome.spec);
    return;
  }
  text.Line({fmt::format("{}: {}{}{}", file, outcome.result, outcome.variant.empty() ? "" : " ",
                         outcome.variant),
             style});
  if (!outcome.error.ok()) text.Line("  " + std::string(Message(outcome.error)));
  for (const std::string& line : outcome.unmapped) text.Line("  not mapped: " + line);
}

absl::StatusOr<Reply> Import(Context& context, const ImportArgs& args, const ImportFormat& format) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.ns));
  DML_ASSIGN_OR_RETURN(StatedLicenses licenses, ReadLicenses(args.licenses));
  DML_RETURN_IF_ERROR(CheckStated(format, licenses, args));
  std::unique_ptr<const Signer> key;
  Client* client = nullptr;
  if (!args.dry_run) {
    if (args.key.empty()) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "--key is required: give a publisher's private key, or --dry-run");
    }
    DML_ASSIGN_OR_RETURN(key, ReadSigner(args.key, args.passphrase_file));
    DML_ASSIGN_OR_RETURN(client, context.client());
  }
  Reply reply;
  Json items = Json::array();
  std::map<std::string, int> counts;
  for (const std::string& file : args.files) {
    Outcome outcome = ImportOne(context, client, format, file, args.ns, licenses, key.get());
    ++counts[outcome.result];
    items.push_back(OutcomeJson(file, outcome, args.dry_run));
    DescribeOutcome(file, outcome, args.dry_run, reply.text);
    if (args.dry_run) {
      for (const std::string& line : outcome.unmapped) {
        reply.notes.push_back(fmt::format("{}: not mapped: {}", file, line));
      }
    }
  }
  reply.document["items"] = std::move(items);
  for (const char* result : {"published", "present", "read", "failed"}) {
    reply.document[result] = counts[result];
  }
  reply.notes.push_back(
      args.dry_run ? fmt::format("{} read, {} failed", counts["read"], counts["failed"])
                   : fmt::format("{} published, {} present before, {} failed", counts["published"],
                                 counts["present"], counts["failed"]));
  if (counts["failed"] > 0) reply.code = ExitCode::kFailed;
  return reply;
}

template <const ImportFormat& kFormat>
absl::StatusOr<Reply> Import(Context& context, const ImportArgs& args) {
  return Import(context, args, kFormat);
}

template <const ImportFormat& kFormat>
void AddFormat(CommandTree& tree, CLI::App& noun, const CommandInfo& info) {
  tree.Add<ImportArgs>(noun, info, Declare<kFormat>, Import<kFormat>);
}

}  // namespace

void AddImportCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("import", "Packages of other systems and libraries");
  AddFormat<kDeb>(
      tree, noun,
      {"deb", "Publish Debian packages", "dml import deb *.deb --namespace debian --key me.key"});
  AddFormat<kRpm>(
      tree, noun,
      {"rpm", "Publish RPM packages", "dml import rpm *.rpm --namespace fedora --key me.key"});
  AddFormat<kNpm>(
      tree, noun,
      {"npm", "Publish npm packages", "dml import npm *.tgz --namespace npm --key me.key"});
  AddFormat<kWheel>(
      tree, noun,
      {"wheel", "Publish Python wheels", "dml import wheel *.whl --namespace pypi --key me.key"});
  AddImportOciCommand(tree, noun);
  AddImportIndexCommand(tree, noun);
  AddImportAdvisoryCommands(tree, noun);
  AddImportSbomCommands(tree, noun);
}

}  // namespace dml
