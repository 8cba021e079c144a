// dml release compose|check|diff|notes: release documents, before the library seals them.
#include <algorithm>

#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "core/release/compose.h"
#include "core/release/release_diff.h"
#include "core/release/release_notes.h"
#include "core/release/risk.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/release_arguments.h"

namespace dml {
namespace {

struct ComposeArgs {
  std::string draft;
  std::string name;
  std::string version;
  std::string type;
  std::vector<std::string> environments;
  std::vector<std::string> variants;
  std::string lockfile;
  std::string in_use;
  bool remove_others = false;
  std::string changes;
  std::vector<std::string> evidence;
  std::string from;
  std::string until;
  std::string back_out;
  std::vector<std::string> configurations;
  std::string out;
};

void DeclareCompose(CLI::App& app, ComposeArgs& args) {
  app.add_option("draft", args.draft, "A draft to go on from, YAML or JSON")->type_name("FILE");
  app.add_option("--name", args.name, "The release's name");
  app.add_option("--version", args.version, "The release's version");
  app.add_option("--type", args.type, "What kind of release it is; default: MINOR")
      ->check(OneOf({"MAJOR", "MINOR", "PATCH", "EMERGENCY"}));
  AddRepeated(app, "--environment", args.environments, "Where it is to go, with what is below it");
  AddRepeated(app, "--variant", args.variants, "NAMESPACE/PACKAGE@VERSION[:PLATFORM] to deploy");
  app.add_option("--lockfile", args.lockfile,
                 "A resolver's lockfile, all of whose packages to deploy")
      ->type_name("FILE");
  app.add_option("--in-use", args.in_use,
                 "A lockfile or release document of what is in use: what is there is upgraded")
      ->type_name("FILE");
  app.add_flag("--remove-others", args.remove_others,
               "Remove what is in use and not to be deployed");
  app.add_option("--changes", args.changes, "Changes that a ticket system exported")
      ->type_name("FILE");
  AddRepeated(app, "--evidence", args.evidence, "A predicate type that must be attested");
  app.add_option("--from", args.from, "When it may go, such as 2027-03-27T22:00:00Z");
  app.add_option("--until", args.until, "When it may not go any more");
  app.add_option("--back-out", args.back_out,
                 "Digest of the release to return to; default: what was in use before");
  AddRepeated(app, "--configuration", args.configurations,
              "How to configure a package: the item of NAMESPACE/PACKAGE gets this file")
      ->type_name("PACKAGE=FILE");
  app.add_option("--out", args.out, "Write the document there")->type_name("FILE");
}

absl::StatusOr<std::vector<VariantName>> ReadInUse(const std::string& file) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxLockfileBytes));
  const absl::StatusOr<Lockfile> lockfile = ParseLockfile(text);
  if (lockfile.ok()) return VariantsOf(*lockfile);
  const absl::StatusOr<Release> release = ParseReleaseDraft(text);
  if (release.ok()) return VariantsOf(*release);
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                         "{} is no lockfile ({}) and no release document ({})", file,
                         Message(lockfile.status()), Message(release.status()));
}

// What the options say of the release as a whole, over the draft.
absl::Status SetMembers(const ComposeArgs& args, Release& out) {
  if (!args.name.empty()) out.name = args.name;
  if (!args.version.empty()) out.version = args.version;
  if (!args.type.empty()) {
    DML_ASSIGN_OR_RETURN(out.type, ParseReleaseType(args.type));
  }
  out.environments.insert(out.environments.end(), args.environments.begin(),
                          args.environments.end());
  out.evidence.insert(out.evidence.end(), args.evidence.begin(), args.evidence.end());
  for (std::vector<std::string>* words : {&out.environments, &out.evidence}) {
    std::ranges::sort(*words);
    words->erase(std::unique(words->begin(), words->end()), words->end());
  }
  if (!args.back_out.empty()) {
    DML_ASSIGN_OR_RETURN(out.back_out, Digest::Parse(args.back_out));
  }
  if (args.from.empty() && args.until.empty()) return absl::OkStatus();
  const std::optional<Timestamp> from = ParseTime(args.from);
  const std::optional<Timestamp> until = ParseTime(args.until);
  if (!from.has_value() || !until.has_value() || *from >= *until) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--from and --until must both be times such as 2027-03-27T22:00:00Z, "
                           "and --until the later one");
  }
  out.window = {*from, *until};
  return absl::OkStatus();
}

