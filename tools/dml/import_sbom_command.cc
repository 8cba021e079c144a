// dml import spdx|cyclonedx: the components of SBOMs as references, for planning.
#include "client/references.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/namespace_map.h"
#include "tools/dml/records.h"
#include "tools/import/sbom_references.h"

namespace dml {
namespace {

// Of one batch; specs of SBOMs are small, and their journal entries below the limit.
constexpr size_t kBatch = 200;

struct SbomArgs {
  std::vector<std::string> files;
  NamespaceMapArgs where;
  std::vector<std::string> keys;
  std::string passphrase_file;
  bool dry_run = false;
};

void Declare(CLI::App& app, SbomArgs& args) {
  app.add_option("file", args.files, "SBOMs, JSON")->required()->type_name("FILE");
  DeclareNamespaceMap(app, args.where);
  AddRepeated(app, "--key", args.keys, "A publisher's private key, to sign each batch with")
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--dry-run", args.dry_run, "Print the package specs and publish nothing");
}

struct Totals {
  uint64_t components = 0;
  uint64_t read = 0;
  uint64_t published = 0;
  uint64_t present = 0;
  uint64_t known = 0;  // Bound to what the library has otherwise: the package itself, mostly.
  uint64_t failed = 0;
  Json items = Json::array();
  Json unmapped = Json::array();
};

class Importer {
 public:
  Importer(Context& context, const SbomArgs& args, SbomFormat format)
      : context_(context), args_(args), format_(format) {}

  absl::StatusOr<Reply> Run() {
    DML_ASSIGN_OR_RETURN(map_, ReadNamespaceMap(args_.where));
    if (!args_.dry_run) {
      if (args_.keys.empty()) {
        return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                               "--key is required: give a publisher's private key, or --dry-run");
      }
      DML_ASSIGN_OR_RETURN(signers_, Signers::Read(args_.keys, args_.passphrase_file));
      DML_ASSIGN_OR_RETURN(client_, context_.client());
    }
    for (const std::string& file : args_.files) {
      const absl::Status done = ImportFile(file);
      if (done.ok()) continue;
      ++totals_.failed;
      totals_.items.push_back(
          {{"file", file}, {"result", "failed"}, {"error", ErrorJson(done)["error"]}});
      reply_.text.Line({fmt::format("{}: {}", file, Message(done)), Style::kBad});
    }
    return Finish();
  }

 private:
  absl::Status ImportFile(const std::string& file) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxSbomBytes));
    DML_ASSIGN_OR_RETURN(const SbomReferences read, ReadSbomReferences(text, format_, map_));
    totals_.components += read.components;
    for (const std::string& line : read.unmapped) {
      totals_.unmapped.push_back({{"file", file}, {"what", line}});
      reply_.notes.push_back(fmt::format("{}: not mapped: {}", file, line));
    }
    const uint64_t before = totals_.read;
    for (const auto& [scheme, specs] : read.specs) {
      // A batch is of one namespace, too.
      std::map<std::string, std::vector<std::string>> by_namespace;
      for (const std::string& document : specs) {
        DML_ASSIGN_OR_RETURN(const PackageSpec spec, ParsePackageSpec(document));
        by_namespace[spec.package.ns].push_back(document);
      }
      for (const auto& [ns, documents] : by_namespace) {
        DML_RETURN_IF_ERROR(PublishAll(file, ns, documents));
      }
    }
    totals_.items.push_back({{"file", file},
                             {"result", args_.dry_run ? "read" : "imported"},
                             {"components", read.components},
                             {"references", totals_.read - before}});
    if (!args_.dry_run) {
      reply_.text.Line({fmt::format("{}: {} of {} components are references", file,
                                    totals_.read - before, read.components),
                        Style::kGood});
    }
    return absl::OkStatus();
  }

  absl::Status PublishAll(const std::string& file, const std::string& ns,
                          const std::vector<std::string>& documents) {
    totals_.read += documents.size();
    if (args_.dry_run) {
      for (const std::string& document : documents) reply_.text.Block(document);
      return absl::OkStatus();
    }
    const std::string source = std::filesystem::path(file).filename().string();
    for (size_t from = 0; from < documents.size(); from += kBatch) {
      const size_t count = std::min(kBatch, documents.size() - from);
      const std::vector<std::string> batch(
          documents.begin() + static_cast<ptrdiff_t>(from),
          documents.begin() + static_cast<ptrdiff_t>(from + count));
      DML_ASSIGN_OR_RETURN(const ReferencesAnswer answer,
                           ReferenceClient(*client_).Publish(ns, source, batch, signers_.get()));
      totals_.published += answer.published;
      totals_.present += answer.present;
      for (const ReferencesAnswer::Refusal& item : answer.refused) {
        totals_.unmapped.push_back({{"file", file}, {"what", item.variant + ": " + item.message}});
        reply_.notes.push_back(fmt::format("{}: {}", item.variant, item.message));
        ++(item.reason == "VERSION_BOUND" ? totals_.known : totals_.failed);
      }
    }
    return absl::OkStatus();
  }

  Reply Finish() {
    reply_.document = {{"components", totals_.components},
                       {"read", totals_.read},
                       {"published", totals_.published},
                       {"present", totals_.present},
                       {"known", totals_.known},
                       {"failed", totals_.failed},
                       {"items", std::move(totals_.items)},
                       {"unmapped", std::move(totals_.unmapped)}};
    reply_.notes.push_back(
        args_.dry_run
            ? fmt::format("{} components: {} read, {} failed", totals_.components, totals_.read,
                          totals_.failed)
            : fmt::format("{} components: {} published, {} present before, {} there otherwise, {} "
                          "failed",
                          totals_.components, totals_.published, totals_.present, totals_.known,
                          totals_.failed));
    if (totals_.failed > 0) reply_.code = ExitCode::kFailed;
    return std::move(reply_);
  }

  Context& context_;
  const SbomArgs& args_;
  const SbomFormat format_;
  NamespaceMap map_;
  Signers signers_;
  Client* client_ = nullptr;
  Totals totals_;
  Reply reply_;
};

template <SbomFormat kFormat>
absl::StatusOr<Reply> Import(Context& context, const SbomArgs& args) {
  return Importer(context, args, kFormat).Run();
}

}  // namespace

void AddImportSbomCommands(CommandTree& tree, CLI::App& noun) {
  tree.Add<SbomArgs>(noun,
                     {"spdx", "Publish the components of SPDX documents as references",
                      "dml import spdx app.spdx.json --map deb=debian --map npm=npm --key me.key"},
                     Declare, Import<SbomFormat::kSpdx>);
  tree.Add<SbomArgs>(noun,
                     {"cyclonedx", "Publish the components of CycloneDX documents as references",
                      "dml import cyclonedx app.cdx.json --map npm=npm --key me.key"},
                     Declare, Import<SbomFormat::kCycloneDx>);
}

}  // namespace dml
