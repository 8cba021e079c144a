// dml license data set|list: what a library judges licenses by, as documents that are signed.
#include <algorithm>

#include "client/licenses.h"
#include "core/crypto/sha256.h"
#include "core/evidence/claims.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/license_offline.h"
#include "tools/dml/records.h"
#include "tools/dml/signing.h"

namespace dml {
namespace {

constexpr char kKindHelp[] = "What the document is";

struct SetArgs {
  std::string file;
  std::string kind;
  std::string version;
  std::string revision;
  std::vector<std::string> keys;
  std::string passphrase_file;
  std::string envelope;
  bool dry_run = false;
};

void DeclareSet(CLI::App& app, SetArgs& args) {
  app.add_option("file", args.file, "The document")->required()->type_name("FILE");
  app.add_option("--kind", args.kind, kKindHelp)
      ->check(OneOf({"list", "matrix", "properties", "texts"}));
  app.add_option("--version", args.version,
                 "How verdicts name it; default for a list: the version that it names");
  app.add_option("--revision", args.revision, "Default: one more than that of the one in force")
      ->check(WholeNumber("a revision", 1, uint64_t{1} << 53));
  CLI::Option_group& proof = *app.add_option_group("Proof", "One of them");
  AddRepeated(proof, "--key", args.keys, "A private key of the role license-data, to sign it with")
      ->type_name(kKeyTypeName);
  proof.add_option("--envelope", args.envelope, "The claim about it, signed elsewhere")
      ->type_name("FILE");
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--dry-run", args.dry_run, "Tell what would change, and change nothing");
}

absl::Status CheckSet(const SetArgs& args) {
  if (args.keys.empty() == args.envelope.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "give --key, or --envelope with a claim that was signed elsewhere");
  }
  if (args.envelope.empty() && args.kind.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--kind is needed: list, matrix, properties or texts");
  }
  if (!args.envelope.empty() &&
      !(args.kind.empty() && args.version.empty() && args.revision.empty())) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "kind, version and revision are what the envelope says");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> NextRevision(LicenseClient& client, LicenseDataKind kind) {
  uint64_t last = 0;
  ListOptions options;
  do {
    DML_ASSIGN_OR_RETURN(auto page, client.ListData(kind, options));
    for (const LicenseDataDocument& item : page.items) {
      last = std::max(last, item.record.set.revision);
    }
    options.page_token = page.next_page_token;
  } while (!options.page_token.empty());
  return last + 1;
}

absl::StatusOr<LicenseDataClaim> MakeClaim(LicenseClient& client, const SetArgs& args,
                                           const std::string& content) {
  LicenseDataClaim claim;
  claim.kind = ParseLicenseDataKind(args.kind).value_or(LicenseDataKind::kList);
  claim.version = args.version;
  if (claim.version.empty()) {
    if (claim.kind != LicenseDataKind::kList) {
      return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                             "--version is needed: how verdicts shall name this {}", args.kind);
    }
    DML_ASSIGN_OR_RETURN(const LicenseList list, LicenseList::Parse(content));
    claim.version = list.version();
  }
  if (!args.revision.empty()) {
    claim.revision = std::stoull(args.revision);
    return claim;
  }
  DML_ASSIGN_OR_RETURN(claim.revision, NextRevision(client, claim.kind));
  return claim;
}

absl::StatusOr<std::string> SignClaim(Context& context, const SetArgs& args,
                                      const LicenseDataClaim& claim, const std::string& content) {
  DML_ASSIGN_OR_RETURN(const std::string statement,
                       FormatClaim(kLicenseDataPredicate, {claim.version, Sha256(content)},
                                   FormatLicenseDataClaim(claim)));
  return SignFor(context, kInTotoPayloadType, statement, args.keys, args.passphrase_file);
}

Json ToJson(const LicenseDataRecord& record) {
  return {{"kind", LicenseDataKindName(record.set.kind)},
          {"revision", record.set.revision},
          {"version", record.set.version},
          {"content", record.set.content.digest.ToString()},
          {"size", record.set.content.size},
          {"envelope", record.set.envelope.digest.ToString()},
          {"index", record.index},
          {"time", FormatTime(record.time)},
          {"author", record.author}};
}

absl::StatusOr<Reply> Set(Context& context, const SetArgs& args) {
  DML_RETURN_IF_ERROR(CheckSet(args));
  DML_ASSIGN_OR_RETURN(const std::string content, ReadFile(args.file, kMaxLicenseDataBytes));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  LicenseClient licenses(*client);
  std::string envelope;
  if (!args.envelope.empty()) {
    DML_ASSIGN_OR_RETURN(envelope, ReadFile(args.envelope, kMaxEnvelopeBytes));
  } else {
    DML_ASSIGN_OR_RETURN(const LicenseDataClaim claim, MakeClaim(licenses, args, content));
    DML_ASSIGN_OR_RETURN(envelope, SignClaim(context, args, claim, content));
  }
  MutationOptions options;
  options.validate_only = args.dry_run;
  DML_ASSIGN_OR_RETURN(const auto done, licenses.SetData(envelope, content, options));
  const LicenseDataSet& set = done.value.record.set;
  const std::string what =
      fmt::format("license {} {}, revision {}: {} change(s)", LicenseDataKindName(set.kind),
                  set.version, set.revision, done.value.changes.size());
  Reply reply;
  if (args.dry_run) {
    reply.document["licenseData"] = ToJson(done.value.record);
    reply.text.Line("would set " + what);
  } else {
    reply = CommittedReply("licenseData", ToJson(done.value.record), done.commit, "set " + what);
  }
  reply.document["changes"] = done.value.changes;
  for (const std::string& line : done.value.changes) reply.text.Line("  " + line);
  return reply;
}

struct ListArgs {
  std::string kind;
};

void DeclareList(CLI::App& app, ListArgs& args) {
  app.add_option("--kind", args.kind, kKindHelp)
      ->check(OneOf({"list", "matrix", "properties", "texts"}));
}

absl::StatusOr<Reply> List(Context& context, const ListArgs& args) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  LicenseClient licenses(*client);
  DML_ASSIGN_OR_RETURN(
      auto page, FetchPages<LicenseDataDocument>(context, "", [&](const ListOptions& options) {
        return licenses.ListData(ParseLicenseDataKind(args.kind), options);
      }));
  return ListReply(
      page, {"KIND", "REVISION", "VERSION", "SET", "CONTENT"},
      [](const LicenseDataDocument& item) { return ToJson(item.record); },
      [](const LicenseDataDocument& item) {
        const LicenseDataSet& set = item.record.set;
        return std::vector<Cell>{std::string(LicenseDataKindName(set.kind)),
                                 std::to_string(set.revision), set.version,
                                 FormatTime(item.record.time), set.content.digest.ToString()};
      });
}

}  // namespace

void AddLicenseDataCommands(CommandTree& tree, CLI::App& license) {
  CLI::App& noun = tree.AddNoun(license, "data", "What licenses are judged by");
  tree.Add<SetArgs>(noun,
                    {"set", "Load a license list, compatibility matrix, properties or texts",
                     "dml license data set matrixseqexpl.json --kind matrix --version OSADL "
                     "--key licenses.key --dry-run"},
                    DeclareSet, Set);
  tree.Add<ListArgs>(noun, {"list", "What was loaded, and when", "dml license data list"},
                     DeclareList, List);
}

}  // namespace dml