absl::Status AddItems(Context& context, const ComposeArgs& args, Release& out) {
  std::vector<VariantName> wanted;
  if (!args.lockfile.empty()) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.lockfile, kMaxLockfileBytes));
    absl::StatusOr<Lockfile> lockfile = ParseLockfile(text);
    if (!lockfile.ok()) return Annotate(lockfile.status(), args.lockfile);
    wanted = VariantsOf(*lockfile);
  }
  std::vector<VariantName> in_use;
  if (!args.in_use.empty()) {
    DML_ASSIGN_OR_RETURN(in_use, ReadInUse(args.in_use));
  }
  if (!args.variants.empty()) {
    DML_ASSIGN_OR_RETURN(const std::vector<VariantName> named,
                         ResolveVariants(context, args.variants));
    wanted.insert(wanted.end(), named.begin(), named.end());
  }
  if (wanted.empty() && !args.remove_others) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(
      std::vector<ReleaseItem> items,
      PlanItems(wanted, in_use,
                args.remove_others ? UnwantedAction::kRemove : UnwantedAction::kKeep));
  std::ranges::move(items, std::back_inserter(out.items));
  return absl::OkStatus();
}

absl::Status AddConfigurations(const ComposeArgs& args, Release& out) {
  for (const std::string& text : args.configurations) {
    const size_t equals = std::min(text.find('='), text.size());
    const std::string file = text.substr(std::min(equals + 1, text.size()));
    DML_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxConfigurationBytes));
    absl::Status set = SetConfiguration(text.substr(0, equals), bytes, out);
    if (!set.ok()) return Annotate(set, file);
  }
  return absl::OkStatus();
}

// Asks the library for missing manifests.
absl::Status Resolve(Context& context, Release& out) {
  std::map<VariantName, BlobRef> manifests;
  for (const ReleaseItem& item : out.items) {
    if (item.manifest.digest != Digest()) continue;
    DML_ASSIGN_OR_RETURN(Client * client, context.client());
    DML_ASSIGN_OR_RETURN(const VariantDetails details, client->GetVariant(item.variant));
    manifests.emplace(item.variant, details.record.manifest);
  }
  return ResolveManifests(manifests, out);
}

Json RiskJson(const RiskScore& risk) {
  Json parts = Json::array();
  for (const RiskPart& part : risk.parts) {
    parts.push_back({{"fact", part.fact}, {"count", part.count}, {"points", part.points}});
  }
  return {{"score", risk.total}, {"parts", std::move(parts)}};
}

// What people want to know of a document at a glance.
void Describe(const Release& release, Reply& reply) {
  const RiskScore risk = ScoreRisk(RiskFactsOf(release));
  reply.document["name"] = release.name;
  reply.document["version"] = release.version;
  reply.document["type"] = ReleaseTypeName(release.type);
  reply.document["environments"] = release.environments;
  reply.document["items"] = release.items.size();
  reply.document["changes"] = release.changes.size();
  reply.document["risk"] = RiskJson(risk);
  reply.text.Fields({{"release", fmt::format("{} {}", release.name, release.version)},
                     {"type", std::string(ReleaseTypeName(release.type))},
                     {"environments", JoinWords(release.environments)},
                     {"risk", DescribeRisk(risk)}});
  TextTable table{{"ACTION", "VARIANT", "BEFORE", "CHANGES"}, {}};
  for (const ReleaseItem& item : release.items) {
    table.rows.push_back({std::string(ReleaseActionName(item.action)), item.variant.ResourceName(),
                          item.previous.has_value() ? item.previous->version : "",
                          JoinWords(item.changes)});
  }
  reply.text.Line("");
  reply.text.Add(std::move(table));
}

