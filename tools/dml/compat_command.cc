// dml compat check|who-requires|who-provides|compare.
#include <functional>

#include "client/uses.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct CheckArgs {
  std::vector<std::string> variants;
};

void DeclareCheck(CLI::App& app, CheckArgs& args) {
  app.add_option("variant", args.variants, "NAMESPACE/PACKAGE@VERSION[:PLATFORM] each")->required();
}

absl::StatusOr<Reply> Check(Context& context, const CheckArgs& args) {
  DML_ASSIGN_OR_RETURN(std::vector<VariantName> names, ResolveVariants(context, args.variants));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(CompatibilityAnswer answer, client->CheckSet(names));
  Reply reply;
  const char* word = "NOT_PROVEN";
  Style style = Style::kWarning;
  if (answer.outcome == CompatibilityOutcome::kCompatible) {
    word = "COMPATIBLE";
    style = Style::kGood;
  } else if (answer.outcome == CompatibilityOutcome::kIncompatible) {
    word = "INCOMPATIBLE";
    style = Style::kBad;
  }
  Json violations = Json::array();
  for (const Finding& finding : answer.violations) violations.push_back(ToJson(finding));
  reply.document = {
      {"outcome", word}, {"index", answer.index}, {"violations", std::move(violations)}};
  reply.text.Line({word, style});
  AddFindings(answer.violations, reply.text);
  if (answer.outcome != CompatibilityOutcome::kCompatible) reply.code = ExitCode::kNegative;
  return reply;
}

struct RelationArgs {
  std::string name;
  std::string kind = "package";
  std::string version;
  std::string range;

  // As the client takes them.
  const std::string& versions() const { return version.empty() ? range : version; }
};

void DeclareRelations(CLI::App& app, RelationArgs& args) {
  app.add_option("name", args.name, "What is asked about: NAMESPACE/PACKAGE, or a name of the kind")
      ->required();
  app.add_option("--kind", args.kind, "package, abi, service, schema or capability");
}

void DeclareVersions(CLI::App& app, RelationArgs& args, const char* version, const char* range) {
  DeclareRelations(app, args);
  CLI::Option* by_version =
      app.add_option("--version", args.version, version)->type_name("SCHEME:VERSION");
  app.add_option("--range", args.range, range)->type_name("VERS")->excludes(by_version);
}

void DeclareRequires(CLI::App& app, RelationArgs& args) {
  DeclareVersions(
      app, args,
      "Only relations whose range holds this version: SCHEME:VERSION, such as deb:3.0.11-1",
      "Only relations whose range holds a version of this one, such as vers:deb/>=3.0|<4");
}

void DeclareProvides(CLI::App& app, RelationArgs& args) {
  DeclareVersions(app, args, "Only who provides this version: SCHEME:VERSION, such as deb:3.0.11-1",
                  "Only who provides a version of this range, such as vers:deb/>=3.0|<4");
}

absl::Status CheckVersions(const RelationArgs& args) {
  if (!args.version.empty()) return CheckVersionArgument(args.version);
  if (args.range.empty()) return absl::OkStatus();
  const absl::Status valid = VersionRange::ParseVers(args.range).status();
  return valid.ok() ? valid : Annotate(valid, "--range");
}

Reply RelationsReply(const ListPage<RelationUse>& page) {
  return ListReply(
      page, {"VARIANT", "RELATION", "VERSIONS", "SCOPE", "SOURCE"},
      [](const RelationUse& item) {
        return Json{{"variant", item.variant.ResourceName()},
                    {"relation", item.relation.relation},
                    {"range", item.relation.range},
                    {"scope", item.relation.scope},
                    {"source", item.relation.source}};
      },
      [](const RelationUse& item) {
        return std::vector<Cell>{item.variant.ResourceName(), item.relation.relation,
                                 item.relation.range, item.relation.scope, item.relation.source};
      });
}

// Names of packages have a form that is known here.
absl::StatusOr<RelationKind> ReadTarget(const RelationArgs& args) {
  DML_ASSIGN_OR_RETURN(RelationKind kind, ParseRelationKind(args.kind));
  if (kind == RelationKind::kPackage) {
    DML_RETURN_IF_ERROR(ParsePackageArgument(args.name).status());
  }
  return kind;
}

