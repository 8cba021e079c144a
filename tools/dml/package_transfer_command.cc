// dml package publish|get|verify: the commands that move or read whole files.
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct PublishArgs {
  std::string spec;
  std::vector<std::string> files;
  std::vector<std::string> keys;
  std::string passphrase_file;
  std::vector<std::string> envelopes;
};

void DeclarePublish(CLI::App& app, PublishArgs& args) {
  app.add_option("--spec", args.spec, "The package spec, a JSON document")
      ->required()
      ->type_name("FILE");
  AddRepeated(app, "--file", args.files, "A file of the package, and its name there")
      ->type_name("PATH[=NAME]");
  CLI::Option_group& signed_by = *app.add_option_group("Signed by", "At least one of them");
  AddRepeated(signed_by, "--key", args.keys, "A publisher's private key that signs the publication")
      ->type_name(kKeyTypeName);
  AddRepeated(signed_by, "--envelope", args.envelopes,
              "A DSSE envelope: the publication as others have signed it (dml package sign "
              "--statement), or a further attestation")
      ->type_name("FILE");
  signed_by.require_option(1, 0);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Publish(Context& context, const PublishArgs& args) {
  PublishInput input;
  DML_ASSIGN_OR_RETURN(input.spec_json, ReadFile(args.spec, kMaxPackageSpecBytes));
  DML_RETURN_IF_ERROR(Annotate(ParsePackageSpec(input.spec_json).status(), args.spec));
  for (const std::string& text : args.files) {
    DML_ASSIGN_OR_RETURN(LocalFile file, ParseFileArgument(text));
    input.files.push_back(std::move(file));
  }
  DML_ASSIGN_OR_RETURN(Signers signers, Signers::Read(args.keys, args.passphrase_file));
  input.keys = signers.get();
  DML_ASSIGN_OR_RETURN(input.extra_envelopes, ReadEnvelopes(args.envelopes));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, PublishPackage(*client, input, context.Progress("upload")));
  const std::string name = done.value.name.ResourceName();
  Reply reply;
  reply.document = {{"variant", ToJson(done.value)},
                    {"alreadyPublished", done.done_before},
                    {"commit", ToJson(done.commit)}};
  reply.text.Line(fmt::format("{} {}: entry {} of {}",
                              done.done_before ? "already published" : "published", name,
                              done.commit.index, done.commit.checkpoint.origin));
  if (done.done_before) {
    reply.notes.push_back("nothing was added to it; a further signature: dml package sign " + name +
                          " --key FILE");
  }
  if (done.value.state == VariantState::kQuarantined) {
    reply.text.Line(
        {"it is in QUARANTINE, where operators alone can read it: " + done.value.admission_reason,
         Style::kWarning});
  }
  if (done.value.payload_collected) {
    reply.notes.push_back(
        "its payload was collected and stays gone: publish the files as a new version where they "
        "are needed again");
  }
  return reply;
}

// A withdrawn variant stays intact and signed, but nobody should take it unawares.
void NoteWithdrawal(const VariantRecord& record, Reply& reply) {
  if (record.state == VariantState::kQuarantined || record.state == VariantState::kRejected) {
    reply.notes.push_back(fmt::format("{} is {}: {}", record.name.ResourceName(),
                                      VariantStateName(record.state), record.admission_reason));
  }
  if (record.state != VariantState::kWithdrawn) return;
  reply.notes.push_back(fmt::format("{} was WITHDRAWN at entry {}: {}", record.name.ResourceName(),
                                    record.withdrawn_index, record.withdraw_reason));
}

struct GetArgs {
  std::string variant;
  std::string out;
  bool overwrite = false;
  bool withdrawn = false;
  std::vector<std::string> local;
  int channels = 1;
};

void DeclareGet(CLI::App& app, GetArgs& args) {
  app.add_option("variant", args.variant, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]")->required();
  app.add_option("--out", args.out, "The folder for the files; made where it is missing")
      ->required()
      ->type_name("DIR");
  app.add_flag("--overwrite", args.overwrite, "Replace files of the same name");
  app.add_flag("--withdrawn", args.withdrawn, "Also where the variant was withdrawn");
  AddRepeated(app, "--local", args.local,
              "Content that is here, such as an earlier version: only what it lacks is fetched")
      ->type_name("PATH")
      ->check(CLI::ExistingPath);
  app.add_option("--channels", args.channels, "Connections for each large file")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxDownloadChannels));
}

absl::StatusOr<Reply> Get(Context& context, const GetArgs& args) {
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DownloadOptions options{
      .overwrite = args.overwrite, .allow_withdrawn = args.withdrawn, .channels = args.channels};
  options.local.assign(args.local.begin(), args.local.end());
  DML_ASSIGN_OR_RETURN(DownloadResult result, DownloadVariant(*client, name, args.out, options,
                                                              context.Progress("download")));
  Reply reply;
  Json files = Json::array();
  for (const std::filesystem::path& file : result.files) {
    files.push_back(file.string());
    reply.text.Line(file.string());
  }
  reply.document = {{"variant", ToJson(result.details.record)},
                    {"files", std::move(files)},
                    {"fetchedBytes", result.fetched_bytes}};
  reply.notes.push_back(fmt::format("{}: {} file(s), {}, verified; {} came over the network",
                                    name.ResourceName(), result.files.size(),
                                    FormatBytes(result.details.record.payload_size),
                                    FormatBytes(result.fetched_bytes)));
  NoteWithdrawal(result.details.record, reply);
  return reply;
}

struct VerifyArgs {
  std::string variant;
  std::string dir;
  bool content = false;
};

void DeclareVerify(CLI::App& app, VerifyArgs& args) {
  app.add_option("variant", args.variant, "NAMESPACE/PACKAGE@VERSION[:PLATFORM]")->required();
  app.add_option("--dir", args.dir, "A folder that must hold exactly its files")->type_name("DIR");
  app.add_flag("--content", args.content,
               "Read all its files from the library and check them; nothing is written");
}

absl::StatusOr<Reply> Verify(Context& context, const VerifyArgs& args) {
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(
      VerificationReport report,
      VerifyVariant(*client, name, {args.dir, args.content, context.Progress("verify")}));
  Reply reply = VerificationReply(name.ResourceName(), report, "give --dir, or --content");
  absl::StatusOr<VariantDetails> details = client->GetVariant(name);
  if (details.ok()) NoteWithdrawal(details->record, reply);
  return reply;
}

}  // namespace

void AddPackageTransferCommands(CommandTree& tree, CLI::App& package) {
  tree.Add<PublishArgs>(
      package,
      {"publish", "Upload files and publish them as a package variant",
       "dml package publish --spec api.json --file build/api=bin/api --key me.key"},
      DeclarePublish, Publish);
  tree.Add<GetArgs>(package,
                    {"get", "Download and verify a variant's files",
                     "dml package get acme/api@2.4.1:linux-amd64 --out ./api --local ./api-2.4.0"},
                    DeclareGet, Get);
  tree.Add<VerifyArgs>(package,
                       {"verify", "Is a variant signed and in the log, and its files intact",
                        "dml package verify acme/api@2.4.1 --dir ./api"},
                       DeclareVerify, Verify);
}

}  // namespace dml
