// dml key generate|register|list|signatures|revoke|show.
#include <fcntl.h>
#include <unistd.h>

#include <fmt/ranges.h>

#include "client/connection.h"
#include "core/crypto/pkcs11.h"
#include "core/crypto/sha256.h"
#include "core/os/file.h"
#include "tools/dml/arguments.h"
#include "tools/dml/command.h"
#include "tools/dml/key_consequences.h"
#include "tools/dml/records.h"
#include "tools/dml/root_document.h"

namespace dml {
namespace {

struct GenerateArgs {
  std::string algorithm = "ed25519";
  std::string out;
  std::string pkcs11;
  std::string passphrase_file;
};

void DeclareGenerate(CLI::App& app, GenerateArgs& args) {
  app.add_option("--algorithm", args.algorithm, "ed25519 or ecdsa-p256")
      ->check(OneOf({"ed25519", "ecdsa-p256"}))
      ->type_name("NAME");
  CLI::Option_group& place = *app.add_option_group("Place", "Exactly one of them");
  place.add_option("--out", args.out, "For the private key; the public one goes to FILE.pub")
      ->type_name("FILE");
  place
      .add_option("--pkcs11", args.pkcs11,
                  "A token that makes the key and keeps it; object=NAME is what it is called there")
      ->type_name("PKCS11-URI");
  place.require_option(1);
  app.add_option("--passphrase-file", args.passphrase_file,
                 "Encrypt it with this file's first line")
      ->type_name("FILE");
}

// Creates a file that was not there, of any kind, and fills it at once or not at all.
absl::Status WriteNewFile(const std::string& path, std::string_view text, mode_t mode) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) {
    return AlreadyExists(ErrorReason("FILE_EXISTS"),
                         "{} exists and is not overwritten; choose another name", path);
  }
  // Whatever else is wrong is found and told by WriteFileAtomically.
  if (fd >= 0) ::close(fd);
  absl::Status status = WriteFileAtomically(path, AsBytes(text), mode);
  if (!status.ok() && fd >= 0) ::unlink(path.c_str());
  return status;
}

Reply DescribeKey(const PublicKey& key) {
  Reply reply;
  std::string algorithm(KeyAlgorithmName(key.algorithm()));
  reply.document = {
      {"id", key.id().ToString()}, {"algorithm", algorithm}, {"publicKey", key.ToPem()}};
  reply.text.Fields({{"id", key.id().ToString()}, {"algorithm", algorithm}});
  return reply;
}

absl::StatusOr<Reply> GenerateOnToken(const GenerateArgs& args, KeyAlgorithm algorithm) {
  if (!args.passphrase_file.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--passphrase-file encrypts a file; a token protects its keys itself");
  }
  DML_ASSIGN_OR_RETURN(Pkcs11Uri uri, ParsePkcs11Uri(args.pkcs11, PinValue::kRefused));
  DML_ASSIGN_OR_RETURN(PublicKey key, Pkcs11Modules().GenerateKey(uri, algorithm));
  Reply reply = DescribeKey(key);
  reply.text.Block(key.ToPem());
  return reply;
}

absl::StatusOr<Reply> Generate(Context&, const GenerateArgs& args) {
  DML_ASSIGN_OR_RETURN(KeyAlgorithm algorithm, ParseKeyAlgorithm(args.algorithm));
  if (!args.pkcs11.empty()) return GenerateOnToken(args, algorithm);
  std::optional<std::string> passphrase;
  if (!args.passphrase_file.empty()) {
    DML_ASSIGN_OR_RETURN(passphrase, ReadPassphrase(args.passphrase_file));
  }
  PrivateKey key = PrivateKey::Generate(algorithm);
  DML_ASSIGN_OR_RETURN(
      std::string pem,
      key.ToPkcs8Pem(passphrase.has_value() ? std::optional<std::string_view>(*passphrase)
                                            : std::nullopt));
  std::string public_file = args.out + ".pub";
  DML_RETURN_IF_ERROR(WriteNewFile(public_file, key.public_key().ToPem(), 0644));
  absl::Status written = WriteNewFile(args.out, pem, 0600);
  if (!written.ok()) {
    ::unlink(public_file.c_str());
    return written;
  }
  Reply reply = DescribeKey(key.public_key());
  reply.document["privateKeyFile"] = args.out;
  reply.document["publicKeyFile"] = public_file;
  reply.text.Fields({{"private key", args.out}, {"public key", public_file}});
  return reply;
}

struct ShowArgs {
  std::string file;
  std::string passphrase_file;
};

void DeclareShow(CLI::App& app, ShowArgs& args) {
  app.add_option("file", args.file, "A private or public key, PEM; or a key on a token")
      ->required()
      ->type_name(kKeyTypeName);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
}

absl::StatusOr<Reply> Show(Context&, const ShowArgs& args) {
  DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(args.file, args.passphrase_file));
  Reply reply = DescribeKey(key);
  reply.text.Block(key.ToPem());
  return reply;
}