absl::StatusOr<Reply> Compose(Context& context, const ComposeArgs& args) {
  Release release;
  if (!args.draft.empty()) {
    DML_ASSIGN_OR_RETURN(release, ReadReleaseFile(args.draft));
  }
  DML_RETURN_IF_ERROR(SetMembers(args, release));
  std::vector<TicketChange> changes;
  if (!args.changes.empty()) {
    DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.changes, kMaxTicketBytes));
    absl::StatusOr<std::vector<TicketChange>> read = ParseTicketChanges(text);
    if (!read.ok()) return Annotate(read.status(), args.changes);
    changes = *std::move(read);
  }
  DML_RETURN_IF_ERROR(AddItems(context, args, release));
  DML_RETURN_IF_ERROR(AddConfigurations(args, release));
  DML_RETURN_IF_ERROR(AddChanges(changes, release));
  DML_RETURN_IF_ERROR(FormatReleaseDraft(release).status());  // Before anybody is asked.
  DML_RETURN_IF_ERROR(Resolve(context, release));
  DML_ASSIGN_OR_RETURN(const std::string document, FormatRelease(release));
  Reply reply;
  reply.document = {{"digest", Sha256(document).ToString()}, {"release", document}};
  if (args.out.empty()) {
    reply.text.Block(document);
    return reply;
  }
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(document), 0644));
  reply.document["file"] = args.out;
  reply.text.Line("wrote " + args.out);
  reply.text.Line("");
  Describe(release, reply);
  return reply;
}

struct FileArgs {
  std::string file;
  std::string out;
  bool draft = false;
};

void DeclareCheck(CLI::App& app, FileArgs& args) {
  app.add_option("file", args.file, "The document")->required()->type_name("FILE");
  app.add_flag("--draft", args.draft, "It is a draft: YAML or JSON, manifests may be missing");
}

absl::StatusOr<Reply> Check(Context&, const FileArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.file, kMaxReleaseBytes));
  absl::StatusOr<Release> release = args.draft ? ParseReleaseDraft(text) : ParseSealedRelease(text);
  if (!release.ok()) return Annotate(release.status(), args.file);
  Reply reply;
  if (!args.draft) reply.document["digest"] = Sha256(text).ToString();
  reply.text.Line(
      {fmt::format("{} is a {}", args.file, args.draft ? "draft" : "release"), Style::kGood});
  if (!args.draft) reply.text.Fields({{"digest", Sha256(text).ToString()}});
  Describe(*release, reply);
  return reply;
}

void DeclareNotes(CLI::App& app, FileArgs& args) {
  app.add_option("file", args.file, kReleaseOrFileHelp)->required();
  app.add_option("--out", args.out, "Write the notes there")->type_name("FILE");
}

absl::StatusOr<Reply> Notes(Context& context, const FileArgs& args) {
  DML_ASSIGN_OR_RETURN(const Release release, ReadReleaseOrFile(context, args.file));
  Reply reply;
  const std::string notes = ReleaseNotes(release);
  reply.document["notes"] = notes;
  if (args.out.empty()) {
    reply.text.Block(notes);
    return reply;
  }
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(notes), 0644));
  reply.document["file"] = args.out;
  reply.text.Line("wrote " + args.out);
  return reply;
}

struct DiffArgs {
  std::string before;
  std::string after;
  bool ask_library = false;
};

void DeclareDiff(CLI::App& app, DiffArgs& args) {
  app.add_option("before", args.before, kReleaseOrFileHelp)->required();
  app.add_option("after", args.after, "Another one")->required();
  app.add_flag("--library", args.ask_library, "Ask the library for licenses and sizes");
}

// A variant that the library has not is one of which nothing is known.
absl::Status AddFacts(Context& context, const Release& release, VariantFactsMap& out) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  for (const ReleaseItem& item : release.items) {
    if (out.contains(item.variant)) continue;
    const absl::StatusOr<VariantDetails> details = client->GetVariant(item.variant);
    if (details.ok()) {
      out[item.variant] = {details->record.declared_license, details->record.payload_size};
    } else if (details.status().code() != absl::StatusCode::kNotFound) {
      return details.status();
    }
  }
  return absl::OkStatus();
}

Json ItemJson(const std::optional<ReleaseItem>& item, const std::optional<VariantFacts>& facts) {
  if (!item.has_value()) return nullptr;
  Json out = {{"variant", item->variant.ResourceName()},
              {"action", ReleaseActionName(item->action)},
              {"changes", item->changes}};
  if (facts.has_value()) {
    out["license"] = facts->license;
    out["bytes"] = facts->bytes;
  }
  return out;
}

