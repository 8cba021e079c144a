// dml package statement|sign: publications that several persons sign, each where they are.
#include "client/publication_draft.h"
#include "core/os/file.h"
#include "core/trust/dsse.h"
#include "core/trust/schemed_signers.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/records.h"

namespace dml {
namespace {

struct ContentArgs {
  std::string spec;
  std::vector<std::string> files;
};

CLI::Option* DeclareContent(CLI::App& app, ContentArgs& args) {
  CLI::Option* spec = app.add_option("--spec", args.spec, "The package spec, a JSON document");
  spec->type_name("FILE");
  AddRepeated(app, "--file", args.files, "A file of the package, and its name there")
      ->needs(spec)
      ->type_name("PATH[=NAME]");
  return spec;
}

absl::StatusOr<PublicationDraft> Draft(const ContentArgs& args) {
  DML_ASSIGN_OR_RETURN(const std::string spec, ReadFile(args.spec, kMaxPackageSpecBytes));
  DML_RETURN_IF_ERROR(Annotate(ParsePackageSpec(spec).status(), args.spec));
  std::vector<LocalFile> files;
  for (const std::string& text : args.files) {
    DML_ASSIGN_OR_RETURN(files.emplace_back(), ParseFileArgument(text));
  }
  return DraftPublication(spec, files);
}

struct StatementArgs : ContentArgs {
  std::string out;
};

void DeclareStatement(CLI::App& app, StatementArgs& args) {
  DeclareContent(app, args)->required();
  app.add_option("--out", args.out, "The file to write")->required()->type_name("FILE");
}

Json DraftJson(const PublicationDraft& draft, const std::string& file) {
  return {{"file", file},
          {"variant", draft.variant.ResourceName()},
          {"manifest", draft.manifest.digest.ToString()}};
}

absl::StatusOr<Reply> MakeStatement(Context&, const StatementArgs& args) {
  DML_ASSIGN_OR_RETURN(const PublicationDraft draft, Draft(args));
  DML_RETURN_IF_ERROR(WriteFileAtomically(args.out, AsBytes(draft.statement), 0644));
  Reply reply;
  reply.document = DraftJson(draft, args.out);
  reply.text.Fields({{"statement", args.out},
                     {"variant", draft.variant.ResourceName()},
                     {"manifest", draft.manifest.digest.ToString()}});
  reply.notes.push_back(fmt::format(
      "each publisher signs it: dml package sign --statement {} --key FILE --out ENVELOPE; who "
      "publishes it gives all envelopes: dml package publish --envelope ENVELOPE",
      args.out));
  return reply;
}

struct SignArgs : ContentArgs {
  std::string variant;
  std::string statement;
  std::string out;
  std::vector<std::string> keys;
  std::string passphrase_file;
  bool raw_signatures = false;
};

void DeclareSign(CLI::App& app, SignArgs& args) {
  CLI::Option_group& what = *app.add_option_group("What", "Exactly one of them");
  what.add_option("variant", args.variant, "Of the library: NAMESPACE/PACKAGE@VERSION[:PLATFORM]");
  CLI::Option* statement =
      what.add_option("--statement", args.statement,
                      "Offline: what dml package statement has written, or an envelope over it "
                      "that others have signed")
          ->type_name("FILE");
  what.require_option(1);
  app.add_option("--out", args.out, "Where the envelope with all signatures goes")
      ->needs(statement)
      ->type_name("FILE");
  DeclareContent(app, args)->needs(statement)->description(
      "The package spec: sign only where spec and files are what is published");
  AddRepeated(app, "--key", args.keys, "A publisher's private key that signs the publication")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--raw-signatures", args.raw_signatures,
               "ecdsa-p256 keys write r || s, as the trust root says of them")
      ->needs(statement);
}

// A statement, or an envelope over one; nobody's signature is believed.
absl::StatusOr<DsseEnvelope> ReadStatement(const std::string& file) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxEnvelopeBytes));
  if (text.find("\"payloadType\"") == std::string::npos) {
    return DsseEnvelope{std::string(kInTotoPayloadType), std::move(text), {}};
  }
  absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
  if (!envelope.ok()) return Annotate(envelope.status(), file);
  if (envelope->payload_type == kInTotoPayloadType) return envelope;
  return InvalidArgument(ErrorReason("PAYLOAD_TYPE_UNEXPECTED"),
                         "{}: the envelope holds '{}', not an in-toto statement", file,
                         envelope->payload_type);
}

