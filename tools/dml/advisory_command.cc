// dml advisory set|list|show|withdraw: what became known of packages after they were published.
#include "client/advisories.h"
#include "core/compat/advisory_envelope.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

struct SigningArgs {
  std::vector<std::string> keys;
  std::string passphrase_file;
  bool dry_run = false;
};

void DeclareSigning(CLI::App& app, SigningArgs& args) {
  AddRepeated(app, "--key", args.keys,
              "A private key of the role advisory for the packages, to sign it with")
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--dry-run", args.dry_run, "Have it judged, and change nothing");
}

absl::StatusOr<std::string> Sign(Context& context, const SigningArgs& args,
                                 const std::string& document) {
  return SignFor(context, kAdvisoryPayloadType, document, args.keys, args.passphrase_file);
}

Json ToJson(const AdvisoryDocument& item) {
  const Advisory& advisory = item.advisory;
  Json packages = Json::array();
  for (const AffectedPackage& affected : advisory.affects) {
    packages.push_back(
        {{"package", affected.package.ToString()}, {"range", affected.range.ToVers()}});
  }
  Json keys = Json::array();
  for (const Digest& key_id : item.record.set.key_ids) keys.push_back(key_id.ToString());
  return {{"id", advisory.id},
          {"revision", advisory.revision},
          {"effect", std::string(AdvisoryEffectName(advisory.effect))},
          {"authority", advisory.authority},
          {"severity", std::string(AdvisorySeverityName(advisory.severity))},
          {"aliases", advisory.aliases},
          {"affects", std::move(packages)},
          {"withdrawn", item.record.set.withdrawn},
          {"keys", std::move(keys)},
          {"envelope", item.record.set.envelope.digest.ToString()},
          {"index", item.record.index},
          {"time", FormatTime(item.record.time)},
          {"author", item.record.author}};
}

Reply ChangeReply(const Committed<AdvisoryDocument>& done, bool dry_run, std::string_view verb) {
  const Advisory& advisory = done.value.advisory;
  const std::string what =
      fmt::format("advisory {}, revision {}: {} of {} package(s)", advisory.id, advisory.revision,
                  AdvisoryEffectName(advisory.effect), AdvisoryPackages(advisory).size());
  if (!dry_run) {
    return CommittedReply("advisory", ToJson(done.value), done.commit,
                          fmt::format("{} {}", verb, what));
  }
  Reply reply;
  reply.document["advisory"] = ToJson(done.value);
  reply.text.Line(fmt::format("would have {} {}", verb, what));
  return reply;
}

struct SetArgs : SigningArgs {
  std::string document;
  std::string envelope;
};

void DeclareSet(CLI::App& app, SetArgs& args) {
  app.add_option("document", args.document, "The document (dml.advisory/v1)")->type_name("FILE");
  app.add_option("--envelope", args.envelope, "The document in an envelope, signed elsewhere")
      ->type_name("FILE");
  DeclareSigning(app, args);
}

absl::StatusOr<std::string> ReadOrSign(Context& context, const SetArgs& args) {
  constexpr ErrorReason kArgumentInvalid("ARGUMENT_INVALID");
  if (args.document.empty() == args.envelope.empty()) {
    return InvalidArgument(kArgumentInvalid,
                           "give a document and --key, or --envelope with one signed elsewhere");
  }
  if (!args.document.empty() && args.keys.empty()) {
    return InvalidArgument(kArgumentInvalid, "--key is needed, to sign the document with");
  }
  if (args.document.empty() && !args.keys.empty()) {
    return InvalidArgument(kArgumentInvalid, "an envelope is signed already: leave out --key");
  }
  if (!args.envelope.empty()) {
    DML_ASSIGN_OR_RETURN(std::string envelope, ReadFile(args.envelope, kMaxEnvelopeBytes));
    const absl::Status good = OpenAdvisory(envelope).status();
    if (!good.ok()) return Annotate(good, args.envelope);
    return envelope;
  }
  DML_ASSIGN_OR_RETURN(const std::string document, ReadFile(args.document, kMaxAdvisoryBytes));
  const absl::Status good = ParseAdvisory(document).status();
  if (!good.ok()) return Annotate(good, args.document);
  return Sign(context, args, document);
}