void AddItemDiffs(const ReleaseDiff& diff, Reply& reply) {
  Json items = Json::array();
  TextTable table{{"", "PACKAGE", "BEFORE", "AFTER", "DIFFERENT"}, {}};
  for (const ItemDiff& item : diff.items) {
    const ReleaseItem& any = item.after.has_value() ? *item.after : *item.before;
    items.push_back({{"kind", DiffKindName(item.kind)},
                     {"before", ItemJson(item.before, item.facts_before)},
                     {"after", ItemJson(item.after, item.facts_after)},
                     {"parts", item.parts}});
    const auto version = [](const std::optional<ReleaseItem>& side) {
      return side.has_value() ? side->variant.version : "";
    };
    table.rows.push_back(
        {std::string(DiffKindName(item.kind)),
         fmt::format("{} ({})", any.variant.package.ToString(), any.variant.platform.VariantId()),
         version(item.before), version(item.after), JoinWords(item.parts)});
  }
  reply.document["items"] = std::move(items);
  if (!table.rows.empty()) reply.text.Add(std::move(table));
}

void AddChangeDiffs(const ReleaseDiff& diff, Reply& reply) {
  Json changes = Json::array();
  TextTable table{{"", "CHANGE", "TITLE"}, {}};
  for (const ChangeDiff& change : diff.changes) {
    const ReleaseChange& any = change.after.has_value() ? *change.after : *change.before;
    changes.push_back({{"kind", DiffKindName(change.kind)}, {"id", any.id}, {"title", any.title}});
    table.rows.push_back({std::string(DiffKindName(change.kind)), any.id, any.title});
  }
  reply.document["changes"] = std::move(changes);
  if (table.rows.empty()) return;
  reply.text.Line("");
  reply.text.Add(std::move(table));
}

absl::StatusOr<Reply> Diff(Context& context, const DiffArgs& args) {
  DML_ASSIGN_OR_RETURN(const Release before, ReadReleaseOrFile(context, args.before));
  DML_ASSIGN_OR_RETURN(const Release after, ReadReleaseOrFile(context, args.after));
  VariantFactsMap facts;
  if (args.ask_library) {
    DML_RETURN_IF_ERROR(AddFacts(context, before, facts));
    DML_RETURN_IF_ERROR(AddFacts(context, after, facts));
  }
  const ReleaseDiff diff = DiffReleases(before, after, facts);
  Reply reply;
  Json members = Json::array();
  for (const MemberDiff& member : diff.members) {
    members.push_back(
        {{"member", member.member}, {"before", member.before}, {"after", member.after}});
    reply.text.Line(fmt::format("{}: {} -> {}", member.member,
                                member.before.empty() ? "none" : member.before,
                                member.after.empty() ? "none" : member.after));
  }
  reply.document = {{"same", diff.empty()}, {"members", std::move(members)}};
  AddItemDiffs(diff, reply);
  AddChangeDiffs(diff, reply);
  if (args.ask_library) {
    reply.document["bytes"] = diff.bytes;
    reply.text.Line(fmt::format("{} bytes more", diff.bytes));
  }
  if (diff.empty()) reply.text.Line("no difference");
  return reply;
}

}  // namespace

void AddReleaseCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("release", "Releases: what goes where, with which changes");
  tree.Add<ComposeArgs>(
      noun,
      {"compose", "Write a release document, its manifests taken from the library",
       "dml release compose --name payments --version 2.4.0 --environment production --lockfile "
       "dml.lock --changes changes.json --out release.json"},
      DeclareCompose, Compose);
  tree.Add<FileArgs>(noun,
                     {"check", "Is a document a release, and how risky, offline",
                      "dml release check release.json"},
                     DeclareCheck, Check);
  tree.Add<DiffArgs>(noun,
                     {"diff", "What is different between two release documents",
                      "dml release diff before.json after.json"},
                     DeclareDiff, Diff);
  tree.Add<FileArgs>(noun,
                     {"notes", "Notes on a release in Markdown, offline",
                      "dml release notes release.json --out notes.md"},
                     DeclareNotes, Notes);
  AddReleaseLibraryCommands(tree, noun);
}

}  // namespace dml
