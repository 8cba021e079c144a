// dml compat who-uses|safe-rollback: what is in use, and how far back it can go.
#include "client/uses.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");

struct UsesArgs {
  std::string package;
  std::string range;
  std::string license;
  std::string digest;
  std::string environment;
};

void DeclareUses(CLI::App& app, UsesArgs& args) {
  app.add_option("package", args.package, "NAMESPACE/PACKAGE whose use is asked about");
  app.add_option("--range", args.range, "Only these versions of it, such as vers:deb/<3.0.13")
      ->type_name("VERS");
  app.add_option("--license", args.license, "Only what declares this license or exception")
      ->type_name("ID");
  app.add_option("--digest", args.digest, "Only this manifest, package spec or release document")
      ->type_name("sha256:HEX");
  app.add_option("--environment", args.environment, "Only there and below it");
}

absl::StatusOr<UsesQuery> ReadQuery(const UsesArgs& args) {
  UsesQuery out;
  if (args.package.empty() && args.license.empty() && args.digest.empty()) {
    return InvalidArgument(kArgumentInvalid, "name a package, --license or --digest");
  }
  if (!args.package.empty()) {
    DML_ASSIGN_OR_RETURN(out.package, ParsePackageArgument(args.package));
  }
  if (!args.range.empty()) {
    if (args.package.empty()) {
      return InvalidArgument(kArgumentInvalid, "--range is of versions of a package: name it");
    }
    const absl::Status valid = VersionRange::ParseVers(args.range).status();
    if (!valid.ok()) return Annotate(valid, "--range");
  }
  if (!args.digest.empty()) {
    const absl::Status valid = Digest::Parse(args.digest).status();
    if (!valid.ok()) return Annotate(valid, "--digest");
  }
  if (!args.environment.empty()) DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  out.range = args.range;
  out.license = args.license;
  out.digest = args.digest;
  out.environment = args.environment;
  return out;
}

absl::StatusOr<Reply> WhoUses(Context& context, const UsesArgs& args) {
  DML_ASSIGN_OR_RETURN(const UsesQuery query, ReadQuery(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<VariantUse>(context, "", [&](const ListOptions& options) {
                         return UsesClient(*client).WhoUses(query, options);
                       }));
  return ListReply(
      page, {"ENVIRONMENT", "VARIANT", "RELEASE", "STATE", "LICENSE"},
      [](const VariantUse& use) {
        return Json{{"environment", use.environment},
                    {"variant", use.variant.ResourceName()},
                    {"release", use.release},
                    {"state", use.state},
                    {"node", use.node},
                    {"license", use.license}};
      },
      [](const VariantUse& use) {
        return std::vector<Cell>{use.environment, use.variant.ResourceName(), use.release,
                                 use.state, use.license};
      });
}

struct RollbackArgs {
  std::string package;
  std::string nodes;
  std::string environment;
  std::string node;
};

void DeclareRollback(CLI::App& app, RollbackArgs& args) {
  app.add_option("package", args.package, "NAMESPACE/PACKAGE that is to go back")->required();
  CLI::Option* nodes = app.add_option("--nodes", args.nodes, "What runs, a document (dml.nodes/v1)")
                           ->type_name("FILE");
  app.add_option("--environment", args.environment,
                 "What the releases in use there say that runs, instead of --nodes")
      ->excludes(nodes);
  app.add_option("--node", args.node, "The nodes that go back; all that run it if left out");
}

absl::StatusOr<Reply> SafeRollback(Context& context, const RollbackArgs& args) {
  DML_ASSIGN_OR_RETURN(const PackageName package, ParsePackageArgument(args.package));
  if (args.nodes.empty() == args.environment.empty()) {
    return InvalidArgument(kArgumentInvalid, "say what runs: --nodes or --environment");
  }
  std::vector<NodeDescription> nodes;
  if (!args.nodes.empty()) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.nodes, kMaxNodesDocumentBytes));
    absl::StatusOr<std::vector<NodeDescription>> read = ParseNodesDocument(text);
    if (!read.ok()) return Annotate(read.status(), args.nodes);
    nodes = *std::move(read);
  } else {
    DML_RETURN_IF_ERROR(ValidateEnvironmentName(args.environment));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<RollbackAnswer>(context, "", [&](const ListOptions& options) {
                         return UsesClient(*client).SafeRollbackTargets(
                             package, nodes, args.environment, args.node, options);
                       }));
  const auto word = [](EnvironmentVerdict verdict) {
    return verdict == EnvironmentVerdict::kCompatible     ? "SAFE"
           : verdict == EnvironmentVerdict::kIncompatible ? "UNSAFE"
                                                          : "NOT_PROVEN";
  };
  const auto why = [](const RollbackAnswer& item) {
    std::string out;
    for (const EnvironmentFinding& reason : item.reasons) {
      out += (out.empty() ? "" : "; ") + reason.finding.message;
    }
    return out;
  };
  return ListReply(
      page, {"VARIANT", "GOING BACK", "WHY NOT"},
      [&](const RollbackAnswer& item) {
        Json reasons = Json::array();
        for (const EnvironmentFinding& reason : item.reasons) {
          Json json = ToJson(reason.finding);
          json["node"] = reason.node;
          json["nodes"] = reason.nodes;
          json["source"] = reason.source;
          json["signers"] = reason.signers;
          reasons.push_back(std::move(json));
        }
        return Json{{"variant", item.variant.ResourceName()},
                    {"outcome", word(item.verdict)},
                    {"reasons", std::move(reasons)},
                    {"reasonCount", item.reason_count}};
      },
      [&](const RollbackAnswer& item) {
        return std::vector<Cell>{item.variant.ResourceName(), word(item.verdict), why(item)};
      });
}

}  // namespace

void AddUsesCommands(CommandTree& tree, CLI::App& compat) {
  tree.Add<UsesArgs>(compat,
                     {"who-uses", "Where a package, a license or a digest is in use",
                      "dml compat who-uses debian/libssl3 --range \"vers:deb/<3.0.13\""},
                     DeclareUses, WhoUses);
  tree.Add<RollbackArgs>(compat,
                         {"safe-rollback", "To which versions a package can go back, and why not",
                          "dml compat safe-rollback acme/api --environment production"},
                         DeclareRollback, SafeRollback);
}

}  // namespace dml
