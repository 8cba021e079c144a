// dml attest sign|verify: attestations about any bytes, offline.
#include <algorithm>
#include <set>

#include "client/file_io.h"
#include "core/os/file.h"
#include "core/trust/authority.h"
#include "core/trust/dsse.h"
#include "core/trust/schemed_signers.h"
#include "core/trust/statement.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"

namespace dml {
namespace {

constexpr char kSubjectHelp[] = "The bytes that it is about: a file, or sha256:HEX";
constexpr char kSubjectTypeName[] = "FILE|DIGEST";

// "sha256:HEX", or the digest of a file under its name.
absl::StatusOr<Subject> ReadSubject(const std::string& text) {
  constexpr std::string_view kDigestPrefix = "sha256:";
  if (text.starts_with(kDigestPrefix)) {
    DML_ASSIGN_OR_RETURN(Digest digest, Digest::Parse(text));
    return Subject{"", digest};
  }
  DML_ASSIGN_OR_RETURN(FileDescriptor file, OpenRegular(text));
  DML_ASSIGN_OR_RETURN(BlobRef blob, HashFile(file, text));
  return Subject{std::filesystem::path(text).filename(), blob.digest};
}

Json SubjectsJson(const std::vector<Subject>& subjects) {
  Json out = Json::array();
  for (const Subject& subject : subjects) {
    out.push_back({{"name", subject.name}, {"digest", subject.sha256.ToString()}});
  }
  return out;
}

struct SignArgs {
  std::string type;
  std::vector<std::string> subjects;
  std::string predicate;
  std::vector<std::string> keys;
  std::string passphrase_file;
  bool raw_signatures = false;
  std::string out;
};

void DeclareSign(CLI::App& app, SignArgs& args) {
  app.add_option("--type", args.type, "What is claimed: the predicate's type")
      ->required()
      ->type_name("URI");
  AddRepeated(app, "--subject", args.subjects, kSubjectHelp)
      ->required()
      ->type_name(kSubjectTypeName);
  app.add_option("--predicate", args.predicate, "The claim, a JSON object; default: {}")
      ->type_name("FILE");
  AddRepeated(app, "--key", args.keys, "A private key that signs it")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of encrypted keys")
      ->type_name("FILE");
  app.add_flag("--raw-signatures", args.raw_signatures,
               "ecdsa-p256 keys write r || s, as the trust root says of them");
  app.add_option("--out", args.out, "The file to write")->required()->type_name("FILE");
}

absl::StatusOr<Reply> Sign(Context&, const SignArgs& args) {
  Statement statement;
  statement.predicate_type = args.type;
  statement.predicate_json = "{}";
  if (!args.predicate.empty()) {
    DML_ASSIGN_OR_RETURN(statement.predicate_json, ReadFile(args.predicate, kMaxStatementBytes));
  }
  for (const std::string& text : args.subjects) {
    DML_ASSIGN_OR_RETURN(Subject subject, ReadSubject(text));
    statement.subjects.push_back(std::move(subject));
  }
  DML_ASSIGN_OR_RETURN(std::string payload, FormatStatement(statement));
  DML_ASSIGN_OR_RETURN(Signers signers, Signers::Read(args.keys, args.passphrase_file));
  const SchemedSigners schemed = SchemedSigners::AllRaw(signers.get(), args.raw_signatures);
  DML_ASSIGN_OR_RETURN(DsseEnvelope envelope,
                       SignEnvelope(kInTotoPayloadType, payload, schemed.get()));
  DML_RETURN_IF_ERROR(
      WriteFileAtomically(args.out, AsBytes(FormatEnvelope(envelope) + "\n"), 0644));
  Reply reply;
  Json keys = Json::array();
  for (const Signer* signer : signers.get()) keys.push_back(signer->public_key().id().ToString());
  reply.document = {{"file", args.out},
                    {"predicateType", args.type},
                    {"subjects", SubjectsJson(statement.subjects)},
                    {"keys", std::move(keys)}};
  reply.text.Line(fmt::format("{}: {} about {} subject(s), {} signature(s)", args.out, args.type,
                              statement.subjects.size(), envelope.signatures.size()));
  return reply;
}

struct VerifyArgs {
  std::string envelope;
  std::vector<std::string> keys;
  std::vector<std::string> raw_keys;
  std::vector<std::string> subjects;
  std::string type;
  uint32_t threshold = 1;
};

void DeclareVerify(CLI::App& app, VerifyArgs& args) {
  app.add_option("envelope", args.envelope, "A DSSE envelope over an in-toto statement")
      ->required()
      ->type_name("FILE");
  CLI::Option_group& keys = *app.add_option_group("Keys", "At least one of them");
  AddRepeated(keys, "--key", args.keys, "The public key of someone whom you trust for this")
      ->type_name(kKeyTypeName);
  AddRepeated(keys, "--raw-key", args.raw_keys,
              "The same, an ecdsa-p256 key whose signatures are r || s")
      ->type_name(kKeyTypeName);
  keys.require_option(1, 0);
  AddRepeated(app, "--subject", args.subjects, std::string(kSubjectHelp) + ", and must be")
      ->type_name(kSubjectTypeName);
  app.add_option("--type", args.type, "The type that the predicate must have")->type_name("URI");
  app.add_option("--threshold", args.threshold, "How many of the keys must have signed")
      ->check(WholeNumber("a number of keys", 1, kMaxEnvelopeSignatures))
      ->type_name("K");
}

absl::Status NotVerified(std::string_view why) {
  return PermissionDenied(ErrorReason("ATTESTATION_NOT_VERIFIED"), "{}", why);
}

// What the envelope claims, once its signatures and all that was asked for are good.
absl::StatusOr<Statement> CheckClaim(const VerifyArgs& args, const DsseEnvelope& envelope,
                                     const std::vector<TrustKey>& trusted,
                                     const std::vector<Subject>& wanted,
                                     std::set<Digest>& signers) {
  DML_ASSIGN_OR_RETURN(SignatureSet signatures,
                       SignatureSet::Create(std::span(&envelope, 1), kInTotoPayloadType));
  for (const TrustKey& key : trusted) {
    if (signatures.IsSignedBy(key)) signers.insert(key.key.id());
  }
  if (signers.empty()) {
    return PermissionDenied(ErrorReason("SIGNATURE_MISSING"),
                            "no trusted key has signed the envelope; sign it with a key that is "
                            "trusted for this");
  }
  if (signers.size() < args.threshold) {
    return NotVerified(
        fmt::format("{} of the keys signed it, and {} must", signers.size(), args.threshold));
  }
  DML_ASSIGN_OR_RETURN(Statement statement, ParseStatement(envelope.payload));
  if (!args.type.empty() && statement.predicate_type != args.type) {
    return NotVerified(fmt::format("it is a {}, not a {}", statement.predicate_type, args.type));
  }
  for (const Subject& subject : wanted) {
    const bool about = std::ranges::any_of(
        statement.subjects, [&](const Subject& item) { return item.sha256 == subject.sha256; });
    if (!about) {
      return NotVerified(
          fmt::format("it is not about {} {}", subject.sha256.ToString(), subject.name));
    }
  }
  return statement;
}

absl::StatusOr<Reply> Verify(Context&, const VerifyArgs& args) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(args.envelope, kMaxEnvelopeBytes));
  absl::StatusOr<DsseEnvelope> envelope = ParseEnvelope(text);
  if (!envelope.ok()) return Annotate(envelope.status(), args.envelope);
  std::vector<TrustKey> trusted;
  for (const bool raw : {false, true}) {
    for (const std::string& file : raw ? args.raw_keys : args.keys) {
      DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(file, ""));
      DML_ASSIGN_OR_RETURN(SignatureScheme scheme, SchemeArgument(key, raw, file));
      trusted.push_back({std::move(key), scheme, "", false});
    }
  }
  std::vector<Subject> wanted;
  for (const std::string& subject : args.subjects) {
    DML_ASSIGN_OR_RETURN(Subject read, ReadSubject(subject));
    wanted.push_back(std::move(read));
  }
  std::set<Digest> signers;
  absl::StatusOr<Statement> statement = CheckClaim(args, *envelope, trusted, wanted, signers);
  Reply reply;
  if (!statement.ok()) {
    reply.code = ExitCode::kNegative;
    reply.document = {{"verified", false},
                      {"reason", Reason(statement.status())},
                      {"message", std::string(Message(statement.status()))}};
    reply.text.Line({fmt::format("REFUSED: {}", Message(statement.status())), Style::kBad});
    return reply;
  }
  Json keys = Json::array();
  for (const Digest& id : signers) keys.push_back(id.ToString());
  reply.document = {{"verified", true},
                    {"predicateType", statement->predicate_type},
                    {"subjects", SubjectsJson(statement->subjects)},
                    {"predicate", Json::parse(statement->predicate_json, nullptr, false)},
                    {"keys", std::move(keys)}};
  reply.text.Line({fmt::format("VERIFIED {}", statement->predicate_type), Style::kGood});
  for (const Subject& subject : statement->subjects) {
    reply.text.Line(fmt::format("  about {} {}", subject.sha256.ToString(), subject.name));
  }
  for (const Digest& id : signers) reply.text.Line("  signed by " + id.ToString());
  return reply;
}

}  // namespace

void AddAttestCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("attest", "Signed claims about bytes; offline");
  tree.Add<SignArgs>(noun,
                     {"sign", "Sign a claim, as an in-toto statement in a DSSE envelope",
                      "dml attest sign --type https://slsa.dev/provenance/v1 --subject build/api "
                      "--predicate provenance.json --key me.key --out api.dsse.json"},
                     DeclareSign, Sign);
  tree.Add<VerifyArgs>(noun,
                       {"verify", "Is a claim about these bytes signed by whom you trust",
                        "dml attest verify api.dsse.json --key me.key.pub --subject build/api"},
                       DeclareVerify, Verify);
}

}  // namespace dml