absl::Status CheckContent(const SignArgs& args, const PublicationDraft& published) {
  if (args.spec.empty()) return absl::OkStatus();
  DML_ASSIGN_OR_RETURN(const PublicationDraft own, Draft(args));
  if (own.variant == published.variant && own.manifest.digest == published.manifest.digest) {
    return absl::OkStatus();
  }
  return FailedPrecondition(
      ErrorReason("PUBLICATION_MISMATCH"),
      "nothing was signed: {} publishes {} as {}, and these files are {}, {}; ask who made it what "
      "differs",
      args.statement, published.manifest.digest.ToString(), published.variant.ResourceName(),
      own.variant.ResourceName(), own.manifest.digest.ToString());
}

absl::StatusOr<Reply> SignStatement(const SignArgs& args) {
  if (args.out.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--statement needs --out: where the envelope goes");
  }
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope, ReadStatement(args.statement));
  absl::StatusOr<PublicationDraft> draft = ReadPublicationDraft(envelope.payload);
  if (!draft.ok()) return Annotate(draft.status(), args.statement);
  DML_RETURN_IF_ERROR(CheckContent(args, *draft));
  DML_ASSIGN_OR_RETURN(const Signers signers, Signers::Read(args.keys, args.passphrase_file));
  const SchemedSigners schemed = SchemedSigners::AllRaw(signers.get(), args.raw_signatures);
  DML_ASSIGN_OR_RETURN(const DsseEnvelope own,
                       SignEnvelope(kInTotoPayloadType, envelope.payload, schemed.get()));
  for (const DsseSignature& signature : own.signatures) {
    std::erase_if(envelope.signatures,
                  [&](const DsseSignature& before) { return before.key_id == signature.key_id; });
    envelope.signatures.push_back(signature);
  }
  DML_RETURN_IF_ERROR(ParseEnvelope(FormatEnvelope(envelope)).status());
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(args.out, AsBytes(FormatEnvelope(envelope) + "\n"), 0644));
  Reply reply;
  reply.document = DraftJson(*draft, args.out);
  Json keys = Json::array();
  for (const DsseSignature& signature : envelope.signatures) {
    keys.push_back("sha256:" + signature.key_id);
  }
  reply.document["keys"] = std::move(keys);
  reply.text.Line(fmt::format("{}: {} is manifest {}, {} signature(s)", args.out,
                              draft->variant.ResourceName(), draft->manifest.digest.ToString(),
                              envelope.signatures.size()));
  if (args.spec.empty()) {
    reply.notes.push_back("the files were not looked at: --spec and --file compare them");
  }
  return reply;
}

absl::StatusOr<Reply> Sign(Context& context, const SignArgs& args) {
  if (!args.statement.empty()) return SignStatement(args);
  DML_RETURN_IF_ERROR(ParseVariantArgument(args.variant).status());
  DML_ASSIGN_OR_RETURN(Signers signers, Signers::Read(args.keys, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(VariantName name, ResolveVariant(context, args.variant));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, SignVariant(*client, name, signers.get()));
  Reply reply;
  reply.document = {{"variant", name.ResourceName()},
                    {"alreadySigned", done.done_before},
                    {"attestation", ToJson(done.value)},
                    {"commit", ToJson(done.commit)}};
  reply.text.Line(fmt::format("{} {}: entry {} of {}",
                              done.done_before ? "already signed" : "signed", name.ResourceName(),
                              done.commit.index, done.commit.checkpoint.origin));
  for (const Digest& id : done.value.ref.key_ids) reply.text.Line("  key " + id.ToString());
  return reply;
}

}  // namespace

void AddPackageSignCommands(CommandTree& tree, CLI::App& package) {
  tree.Add<StatementArgs>(
      package,
      {"statement", "Write what publishers sign to publish files, offline",
       "dml package statement --spec api.json --file build/api=bin/api --out api.statement.json"},
      DeclareStatement, MakeStatement);
  tree.Add<SignArgs>(
      package,
      {"sign",
       "Sign a publication: of a variant in the library, as a further publisher, or offline",
       "dml package sign --statement api.statement.json --key me.key --out api.me.dsse.json"},
      DeclareSign, Sign);
}

}  // namespace dml