absl::StatusOr<Reply> Set(Context& context, const SetArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::string envelope, ReadOrSign(context, args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  MutationOptions options;
  options.validate_only = args.dry_run;
  DML_ASSIGN_OR_RETURN(const auto done, AdvisoryClient(*client).Set(envelope, options));
  return ChangeReply(done, args.dry_run, "set");
}

struct WithdrawArgs : SigningArgs {
  std::string id;
  std::string reason;
};

void DeclareWithdraw(CLI::App& app, WithdrawArgs& args) {
  app.add_option("id", args.id, "The advisory's id")->required();
  app.add_option("--reason", args.reason, "Why, in one line")->required();
  DeclareSigning(app, args);
}

absl::StatusOr<Reply> Withdraw(Context& context, const WithdrawArgs& args) {
  DML_RETURN_IF_ERROR(ValidateAdvisoryId(args.id));
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  if (args.keys.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--key is needed: a withdrawal is signed, too");
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  AdvisoryClient advisories(*client);
  DML_ASSIGN_OR_RETURN(AdvisoryDocument current, advisories.Get(args.id));
  ++current.advisory.revision;
  current.advisory.withdrawn = args.reason;
  DML_ASSIGN_OR_RETURN(const std::string envelope,
                       Sign(context, args, FormatAdvisory(current.advisory)));
  MutationOptions options;
  options.validate_only = args.dry_run;
  DML_ASSIGN_OR_RETURN(const auto done, advisories.Withdraw(envelope, options));
  return ChangeReply(done, args.dry_run, "withdrawn");
}

struct ShowArgs {
  std::string id;
};

void DeclareShow(CLI::App& app, ShowArgs& args) {
  app.add_option("id", args.id, "The advisory's id")->required();
}

absl::StatusOr<Reply> Show(Context& context, const ShowArgs& args) {
  DML_RETURN_IF_ERROR(ValidateAdvisoryId(args.id));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const AdvisoryDocument found, AdvisoryClient(*client).Get(args.id));
  const std::string document = FormatAdvisory(found.advisory);
  Reply reply;
  reply.document["advisory"] = ToJson(found);
  reply.document["document"] = Json::parse(document);
  reply.text.Fields({{"set", fmt::format("{} by {}, entry {}", FormatTime(found.record.time),
                                         found.record.author, found.record.index)}});
  for (const Digest& key_id : found.record.set.key_ids) {
    reply.text.Fields({{"signed by key", key_id.ToString()}});
  }
  reply.text.Block(document);
  return reply;
}

struct ListArgs {
  std::string package;
};

void DeclareList(CLI::App& app, ListArgs& args) {
  app.add_option("--package", args.package, "Those that affect it, without the withdrawn")
      ->type_name("NAMESPACE/PACKAGE");
}

absl::StatusOr<Reply> List(Context& context, const ListArgs& args) {
  std::optional<PackageName> package;
  if (!args.package.empty()) {
    DML_ASSIGN_OR_RETURN(package, ParsePackageArgument(args.package));
  }
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(const auto page,
                       FetchPages<AdvisoryDocument>(context, "", [&](const ListOptions& options) {
                         return AdvisoryClient(*client).List(package, options);
                       }));
  return ListReply(
      page, {"ID", "REVISION", "EFFECT", "SEVERITY", "PACKAGES", "STATE", "AUTHORITY"},
      [](const AdvisoryDocument& item) { return ToJson(item); },
      [](const AdvisoryDocument& item) {
        return std::vector<Cell>{item.advisory.id,
                                 std::to_string(item.advisory.revision),
                                 std::string(AdvisoryEffectName(item.advisory.effect)),
                                 std::string(AdvisorySeverityName(item.advisory.severity)),
                                 JoinWords(AdvisoryPackages(item.advisory)),
                                 item.record.set.withdrawn ? "withdrawn" : "set",
                                 item.advisory.authority};
      });
}

}  // namespace

void AddAdvisoryCommands(CommandTree& tree) {
  CLI::App& noun =
      tree.AddNoun("advisory", "What became known of packages after they were published");
  tree.Add<SetArgs>(noun,
                    {"set", "Set an advisory, or its next revision",
                     "dml advisory set DSA-5678-1.json --key security.key"},
                    DeclareSet, Set);
  tree.Add<ListArgs>(
      noun,
      {"list", "The last revision of each advisory", "dml advisory list --package debian/curl"},
      DeclareList, List);
  tree.Add<ShowArgs>(noun, {"show", "An advisory's document", "dml advisory show DSA-5678-1"},
                     DeclareShow, Show);
  tree.Add<WithdrawArgs>(noun,
                         {"withdraw", "End an advisory, by a signed revision that says why",
                          "dml advisory withdraw DSA-5678-1 --reason \"another package\" --key "
                          "security.key"},
                         DeclareWithdraw, Withdraw);
}

}  // namespace dml