struct RegisterArgs {
  std::string public_key;
  std::string key;
  std::string passphrase_file;
  std::string holder;
  bool machine = false;
  bool raw_signatures = false;
  std::vector<std::string> roles;
  std::vector<std::string> namespaces;
  std::vector<std::string> root_keys;
  std::string root_passphrase_file;
  std::string out;
};

// What is registered by package, or for all: releases, approvals and policies.
constexpr std::string_view kRegisteredRoles[] = {"publisher", "tester",       "entitlement",
                                                 "advisory",  "license-data", "release",
                                                 "approver",  "policy"};

void DeclareRegister(CLI::App& app, RegisterArgs& args) {
  CLI::Option_group& source = *app.add_option_group("Key", "Exactly one of them");
  source.add_option("--public-key", args.public_key, "The public key")->type_name("FILE");
  source.add_option("--key", args.key, "The private key; only its public half is sent")
      ->type_name(kKeyTypeName);
  source.require_option(1);
  app.add_option("--passphrase-file", args.passphrase_file, "The passphrase of an encrypted key")
      ->type_name("FILE");
  app.add_option("--owner,--holder", args.holder, "The person or machine that holds it")
      ->required();
  app.add_flag("--machine", args.machine, "The holder is a machine, not a person");
  app.add_flag("--raw-signatures", args.raw_signatures,
               "An ecdsa-p256 key whose signatures are r || s, as hardware tokens write them");
  AddRepeated(app, "--role", args.roles, "What it may sign for")
      ->required()
      ->check(OneOf({std::begin(kRegisteredRoles), std::end(kRegisteredRoles)}));
  AddRepeated(app, "--namespace", args.namespaces, "Whose packages it may sign; '*' for all")
      ->required();
  AddRepeated(app, "--root-key", args.root_keys,
              "A key of the root role, to sign the next root with; default: the profile's")
      ->type_name(kKeyTypeName);
  app.add_option("--root-passphrase-file", args.root_passphrase_file,
                 "The passphrase of encrypted root keys")
      ->type_name("FILE");
  app.add_option("--out", args.out,
                 "Do not set the next root: write it here, for others to sign too")
      ->type_name("FILE");
}

absl::StatusOr<KeyRegistration> ReadRegistration(const RegisterArgs& args) {
  for (const std::string& ns : args.namespaces) {
    if (ns != "*") DML_RETURN_IF_ERROR(ValidateNamespace(ns));
  }
  DML_RETURN_IF_ERROR(AtField(ValidateNamespace(args.holder), "owner"));
  const std::string& file = args.public_key.empty() ? args.key : args.public_key;
  DML_ASSIGN_OR_RETURN(PublicKey key, ReadPublicHalf(file, args.passphrase_file));
  DML_ASSIGN_OR_RETURN(SignatureScheme scheme, SchemeArgument(key, args.raw_signatures, file));
  return KeyRegistration{
      {std::move(key), scheme, args.holder, !args.machine}, args.roles, args.namespaces};
}

absl::StatusOr<Reply> WriteNextRoot(Client& client, const KeyRegistration& registration,
                                    const std::string& path) {
  DML_ASSIGN_OR_RETURN(TrustRoot next, client.DraftRegistration(registration));
  DML_RETURN_IF_ERROR(WriteDraft(path, next));
  Reply reply;
  reply.document = {{"file", path}, {"version", next.version}};
  reply.text.Line(fmt::format("{}: a draft of root {}", path, next.version));
  reply.notes.push_back(
      fmt::format("its holders and those of root {} sign it: dml root sign {} --previous FILE "
                  "--key FILE; then: dml root set {}",
                  next.version - 1, path, path));
  return reply;
}

absl::StatusOr<Reply> Register(Context& context, const RegisterArgs& args) {
  DML_ASSIGN_OR_RETURN(KeyRegistration registration, ReadRegistration(args));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  if (!args.out.empty()) return WriteNextRoot(*client, registration, args.out);
  std::vector<std::string> files = args.root_keys;
  const std::filesystem::path& own = client->connection().options().root_key_file;
  if (files.empty() && !own.empty()) files.push_back(own.string());
  if (files.empty()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "who may publish is said by the trust root: name a key of its root role "
                           "with --root-key, or write the next root for its holders with --out");
  }
  DML_ASSIGN_OR_RETURN(Signers signers, Signers::Read(files, args.root_passphrase_file));
  DML_ASSIGN_OR_RETURN(auto done, client->RegisterKey(registration, signers.get()));
  return CommittedReply("key", ToJson(done.value), done.commit,
                        "registered key " + KeyId(done.value));
}

std::string GrantWords(const KeyRecord& record) {
  std::vector<std::string> words;
  for (const KeyGrant& grant : record.grants) {
    words.push_back(grant.subjects.empty()
                        ? grant.role
                        : fmt::format("{} {}", grant.role, fmt::join(grant.subjects, " ")));
  }
  return JoinWords(words);
}

