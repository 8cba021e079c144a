// dml package show|list|search|withdraw|attach; the rest is in package_transfer_command.cc and
// package_sign_command.cc.
#include "core/filter/variant_filter.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct VariantArgs {
  std::string variant;
  std::string reason;                  // Of a withdrawal.
  std::vector<std::string> envelopes;  // To attach.
};

void DeclareVariant(CLI::App& app, VariantArgs& args) {
  app.add_option("variant", args.variant, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]")->required();
}

Style StateStyle(VariantState state) {
  return state == VariantState::kPublished ? Style::kGood : Style::kWarning;
}

// The package spec as JSON; null where it is not, which the server never stores.
Json SpecJson(const std::string& spec) {
  Json out = Json::parse(spec, nullptr, false);
  return out.is_discarded() ? Json() : out;
}

void DescribeRelations(const PackageSpec& spec, Text& text) {
  TextTable table{{"RELATION", "KIND", "NAME", "VERSIONS", "SCOPE"}, {}};
  auto add = [&](const char* relation, const RelationTarget& target, RelationScope scope) {
    table.rows.push_back({relation, std::string(RelationKindName(target.kind)), target.name,
                          target.range.ToWords(), std::string(RelationScopeName(scope))});
  };
  for (const Provision& provision : spec.provides) {
    table.rows.push_back({"provides", std::string(RelationKindName(provision.kind)), provision.name,
                          provision.version.has_value() ? provision.version->text() : "", ""});
  }
  for (const Requirement& requirement : spec.requires_all) {
    const char* word = "requires";
    for (const RelationTarget& target : requirement.any_of) {
      add(word, target, requirement.scope);
      word = "  or";
    }
  }
  for (const Relation& relation : spec.conflicts) add("conflicts", relation.target, relation.scope);
  for (const Relation& relation : spec.breaks) add("breaks", relation.target, relation.scope);
  for (const Relation& relation : spec.replaces) add("replaces", relation.target, relation.scope);
  if (table.rows.empty()) return;
  text.Line("");
  text.Add(std::move(table));
}

absl::StatusOr<Reply> Show(Context& context, const VariantArgs& args) {
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(VariantDetails details, client->GetVariant(name));
  DML_ASSIGN_OR_RETURN(PackageSpec spec, ParsePackageSpec(details.spec));
  DML_ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(details.manifest));
  const VariantRecord& record = details.record;
  Reply reply;
  Json files = Json::array();
  Json attestations = Json::array();
  reply.text.Fields(
      {{"variant", {record.name.ResourceName(), Style::kStrong}},
       {"state", {std::string(VariantStateName(record.state)), StateStyle(record.state)}},
       {"withdrawn because", record.withdraw_reason},
       {"title", record.title},
       {"homepage", spec.homepage},
       {"license", record.declared_license},
       {"licenses not mapped", JoinWords(spec.unmapped_licenses)},
       {"purl", record.purl},
       {"labels", JoinLabels(record.labels)},
       {"manifest", record.manifest.digest.ToString()},
       {"files", fmt::format("{}, {}{}", record.file_count, FormatBytes(record.payload_size),
                             record.payload_collected ? ", collected" : "")},
       {"published", fmt::format("{} by {}, entry {}", FormatTime(record.published_time),
                                 record.publisher, record.published_index)}});
  TextTable file_table{{"FILE", "SIZE", "DIGEST"}, {}};
  for (const ManifestFile& file : manifest.files) {
    std::string digest = file.blob.digest.ToString();
    files.push_back({{"name", file.path},
                     {"digest", digest},
                     {"size", file.blob.size},
                     {"mediaType", file.media_type}});
    file_table.rows.push_back({file.path, FormatBytes(file.blob.size), digest});
  }
  TextTable attestation_table{{"ATTESTATION", "KEYS", "ENTRY"}, {}};
  for (const AttestationRecord& attestation : details.attestations) {
    attestations.push_back(ToJson(attestation));
    std::vector<std::string> keys;
    for (const Digest& id : attestation.ref.key_ids) keys.push_back(id.hex().substr(0, 16));
    attestation_table.rows.push_back(
        {attestation.ref.predicate_type, JoinWords(keys), fmt::format("{}", attestation.index)});
  }
  if (!file_table.rows.empty()) {
    reply.text.Line("");
    reply.text.Add(std::move(file_table));
  }
  DescribeRelations(spec, reply.text);
  reply.text.Line("");
  reply.text.Add(std::move(attestation_table));
  reply.document = {{"variant", ToJson(record)},
                    {"package", SpecJson(details.spec)},
                    {"files", std::move(files)},
                    {"attestations", std::move(attestations)}};
  return reply;
}

struct ListArgs {
  std::string what;  // A namespace or a package; a filter for search.
  std::string filter;
};

std::vector<Cell> VariantRow(const VariantRecord& item) {
  return {
      item.name.package.ToString(),
      item.name.version,
      item.name.platform.VariantId(),
      {std::string(VariantStateName(item.state)) + (item.payload_collected ? ", collected" : ""),
       item.payload_collected ? Style::kWarning : StateStyle(item.state)},
      FormatBytes(item.payload_size),
      item.declared_license,
      FormatTime(item.published_time)};
}