absl::StatusOr<Reply> WhoRequires(Context& context, const RelationArgs& args) {
  DML_ASSIGN_OR_RETURN(RelationKind kind, ReadTarget(args));
  DML_RETURN_IF_ERROR(CheckVersions(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<RelationUse>(context, "", [&](const ListOptions& options) {
                         return client->WhoRequires(kind, args.name, args.versions(), options);
                       }));
  return RelationsReply(page);
}

// Those asked about, which were checked to be well-formed.
std::function<bool(const Version&)> WantedVersions(const RelationArgs& args) {
  if (args.versions().empty()) return [](const Version&) { return true; };
  if (!args.range.empty()) {
    return [range = *VersionRange::ParseVers(args.range)](const Version& version) {
      return range.Contains(version);
    };
  }
  const size_t colon = args.version.find(':');
  const auto scheme = ParseVersionScheme(args.version.substr(0, colon));
  const auto wanted = Version::Parse(*scheme, args.version.substr(colon + 1));
  return [wanted = *wanted](const Version& version) {
    return version.scheme() == wanted.scheme() && version.key() == wanted.key();
  };
}

// The versions of the package itself, each of which provides its name; none where the name is only
// provided by others.
absl::StatusOr<ListPage<RelationUse>> OwnVersions(Client& client, const PackageName& package,
                                                  const std::function<bool(const Version&)>& wanted,
                                                  const ListOptions& options) {
  absl::StatusOr<ListPage<VariantRecord>> page = client.ListVariants(package, options);
  if (Reason(page.status()) == "PACKAGE_NOT_FOUND") return ListPage<RelationUse>();
  if (!page.ok()) return page.status();
  ListPage<RelationUse> out;
  for (VariantRecord& record : page->items) {
    std::string version = record.name.version;
    const auto parsed = Version::Parse(record.scheme, version);
    if (!parsed.ok() || !wanted(*parsed)) continue;
    out.items.push_back({std::move(record.name), {"provides", std::move(version), "", ""}});
  }
  out.next_page_token = std::move(page->next_page_token);
  return out;
}

// One list of two: first a package's own versions, then what others provide. The page token says
// in which of them it is.
absl::StatusOr<ListPage<RelationUse>> ProvidersOfPackage(Client& client, const RelationArgs& args,
                                                         ListOptions options) {
  constexpr std::string_view kOwn = "own:";
  constexpr std::string_view kOthers = "others:";
  ListPage<RelationUse> out;
  if (!options.page_token.starts_with(kOthers)) {
    ListOptions own = options;
    own.filter = "state = PUBLISHED";  // As withdrawn variants provide nothing.
    if (own.page_token.starts_with(kOwn)) own.page_token.erase(0, kOwn.size());
    DML_ASSIGN_OR_RETURN(PackageName package, ParsePackageArgument(args.name));
    DML_ASSIGN_OR_RETURN(out, OwnVersions(client, package, WantedVersions(args), own));
    const bool more = !out.next_page_token.empty();
    options.page_size -= static_cast<int>(out.items.size());
    out.next_page_token.insert(0, more ? kOwn : kOthers);
    if (more || options.page_size <= 0) return out;
    options.page_token.clear();
  } else {
    options.page_token.erase(0, kOthers.size());
  }
  DML_ASSIGN_OR_RETURN(
      ListPage<RelationUse> others,
      UsesClient(client).WhoProvides(RelationKind::kPackage, args.name, args.versions(), options));
  for (RelationUse& use : others.items) out.items.push_back(std::move(use));
  out.next_page_token =
      others.next_page_token.empty() ? "" : std::string(kOthers) + others.next_page_token;
  return out;
}

absl::StatusOr<Reply> WhoProvides(Context& context, const RelationArgs& args) {
  DML_ASSIGN_OR_RETURN(RelationKind kind, ReadTarget(args));
  DML_RETURN_IF_ERROR(CheckVersions(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<RelationUse>(context, "", [&](const ListOptions& options) {
        return kind == RelationKind::kPackage
                   ? ProvidersOfPackage(*client, args, options)
                   : UsesClient(*client).WhoProvides(kind, args.name, args.versions(), options);
      }));
  return RelationsReply(page);
}

struct CompareArgs {
  std::string scheme;
  std::string a;
  std::string b;
};

void DeclareCompare(CLI::App& app, CompareArgs& args) {
  app.add_option("scheme", args.scheme, "Such as semver, deb, rpm or pep440")->required();
  app.add_option("a", args.a, "A version")->required();
  app.add_option("b", args.b, "Another version")->required();
}

absl::StatusOr<Reply> CompareVersions(Context&, const CompareArgs& args) {
  DML_ASSIGN_OR_RETURN(VersionScheme scheme, ParseVersionScheme(args.scheme));
  DML_ASSIGN_OR_RETURN(Version a, Version::Parse(scheme, args.a));
  DML_ASSIGN_OR_RETURN(Version b, Version::Parse(scheme, args.b));
  std::weak_ordering order = Compare(a, b);
  const char* word = order < 0 ? "LESS" : order > 0 ? "GREATER" : "EQUAL";
  const char* sign = order < 0 ? "<" : order > 0 ? ">" : "=";
  Reply reply;
  reply.document = {{"scheme", std::string(VersionSchemeRevision(scheme))},
                    {"a", args.a},
                    {"b", args.b},
                    {"order", word}};
  reply.text.Line(fmt::format("{} {} {}", args.a, sign, args.b));
  return reply;
}

}  // namespace

void AddCompatCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("compat", "Compatibility of packages");
  tree.Add<CheckArgs>(noun,
                      {"check", "Are these variants, together and alone, compatible",
                       "dml compat check acme/api@2.4.1 acme/ledger@2.3.0"},
                      DeclareCheck, Check);
  tree.Add<RelationArgs>(noun,
                         {"who-requires", "Which variants require, conflict with or break a name",
                          "dml compat who-requires debian/libssl3 --version deb:3.0.11-1"},
                         DeclareRequires, WhoRequires);
  tree.Add<RelationArgs>(
      noun,
      {"who-provides", "Which variants provide a name; a package's own versions do",
       "dml compat who-provides payments-v2 --kind service"},
      DeclareProvides, WhoProvides);
  tree.Add<CompareArgs>(
      noun,
      {"compare", "Which of two versions is later, offline", "dml compat compare deb 1.0~rc1 1.0"},
      DeclareCompare, CompareVersions);
  AddResolveCommands(tree, noun);
  AddNodesCommands(tree, noun);
  AddUsesCommands(tree, noun);
  AddDebianCommands(tree, noun);
}

}  // namespace dml