absl::StatusOr<Reply> List(Context& context) {
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<KeyRecord>(context, "", [&](const ListOptions& options) {
                         return client->ListKeys(options);
                       }));
  return ListReply(
      page, {"KEY", "HOLDER", "MAY VOUCH AS", "STATE"},
      [](const KeyRecord& item) { return ToJson(item); },
      [](const KeyRecord& item) {
        Cell state = item.revoked          ? Cell("revoked: " + item.revoke_reason, Style::kWarning)
                     : item.grants.empty() ? Cell("retired", Style::kFaint)
                                           : Cell("valid", Style::kGood);
        return std::vector<Cell>{KeyId(item), item.holder, GrantWords(item), state};
      });
}

struct SignaturesArgs {
  std::string id;
};

void DeclareSignatures(CLI::App& app, SignaturesArgs& args) {
  app.add_option("id", args.id, "sha256:HEX, as dml key list prints it")->required();
}

absl::StatusOr<Reply> Signatures(Context& context, const SignaturesArgs& args) {
  DML_ASSIGN_OR_RETURN(Digest id, Digest::Parse(args.id));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto page,
                       FetchPages<KeySignature>(context, "", [&](const ListOptions& options) {
                         return client->ListSignatures(id, options);
                       }));
  return ListReply(
      page, {"ENTRY", "VARIANT", "ENVELOPE"},
      [](const KeySignature& item) {
        return Json{{"index", item.index},
                    {"variant", item.variant.ResourceName()},
                    {"envelope", item.envelope.ToString()}};
      },
      [](const KeySignature& item) {
        return std::vector<Cell>{std::to_string(item.index), item.variant.ResourceName(),
                                 item.envelope.ToString()};
      });
}

struct RevokeArgs {
  std::string id;
  std::string reason;
};

void DeclareRevoke(CLI::App& app, RevokeArgs& args) {
  app.add_option("id", args.id, "sha256:HEX, as dml key list prints it")->required();
  app.add_option("--reason", args.reason, "Why, for everyone who asks later")->required();
}

// What is left of the roles that the key had. Without a pinned root that is not known.
void TellConsequences(Client& client, const Digest& id, Reply& reply) {
  const absl::StatusOr<Trust> trust = client.GetTrust(/*expired_too=*/true);
  if (!trust.ok()) {  // It is revoked all the same.
    reply.notes.push_back(
        fmt::format("what is left of its roles is not known: {}", Message(trust.status())));
    return;
  }
  std::set<Digest> revoked;
  for (const KeyRecord& key : trust->revoked) revoked.insert(Sha256(key.spki));
  Json roles = Json::array();
  for (const RoleLeft& left : LeftWithout(trust->root.root, id, revoked)) {
    roles.push_back(ToJson(left));
    const bool grave = left.role == SigningRole::kRoot || !left.can_be_met();
    reply.text.Line({RoleWords(left, trust->root.root), grave ? Style::kWarning : Style::kPlain});
  }
  reply.document["rolesLeft"] = std::move(roles);
}

absl::StatusOr<Reply> Revoke(Context& context, const RevokeArgs& args) {
  DML_RETURN_IF_ERROR(CheckReasonArgument(args.reason));
  DML_ASSIGN_OR_RETURN(Digest id, Digest::Parse(args.id));
  DML_ASSIGN_OR_RETURN(Client * client, context.client());
  DML_ASSIGN_OR_RETURN(auto done, client->RevokeKey(id, args.reason));
  Reply reply =
      CommittedReply("key", ToJson(done.value), done.commit, "revoked key " + KeyId(done.value));
  TellConsequences(*client, id, reply);
  reply.notes.push_back(fmt::format(
      "what it signed, and when: dml key signatures {}; take it out of the trust root, too: dml "
      "root remove-key",
      args.id));
  return reply;
}

}  // namespace

void AddKeyCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("key", "Signing keys");
  tree.Add<GenerateArgs>(
      noun,
      {"generate", "Make a key pair, offline", "dml key generate --algorithm ed25519 --out me.key"},
      DeclareGenerate, Generate);
  tree.Add<RegisterArgs>(noun,
                         {"register", "Let a key sign for packages",
                          "dml key register --public-key me.key.pub --owner pat --role publisher "
                          "--namespace acme"},
                         DeclareRegister, Register);
  tree.Add(noun, {"list", "List keys that the trust root names", "dml key list --all"}, List);
  tree.Add<SignaturesArgs>(noun,
                           {"signatures", "What a key has signed, in the order of the journal",
                            "dml key signatures sha256:9f86d0... --all"},
                           DeclareSignatures, Signatures);
  tree.Add<RevokeArgs>(noun,
                       {"revoke", "Revoke a key, for ever",
                        "dml key revoke sha256:9f86d0... --reason 'laptop stolen'"},
                       DeclareRevoke, Revoke);
  tree.Add<ShowArgs>(
      noun, {"show", "The id of a key in a file or on a token, offline", "dml key show me.key.pub"},
      DeclareShow, Show);
}

}  // namespace dml