Reply ListVariantsReply(const ListPage<VariantRecord>& page) {
  return ListReply(
      page, {"PACKAGE", "VERSION", "PLATFORM", "STATE", "SIZE", "LICENSE", "PUBLISHED"},
      [](const VariantRecord& item) { return ToJson(item); }, VariantRow);
}

absl::StatusOr<Reply> ListPackages(Context& context, const ListArgs& args) {
  DML_RETURN_IF_ERROR(ValidateNamespace(args.what));
  DML_RETURN_IF_ERROR(Filter::Parse(args.filter, PackageFilterSchema()).status());
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<PackageRecord>(context, args.filter, [&](const ListOptions& options) {
        return client->ListPackages(args.what, options);
      }));
  return ListReply(
      page, {"PACKAGE", "LATEST", "VERSIONS", "TITLE"},
      [](const PackageRecord& item) { return ToJson(item); },
      [](const PackageRecord& item) {
        return std::vector<Cell>{item.name.ToString(), item.latest,
                                 fmt::format("{}", item.version_count), item.title};
      });
}

void DeclareList(CLI::App& app, ListArgs& args) {
  app.add_option("what", args.what,
                 "NAMESPACE for its packages, NAMESPACE/PACKAGE for its variants")
      ->required();
  app.add_option("--filter", args.filter, "Which ones; see docs/filter.md");
}

absl::StatusOr<Reply> List(Context& context, const ListArgs& args) {
  if (args.what.find('/') == std::string::npos) return ListPackages(context, args);
  DML_ASSIGN_OR_RETURN(PackageName package, ParsePackageArgument(args.what));
  DML_RETURN_IF_ERROR(Filter::Parse(args.filter, VariantFilterSchema()).status());
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<VariantRecord>(context, args.filter, [&](const ListOptions& options) {
        return client->ListVariants(package, options);
      }));
  return ListVariantsReply(page);
}

void DeclareSearch(CLI::App& app, ListArgs& args) {
  app.add_option("filter", args.filter, "Which variants; see docs/filter.md")->required();
}

absl::StatusOr<Reply> Search(Context& context, const ListArgs& args) {
  DML_RETURN_IF_ERROR(Filter::Parse(args.filter, VariantFilterSchema()).status());
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<VariantRecord>(context, args.filter, [&](const ListOptions& options) {
        return client->SearchVariants(options);
      }));
  return ListVariantsReply(page);
}

void DeclareWithdraw(CLI::App& app, VariantArgs& args) {
  DeclareVariant(app, args);
  app.add_option("--reason", args.reason, "Why, for everyone who asks later")->required();
}

absl::StatusOr<Reply> Withdraw(Context& context, const VariantArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->Withdraw(name, args.reason));
  return CommittedReply("variant", ToJson(done.value), done.commit,
                        "withdrew " + name.ResourceName());
}

void DeclareAttach(CLI::App& app, VariantArgs& args) {
  DeclareVariant(app, args);
  AddRepeated(app, "--envelope", args.envelopes, "A DSSE envelope about the variant's manifest")
      ->required()
      ->type_name("FILE");
}

absl::StatusOr<Reply> Attach(Context& context, const VariantArgs& args) {
  DML_ASSIGN_OR_RETURN(std::vector<std::string> envelopes, ReadEnvelopes(args.envelopes));
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  Reply reply;
  Json items = Json::array();
  for (size_t i = 0; i < envelopes.size(); ++i) {
    const std::string& file = args.envelopes[i];
    auto done = client->Attach(name, envelopes[i]);
    if (!done.ok()) return Annotate(done.status(), file);
    items.push_back({{"attestation", ToJson(done->value)}, {"commit", ToJson(done->commit)}});
    reply.text.Line(
        fmt::format("attached {} to {}: entry {}", file, name.ResourceName(), done->commit.index));
  }
  reply.document["items"] = std::move(items);
  DML_ASSIGN_OR_RETURN(const VariantDetails now, client->GetVariant(name));
  reply.document["state"] = VariantStateName(now.record.state);
  if (now.record.state == VariantState::kQuarantined) {
    reply.text.Line({"it is in QUARANTINE: " + now.record.admission_reason, Style::kWarning});
  }
  return reply;
}

}  // namespace

void AddPackageCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("package", "Packages, their versions and variants");
  AddPackageTransferCommands(tree, noun);
  AddBundleCommands(tree, noun);
  tree.Add<VariantArgs>(
      noun, {"show", "One variant's details", "dml package show acme/api@2.4.1:linux-amd64"},
      DeclareVariant, Show);
  tree.Add<ListArgs>(noun,
                     {"list", "List the packages of a namespace, or the variants of a package",
                      "dml package list acme --filter 'title : payments'"},
                     DeclareList, List);
  tree.Add<ListArgs>(noun,
                     {"search", "Find variants in the whole library",
                      "dml package search 'license = MIT AND state = PUBLISHED'"},
                     DeclareSearch, Search);
  tree.Add<VariantArgs>(noun,
                        {"withdraw", "Withdraw a variant: it stays known, but is given out no more",
                         "dml package withdraw acme/api@2.4.1 --reason 'loses payments'"},
                        DeclareWithdraw, Withdraw);
  tree.Add<VariantArgs>(noun,
                        {"attach", "Attach attestations to a variant",
                         "dml package attach acme/api@2.4.1 --envelope tests.dsse.json"},
                        DeclareAttach, Attach);
  AddPackageSignCommands(tree, noun);
}

}  // namespace dml
